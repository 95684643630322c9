//! Terminal, broker, Expert Advisor and a scripted executor, ready to talk.
//!
//! The rules of the stand-ins: a pipe `\\.\pipe\<name>` is the Unix socket `<common>/pipe/<name>`, and the Expert Advisor reads
//! `<common>/Files/FX-Executor/link.txt`. The real executor can take the scripted one's place by listening there.

use crate::emulated::{Emulated, Folders, Options};
use crate::scripted::{Kind, Peer, ScriptedExecutor};

/// A terminal whose Expert Advisor is connected to a scripted executor.
pub struct Rig {
    pub peer: Peer,
    pub executor: ScriptedExecutor,
    pub terminal: Emulated,
}

impl Rig {
    /// Starts all three and does the handshake.
    pub fn start(kind: Kind, options: Options) -> Self {
        let folders = Folders::new();
        let executor = ScriptedExecutor::listen(&folders, kind);
        let options = options.input("InpTcp", kind == Kind::Tcp);
        let terminal = Emulated::start(folders, options);
        let peer = executor.accept();
        Self {
            peer,
            executor,
            terminal,
        }
    }

    /// Over the pipe's stand-in, with the shipped Expert Advisor.
    pub fn pipe() -> Self {
        Self::start(Kind::Pipe, Options::default())
    }

    /// The next connection takes the peer's place.
    pub fn reconnect(&mut self) {
        self.peer = self.executor.accept();
    }

    /// The same where the terminal may be dying: whether a peer was there and did the handshake.
    pub fn try_reconnect(&mut self, limit: std::time::Duration) -> bool {
        let Some(peer) = self.executor.try_accept(limit) else {
            return false;
        };
        let done = self.executor.try_handshake(&peer);
        self.peer = peer;
        done
    }

    /// Ends terminal and Expert Advisor without a warning and starts them again over the same broker.
    pub fn kill_and_restart(&mut self) {
        self.terminal.kill9();
        self.terminal.restart();
        self.reconnect();
    }
}

/// `login@server` of the account that every terminal has unless a test changes it.
pub const ACCOUNT: &str = "1001@Broker-Demo";

/// The fields of an ORDER that buys 0.1 lots of EURUSD at the market with a stop; `more` comes behind.
pub fn buy(cid: u64, more: &str) -> String {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!("\t{more}")
    };
    format!(
        "cid={cid}\tacct={ACCOUNT}\tttl_ms=10000\tmade_ms=0\taction=deal\tsym=EURUSD\ttype=buy\tvol=0.1\tprice=\tstoplimit=\tsl=1.09000\ttp=\tdev=20\tfill=auto\tttype=gtc\texp=0\ttag=\tmax_spread=\tnostop=0{more}"
    )
}
