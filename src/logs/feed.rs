//! The log as the window reads it: a ring of the latest lines and a stream of new ones.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::broadcast;
use tracing::Level;

use super::layer::Sink;

/// Lines that a window opened later still sees.
const REPLAY: usize = 2_000;
/// Lines that a slow reader may lag behind before it loses the oldest.
const STREAM: usize = 4_096;

/// One line of the log, already free of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub level: Level,
    /// The part of the program that speaks: `pusher`, `engine`, …
    pub source: String,
    pub text: String,
}

impl LogLine {
    /// As the console prints it. The form is a contract with those who search their consoles for it.
    pub fn console_text(&self) -> String {
        format!("[{}] {}", self.level, self.text)
    }

    /// As the file holds it.
    pub fn file_text(&self) -> String {
        format!(
            "{:.3} [{}] {}: {}",
            self.at, self.level, self.source, self.text
        )
    }
}

/// Cheap to clone; clones are the same feed.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    ring: Mutex<VecDeque<Arc<LogLine>>>,
    stream: broadcast::Sender<Arc<LogLine>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self(Arc::new(Inner {
            ring: Mutex::new(VecDeque::with_capacity(REPLAY)),
            stream: broadcast::Sender::new(STREAM),
        }))
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Feed")
    }
}

impl Feed {
    /// The latest lines, oldest first, and every line after them: none is missing or doubled between the two.
    pub fn subscribe(&self) -> (Vec<Arc<LogLine>>, broadcast::Receiver<Arc<LogLine>>) {
        let ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        (ring.iter().cloned().collect(), self.0.stream.subscribe())
    }
}

impl Sink for Feed {
    fn take(&self, line: &Arc<LogLine>) {
        let mut ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == REPLAY {
            ring.pop_front();
        }
        ring.push_back(Arc::clone(line));
        // Nobody may be listening yet; the ring keeps the line for them.
        drop(self.0.stream.send(Arc::clone(line)));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn line(n: usize) -> Arc<LogLine> {
        Arc::new(LogLine {
            at: Timestamp::UNIX_EPOCH,
            level: Level::INFO,
            source: "engine".to_owned(),
            text: n.to_string(),
        })
    }

    #[test]
    fn a_late_reader_sees_the_latest_lines_and_then_every_new_one() {
        let feed = Feed::default();
        for n in 0..REPLAY + 5 {
            feed.take(&line(n));
        }
        let (past, mut stream) = feed.subscribe();
        assert_eq!(past.len(), REPLAY);
        assert_eq!(past[0].text, "5");
        feed.take(&line(7));
        assert_eq!(stream.try_recv().unwrap().text, "7");
        assert!(stream.try_recv().is_err());
    }

    #[test]
    fn the_forms_of_a_line() {
        assert_eq!(line(1).console_text(), "[INFO] 1");
        assert_eq!(
            line(1).file_text(),
            "1970-01-01T00:00:00.000Z [INFO] engine: 1"
        );
    }
}
