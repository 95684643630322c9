//! What is left behind by a panic: one file that a person can send, without secrets.

use std::backtrace::Backtrace;
use std::fs;
use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::redact::Redactor;

/// Crash files that are kept; a program that crashes in a loop must not fill the disk.
const KEPT: usize = 20;

struct Crash {
    at: Timestamp,
    thread: String,
    place: String,
    message: String,
    trace: String,
}

/// Replaces the standard hook, which would print the message as it is.
pub(super) fn install_hook(folder: Option<PathBuf>, redactor: Arc<Redactor>) {
    std::panic::set_hook(Box::new(move |info| {
        let crash = Crash::of(info);
        let written = folder
            .as_deref()
            .map(|folder| crash.write(folder, &redactor));
        let kept = match written {
            Some(Ok(path)) => format!("details in {}", path.display()),
            Some(Err(error)) => format!("no crash file: {error}"),
            None => "no crash file is kept".to_owned(),
        };
        tracing::error!(
            target: "program",
            "A part of the program failed (thread {}, {}): {}; {kept}",
            crash.thread, crash.place, crash.message
        );
    }));
}

impl Crash {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        Self {
            at: Timestamp::now(),
            thread: std::thread::current()
                .name()
                .unwrap_or("without a name")
                .to_owned(),
            place: info
                .location()
                .map_or_else(|| "unknown place".to_owned(), ToString::to_string),
            message: info.payload_as_str().unwrap_or("no message").to_owned(),
            trace: Backtrace::force_capture().to_string(),
        }
    }

    fn text(&self) -> String {
        format!(
            "FX Executor {}\n{} {}\n\nat      {}\nthread  {}\nplace   {}\nmessage {}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            self.at,
            self.thread,
            self.place,
            self.message,
            self.trace
        )
    }

    fn write(&self, folder: &Path, redactor: &Redactor) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        drop_oldest(folder)?;
        let name = format!("crash-{}.txt", self.at.strftime("%Y%m%d-%H%M%S%.6f"));
        let path = folder.join(name);
        fs::write(&path, redactor.clean(&self.text()).as_bytes())?;
        Ok(path)
    }
}

fn drop_oldest(folder: &Path) -> io::Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
        .collect();
    files.sort();
    let surplus = (files.len() + 1).saturating_sub(KEPT);
    files.iter().take(surplus).try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use secrecy::SecretString;

    use super::*;

    fn crash(second: i64) -> Crash {
        Crash {
            at: Timestamp::from_second(second).unwrap(),
            thread: "engine".to_owned(),
            place: "src/engine/mod.rs:1:2".to_owned(),
            message: "index out of range with Marked-Secret".to_owned(),
            trace: "0: main".to_owned(),
        }
    }

    #[test]
    fn a_crash_file_says_what_failed_and_hides_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let redactor = Redactor::default();
        redactor.register(&SecretString::from("Marked-Secret"));
        let path = crash(0)
            .write(&dir.path().join("crash"), &redactor)
            .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("message index out of range with [hidden]\n"),
            "{text}"
        );
        assert!(text.contains("thread  engine"));
        assert!(
            path.ends_with("crash-19700101-000000.000000.txt"),
            "{path:?}"
        );
    }

    #[test]
    fn a_panic_of_a_thread_leaves_a_file_without_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        let redactor = Arc::new(Redactor::default());
        redactor.register(&SecretString::from("Marked-Secret"));
        let before = std::panic::take_hook();
        install_hook(Some(dir.path().to_owned()), redactor);
        let ended = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(|| std::panic::panic_any("failed with Marked-Secret"))
            .unwrap()
            .join();
        std::panic::set_hook(before);
        assert!(ended.is_err());
        // Another test may fail meanwhile and leave a file of its own.
        let texts: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        let ours = texts
            .iter()
            .find(|text| text.contains("thread  engine"))
            .unwrap();
        assert!(ours.contains("message failed with [hidden]\n"), "{ours}");
        assert!(ours.contains("logs::crash"), "{ours}");
        assert!(!ours.contains("Marked-Secret"));
    }

    #[test]
    fn crash_files_do_not_pile_up() {
        let dir = tempfile::tempdir().unwrap();
        for second in 0..KEPT as i64 + 5 {
            crash(second)
                .write(dir.path(), &Redactor::default())
                .unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names.len(), KEPT);
        assert_eq!(names[0], "crash-19700101-000005.000000.txt");
    }
}
