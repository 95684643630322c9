//! The second half of an update, run from a copy of this program.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use crate::cli::{ApplyUpdate, Cli};
use crate::modes::again::{executor, leave};
use crate::modes::stop_all::{fail, within};
use crate::os::{Request, say, show_message};
use crate::settings::{DataDir, DataDirError};
use crate::update::{Kept, PublicKey};

/// An order is answered in seconds; what is in doubt may take minutes, and then the update waits for another time.
const ENDED_WITHIN: Duration = Duration::from_secs(90);
/// An executor that took the request has said its goodbye by then.
const LAST_MOMENT: Duration = Duration::from_secs(5);
/// Windows Installer's "restart started" and "restart required" (its documentation, "Error Codes"): it was installed.
const DONE_BUT_RESTART: [i32; 2] = [1641, 3010];

/// In the tests of debug builds `FX_EXECUTOR_INSTALLER` names what stands for Windows Installer.
fn stand_in() -> Option<OsString> {
    std::env::var_os("FX_EXECUTOR_INSTALLER").filter(|_| cfg!(debug_assertions))
}

/// An installer is for Windows.
pub fn can_install() -> bool {
    cfg!(windows) || stand_in().is_some()
}

/// Starts the second half and leaves it alone.
pub fn begin(
    kept: &Kept,
    data_dir: &Path,
    config: Option<&Path>,
    headless: bool,
) -> Result<(), String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("this program's own file is not known: {error}"))?;
    let copy = kept
        .folder()
        .join(format!("updater{}", std::env::consts::EXE_SUFFIX));
    std::fs::copy(&program, &copy)
        .map_err(|error| format!("{} cannot be written: {error}", copy.display()))?;
    let mut command = executor(&copy, data_dir, config, headless);
    command.arg("apply-update").arg(&program);
    leave(command).map_err(|error| format!("{} cannot be started: {error}", copy.display()))
}

pub fn run(cli: &Cli, options: &ApplyUpdate) -> ExitCode {
    match install(cli, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            show_message("FX Executor was not updated", &reason);
            fail(&reason)
        }
    }
}

fn install(cli: &Cli, options: &ApplyUpdate) -> Result<(), String> {
    let data_dir = DataDir::open(cli.data_dir.as_deref()).map_err(|error| error.to_string())?;
    let key = PublicKey::of_this_build().ok_or("this build knows no key of updates")?;
    let package = Kept::in_data_dir(data_dir.path())
        .proved(&key)
        .map_err(|error| error.to_string())?;
    let was_running = end_the_executor(&data_dir)?;
    let outcome = run_installer(&package.path);
    // Whatever came of it, the executor that ran goes on: Windows Installer takes back what it could not finish.
    if was_running {
        let program = &options.program;
        let config = cli.config.as_deref();
        leave(executor(program, data_dir.path(), config, cli.headless)).map_err(|error| {
            format!(
                "{} cannot be started again: {error}. Start it by hand: nobody manages the open positions",
                program.display()
            )
        })?;
    }
    let status = outcome?;
    if status.success()
        || status
            .code()
            .is_some_and(|code| DONE_BUT_RESTART.contains(&code))
    {
        say(format!("Version {} is installed.", package.offer.version));
        return Ok(());
    }
    Err(format!(
        "Windows Installer ended with {status}. The version of before is still there; {} can be opened by hand.",
        package.path.display()
    ))
}

/// Whether one ran. It ends as soon as no order is under way; while one stays without outcome, it goes on trading.
fn end_the_executor(data_dir: &DataDir) -> Result<bool, String> {
    match data_dir.lock() {
        Ok(_lock) => return Ok(false),
        Err(DataDirError::InUse { .. }) => {}
        Err(error) => return Err(error.to_string()),
    }
    Request::EndForUpdate
        .write(data_dir.path(), "fx-executor update")
        .map_err(|error| format!("the executor cannot be asked to end: {error}"))?;
    if within(ENDED_WITHIN, || data_dir.lock().is_ok()) {
        return Ok(true);
    }
    if let Err(error) = Request::EndForUpdate.clear(data_dir.path())
        && error.kind() != ErrorKind::NotFound
    {
        return Err(format!(
            "an order is still under way, and the request to end cannot be withdrawn: {error}"
        ));
    }
    // It may have been taken at the last moment; who ends then must be started again.
    if within(LAST_MOMENT, || data_dir.lock().is_ok()) {
        return Ok(true);
    }
    Err(
        "nothing was installed: an order is still under way after 90 s. Trading goes on; try again later"
            .to_owned(),
    )
}

fn run_installer(package: &Path) -> Result<ExitStatus, String> {
    let installer = stand_in().unwrap_or_else(|| OsString::from("msiexec"));
    Command::new(installer)
        .arg("/i")
        .arg(package)
        .args(["/passive", "/norestart"])
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("Windows Installer cannot be started: {error}"))
}
