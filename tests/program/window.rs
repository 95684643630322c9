//! The window as a person meets it, on a display of its own: what a second start does to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::executor::until;
use super::rig::{LONG, Rig, small_buy};

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

    /// Waits until a window of the program has drawn something.
    async fn has_window(&self) {
        let drawn = until(LONG, || {
            let picture = Command::new("import")
                .args(["-window", "root", "-format", "%k", "info:-"])
                .env("DISPLAY", &self.name)
                .output()
                .expect("import is missing; tests/run tools installs it");
            let text = String::from_utf8_lossy(&picture.stdout).into_owned();
            let colours: u32 = text.trim().parse().ok()?;
            (colours > 20).then_some(())
        });
        assert!(drawn.await.is_some(), "the window stays empty");
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

/// A driver that fails in the middle of a frame, in every window that is opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_dies_is_opened_again_and_trading_goes_on() {
    let display = Display::new();
    let rig = Rig::new().await;
    let mut executor = rig
        .start(&[])
        .env("DISPLAY", &display.name)
        .env("FX_EXECUTOR_FAILPOINT", "draw")
        .go();
    executor.says("opening it again, 1 of 3", LONG).await;
    executor.says("it died too often", LONG).await;
    rig.is_subscribed().await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    let crashes = std::fs::read_dir(rig.data().join("crash")).unwrap();
    assert_eq!(crashes.count(), 4, "one file for each window");
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trading_goes_on_when_the_display_is_gone() {
    let display = Display::new();
    let rig = Rig::new().await;
    let mut executor = rig.start(&[]).env("DISPLAY", &display.name).go();
    rig.is_subscribed().await;
    // While it is being made a lost display ends inside the driver, where nobody can go on.
    display.has_window().await;
    let before = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&before, LONG).await;
    drop(display);
    executor
        .says("the display is gone. Trading goes on without one", LONG)
        .await;
    let after = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&after, LONG).await;
    // There is no window that could come to the front.
    let elsewhere = Display::new();
    let mut second = rig.start(&[]).env("DISPLAY", &elsewhere.name).go();
    let status = second.ends(LONG).await;
    assert_eq!(status.code(), Some(3), "{}", second.printed());
    executor.end_cleanly().await;
}

/// Where nothing can draw, the program goes on without a window; that is no crash, and is tried anew the next time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_renderer_trading_goes_on_and_one_that_drew_is_remembered() {
    let display = Display::new();
    let rig = Rig::new().await;
    let mut blind = rig
        .start(&[])
        .env("DISPLAY", &display.name)
        .env("FX_EXECUTOR_FAILPOINT", "glow")
        .go();
    blind.says("No window: no OpenGL 2.0 or newer", LONG).await;
    rig.is_subscribed().await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    blind.end_cleanly().await;
    let mut seeing = rig.start(&[]).env("DISPLAY", &display.name).go();
    display.has_window().await;
    let memory = rig.data().join("window.json");
    let kept = until(LONG, || {
        let text = std::fs::read_to_string(&memory).ok()?;
        (text == r#"{"works":"glow","starting":null}"#).then_some(())
    });
    assert!(kept.await.is_some());
    assert!(!seeing.printed().contains("The program ended while"));
    seeing.end_cleanly().await;
}
