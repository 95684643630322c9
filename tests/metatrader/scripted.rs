//! An executor made of lines, for tests of the Expert Advisor alone: it listens on the pipe's stand-in or on TCP, does the
//! handshake of docs/metatrader-link.md, says what a test tells it and waits for lines with a limit.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::emulated::{Folders, SOON};
pub use crate::lines::{Line, mac};

/// Which link the Expert Advisor is told to use (its input `InpTcp`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pipe,
    Tcp,
}

#[derive(Debug)]
enum Listening {
    Pipe(UnixListener),
    Tcp(TcpListener),
}

#[derive(Debug)]
enum Stream {
    Pipe(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn try_clone(&self) -> Self {
        match self {
            Self::Pipe(stream) => Self::Pipe(stream.try_clone().unwrap()),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone().unwrap()),
        }
    }

    fn shutdown(&self) {
        let _ = match self {
            Self::Pipe(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    fn limits(&self) {
        // A short limit lets the reader look at its switches; a test's own limits are longer.
        let limit = Some(Duration::from_millis(20));
        match self {
            Self::Pipe(stream) => stream.set_read_timeout(limit).unwrap(),
            Self::Tcp(stream) => {
                stream.set_read_timeout(limit).unwrap();
                stream.set_nodelay(true).unwrap();
            }
        }
    }

    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Pipe(stream) => stream.read(into),
            Self::Tcp(stream) => {
                let got = stream.read(into);
                // Answers the Expert Advisor's small writes at once, as the executor does on Windows: it cannot switch
                // off Nagle's algorithm itself.
                rustix::net::sockopt::set_tcp_quickack(&*stream, true).ok();
                got
            }
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Pipe(stream) => stream.write_all(bytes),
            Self::Tcp(stream) => stream.write_all(bytes),
        }
    }
}

#[derive(Debug)]
pub struct ScriptedExecutor {
    listening: Listening,
    pub secret: String,
}

impl ScriptedExecutor {
    /// Listens and writes link.txt into the terminal's common folder.
    pub fn listen(folders: &Folders, kind: Kind) -> Self {
        Self::listen_with(folders, kind, &"5e".repeat(32))
    }

    /// The same with a secret of the test's choice.
    pub fn listen_with(folders: &Folders, kind: Kind, secret: &str) -> Self {
        let secret = secret.to_owned();
        let (listening, port) = match kind {
            Kind::Pipe => {
                let path = folders.pipe("fx-executor-test");
                let _ = std::fs::remove_file(&path);
                (Listening::Pipe(UnixListener::bind(path).unwrap()), 1)
            }
            Kind::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = listener.local_addr().unwrap().port();
                (Listening::Tcp(listener), port)
            }
        };
        match &listening {
            Listening::Pipe(listener) => listener.set_nonblocking(true).unwrap(),
            Listening::Tcp(listener) => listener.set_nonblocking(true).unwrap(),
        }
        let executor = Self { listening, secret };
        executor.write_link_file(folders, port);
        executor
    }

    fn write_link_file(&self, folders: &Folders, port: u16) {
        let text = format!(
            "proto=1\npipe=fx-executor-test\nport={port}\nsecret={}\n",
            self.secret
        );
        std::fs::write(folders.link_file(), text).unwrap();
    }

    /// The next connection, before any line.
    pub fn accept_raw(&self, limit: Duration) -> Peer {
        self.try_accept(limit)
            .unwrap_or_else(|| panic!("the Expert Advisor did not connect within {limit:?}"))
    }

    pub fn try_accept(&self, limit: Duration) -> Option<Peer> {
        let until = Instant::now() + limit;
        loop {
            let stream = match &self.listening {
                Listening::Pipe(listener) => listener.accept().map(|(stream, _)| {
                    stream.set_nonblocking(false).unwrap();
                    Stream::Pipe(stream)
                }),
                Listening::Tcp(listener) => listener.accept().map(|(stream, _)| {
                    stream.set_nonblocking(false).unwrap();
                    Stream::Tcp(stream)
                }),
            };
            match stream {
                Ok(stream) => return Some(Peer::new(stream)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    if Instant::now() >= until {
                        return None;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("accept: {error}"),
            }
        }
    }

    /// The next connection with the handshake done.
    pub fn accept(&self) -> Peer {
        let peer = self.accept_raw(SOON);
        self.handshake(&peer);
        peer
    }

    /// Does the handshake; the HELLO line stays readable as `peer.hello()`.
    pub fn handshake(&self, peer: &Peer) {
        assert!(
            self.try_handshake(peer),
            "no handshake; waiting lines: {:?}",
            peer.waiting()
        );
    }

    /// Takes an Expert Advisor's proof and does not serve it; `proven`: with the executor's own proof.
    pub fn refuse(&self, peer: &Peer, reason: &str, proven: bool) {
        let Some(hello) = peer.try_take(|line| line.kind == "HELLO", SOON) else {
            return;
        };
        let mine = "a7".repeat(32);
        peer.send(&format!("CHAL\tnonce={mine}"));
        if peer.try_take(|line| line.kind == "AUTH", SOON).is_some() {
            let secret = if proven {
                self.secret.as_str()
            } else {
                "wrong"
            };
            let text = format!("{reason}|{mine}|{}", hello.get("nonce"));
            peer.send(&format!("BYE\treason={reason}\tmac={}", mac(secret, &text)));
        }
    }

    /// The same where the Expert Advisor may die on the way: whether it was done.
    pub fn try_handshake(&self, peer: &Peer) -> bool {
        let Some(hello) = peer.try_take(|line| line.kind == "HELLO", SOON) else {
            return false;
        };
        let (ea, mine) = (hello.get("nonce").to_owned(), "a7".repeat(32));
        assert_eq!(ea.len(), 64, "the nonce has 64 hex digits");
        peer.send(&format!("CHAL\tnonce={mine}"));
        let Some(auth) = peer.try_take(|line| line.kind == "AUTH", SOON) else {
            return false;
        };
        let text = format!(
            "ea|{ea}|{mine}|{}|{}|{}",
            hello.get("login"),
            hello.get("server"),
            hello.get("proto")
        );
        assert_eq!(
            auth.get("mac"),
            mac(&self.secret, &text),
            "the Expert Advisor's proof"
        );
        peer.send(&format!(
            "OK\tmac={}\tsid=1",
            mac(&self.secret, &format!("ex|{mine}|{ea}"))
        ));
        *peer.shared.hello.lock().unwrap() = Some(hello);
        peer.shared.heartbeats.store(true, Ordering::SeqCst);
        true
    }
}

#[derive(Debug, Default)]
struct Inbox {
    lines: VecDeque<Line>,
    closed: bool,
    last_q: u64,
    /// How many lines of each type have come, taken or not.
    counts: BTreeMap<String, usize>,
    /// Sequence errors: a gap or a repetition of `q`.
    gaps: Vec<String>,
}

#[derive(Debug)]
struct Shared {
    inbox: Mutex<Inbox>,
    more: Condvar,
    hello: Mutex<Option<Line>>,
    heartbeats: AtomicBool,
    stalled: AtomicBool,
    ended: AtomicBool,
    next_id: AtomicU64,
}

/// One connection of the Expert Advisor.
#[derive(Debug)]
pub struct Peer {
    writer: Arc<Mutex<Stream>>,
    shared: Arc<Shared>,
}

impl Peer {
    fn new(stream: Stream) -> Self {
        stream.limits();
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            more: Condvar::new(),
            hello: Mutex::default(),
            heartbeats: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
        });
        let writer = Arc::new(Mutex::new(stream.try_clone()));
        let peer = Self {
            writer: Arc::clone(&writer),
            shared: Arc::clone(&shared),
        };
        std::thread::spawn(move || read_lines(stream, &writer, &shared));
        peer
    }

    /// Sends one line; the LF is added.
    pub fn send(&self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    pub fn send_bytes(&self, bytes: &[u8]) {
        // A link that the Expert Advisor has just dropped takes no more lines; tests see that by `closed`.
        let _ = self.writer.lock().unwrap().write_all(bytes);
    }

    /// Sends a request with a fresh id, which is returned. `rest` are the other fields, TAB separated.
    pub fn request(&self, kind: &str, rest: &str) -> u64 {
        let id = self.shared.next_id.fetch_add(1, Ordering::SeqCst);
        let tab = if rest.is_empty() { "" } else { "\t" };
        self.send(&format!("{kind}\tid={id}{tab}{rest}"));
        id
    }

    /// Takes the first line that fits out of the inbox; others stay for later questions.
    pub fn try_take(&self, fits: impl Fn(&Line) -> bool, limit: Duration) -> Option<Line> {
        let until = Instant::now() + limit;
        let mut inbox = self.shared.inbox.lock().unwrap();
        let mut looked_at = 0;
        loop {
            if let Some(at) = inbox.lines.iter().skip(looked_at).position(&fits) {
                return inbox.lines.remove(looked_at + at);
            }
            looked_at = inbox.lines.len();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || inbox.closed {
                return None;
            }
            inbox = self.shared.more.wait_timeout(inbox, left).unwrap().0;
        }
    }

    pub fn take(&self, what: &str, fits: impl Fn(&Line) -> bool) -> Line {
        self.try_take(fits, SOON).unwrap_or_else(|| {
            let inbox = self.shared.inbox.lock().unwrap();
            let lines: Vec<&str> = inbox.lines.iter().map(|line| line.raw.as_str()).collect();
            panic!(
                "no {what} (link closed: {}); waiting lines:\n{}",
                inbox.closed,
                lines.join("\n")
            )
        })
    }

    /// The one line of `kind` that answers the request `id` (an ERR for it is a failure).
    pub fn answer(&self, kind: &str, id: u64) -> Line {
        let line = self.take(&format!("{kind} id={id}"), |line| {
            line.is(kind, id) || line.is("ERR", id)
        });
        assert_eq!(line.kind, kind, "{}", line.raw);
        line
    }

    /// All lines that answer `id` up to its END or ERR, which is the last.
    pub fn answers(&self, id: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        loop {
            let line = self.take(&format!("END id={id}"), |line| {
                line.fields
                    .get("id")
                    .is_some_and(|value| *value == id.to_string())
            });
            let last = matches!(line.kind.as_str(), "END" | "ERR");
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    /// Sends a request and takes its RES.
    pub fn res(&self, kind: &str, rest: &str) -> Line {
        let id = self.request(kind, rest);
        self.answer("RES", id)
    }

    /// The HELLO of the handshake.
    pub fn hello(&self) -> Line {
        self.shared
            .hello
            .lock()
            .unwrap()
            .clone()
            .expect("the handshake is done")
    }

    /// Lines that nobody has taken.
    pub fn waiting(&self) -> Vec<Line> {
        self.shared
            .inbox
            .lock()
            .unwrap()
            .lines
            .iter()
            .cloned()
            .collect()
    }

    /// Drops the lines that nobody has taken.
    pub fn forget(&self) {
        self.shared.inbox.lock().unwrap().lines.clear();
    }

    /// How many lines of a type have come.
    pub fn count(&self, kind: &str) -> usize {
        self.shared
            .inbox
            .lock()
            .unwrap()
            .counts
            .get(kind)
            .copied()
            .unwrap_or(0)
    }

    /// Gaps and repetitions of `q` so far.
    pub fn gaps(&self) -> Vec<String> {
        self.shared.inbox.lock().unwrap().gaps.clone()
    }

    /// Whether the Expert Advisor ends the link within `limit`.
    pub fn closed(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut inbox = self.shared.inbox.lock().unwrap();
        while !inbox.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inbox = self.shared.more.wait_timeout(inbox, left).unwrap().0;
        }
        true
    }

    /// Whether own heartbeats are sent (on after the handshake).
    pub fn heartbeats(&self, on: bool) {
        self.shared.heartbeats.store(on, Ordering::SeqCst);
    }

    /// Stops reading, as a hung executor does.
    pub fn stall(&self, on: bool) {
        self.shared.stalled.store(on, Ordering::SeqCst);
    }

    /// Cuts the link.
    pub fn cut(&self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.writer.lock().unwrap().shutdown();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Ok(writer) = self.writer.lock() {
            writer.shutdown();
        }
    }
}

fn read_lines(mut stream: Stream, writer: &Mutex<Stream>, shared: &Shared) {
    let mut pending = Vec::new();
    let mut block = vec![0; 65_536];
    let mut beat = 0_u64;
    let mut last_beat = Instant::now();
    while !shared.ended.load(Ordering::SeqCst) {
        if shared.heartbeats.load(Ordering::SeqCst) && last_beat.elapsed() > Duration::from_secs(1)
        {
            last_beat = Instant::now();
            beat += 1;
            let _ = writer
                .lock()
                .unwrap()
                .write_all(format!("HB\tn={beat}\tack=0\n").as_bytes());
        }
        if shared.stalled.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        match stream.read(&mut block) {
            Ok(0) => break,
            Ok(got) => pending.extend_from_slice(&block[..got]),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock
                        | std::io::ErrorKind::TimedOut
                        | std::io::ErrorKind::Interrupted
                ) =>
            {
                continue;
            }
            Err(_) => break,
        }
        let mut inbox = shared.inbox.lock().unwrap();
        let mut start = 0;
        while let Some(length) = pending[start..].iter().position(|&byte| byte == b'\n') {
            let raw = String::from_utf8(pending[start..start + length].to_vec())
                .expect("lines are UTF-8");
            start += length + 1;
            let line = Line::parse(&raw);
            let q: u64 = line.get("q").parse().expect("q is a number");
            if q != inbox.last_q + 1 {
                let gap = format!("q {q} after {}: {raw}", inbox.last_q);
                inbox.gaps.push(gap);
            }
            inbox.last_q = q;
            *inbox.counts.entry(line.kind.clone()).or_default() += 1;
            inbox.lines.push_back(line);
        }
        pending.drain(..start);
        drop(inbox);
        shared.more.notify_all();
    }
    shared.inbox.lock().unwrap().closed = true;
    shared.more.notify_all();
}
