//! A newer version: offered, fetched, proved, and installed while a strategy trades. What stands for Windows Installer is a
//! script; the real one is asked under Wine.

use std::path::{Path, PathBuf};
use std::process::Command;

use fx_executor::practice::SCALPER;
use fx_executor::settings::Field;

use super::executor::{Start, until};
use super::rig::{LONG, Rig, small_buy};

const INSTALLER: &str = "FX-Executor-9.0.0-x64.msi";

/// A folder with an offer, signed by the project's own tool.
struct Share {
    folder: PathBuf,
    key: String,
}

impl Share {
    fn new(rig: &Rig) -> Self {
        let folder = rig.prints().join("share");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(INSTALLER), "the installer").unwrap();
        std::fs::write(folder.join("changes.txt"), "Stops are set sooner.\n").unwrap();
        // Windows Installer's part: says what it was asked for.
        let script = "#!/bin/sh\necho \"$@\" > \"$(dirname \"$0\")/asked.part\"\nmv \"$(dirname \"$0\")/asked.part\" \"$(dirname \"$0\")/asked.txt\"\n";
        std::fs::write(folder.join("installer"), script).unwrap();
        run(Command::new("chmod")
            .arg("+x")
            .arg(folder.join("installer")));
        let key = folder.join("key.pem");
        run(Command::new("openssl")
            .args(["genpkey", "-algorithm", "ed25519", "-out"])
            .arg(&key));
        run(offer_tool(&key)
            .arg("--msi")
            .arg(folder.join(INSTALLER))
            .arg("--changes")
            .arg(folder.join("changes.txt"))
            .arg("--out")
            .arg(folder.join("offer.json")));
        let public = run(offer_tool(&key).arg("--public"));
        Self {
            folder,
            key: public.trim().to_owned(),
        }
    }

    fn set(&self, start: Start) -> Start {
        let installer = self.folder.join("installer");
        start
            .env("FX_EXECUTOR_UPDATE_KEY", &self.key)
            .env("FX_EXECUTOR_INSTALLER", installer.to_str().unwrap())
    }
}

fn offer_tool(key: &Path) -> Command {
    let mut tool = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("wix/offer"));
    tool.arg("--key").arg(key);
    tool
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

async fn update(rig: &Rig, share: &Share, arguments: &[&str]) -> (Option<i32>, String) {
    let all = [&["--headless", "update"], arguments].concat();
    let mut update = share.set(rig.start(&all)).go();
    let status = update.ends(LONG).await;
    (status.code(), update.printed())
}

fn owner(rig: &Rig) -> Option<String> {
    std::fs::read_to_string(rig.data().join("lock.pid")).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_ends_the_executor_in_order_and_trading_goes_on_after_it() {
    let rig = Rig::without_settings(1).await;
    let share = Share::new(&rig);
    let address = share.folder.join("offer.json");
    rig.write_settings(|draft| draft.set(Field::UpdateUrl, address.to_str().unwrap()));
    let mut executor = share.set(rig.start(&["--headless"])).go();
    rig.is_subscribed().await;
    let start = rig.world.activate(SCALPER).await.unwrap();
    rig.is_executed(&start, LONG).await;
    let open = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&open, LONG).await;
    let held = rig.ledger().open()[0];

    let (code, said) = update(&rig, &share, &[]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Version 9.0.0 is there"), "{said}");
    assert!(said.contains("- Stops are set sooner."), "{said}");
    assert!(!rig.data().join("updates").exists(), "nothing is fetched");
    // Nobody is there to say yes; and a yes to another version is none to this one.
    let (code, said) = update(&rig, &share, &["--install"]).await;
    assert_eq!(code, Some(5), "{said}");
    let (code, said) = update(&rig, &share, &["--install", "--yes", "--only", "8.0.0"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(!executor.has_ended());

    let before = owner(&rig);
    let (code, said) = update(&rig, &share, &["--install", "--yes", "--only", "9.0.0"]).await;
    assert_eq!(code, Some(0), "{said}");
    executor.ends(LONG).await;
    let printed = executor.printed();
    assert!(
        printed.contains("because an update is installed"),
        "{printed}"
    );
    let asked = share.folder.join("asked.txt");
    let asked = until(LONG, || std::fs::read_to_string(&asked).ok()).await;
    let installer = rig.data().join("updates").join(INSTALLER);
    assert_eq!(
        asked.unwrap().trim(),
        format!("/i {} /passive /norestart", installer.display())
    );

    // It runs again, with the strategy and the position of before.
    let again = until(LONG, || owner(&rig).filter(|_| owner(&rig) != before)).await;
    assert!(again.is_some(), "it was not started again");
    rig.is_subscribed().await;
    let status = rig.send("GET_STATUS", serde_json::json!({})).await;
    rig.is_executed(&status, LONG).await;
    let message = rig.message(&status);
    assert!(message.contains("1 strategy running"), "{message}");
    assert!(message.contains("trading on"), "{message}");
    assert!(rig.ledger().open().contains(&held));
    let mut end = rig.start(&["end"]).go();
    assert_eq!(end.ends(LONG).await.code(), Some(0), "{}", end.printed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_of_strangers_or_a_changed_installer_changes_nothing() {
    let rig = Rig::without_settings(1).await;
    let mut share = Share::new(&rig);
    let (code, said) = update(&rig, &share, &[]).await;
    assert_eq!(code, Some(1));
    assert!(said.contains("updates are off"), "{said}");
    let address = share.folder.join("offer.json");
    rig.write_settings(|draft| draft.set(Field::UpdateUrl, address.to_str().unwrap()));

    std::fs::write(share.folder.join(INSTALLER), "THE INSTALLER").unwrap();
    let (code, said) = update(&rig, &share, &["--install", "--yes"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("SHA-256 differs"), "{said}");
    std::fs::write(share.folder.join(INSTALLER), "the").unwrap();
    let (code, said) = update(&rig, &share, &["--install", "--yes"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("only 3 of 13 bytes"), "{said}");

    share.key = "00".repeat(32);
    let (code, said) = update(&rig, &share, &["--install", "--yes"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not signed by the makers"), "{said}");
    share.key = String::new();
    let (code, said) = update(&rig, &share, &[]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("knows no key"), "{said}");
    assert!(!share.folder.join("asked.txt").exists());
}
