//! A part of the program that fails: it is said at once and at the next start, and there is something to send.

use std::io::Read as _;

use fx_executor::settings::{DataDir, DataDirError, Field};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use secrecy::ExposeSecret as _;

use crate::executor::until;
use crate::rig::{LONG, Rig};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_fails_is_told_and_leaves_something_to_send() {
    let rig = Rig::new().await;
    let mut doomed = rig
        .start(&["--headless"])
        .env("FX_EXECUTOR_FAILPOINT", "engine")
        .go();
    doomed
        .says("The engine failed (see the crash file)", LONG)
        .await;
    doomed.kill();

    let mut executor = rig.subscribed().await;
    executor
        .says("A part of the program failed at ", LONG)
        .await;
    executor.end_cleanly().await;
    let again = rig.subscribed().await;
    assert!(!again.printed().contains("A part of the program failed"));

    let zip = rig.data().join("help.zip");
    let path = zip.display().to_string();
    let arguments = ["support-bundle", "--without-doctor", "--out", &path];
    let mut program = rig.start(&arguments).go();
    let status = program.ends(LONG).await;
    assert_eq!(status.code(), Some(0), "{}", program.printed());
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&zip).unwrap()).unwrap();
    let mut all = String::new();
    for number in 0..zip.len() {
        let mut part = zip.by_index(number).unwrap();
        all.push_str(&part.name().unwrap());
        part.read_to_string(&mut all).unwrap();
    }
    for words in [
        "crash/crash-",
        "fails, as the environment asks for",
        "emergency stop off",
        "logs/fx-executor",
    ] {
        assert!(all.contains(words), "no {words}");
    }
    let secret = rig.world.api_secret.expose_secret();
    assert!(!all.contains(secret), "the secret is in it");
}

/// Where the settings ask for it, another process takes over. One that fails again at once is not replaced for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_fails_is_replaced_where_the_settings_ask_for_it() {
    let rig = Rig::new().await;
    rig.write_settings(|draft| draft.set(Field::RestartWhenHung, "true"));
    let mut doomed = rig
        .start(&["--headless"])
        .env("FX_EXECUTOR_FAILPOINT", "engine")
        .go();
    let status = doomed.ends(LONG).await;
    assert_eq!(status.code(), Some(1), "{}", doomed.printed());
    // The next one has the same environment, fails as well, and stays.
    let logs = rig.data().join("logs");
    let logged = || -> String {
        let files = std::fs::read_dir(&logs).unwrap();
        let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.collect()
    };
    let stays = || logged().contains("so it is not once more").then_some(());
    assert!(until(LONG, stays).await.is_some(), "{}", logged());
    assert_eq!(
        logged().matches("The engine failed").count(),
        2,
        "{}",
        logged()
    );
    let held = DataDir::open(Some(&rig.data())).unwrap().lock();
    let Err(DataDirError::InUse {
        owner: Some(successor),
        ..
    }) = held
    else {
        panic!("nobody runs: {held:?}");
    };
    assert_ne!(successor, doomed.pid());
    let successor = Pid::from_raw(successor.try_into().unwrap()).unwrap();
    kill_process(successor, Signal::KILL).unwrap();
    let gone = || test_kill_process(successor).is_err().then_some(());
    assert!(until(LONG, gone).await.is_some());

    let mut executor = rig.subscribed().await;
    executor.end_cleanly().await;
}
