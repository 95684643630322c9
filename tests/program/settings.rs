//! Settings edited while the program runs, and settings that nobody can read.

use std::fs;
use std::time::Duration;

use fx_executor::settings::{Draft, Field};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::rig::{LONG, Rig, is_final, small_buy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_limit_applies_without_a_restart_or_a_reconnection() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    let larger = || json!({"symbol": "EURUSD", "type": "BUY", "volume": 0.05});
    let id = rig.send("OPEN_POSITION", larger()).await;
    rig.is_executed(&id, LONG).await;
    rig.write_settings(|draft| draft.set(Field::MaxLots, "0.02"));
    executor.says("The settings file changed", LONG).await;
    let id = rig.send("OPEN_POSITION", larger()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    assert!(rig.message(&id).contains("limit"), "{}", rig.message(&id));
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    let text = executor.printed();
    assert_eq!(text.matches("Connected to Pusher").count(), 1, "{text}");
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_platform_and_key_apply_without_a_restart() {
    let rig = Rig::new().await;
    let other = Rig::with_seed(2).await;
    let mut executor = rig.subscribed().await;
    let world = &other.world;
    let move_over = |draft: &mut Draft| {
        draft.set(Field::PlatformUrl, &world.platform_url);
        draft.set(Field::ApiKey, world.api_key.expose_secret());
        draft.set_secret(world.api_secret.expose_secret());
        draft.set(Field::PusherPort, &world.pusher_port.to_string());
    };
    rig.write_settings(move_over);
    other.is_subscribed().await;
    let id = other.send("OPEN_POSITION", small_buy()).await;
    other.is_executed(&id, LONG).await;
    assert_eq!(rig.ledger().entries().len(), 1);
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_spoiled_while_running_is_told_kept_and_cured() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    let file = rig.settings_file();
    let good = fs::read(&file).unwrap();
    let broken = b"{\"platformUrl\": oops";
    fs::write(&file, broken).unwrap();
    executor.says("The settings file changed", LONG).await;
    assert_eq!(fs::read(&file).unwrap(), broken, "it is the user's");
    assert!(!executor.has_ended());
    fs::write(&file, &good).unwrap();
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, Duration::from_secs(75)).await;
    assert_eq!(rig.ledger().entries().len(), 1);
    executor.end_cleanly().await;
}

/// While it runs, the last good settings and their limits stay; after a start nothing is opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misspelt_limit_never_means_no_limit() {
    let rig = Rig::new().await;
    let file = rig.settings_file();
    let good = fs::read_to_string(&file).unwrap();
    let limited = |key: &str| good.replacen('{', &format!("{{\"{key}\": 0.001,"), 1);
    fs::write(&file, limited("maxLots")).unwrap();
    let mut executor = rig.subscribed().await;
    fs::write(&file, limited("MaxLots")).unwrap();
    executor.says("did you mean \"maxLots\"?", LONG).await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    assert_eq!(rig.ledger().entries().len(), 0);
    executor.end_cleanly().await;

    // A stop must arrive all the same.
    let mut executor = rig.subscribed().await;
    executor
        .says("no position is opened until that is mended", LONG)
        .await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    let id = rig.world.emergency_stop("a test").await.unwrap();
    rig.is_executed(&id, LONG).await;
    assert_eq!(rig.ledger().entries().len(), 0);
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headless_without_usable_settings_ends_with_its_own_code() {
    let rig = Rig::without_settings(1).await;
    let mut executor = rig.headless();
    let status = executor.ends(LONG).await;
    assert_eq!(status.code(), Some(4), "{}", executor.printed());
    assert!(executor.printed().contains("There are no settings yet"));

    let file = rig.settings_file();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for (text, told) in [
        (
            "{\"platformUrl\": \"http://127.0.0.1:1\",\n  oops}",
            "line 2",
        ),
        ("{\"apiKey\": \"exe_x\"}", "platformUrl: It is missing"),
    ] {
        fs::write(&file, text).unwrap();
        let mut executor = rig.headless();
        let status = executor.ends(LONG).await;
        let printed = executor.printed();
        assert_eq!(status.code(), Some(4), "{printed}");
        assert!(printed.contains(told), "{printed}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_terminal_is_used_at_once() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    rig.write_settings(|draft| draft.set(Field::Terminal, "metatrader"));
    executor
        .says("Terminal lost: another kind of terminal was chosen", LONG)
        .await;
    let waiting = rig.send("OPEN_POSITION", small_buy()).await;
    let status = rig.send("GET_STATUS", json!({})).await;
    rig.is_executed(&status, LONG).await;
    let row = rig.world.command_row(&waiting).unwrap();
    assert!(!is_final(&row.status), "no terminal has it");
    rig.write_settings(|draft| draft.set(Field::Terminal, "paper"));
    rig.is_executed(&waiting, LONG).await;
    assert_eq!(
        rig.ledger().entries().len(),
        2,
        "the account is the same one"
    );
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_in_the_file_takes_no_limit_away() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    rig.write_settings(|draft| draft.set(Field::MaxPositions, "1"));
    executor.says("The settings file changed", LONG).await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    let file = rig.settings_file();
    let text = fs::read_to_string(&file).unwrap();
    let spoiled = text.replace("\"maxPositions\": 1", "\"maxPositions\": \"abc\"");
    assert_ne!(spoiled, text);
    fs::write(&file, spoiled).unwrap();
    executor
        .says("The last good settings stay in use", LONG)
        .await;
    assert!(
        executor.printed().contains("maxPositions"),
        "{}",
        executor.printed()
    );
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    assert!(
        rig.message(&id).contains("local limit"),
        "{}",
        rig.message(&id)
    );
    let text = executor.printed();
    assert_eq!(text.matches("Connected to Pusher").count(), 1, "{text}");
    executor.end_cleanly().await;
}
