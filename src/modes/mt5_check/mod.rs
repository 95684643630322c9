//! `fx-executor mt5-check`: the items of docs/first-hour.md that need no hands, tried on the terminal that is there.
//!
//! Serves the link alone: no platform, no strategies, no journal. It trades nothing, unless a person asked for one order
//! of the smallest volume and the account is a demo account.

mod items;
mod order;
mod report;
mod walk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::cli::{Cli, Mt5Check, exit};
use crate::logs;
use crate::os::say;
use crate::settings::{self, DataDir, DataDirError};
use crate::terminal::{self, MetaTraderOptions};
use items::examine;
use report::{Item, Mark, Report};
use walk::Walk;

/// For the farewell to the Expert Advisor.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) fn run(cli: &Cli, options: &Mt5Check) -> ExitCode {
    let data_dir = match DataDir::open(cli.data_dir.as_deref()) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    let _lock = match data_dir.lock() {
        Ok(lock) => lock,
        Err(error @ DataDirError::InUse { .. }) => {
            eprintln!(
                "fx-executor: {error}; end it first, because both would serve the same terminal"
            );
            return ExitCode::from(exit::IN_USE);
        }
        Err(error) => return fail(&error.to_string()),
    };
    let _logs = match logs::init(&logs::Options {
        console: false,
        data_dir: Some(data_dir.path().to_owned()),
    }) {
        Ok(guard) => guard,
        Err(error) => return fail(&error.to_string()),
    };
    let Some(common_files) = common_files(cli, options, &data_dir) else {
        return fail(
            "where MetaTrader 5 keeps its shared files is not known on this computer; name the folder with --common-files",
        );
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("mt5-check")
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the check cannot be started: {error}")),
    };
    let at = Timestamp::now();
    let path = options.report.clone().unwrap_or_else(|| {
        data_dir.join(&format!("mt5-check-{}.txt", at.strftime("%Y%m%d-%H%M%S")))
    });
    let mut report = Report::new(at);
    runtime.block_on(async {
        let end = CancellationToken::new();
        let link = terminal::spawn_metatrader(MetaTraderOptions::new(common_files), end.clone());
        let mut walk = Walk::new(link);
        examine(&mut walk, options, &mut report).await;
        end.cancel();
        walk.ended(FAREWELL).await;
    });
    // A question that nobody answered must not hold the program up.
    runtime.shutdown_background();
    let failed = report.failed();
    say(format!(
        "\n{} held, {failed} failed, {} not tried",
        report.count(Mark::Held),
        report.count(Mark::NotTried)
    ));
    if let Err(error) = std::fs::write(&path, report.to_string()) {
        eprintln!(
            "fx-executor: the report {} cannot be written: {error}",
            path.display()
        );
        return ExitCode::from(code(failed + 1));
    }
    say(format!("Report: {}", path.display()));
    ExitCode::from(code(failed))
}

fn common_files(cli: &Cli, options: &Mt5Check, data_dir: &DataDir) -> Option<PathBuf> {
    let of_settings = || {
        let working = std::env::current_dir().unwrap_or_default();
        let path = settings::locate(cli.config.as_deref(), data_dir.path(), &working);
        let store = settings::secret_store(data_dir.path());
        let loaded = settings::load(&path, store.as_ref()).ok()?;
        loaded.draft.settings().ok()?.common_files
    };
    options
        .common_files
        .clone()
        .or_else(of_settings)
        .or_else(terminal::common_files)
}

fn code(failed: usize) -> u8 {
    u8::try_from(failed).unwrap_or(u8::MAX)
}

fn fail(reason: &str) -> ExitCode {
    eprintln!("fx-executor: {reason}");
    ExitCode::from(exit::FAILED)
}

/// Says an item as it comes.
fn tell(report: &mut Report, item: Item) {
    say(&item);
    report.items.push(item);
}
