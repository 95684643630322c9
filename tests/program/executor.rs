//! The program as a child process: started, watched through what it writes, ended or killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub const LOOK: Duration = Duration::from_millis(10);

/// Numbers the output files, so that no run writes over another's.
static RUN: AtomicU32 = AtomicU32::new(0);

pub struct Executor {
    child: Child,
    out: PathBuf,
}

/// How to start it.
pub struct Start {
    command: Command,
    out: PathBuf,
}

impl Start {
    /// With these arguments; what it prints goes to a file in `prints`.
    pub fn program(arguments: &[&str], prints: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fx-executor"));
        command.args(arguments);
        Self::of(command, prints)
    }

    /// Through a shell that makes it deaf to the signal of a file that may not grow, so that a write beyond a limit fails
    /// as it does on a full disk.
    pub fn deaf_to_file_limits(arguments: &[&str], prints: &Path) -> Self {
        let mut command = Command::new("bash");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_fx-executor"))
            .args(arguments);
        Self::of(command, prints)
    }

    fn of(mut command: Command, prints: &Path) -> Self {
        let number = RUN.fetch_add(1, Ordering::Relaxed);
        let out = prints.join(format!("run-{number}.txt"));
        let file = File::create(&out).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("FX_EXECUTOR_FAILPOINT")
            .env_remove("FX_EXECUTOR_LOG")
            .env("FX_EXECUTOR_PAPER_SKIPS_WEEKENDS", "1")
            .current_dir(prints);
        Self { command, out }
    }

    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    pub fn go(mut self) -> Executor {
        let child = self.command.spawn().unwrap();
        Executor {
            child,
            out: self.out,
        }
    }
}

impl Executor {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.out).unwrap()).into_owned()
    }

    /// Waits until it has printed `text`.
    pub async fn says(&mut self, text: &str, limit: Duration) {
        let said = until(limit, || {
            self.printed().contains(text).then_some(()).or_else(|| {
                let ended = self.child.try_wait().unwrap();
                assert!(
                    ended.is_none() || self.printed().contains(text),
                    "ended ({ended:?}) without saying \"{text}\":\n{}",
                    self.printed()
                );
                None
            })
        });
        assert!(
            said.await.is_some(),
            "\"{text}\" was not said within {limit:?}:\n{}",
            self.printed()
        );
    }

    /// Waits until it ends by itself.
    pub async fn ends(&mut self, limit: Duration) -> ExitStatus {
        let child = &mut self.child;
        let ended = until(limit, || child.try_wait().unwrap()).await;
        ended.unwrap_or_else(|| panic!("it did not end within {limit:?}:\n{}", self.printed()))
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// kill -9: no goodbye, no checkpoint.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        let sent = Command::new("kill")
            .args(["-INT", &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ctrl-C, and the clean end that must follow.
    pub async fn end_cleanly(&mut self) {
        self.interrupt();
        let status = self.ends(Duration::from_secs(10)).await;
        assert_eq!(status.code(), Some(0), "{}", self.printed());
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.kill();
        }
        if std::thread::panicking() {
            let text = self.printed();
            let tail: Vec<&str> = text.lines().rev().take(60).collect();
            eprintln!("--- {} (its last lines)", self.out.display());
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

/// Looks again and again until `found` gives something.
pub async fn until<T>(limit: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return Some(found);
        }
        if started.elapsed() > limit {
            return None;
        }
        tokio::time::sleep(LOOK).await;
    }
}
