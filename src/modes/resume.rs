//! `fx-executor resume`: ends a pause, or lifts the emergency stop, for an executor without a window.
//!
//! The same deliberate local act as in the window: a person types it here, the platform never can.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;

use super::stop_all::{PATIENCE, TAKEN_WITHIN, fail, within};
use crate::core::Record;
use crate::journal::{Journal, stop_stands};
use crate::os::{Request, say};
use crate::settings::{DataDir, DataDirError};

pub(super) fn run(data_dir: Option<&Path>, lift_stop: bool, yes: bool) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    if lift_stop
        && !yes
        && !says_yes("Lift the emergency stop? New positions can then be opened. Type yes:")
    {
        return fail("the emergency stop stays on; type yes, or pass --yes");
    }
    let done = match data_dir.lock() {
        Ok(_lock) => write_down(&data_dir, lift_stop),
        Err(DataDirError::InUse { .. }) => ask(&data_dir, lift_stop),
        Err(error) => Err(error.to_string()),
    };
    match done {
        Ok(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Err(reason) => fail(&reason),
    }
}

/// Asks at the console; nobody there is no yes.
pub(super) fn says_yes(question: &str) -> bool {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return false;
    }
    say(question);
    let mut line = String::new();
    input.lock().read_line(&mut line).is_ok() && line.trim() == "yes"
}

fn ask(data_dir: &DataDir, lift_stop: bool) -> Result<String, String> {
    let request = if lift_stop {
        Request::LiftStop
    } else {
        Request::Resume
    };
    request
        .write(data_dir.path(), "fx-executor resume")
        .map_err(|error| format!("the request cannot be written: {error}"))?;
    if within(TAKEN_WITHIN, || !request.is_waiting(data_dir.path())) {
        if Request::StopEverything.is_waiting(data_dir.path()) {
            return Err("an emergency stop was asked for meanwhile, and counts".to_owned());
        }
        let journal = data_dir.join("journal.sqlite");
        Ok(if !lift_stop && stop_stands(&journal) {
            "The running executor has it. The emergency stop stays on; --lift-stop lifts it."
                .to_owned()
        } else {
            "The running executor has it; GET_STATUS or its window shows whether it trades."
                .to_owned()
        })
    } else {
        // Unlike a stop it must not be obeyed later: by then it may lift another stop than the one it was meant for.
        request.clear(data_dir.path()).map_err(|error| {
            format!(
                "the running executor did not take the request, and it cannot be withdrawn: {error}"
            )
        })?;
        Err("the running executor did not take the request; it was withdrawn".to_owned())
    }
}

fn write_down(data_dir: &DataDir, lift_stop: bool) -> Result<String, String> {
    let (mut journal, loaded) =
        Journal::open(&data_dir.join("journal.sqlite")).map_err(|error| error.to_string())?;
    let at = Timestamp::now();
    let mut records = Vec::new();
    if lift_stop && loaded.durable.stop.is_some() {
        records.push(Record::EmergencyLifted {
            platform_at: None,
            at,
        });
    }
    if loaded.durable.pause.is_some() {
        records.push(Record::Unpaused {
            here: true,
            platform_at: None,
            at,
        });
    }
    if !records.is_empty() {
        journal.append(&records, PATIENCE)?;
    }
    journal.close();
    Ok(if loaded.lost {
        "No executor is running. The journal, or a part of it, is gone, so the next executor starts paused: compare the account with the platform's command list, then resume."
            .to_owned()
    } else if !lift_stop && loaded.durable.stop.is_some() {
        "No executor is running. The emergency stop stays on; --lift-stop lifts it.".to_owned()
    } else {
        "No executor is running; the next one trades.".to_owned()
    })
}
