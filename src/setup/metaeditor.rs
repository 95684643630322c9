//! Compiles the Expert Advisor by the trader's own MetaEditor. Its exit code means nothing (1 was seen after success, 0
//! after errors), so only its log and a new program count.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use super::text_file::decode;

const LOOK: Duration = Duration::from_millis(50);

/// A finished compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    pub program: PathBuf,
    pub warnings: u32,
    pub took: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("MetaEditor ({}) cannot be started: {source}", path.display())]
    NotStarted {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the state of MetaEditor cannot be learned: {0}")]
    NotWatched(#[source] io::Error),
    #[error(
        "MetaEditor did not finish within {} s and was ended; close its window if one is open, and try again",
        limit.as_secs()
    )]
    TooSlow { limit: Duration },
    #[error("MetaEditor ended without writing its log {}; start it once by hand, and try again", path.display())]
    NoLog { path: PathBuf },
    #[error("MetaEditor's log has no result line, so nothing is known of its success: {tail}")]
    NoResult { tail: String },
    #[error("MetaEditor found {errors} errors: {}", lines.join("; "))]
    Errors { errors: u32, lines: Vec<String> },
    #[error("MetaEditor reports 0 errors, but {} is not new; the terminal's folder may be write-protected", program.display())]
    NoNewProgram { program: PathBuf },
}

/// What a log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    pub errors: u32,
    pub warnings: u32,
    /// The lines of errors, without the folder.
    pub error_lines: Vec<String>,
}

/// Runs `metaeditor64.exe /compile:… /log:…`, waits at most `limit`, and believes only the log and a new program.
pub fn compile(
    metaeditor: &Path,
    source: &Path,
    log: &Path,
    limit: Duration,
) -> Result<Compiled, CompileError> {
    let program = source.with_extension("ex5");
    let before = stamp(&program);
    match fs::remove_file(log) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CompileError::NoLog {
                path: log.to_owned(),
            });
        }
        _ => {}
    }
    let began = Instant::now();
    let child = command(metaeditor, source, log)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| CompileError::NotStarted {
            path: metaeditor.to_owned(),
            source,
        })?;
    wait(child, limit)?;
    let bytes = fs::read(log).map_err(|_| CompileError::NoLog {
        path: log.to_owned(),
    })?;
    let text = decode(&bytes);
    let summary = summary(&text).ok_or_else(|| CompileError::NoResult { tail: tail(&text) })?;
    if summary.errors > 0 {
        return Err(CompileError::Errors {
            errors: summary.errors,
            lines: summary.error_lines,
        });
    }
    match stamp(&program) {
        Some(after) if Some(after) != before && after.1 > 0 => Ok(Compiled {
            program,
            warnings: summary.warnings,
            took: began.elapsed(),
        }),
        _ => Err(CompileError::NoNewProgram { program }),
    }
}

/// The moment and size by which a new file is told from the old one.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// MetaEditor wants the quotes after the colon; Rust's own quoting would put them around the whole argument.
#[cfg(windows)]
fn command(metaeditor: &Path, source: &Path, log: &Path) -> Command {
    use std::os::windows::process::CommandExt as _;
    let mut command = Command::new(metaeditor);
    command
        .raw_arg(format!("/compile:\"{}\"", source.display()))
        .raw_arg(format!("/log:\"{}\"", log.display()));
    command
}

#[cfg(not(windows))]
fn command(metaeditor: &Path, source: &Path, log: &Path) -> Command {
    let mut command = Command::new(metaeditor);
    command
        .arg(format!("/compile:{}", source.display()))
        .arg(format!("/log:{}", log.display()));
    command
}

#[expect(
    clippy::disallowed_methods,
    reason = "waits for another process, with a limit, on a thread that does nothing else"
)]
fn wait(mut child: Child, limit: Duration) -> Result<(), CompileError> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_meaningless)) => return Ok(()),
            Ok(None) if began.elapsed() < limit => std::thread::sleep(LOOK),
            Ok(None) => {
                let ended = child.kill().and_then(|()| child.wait());
                return Err(match ended {
                    Ok(_) => CompileError::TooSlow { limit },
                    Err(error) => CompileError::NotWatched(error),
                });
            }
            Err(error) => return Err(CompileError::NotWatched(error)),
        }
    }
}

/// `Result: 0 errors, 2 warnings, 345 msec elapsed`, in the forms that builds have used; the last such line counts.
pub fn summary(log: &str) -> Option<LogSummary> {
    let (errors, warnings) = log
        .lines()
        .rev()
        .filter(|line| line.trim_start().starts_with("Result"))
        .find_map(|line| {
            Some((
                number_before(line, "error")?,
                number_before(line, "warning")?,
            ))
        })?;
    let error_lines = log.lines().filter_map(error_line).collect();
    Some(LogSummary {
        errors,
        warnings,
        error_lines,
    })
}

/// The number that stands before a word: `3 errors`, `3 error(s)`.
fn number_before(line: &str, word: &str) -> Option<u32> {
    let words: Vec<&str> = line
        .split([' ', '\t', ':', ','])
        .filter(|w| !w.is_empty())
        .collect();
    words
        .windows(2)
        .find(|pair| pair[1].starts_with(word))
        .and_then(|pair| pair[0].parse().ok())
}

/// `C:\…\FX-Executor.mq5(12,5) : error 256: undeclared identifier` → `FX-Executor.mq5(12,5): error 256: undeclared…`
fn error_line(line: &str) -> Option<String> {
    let (place, what) = line.split_once(" : ")?;
    if !what.starts_with("error") {
        return None;
    }
    let file = place.rsplit(['\\', '/']).next().unwrap_or(place);
    Some(format!("{}: {}", file.trim(), what.trim()))
}

fn tail(text: &str) -> String {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    match lines.next_back() {
        Some(line) => line.trim().chars().take(200).collect(),
        None => "it is empty".to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_builds_are_understood() {
        let cases = [
            (
                "Result: 0 errors, 0 warnings, 345 msec elapsed, cpu='X64 Regular'",
                (0, 0),
            ),
            ("Result: 2 errors, 11 warnings", (2, 11)),
            (
                "Result 0 error(s), 1 warning(s), compile time: 156 msec",
                (0, 1),
            ),
            (
                " : information: code generated\r\nResult: 0 errors, 3 warnings\r\n",
                (0, 3),
            ),
        ];
        for (log, (errors, warnings)) in cases {
            let read = summary(log).unwrap();
            assert_eq!((read.errors, read.warnings), (errors, warnings), "{log}");
        }
    }

    #[test]
    fn a_line_that_only_speaks_of_errors_is_no_result() {
        for log in [
            "",
            "0 errors, 0 warnings are expected here",
            "Result: none",
            "Result: x errors, 0 warnings",
        ] {
            assert_eq!(summary(log), None, "{log}");
        }
    }

    #[test]
    fn the_errors_are_told_with_their_lines() {
        let log = "C:\\Data\\MQL5\\Experts\\FX-Executor\\FX-Executor.mq5(12,5) : error 256: undeclared identifier 'x'\r\n\
                   C:\\Data\\FX-Executor.mq5(20,1) : warning 43: possible loss of data\r\n\
                   Result: 1 errors, 1 warnings\r\n";
        assert_eq!(
            summary(log).unwrap().error_lines,
            ["FX-Executor.mq5(12,5): error 256: undeclared identifier 'x'"]
        );
    }
}
