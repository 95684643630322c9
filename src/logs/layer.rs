//! Turns an event into one redacted line and hands it to every sink.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::feed::LogLine;
use super::redact::Redactor;

/// Takes lines that are already redacted. Must not block and must not log.
pub(super) trait Sink: Send + Sync {
    fn take(&self, line: &Arc<LogLine>);
}

pub(super) struct LogLayer {
    redactor: Arc<Redactor>,
    sinks: Vec<Box<dyn Sink>>,
}

impl LogLayer {
    pub(super) const fn new(redactor: Arc<Redactor>, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self { redactor, sinks }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let text = words.message + &words.fields;
        let line = Arc::new(LogLine {
            at: Timestamp::now(),
            level: *event.metadata().level(),
            source: source_of(event.metadata().target()).to_owned(),
            text: one_line(&bounded(self.redactor.clean(&text))),
        });
        for sink in &self.sinks {
            sink.take(&line);
        }
    }
}

/// `fx_executor::engine::outbox` speaks as `engine`; a library speaks as its crate.
fn source_of(target: &str) -> &str {
    let own = target.strip_prefix("fx_executor::").unwrap_or(target);
    own.split("::").next().unwrap_or(own)
}

/// A line is for a person, and what came from outside may be of any length; the journal has all of it. Cut only after the
/// secrets are hidden: a half of one would not be recognised.
fn bounded(text: Cow<'_, str>) -> Cow<'_, str> {
    const MOST: usize = 4_000;
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => {
            let more = text.len() - end;
            Cow::Owned(format!("{} … and {more} bytes more", &text[..end]))
        }
    }
}

/// What came from outside must not be able to fake a line or steer a console.
fn one_line(text: &str) -> String {
    if !text.contains(steers) {
        return text.to_owned();
    }
    text.chars().fold(String::new(), |mut line, c| {
        if steers(c) && c != '\t' {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

/// Control characters, and those that turn the direction of what follows (Unicode UAX #9, explicit formatting).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let written = if field.name() == "message" {
            write!(self.message, "{value}")
        } else {
            write!(self.fields, " {}={value}", field.name())
        };
        debug_assert!(written.is_ok());
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }
}

/// `[INFO] message` on the standard output, while it is on.
#[derive(Clone, Debug)]
pub(super) struct Console {
    out: NonBlocking,
    on: Arc<AtomicBool>,
}

impl Console {
    pub(super) fn new(out: NonBlocking, on: bool) -> Self {
        Self {
            out,
            on: Arc::new(AtomicBool::new(on)),
        }
    }

    /// Shows these earlier lines and everything from now on.
    pub(super) fn switch_on(&self, earlier: &[Arc<LogLine>]) {
        if !self.on.swap(true, Ordering::Relaxed) {
            for line in earlier {
                self.take(line);
            }
        }
    }
}

impl Sink for Console {
    fn take(&self, line: &Arc<LogLine>) {
        if self.on.load(Ordering::Relaxed) {
            write_line(&self.out, &line.console_text());
        }
    }
}

/// The line with its time and source, in the daily file.
pub(super) struct LogFile(NonBlocking);

impl LogFile {
    pub(super) const fn new(out: NonBlocking) -> Self {
        Self(out)
    }
}

impl Sink for LogFile {
    fn take(&self, line: &Arc<LogLine>) {
        write_line(&self.0, &line.file_text());
    }
}

fn write_line(out: &NonBlocking, text: &str) {
    // A line that cannot be written has nowhere left to be reported; the other sinks have it.
    drop(out.clone().write_all(format!("{text}\n").as_bytes()));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

    use std::io;
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use tracing::Level;
    use tracing_appender::non_blocking::NonBlockingBuilder;

    use super::*;

    fn line(level: Level, text: &str) -> Arc<LogLine> {
        Arc::new(LogLine {
            at: Timestamp::UNIX_EPOCH,
            level,
            source: "pusher".to_owned(),
            text: text.to_owned(),
        })
    }

    /// What was written, for a test to look at.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_console_prints_level_and_message_and_nothing_else() {
        let paper = Paper::default();
        let (out, guard) = NonBlockingBuilder::default().finish(paper.clone());
        let console = Console::new(out, true);
        for (level, text) in [
            (Level::INFO, "Command received: START_STRATEGY"),
            (Level::ERROR, "pusher:subscription_error: Status 403"),
            (Level::WARN, "late"),
        ] {
            console.take(&line(level, text));
        }
        drop(guard);
        assert_eq!(
            String::from_utf8(paper.0.lock().unwrap().clone()).unwrap(),
            "[INFO] Command received: START_STRATEGY\n\
             [ERROR] pusher:subscription_error: Status 403\n\
             [WARN] late\n"
        );
    }

    /// A console whose window is held by a selection does not read.
    struct Stuck(mpsc::Receiver<()>);

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Ends when the test lets go of the other side.
            self.0.recv().unwrap_or_default();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stuck_console_does_not_stop_the_program() {
        let (release, stuck) = mpsc::channel::<()>();
        let (out, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(10)
            .lossy(true)
            .finish(Stuck(stuck));
        let (done, finished) = mpsc::channel();
        std::thread::spawn(move || {
            let console = Console::new(out, true);
            for _ in 0..1_000 {
                console.take(&line(Level::INFO, "x"));
            }
            done.send(()).unwrap();
        });
        finished.recv_timeout(Duration::from_secs(10)).unwrap();
        drop(release);
        drop(guard);
    }

    #[test]
    fn sources_are_short() {
        for (target, source) in [
            ("pusher", "pusher"),
            ("fx_executor::engine::outbox", "engine"),
            ("fx_executor", "fx_executor"),
            ("hyper_util::client::legacy", "hyper_util"),
        ] {
            assert_eq!(source_of(target), source);
        }
    }

    #[test]
    fn control_characters_cannot_fake_a_line() {
        assert_eq!(
            one_line("a\n[INFO] b\u{1b}[31m\tc"),
            "a\\n[INFO] b\\u{1b}[31m\tc"
        );
        assert_eq!(one_line("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn a_line_of_any_length_is_cut_and_says_so() {
        for (text, cut) in [("a".repeat(4_000), false), ("ä".repeat(200_000), true)] {
            let line = bounded(Cow::Borrowed(&text));
            assert_eq!(line.contains("bytes more"), cut);
            assert!(line.chars().count() < 4_100);
        }
    }
}
