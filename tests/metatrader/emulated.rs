//! The emulated terminal as a child process: started, told what to do, killed, frozen, started again over the same folder.
//! The broker's books are on disk in that folder, so they outlive any kill; what a test has set (prices, latency, chances)
//! is told again to the next process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::compile::{self, Build};

/// The limit of waits that are no subject of a test.
pub const SOON: Duration = Duration::from_secs(20);

/// The folders of one terminal, gone with the value: `<root>/data` (broker's books, MQL5\Files) and `<root>/common`
/// (`Files\FX-Executor\link.txt`, `pipe/<name>`).
#[derive(Debug)]
pub struct Folders {
    root: tempfile::TempDir,
}

impl Folders {
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("mt").tempdir().unwrap();
        let folders = Self { root };
        for folder in [
            folders.data(),
            folders.files(),
            folders.common().join("Files/FX-Executor"),
            folders.common().join("pipe"),
        ] {
            std::fs::create_dir_all(folder).unwrap();
        }
        folders
    }

    pub fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// MQL5\Files of the terminal.
    pub fn files(&self) -> PathBuf {
        self.data().join("MQL5/Files")
    }

    pub fn common(&self) -> PathBuf {
        self.root.path().join("common")
    }

    pub fn link_file(&self) -> PathBuf {
        self.common().join("Files/FX-Executor/link.txt")
    }

    /// The Unix socket that stands for the pipe `\\.\pipe\<name>`.
    pub fn pipe(&self, name: &str) -> PathBuf {
        self.common().join("pipe").join(name)
    }
}

/// How a terminal is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Expert Advisor; the shipped one unless a test has another.
    pub source: PathBuf,
    /// Its text when it is not what the file has: a variant with a seeded defect, or a test's own.
    pub text: Option<String>,
    pub build: Build,
    pub inputs: Vec<(String, String)>,
    /// Commands before the Expert Advisor starts.
    pub setup: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: shipped(),
            text: None,
            build: Build::Checked,
            inputs: Vec::new(),
            setup: Vec::new(),
        }
    }
}

impl Options {
    pub fn input(mut self, name: &str, value: impl ToString) -> Self {
        self.inputs.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn setup(mut self, command: &str) -> Self {
        self.setup.push(command.to_owned());
        self
    }

    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    pub fn fast(mut self) -> Self {
        self.build = Build::Fast;
        self
    }

    pub fn measured(mut self) -> Self {
        self.build = Build::Measured;
        self
    }
}

/// The Expert Advisor that is shipped.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/mql5/FX-Executor.mq5")
}

/// One row of the broker's truth: `ticket`, `magic`, `sym`, `vol`...
pub type Row = BTreeMap<String, String>;

#[derive(Debug, Default)]
struct Heard {
    /// `log`, `init` and `critical` lines, over all processes of this terminal.
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

#[derive(Debug)]
struct Process {
    child: Child,
    words: Mutex<(ChildStdin, Receiver<String>)>,
}

#[derive(Debug)]
pub struct Emulated {
    pub folders: Folders,
    options: Options,
    module: PathBuf,
    process: Option<Process>,
    heard: Arc<Heard>,
    sticky: Mutex<Vec<String>>,
}

/// Commands that describe the world and therefore hold after a restart, too.
const STICKY: &[&str] = &[
    "price",
    "symbol",
    "account",
    "login",
    "latency",
    "lag",
    "clock",
    "quirk",
    "algo",
    "expert",
    "chance",
    "many",
    "ticks",
    "chart_symbol",
    "late_history",
    "broker",
];

impl Emulated {
    /// Starts a terminal with the Expert Advisor on its chart.
    pub fn start(folders: Folders, options: Options) -> Self {
        let shown = options.source.display().to_string();
        let text = options
            .text
            .clone()
            .unwrap_or_else(|| std::fs::read_to_string(&options.source).unwrap());
        let module = compile::module_of(&text, &shown, options.build)
            .unwrap_or_else(|said| panic!("the Expert Advisor does not compile:\n{said}"));
        let mut emulated = Self {
            folders,
            options,
            module,
            process: None,
            heard: Arc::default(),
            sticky: Mutex::default(),
        };
        let setup = emulated.options.setup.clone();
        emulated.spawn(&setup);
        emulated
    }

    fn spawn(&mut self, setup: &[String]) {
        let program = compile::emulator(self.options.build);
        let mut child = Command::new(program)
            .arg("--data")
            .arg(self.folders.data())
            .arg("--common")
            .arg(self.folders.common())
            .arg("--module")
            .arg(&self.module)
            .env(
                "ASAN_OPTIONS",
                "detect_leaks=0:abort_on_error=1:disable_coredump=1",
            )
            .env("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (replies, received) = channel();
        let heard = Arc::clone(&self.heard);
        std::thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(line) = line else { break };
                if ["log ", "init ", "critical "]
                    .iter()
                    .any(|word| line.starts_with(word))
                {
                    heard.lines.lock().unwrap().push(line);
                    heard.more.notify_all();
                } else if replies.send(line).is_err() {
                    break;
                }
            }
        });
        self.process = Some(Process {
            child,
            words: Mutex::new((stdin, received)),
        });
        for command in setup {
            self.cmd(command);
        }
        for (name, value) in &self.options.inputs {
            self.cmd(&format!("input {name}={value}"));
        }
        self.cmd("start");
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the terminal runs")
    }

    /// Tells the emulator to do something; the rows and the word behind `ok`.
    pub fn try_cmd(&self, command: &str) -> Result<(Vec<Row>, String), String> {
        let mut words = self.process().words.lock().unwrap();
        writeln!(words.0, "{command}")
            .map_err(|error| format!("{command}: the terminal is gone ({error})"))?;
        let until = Instant::now() + SOON;
        let mut rows = Vec::new();
        loop {
            let line = words
                .1
                .recv_timeout(until.saturating_duration_since(Instant::now()))
                .map_err(|error| format!("{command}: no answer from the terminal ({error})"))?;
            if let Some(row) = line.strip_prefix("row ") {
                rows.push(
                    row.split('\t')
                        .filter_map(|field| field.split_once('='))
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .collect(),
                );
            } else if let Some(rest) = line.strip_prefix("ok") {
                self.remember(command);
                return Ok((rows, rest.trim().to_owned()));
            } else {
                return Err(format!("{command}: {line}"));
            }
        }
    }

    /// Tells the emulator to do something it must be able to do.
    pub fn cmd(&self, command: &str) -> String {
        self.try_cmd(command)
            .unwrap_or_else(|error| panic!("{error}"))
            .1
    }

    fn remember(&self, command: &str) {
        let mut words = command.split_whitespace();
        let first = words.next().unwrap_or_default();
        if !STICKY.contains(&first) {
            return;
        }
        let mut sticky = self.sticky.lock().unwrap();
        if first == "price" {
            let symbol = words.next().unwrap_or_default();
            sticky.retain(|old| !old.starts_with(&format!("price {symbol} ")));
        }
        // Money is in the broker's books and must not be set back.
        let kept: Vec<&str> = command
            .split_whitespace()
            .filter(|word| {
                first != "account" || !(word.starts_with("balance=") || word.starts_with("credit="))
            })
            .collect();
        sticky.push(kept.join(" "));
    }

    /// The broker's `positions`, `orders`, `history`, `deals` or `account`.
    pub fn truth(&self, what: &str) -> Vec<Row> {
        self.try_cmd(&format!("truth {what}"))
            .unwrap_or_else(|error| panic!("{error}"))
            .0
    }

    /// Entry deals of the broker with this magic.
    pub fn deals_of(&self, magic: u64) -> Vec<Row> {
        let magic = magic.to_string();
        self.truth("deals")
            .into_iter()
            .filter(|deal| deal["magic"] == magic)
            .collect()
    }

    /// Counters: sends, ticks, timers, transactions, dropped, inits, longest_us, ea_cpu_us, cpu_us, server_ms...
    pub fn stat(&self, name: &str) -> i64 {
        let all = self.cmd("stats");
        all.split(' ')
            .filter_map(|field| field.split_once('='))
            .find(|(key, _)| *key == name)
            .unwrap_or_else(|| panic!("no counter {name} in {all}"))
            .1
            .parse()
            .unwrap()
    }

    /// Waits until no event is waiting and no handler runs.
    pub fn sync(&self) {
        self.cmd("sync 10000");
    }

    /// What the Expert Advisor has printed so far, over all its lives.
    pub fn logs(&self) -> Vec<String> {
        self.heard
            .lines
            .lock()
            .unwrap()
            .iter()
            .filter_map(|line| line.strip_prefix("log "))
            .map(str::to_owned)
            .collect()
    }

    /// Waits for a line of the Experts log (or `init`, `critical`) that holds `part`.
    pub fn await_line(&self, part: &str, limit: Duration) -> String {
        let until = Instant::now() + limit;
        let mut lines = self.heard.lines.lock().unwrap();
        loop {
            if let Some(found) = lines.iter().find(|line| line.contains(part)) {
                return found.clone();
            }
            let critical = lines.iter().any(|line| line.starts_with("critical "));
            let left = if critical {
                Duration::ZERO
            } else {
                until.saturating_duration_since(Instant::now())
            };
            assert!(
                !left.is_zero(),
                "no line with {part:?} within {limit:?}; heard:\n{}",
                lines.join("\n")
            );
            lines = self.heard.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Ends the process as a power cut would: no handler runs, nothing is flushed.
    pub fn kill9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.child.kill().unwrap();
            process.child.wait().unwrap();
        }
    }

    /// Waits until the process ended by itself (a hook that kills, a critical error, a sanitizer's report).
    pub fn await_death(&mut self, limit: Duration) -> std::process::ExitStatus {
        let until = Instant::now() + limit;
        let process = self.process.as_mut().expect("the terminal runs");
        loop {
            if let Some(status) = process.child.try_wait().unwrap() {
                self.process = None;
                return status;
            }
            assert!(
                Instant::now() < until,
                "the terminal still runs after {limit:?}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn is_alive(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| process.child.try_wait().unwrap().is_none())
    }

    /// Starts the terminal again over the same folders and the same broker.
    pub fn restart(&mut self) {
        self.kill9();
        let setup = self.sticky.lock().unwrap().clone();
        self.sticky.lock().unwrap().clear();
        self.spawn(&setup);
    }

    /// A clean end: OnDeinit runs, files are closed.
    pub fn close(&mut self) {
        self.cmd("quit");
        if let Some(mut process) = self.process.take() {
            process.child.wait().unwrap();
        }
    }

    /// Stops the whole process, as a debugger or a starved machine does. It stands still when this returns, or has died.
    pub fn freeze(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid()), stopped).unwrap();
    }

    pub fn thaw(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.process().child)
    }

    /// The Expert Advisor is removed and put on the chart again: OnDeinit, fresh variables, OnInit.
    pub fn reload(&self) {
        let before = self.stat("inits");
        self.cmd("reload");
        self.await_inits(before + 1);
    }

    pub fn await_inits(&self, count: i64) {
        let until = Instant::now() + SOON;
        while self.stat("inits") < count {
            assert!(Instant::now() < until, "OnInit was not called again");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What is where, for a failure's message.
    pub fn picture(&self) -> String {
        let mut text = String::new();
        for what in ["positions", "orders", "deals", "history"] {
            for row in self.truth(what) {
                let _ = writeln!(text, "{what}: {row:?}");
            }
        }
        text
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}
