//! `fx-executor stop-all`: the emergency stop from a second process.
//!
//! The running executor is asked through a file in its data folder, so it works without any network. When none runs, the
//! stop is latched in the journal and completes as soon as an executor starts.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::exit;
use crate::core::{EmergencyStop, Record};
use crate::journal::{EmergencyStatus, EmergencyWatch, Journal, stop_beside};
use crate::os::{Request, say};
use crate::settings::{DataDir, DataDirError};

/// Time for the running executor to take the request.
pub(super) const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// Time for everything to be closed before the command stops watching.
const CLOSED_WITHIN: Duration = Duration::from_secs(30);
/// Another program may hold the journal of an executor that does not run.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(data_dir: Option<&Path>, reason: &str) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    match data_dir.lock() {
        Ok(_lock) => latch(&data_dir, reason),
        Err(DataDirError::InUse { .. }) => ask(&data_dir, reason),
        Err(error) => fail(&error.to_string()),
    }
}

fn ask(data_dir: &DataDir, reason: &str) -> ExitCode {
    let asked_at = now();
    // Whoever stops after asking for a resume wants the stop, whichever of the two files is read first.
    withdraw_resumes(data_dir.path());
    if let Err(error) = Request::StopEverything.write(data_dir.path(), reason) {
        return fail(&format!("the request cannot be written: {error}"));
    }
    withdraw_resumes(data_dir.path());
    if !within(TAKEN_WITHIN, || {
        !Request::StopEverything.is_waiting(data_dir.path())
    }) {
        return fail(
            "the running executor did not answer within 5 s. The request stays and is obeyed as soon as it goes on; until then use MetaTrader to close positions",
        );
    }
    say("Entries are locked. Own orders are being cancelled and own positions closed …");
    let path = data_dir.join("journal.sqlite");
    let mut watch = None;
    let mut last = EmergencyStatus::default();
    let done = within(CLOSED_WITHIN, || {
        // The owner may hold the file at this moment; the next look tries again.
        if watch.is_none() {
            watch = EmergencyWatch::open(&path).ok();
        }
        let Some(Ok(stop)) = watch.as_mut().map(EmergencyWatch::look) else {
            return false;
        };
        last = stop;
        // An earlier stop that was complete says nothing about what is open now.
        last.completed_at.is_some_and(|at| at >= asked_at)
    });
    for left in &last.forgotten {
        say(format!(
            "not closed, on an account that was forgotten at this machine: {left}"
        ));
    }
    if done {
        say(
            "Everything of this executor is closed, as far as it can reach. The lock stays until it is lifted in the window or by fx-executor resume --lift-stop.",
        );
        return ExitCode::SUCCESS;
    }
    for trouble in &last.troubles {
        eprintln!("still open: {trouble}");
    }
    if !last.latched {
        return fail(
            "the journal shows no emergency stop: either it was lifted meanwhile (in the window, or by fx-executor resume), or the journal cannot be written; look at the executor's window or log, and ask again if in doubt",
        );
    }
    fail(
        "entries are locked, but not everything is closed yet; the executor goes on trying (see its window)",
    )
}

fn withdraw_resumes(data_dir: &Path) {
    for request in [Request::Resume, Request::LiftStop] {
        if request.is_waiting(data_dir)
            && let Err(error) = request.clear(data_dir)
        {
            eprintln!("fx-executor: an earlier request to resume cannot be withdrawn: {error}");
        }
    }
}

fn latch(data_dir: &DataDir, reason: &str) -> ExitCode {
    let path = data_dir.join("journal.sqlite");
    let new = EmergencyStop::given(reason.to_owned(), now());
    let result = Journal::open(&path)
        .map_err(|error| error.to_string())
        .and_then(|(mut journal, loaded)| {
            // One that was complete, or spared something, does not cover what may be open now.
            let covers =
                |stop: &EmergencyStop| stop.completed_at.is_none() && stop.opened_before.is_none();
            let on = loaded.durable.stop.filter(covers);
            let stop = on.unwrap_or_else(|| new.clone());
            // Given now, and what the platform's clock shows now nobody knows here: no RESUME is surely later.
            let stop = EmergencyStop {
                last_given: None,
                ..stop
            };
            journal.append(&[Record::EmergencyStopped { stop }], PATIENCE)?;
            journal.close();
            Ok(())
        });
    if let Err(trouble) = result {
        if let Err(error) = stop_beside(&path, &new) {
            return fail(&format!(
                "the stop cannot be written down: {trouble}; nor beside the journal: {error}"
            ));
        }
        eprintln!(
            "fx-executor: the journal cannot be written now ({trouble}); the stop stands beside it."
        );
    }
    say(format!(
        "No executor is running in {}. The stop is latched: when one starts, it opens nothing and closes what is its own.",
        data_dir.path().display()
    ));
    ExitCode::SUCCESS
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// Looks again and again until `condition` holds or the time is over.
#[expect(
    clippy::disallowed_methods,
    reason = "a console command that waits for another process"
)]
pub(super) fn within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = std::time::Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > limit {
            return false;
        }
        std::thread::sleep(LOOK);
    }
}

pub(super) fn fail(reason: &str) -> ExitCode {
    eprintln!("fx-executor: {reason}");
    ExitCode::from(exit::FAILED)
}
