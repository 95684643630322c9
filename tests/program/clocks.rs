//! A computer whose clock jumps, as it looks after a sleep.

use std::time::Duration;

use super::rig::{LONG, Rig, small_buy};

/// Debian's place for it; `tests/run tools` installs it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_is_told_and_what_looks_like_a_sleep_connects_anew() {
    assert!(
        std::path::Path::new(LIBRARY).exists(),
        "faketime is missing"
    );
    let rig = Rig::new().await;
    let offset = rig.prints().join("offset");
    std::fs::write(&offset, "+0").unwrap();
    let mut executor = rig
        .start(&["--headless"])
        .env("LD_PRELOAD", LIBRARY)
        .env("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap())
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .go();
    rig.is_subscribed().await;
    std::fs::write(&offset, "+600").unwrap();
    executor.says("clock went ahead by 600", LONG).await;
    executor
        .says("After the sleep: connecting anew", Duration::from_secs(5))
        .await;
    rig.is_subscribed().await;
    std::fs::write(&offset, "+0").unwrap();
    executor.says("clock was put back by 600", LONG).await;
    // Neither jump costs a command.
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    executor.end_cleanly().await;
}
