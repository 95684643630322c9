//! Child processes: started, heard line by line, and never left behind.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Which of the two Pusher clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    PusherJs,
}

/// A client of the scripted server. `inside` names a network namespace.
pub fn client(kind: Kind, inside: Option<&str>, arguments: &[&str]) -> Process {
    let bench = std::env::current_exe().unwrap();
    let mut words: Vec<&str> = Vec::new();
    if let Some(name) = inside {
        words.extend(["ip", "netns", "exec", name]);
    }
    match kind {
        Kind::Ours => words.extend([bench.to_str().unwrap(), "client"]),
        Kind::PusherJs => words.extend([
            "node",
            concat!(env!("CARGO_MANIFEST_DIR"), "/benches/numbers/pusher_js.cjs"),
        ]),
    }
    words.extend(arguments);
    Process::start(Command::new(words[0]).args(&words[1..]))
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub async fn line(&mut self, within: Duration) -> Option<String> {
        timeout(within, self.lines.next_line()).await.ok()?.unwrap()
    }

    /// The next line of a client, as JSON; `None` when none came in time.
    pub async fn json(&mut self, within: Duration) -> Option<Value> {
        let line = self.line(within).await?;
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}")))
    }

    /// Asks it to end, as a service manager does.
    pub async fn terminate(mut self) -> ExitStatus {
        let pid = self.id().to_string();
        assert!(
            Command::new("kill")
                .arg(pid)
                .status()
                .await
                .unwrap()
                .success()
        );
        // Its last lines must not block it.
        while let Some(_line) = self.line(Duration::from_secs(10)).await {}
        self.child.wait().await.unwrap()
    }
}
