//! The window as a person meets it, on a display of its own: what a second start does to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::rig::{LONG, Rig};

/// A display in memory.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn new() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1400x900x24"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is missing; tests/run tools installs it");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let name = format!(":{}", number.trim());
        Self { server, name }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_start_brings_the_first_window_forward() {
    let display = Display::new();
    let rig = Rig::new().await;
    let mut first = rig.start(&[]).env("DISPLAY", &display.name).go();
    rig.is_subscribed().await;
    let mut second = rig.start(&[]).env("DISPLAY", &display.name).go();
    let status = second.ends(LONG).await;
    let text = second.printed();
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.contains(&format!("process {}", first.pid())), "{text}");
    assert!(text.contains("was brought to the front"), "{text}");
    first
        .says(
            "brought to the front, as asked by another process",
            Duration::from_secs(1),
        )
        .await;
    assert!(!rig.data().join("show.request").exists());
    // A console program beside it is refused as ever.
    let mut headless = rig.headless();
    let status = headless.ends(LONG).await;
    assert_eq!(status.code(), Some(3), "{}", headless.printed());
    first.end_cleanly().await;
}
