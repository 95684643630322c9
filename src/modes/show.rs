//! A second start on the same data folder: the window that is there comes to the front, and the second process ends.

use std::path::Path;
use std::time::Duration;

use super::stop_all::within;
use crate::os::{Request, allow_foreground, say};

/// An executor with a window looks for requests twice a second; more than one that is just opening its window needs.
const SHOWN_WITHIN: Duration = Duration::from_secs(3);

/// True when the executor that uses the folder has brought its window to the front. False when it has none, after three
/// seconds; nothing of the request is left then.
pub(super) fn bring_forward(data_dir: &Path, owner: Option<u32>) -> bool {
    // Windows lets only the process that the person works with pass the foreground on.
    if let Some(owner) = owner {
        allow_foreground(owner);
    }
    if let Err(error) = Request::Show.write(data_dir, "a second start") {
        eprintln!("fx-executor: the window cannot be asked for: {error}");
        return false;
    }
    if within(SHOWN_WITHIN, || !Request::Show.is_waiting(data_dir)) {
        let process = owner.map_or_else(String::new, |pid| format!(" (process {pid})"));
        say(format!(
            "FX Executor runs already{process} on {}. Its window was brought to the front.",
            data_dir.display()
        ));
        return true;
    }
    if let Err(error) = Request::Show.clear(data_dir)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("fx-executor: the request for the window cannot be withdrawn: {error}");
    }
    false
}
