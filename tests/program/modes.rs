//! The modes as a person meets them: the check, the servers alone, Ctrl-C, two programs on one folder.

use std::time::{Duration, Instant};

use super::executor::Start;
use super::rig::{LONG, Rig, small_buy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_walks_the_whole_way_and_again_in_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = data.join("config").join("executor-config.json");
    for run in 0..2 {
        let arguments = ["--data-dir", data.to_str().unwrap(), "practice", "--check"];
        let mut check = Start::program(&arguments, folder.path()).go();
        let status = check.ends(Duration::from_secs(120)).await;
        let text = check.printed();
        assert_eq!(status.code(), Some(0), "{text}");
        assert!(!text.contains('✗'), "{text}");
        assert!(text.matches('✓').count() >= 15, "{text}");
        let settings = std::fs::read_to_string(&file).unwrap();
        if run == 0 {
            let limited = settings.replacen('{', "{\"maxLots\": 0.5,", 1);
            std::fs::write(&file, limited).unwrap();
        } else {
            assert!(
                settings.contains("\"maxLots\""),
                "the trader's limit is gone: {settings}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_alone_serve_an_executor_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut servers = Start::program(&["practice", "--serve-only"], folder.path()).go();
    servers.says("\"platformUrl\"", LONG).await;
    let text = servers.printed();
    let json = text.lines().find(|line| line.starts_with('{')).unwrap();
    let config = folder.path().join("given.json");
    std::fs::write(&config, json.replacen('{', "{\"terminal\":\"paper\",", 1)).unwrap();
    let data = folder.path().join("data");
    let mut executor = Start::program(
        &[
            "--headless",
            "--config",
            config.to_str().unwrap(),
            "--data-dir",
            data.to_str().unwrap(),
        ],
        folder.path(),
    )
    .go();
    executor
        .says(
            "Successfully subscribed to channel: private-executor-",
            LONG,
        )
        .await;
    executor.end_cleanly().await;
    servers.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_practice_world_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let mut practice = Start::program(&["--headless", "practice"], folder.path()).go();
    practice
        .says("Command received: START_STRATEGY", Duration::from_secs(60))
        .await;
    let pressed = Instant::now();
    practice.interrupt();
    let status = practice.ends(Duration::from_secs(10)).await;
    let took = pressed.elapsed();
    assert_eq!(status.code(), Some(0), "{}", practice.printed());
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    println!("Ctrl-C to end: {} ms", took.as_millis());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_program_on_a_folder_names_the_first() {
    let rig = Rig::new().await;
    let first = rig.subscribed().await;
    let mut second = rig.headless();
    let status = second.ends(Duration::from_secs(10)).await;
    let text = second.printed();
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(text.contains(&first.pid().to_string()), "{text}");
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    assert_eq!(rig.ledger().entries().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_without_a_window_to_show_names_the_first_and_leaves_nothing() {
    let rig = Rig::new().await;
    let mut first = rig.subscribed().await;
    let mut second = rig.start(&[]).go();
    let status = second.ends(Duration::from_secs(10)).await;
    let text = second.printed();
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(text.contains(&first.pid().to_string()), "{text}");
    assert!(!text.contains("to the front"), "{text}");
    assert!(!rig.data().join("show.request").exists());
    first.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn practice_leaves_a_folder_with_settings_of_its_own_alone() {
    let rig = Rig::new().await;
    let file = rig.settings_file();
    let before = std::fs::read(&file).unwrap();
    let mut running = rig.subscribed().await;
    let mut practice = rig.start(&["practice", "--check"]).go();
    let status = practice.ends(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(3), "{}", practice.printed());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    running.end_cleanly().await;
    let mut practice = rig.start(&["practice", "--check"]).go();
    let status = practice.ends(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(1), "{}", practice.printed());
    assert!(practice.printed().contains("not practice's"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn practice_without_a_window_says_which_setting_it_cannot_use() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = [
        "--headless",
        "--data-dir",
        data.to_str().unwrap(),
        "practice",
    ];
    let mut practice = Start::program(&arguments, folder.path()).go();
    practice
        .says("Successfully subscribed to channel: private", LONG)
        .await;
    practice.end_cleanly().await;
    let file = data.join("config").join("executor-config.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen('{', "{\"maxPositions\": \"abc\",", 1)).unwrap();
    let mut practice = Start::program(&arguments, folder.path()).go();
    let status = practice.ends(LONG).await;
    assert_eq!(status.code(), Some(4), "{}", practice.printed());
    assert!(
        practice.printed().contains("maxPositions"),
        "{}",
        practice.printed()
    );
}
