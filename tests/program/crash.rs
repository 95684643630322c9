//! A part of the program that fails: it is said at once and at the next start, and there is something to send.

use std::io::Read as _;

use secrecy::ExposeSecret as _;

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
