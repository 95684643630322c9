//! `fx-executor doctor`: the examination printed for a person.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Check, Patient, checks};
use crate::journal;
use crate::os::say;
use crate::settings::{self, DataDir, Settings};

const STEP_LIMIT: Duration = Duration::from_secs(15);

/// Examines the settings of this computer, prints every step, and gives the number of failed ones.
pub fn run_in_console(data_dir: Option<&Path>, config: Option<&Path>) -> usize {
    let mut failures = 0;
    examine(data_dir, config, &mut |check| {
        failures += usize::from(check.ok == Some(false));
        say(words(&check));
    });
    say("");
    match failures {
        0 => say("Everything holds."),
        1 => say("1 step failed."),
        _ => say(format!("{failures} steps failed.")),
    }
    failures
}

/// The same as a text.
pub fn report(data_dir: &Path, config: Option<&Path>) -> String {
    let mut text = String::new();
    examine(Some(data_dir), config, &mut |check| {
        text.push_str(&words(&check));
        text.push('\n');
    });
    text
}

fn examine(data_dir: Option<&Path>, config: Option<&Path>, mut tell: &mut dyn FnMut(Check)) {
    if let Ok(data_dir) = DataDir::open(data_dir) {
        look_at_journal(&data_dir.join("journal.sqlite")).map(&mut tell);
    }
    match find(data_dir, config) {
        Ok((settings, source)) => {
            match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => {
                    let patient = Patient {
                        settings,
                        source: &source,
                    };
                    runtime.block_on(checks::examine(&patient, STEP_LIMIT, &mut tell));
                }
                Err(error) => tell(failed(
                    "Start",
                    error.to_string(),
                    "Close some programs and try again.",
                )),
            }
        }
        Err(problems) => problems.into_iter().for_each(&mut tell),
    }
}

/// Without its journal no executor starts; `None`: there is none yet.
fn look_at_journal(path: &Path) -> Option<Check> {
    if !path.exists() {
        return None;
    }
    let started = Instant::now();
    let read = journal::read(path);
    let took = started.elapsed();
    Some(match read {
        Ok(known) => Check {
            title: "Journal".to_owned(),
            ok: Some(true),
            detail: format!("read, with {} open commands", known.open.len()),
            remedy: String::new(),
            took,
        },
        Err(error) => Check {
            took,
            ..failed(
                "Journal",
                error.to_string(),
                "The executor cannot start with it. Keep a copy of the file, write a support bundle (fx-executor support-bundle), and look after open positions in the terminal.",
            )
        },
    })
}

fn find(data_dir: Option<&Path>, config: Option<&Path>) -> Result<(Settings, String), Vec<Check>> {
    let data_dir = DataDir::open(data_dir)
        .map_err(|error| vec![failed("Data folder", error.to_string(), "")])?;
    let working = std::env::current_dir().unwrap_or_default();
    let path = settings::locate(config, data_dir.path(), &working);
    let store = settings::secret_store(data_dir.path());
    let loaded = settings::load(&path, store.as_ref()).map_err(|error| {
        vec![failed(
            "Settings file",
            error.to_string(),
            "Correct the file, or save the settings anew in the window.",
        )]
    })?;
    if !loaded.exists {
        let text = format!("{} does not exist", path.display());
        return Err(vec![failed(
            "Settings file",
            text,
            "Start the window and fill in Settings; or try: fx-executor practice.",
        )]);
    }
    let source = path.display().to_string();
    loaded
        .draft
        .settings()
        .map(|settings| (settings, source))
        .map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| {
                    failed(
                        &format!("Setting {}", problem.field.key()),
                        problem.what,
                        "Correct it in Settings or in the file.",
                    )
                })
                .collect()
        })
}

fn failed(title: &str, detail: String, remedy: &str) -> Check {
    Check {
        title: title.to_owned(),
        ok: Some(false),
        detail,
        remedy: remedy.to_owned(),
        took: Duration::ZERO,
    }
}

fn words(check: &Check) -> String {
    let mark = match check.ok {
        Some(true) => '✓',
        Some(false) => '✗',
        None => '–',
    };
    let line = format!(
        "{mark} {}: {}  ({} ms)",
        check.title,
        check.detail,
        check.took.as_millis()
    );
    if check.remedy.is_empty() {
        line
    } else {
        format!("{line}\n    → {}", check.remedy)
    }
}
