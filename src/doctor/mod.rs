//! Walks the way of a command by itself, step by step, and says what is wrong, how it knows, and what to do.
//!
//! It uses the program's own clients, so what it finds is what the executor meets. It never shows a secret and never
//! executes a command. Steps that need a failed one are not tried, and say so.

mod checks;
mod console;
mod subscription;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::settings::{Draft, Settings};

pub use console::{report, run_in_console};

/// One step of the examination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub title: String,
    /// `None`: not tried, because something before it failed.
    pub ok: Option<bool>,
    /// What was found, or why it was not tried.
    pub detail: String,
    /// What to do about it; empty when it is fine.
    pub remedy: String,
    pub took: Duration,
}

/// What the examination begins with.
#[derive(Debug)]
pub struct Patient<'a> {
    pub settings: Settings,
    /// Where the settings came from, in words.
    pub source: &'a str,
}

/// Examines settings that are being edited, without saving them; blocks, and tells each step as it comes.
pub fn try_settings(draft: &Draft, limit: Duration, mut tell: impl FnMut(Check)) {
    let settings = match draft.settings() {
        Ok(settings) => settings,
        Err(problems) => {
            for problem in problems {
                tell(Check {
                    title: format!("Setting {}", problem.field.key()),
                    ok: Some(false),
                    detail: problem.what,
                    remedy: String::new(),
                    took: Duration::ZERO,
                });
            }
            return;
        }
    };
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let patient = Patient {
                settings,
                source: "the values on this page",
            };
            runtime.block_on(checks::examine(&patient, limit, &mut tell));
        }
        Err(error) => tell(Check {
            title: "Start".to_owned(),
            ok: Some(false),
            detail: format!("the examination cannot be started: {error}"),
            remedy: "Close some programs and try again.".to_owned(),
            took: Duration::ZERO,
        }),
    }
}
