//! Which terminal runs: one at a time, made and ended by its kind.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::core::snapshot::TerminalMode;
use crate::terminal::{self, PaperError, Terminal};

/// Makes a terminal of a kind on the current runtime, which tells the deals since a moment; it runs until the token is
/// cancelled.
pub type TerminalMaker = Box<
    dyn Fn(TerminalMode, Option<Timestamp>, CancellationToken) -> Result<Terminal, PaperError>
        + Send,
>;

pub(super) struct Terminals {
    make: TerminalMaker,
    mode: TerminalMode,
    end: CancellationToken,
    shutdown: CancellationToken,
}

impl Terminals {
    /// The first terminal; one that cannot be made ends the start.
    pub fn first(
        make: TerminalMaker,
        mode: TerminalMode,
        deals_since: Option<Timestamp>,
        shutdown: &CancellationToken,
    ) -> Result<(Self, Terminal), PaperError> {
        let end = shutdown.child_token();
        let terminal = make(mode, deals_since, end.clone())?;
        let terminals = Self {
            make,
            mode,
            end,
            shutdown: shutdown.clone(),
        };
        Ok((terminals, terminal))
    }

    pub const fn mode(&self) -> TerminalMode {
        self.mode
    }

    pub fn end_current(&self) {
        self.end.cancel();
    }

    /// A later terminal; one that cannot be made is an absent one that says why.
    pub fn start(&mut self, mode: TerminalMode, deals_since: Option<Timestamp>) -> Terminal {
        self.mode = mode;
        self.end = self.shutdown.child_token();
        (self.make)(mode, deals_since, self.end.clone()).unwrap_or_else(|error| {
            tracing::error!(target: "terminal", "{error}");
            terminal::spawn_absent(error.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::core::Config;
    use crate::engine::{EngineOptions, start};

    #[test]
    fn a_terminal_that_ends_by_itself_is_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let made = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&made);
        let make: TerminalMaker = Box::new(move |_, _, _| {
            let mut terminal = terminal::spawn_absent("nothing is there".to_owned());
            if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                // What a panic leaves: nobody speaks any more.
                terminal.events = tokio::sync::mpsc::channel(1).1;
            }
            Ok(terminal)
        });
        let engine = start(EngineOptions {
            data_dir: folder.path().to_owned(),
            config: Config::default(),
            connection: None,
            terminal: make,
            notices: Vec::new(),
            wake: Arc::new(|| {}),
        })
        .unwrap();
        let began = Instant::now();
        while made.load(Ordering::SeqCst) < 2 {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(20));
        }
        engine.stop();
    }
}
