//! `fx-executor update`: a newer version, looked for at the address of the settings, and installed after a yes.
//!
//! The installation has two halves, because Windows replaces no program that runs. The first fetches and proves the
//! installer. The second runs from a copy of this program: it proves the installer anew, asks the executor to end as soon as
//! no order is under way, lets Windows install, and starts the executor again.

mod apply;
mod desk;
mod look;

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

pub(super) use apply::run as apply;
pub(super) use desk::UpdateDesk;

use super::stop_all::fail;
use crate::cli::{Cli, Update, exit};
use crate::os::say;
use crate::settings::{self, DataDir};
use crate::update::{Offer, Verdict, Version};
use look::Look;

pub(super) fn run(cli: &Cli, options: &Update) -> ExitCode {
    match update(cli, options) {
        Ok(code) => code,
        Err(reason) => fail(&reason),
    }
}

fn update(cli: &Cli, options: &Update) -> Result<ExitCode, String> {
    let data_dir = DataDir::open(cli.data_dir.as_deref()).map_err(|error| error.to_string())?;
    let working = std::env::current_dir().unwrap_or_default();
    let path = settings::locate(cli.config.as_deref(), data_dir.path(), &working);
    let store = settings::secret_store(data_dir.path());
    let look = Look::by_settings(&path, store.as_ref(), data_dir.path())?;
    let (verdict, text) = look.ask()?;
    let offer = match verdict {
        Verdict::Newer(offer) => offer,
        Verdict::Same => {
            say("This is the newest version.");
            return Ok(ExitCode::SUCCESS);
        }
        Verdict::Older(version) => {
            say(format!(
                "The address offers {version}, which is older than this program. It is not installed."
            ));
            return Ok(ExitCode::SUCCESS);
        }
    };
    describe(&offer);
    if let Some(only) = &options.only
        && only.parse() != Ok(offer.version)
    {
        return Err(format!(
            "the address offers {} now, and your yes was for {only}; look at what is new and ask again",
            offer.version
        ));
    }
    if !options.install {
        say("fx-executor update --install installs it.");
        return Ok(ExitCode::SUCCESS);
    }
    let package = look.fetch(&offer, &text, show_progress)?;
    say(format!("Fetched and proved: {}", package.path.display()));
    if !apply::can_install() {
        say("It is an installer for Windows; on this system the program is built from its source.");
        return Ok(ExitCode::from(exit::UNDECIDED));
    }
    if !options.yes && !agreed() {
        say("Nothing was installed.");
        return Ok(ExitCode::from(exit::UNDECIDED));
    }
    apply::begin(
        look.kept(),
        data_dir.path(),
        cli.config.as_deref(),
        cli.headless,
    )?;
    say(
        "The executor ends as soon as no order is under way, the new version is installed, and it is started again. Open positions stay as they are.",
    );
    Ok(ExitCode::SUCCESS)
}

fn describe(offer: &Offer) {
    let running =
        Version::of_this_program().map_or_else(String::new, |version| version.to_string());
    say(format!(
        "Version {} is there ({:.1} MB); this is {running}. What is new:",
        offer.version,
        megabytes(offer.size)
    ));
    for change in &offer.changes {
        say(format!("  - {change}"));
    }
}

pub(super) fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let bytes = bytes as f64;
    bytes / 1e6
}

fn show_progress(came: u64, whole: u64) {
    if std::io::stderr().is_terminal() {
        eprint!("\r{:.1} of {:.1} MB", megabytes(came), megabytes(whole));
        if came == whole {
            eprintln!();
        }
    }
}

fn agreed() -> bool {
    say("Install it now? The program ends and starts again. Type yes:");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
