//! `fx-executor end`: ends the running executor, as closing its window would. The installer asks so before it replaces or
//! removes the program. Positions stay as they are.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::stop_all::{fail, within};
use crate::os::{Request, say};
use crate::settings::{DataDir, DataDirError};

/// The goodbye to the platform and the journal's last writes take at most a few seconds.
const ENDED_WITHIN: Duration = Duration::from_secs(20);

pub(super) fn run(data_dir: Option<&Path>) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    match data_dir.lock() {
        Ok(_lock) => {
            say(format!(
                "No executor is running in {}.",
                data_dir.path().display()
            ));
            return ExitCode::SUCCESS;
        }
        Err(DataDirError::InUse { .. }) => {}
        Err(error) => return fail(&error.to_string()),
    }
    if let Err(error) = Request::End.write(data_dir.path(), "fx-executor end") {
        return fail(&format!("the request cannot be written: {error}"));
    }
    if within(ENDED_WITHIN, || data_dir.lock().is_ok()) {
        say(
            "The executor has ended. Open positions stay as they are, with their stops at the broker.",
        );
        return ExitCode::SUCCESS;
    }
    if let Err(error) = Request::End.clear(data_dir.path()) {
        eprintln!("fx-executor: the request cannot be withdrawn: {error}");
    }
    fail("the running executor did not end within 20 s")
}
