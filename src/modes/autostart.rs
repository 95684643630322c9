//! `fx-executor autostart`: what Windows does at sign-in, and taking this program's entry away. It is switched on and off by
//! the setting `autostart`.

use std::path::Path;
use std::process::ExitCode;

use super::stop_all::fail;
use crate::cli::Cli;
use crate::os::{self, Autostart, say};

pub(super) fn run(cli: &Cli, remove: bool) -> ExitCode {
    let done = if remove {
        this_program().and_then(|program| os::forget_autostart(&program))
    } else {
        Ok(false)
    };
    if let Err(error) = done {
        return fail(&format!(
            "Windows' list of startup apps cannot be changed: {error}"
        ));
    }
    let Some(command) = command(cli.data_dir.as_deref(), cli.config.as_deref()) else {
        return fail("where this program lies cannot be told");
    };
    match os::autostart(&command) {
        Ok(Autostart::NotHere) => {
            say("Only Windows starts FX Executor when you sign in; this system does not.");
        }
        Ok(found) => say(found),
        Err(error) => {
            return fail(&format!(
                "Windows' list of startup apps cannot be read: {error}"
            ));
        }
    }
    ExitCode::SUCCESS
}

/// What starts this program again on the same folders; `None` when it does not know where it lies.
pub(super) fn command(data_dir: Option<&Path>, config: Option<&Path>) -> Option<String> {
    let whole = |path: Option<&Path>| path.and_then(|path| std::path::absolute(path).ok());
    let (data_dir, config) = (whole(data_dir), whole(config));
    let mut options = Vec::new();
    options.extend(data_dir.as_deref().map(|path| ("--data-dir", path)));
    options.extend(config.as_deref().map(|path| ("--config", path)));
    Some(os::start_command(&this_program().ok()?, &options))
}

fn this_program() -> std::io::Result<std::path::PathBuf> {
    std::env::current_exe()
}
