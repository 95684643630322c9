//! What the program does in each of its modes: wires the parts together, starts them, ends them in order.
//!
//! The only place that prints for a person outside the log.
#![expect(clippy::print_stderr, reason = "the console modes speak to a person")]

mod after_crash;
mod again;
mod allow_real;
mod autostart;
mod check;
mod end;
mod explain;
mod forget_account;
mod mt5;
mod mt5_check;
mod plan;
mod practice;
mod practice_market;
mod renderer;
mod replay;
mod resume;
mod session;
mod settings_desk;
mod settings_home;
mod show;
mod silence;
mod stop_all;
mod stored;
mod strict_json;
mod support_bundle;
mod surroundings;
mod system;
mod terminal_desk;
mod toasts;
mod tray;
mod update;
mod watching;
mod window;

use std::path::Path;
use std::process::ExitCode;

use crate::cli::{Cli, Mode, exit};
use crate::os::say;
use crate::settings::DataDirError;
use session::{Session, SessionOptions, StartError};

/// Runs the program and gives its exit code.
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.mode {
        Some(Mode::Practice(options)) => practice::run(cli, options),
        Some(Mode::Doctor) => doctor(cli),
        Some(Mode::StopAll { reason }) => stop_all::run(cli.data_dir.as_deref(), reason),
        Some(Mode::Resume { lift_stop, yes }) => {
            resume::run(cli.data_dir.as_deref(), *lift_stop, *yes)
        }
        Some(Mode::ForgetAccount { login, server }) => {
            forget_account::run(cli.data_dir.as_deref(), *login, server.as_deref())
        }
        Some(Mode::AllowReal { login, server, yes }) => {
            allow_real::run(cli.data_dir.as_deref(), *login, server.as_deref(), *yes)
        }
        Some(Mode::SupportBundle {
            out,
            without_doctor,
        }) => support_bundle::run(
            cli.data_dir.as_deref(),
            cli.config.as_deref(),
            out.as_deref(),
            !without_doctor,
        ),
        Some(Mode::Update(options)) => update::run(cli, options),
        Some(Mode::ApplyUpdate(options)) => update::apply(cli, options),
        Some(Mode::End) => end::run(cli.data_dir.as_deref()),
        Some(Mode::Autostart { remove }) => autostart::run(cli, *remove),
        Some(Mode::Explain { strategy, at }) => {
            explain::run(cli.data_dir.as_deref(), strategy.as_deref(), *at)
        }
        Some(Mode::Mt5(task)) => mt5::run(task),
        Some(Mode::Mt5Check(options)) => mt5_check::run(cli, options),
        Some(Mode::Plan(options)) => plan::run(cli, options),
        Some(Mode::Replay(options)) => replay::run(cli, options),
        None => executor(cli),
    }
}

fn executor(cli: &Cli) -> ExitCode {
    let session = Session::start(SessionOptions {
        data_dir: cli.data_dir.as_deref(),
        config: cli.config.as_deref(),
        console: true,
        headless: cli.headless,
        after_failure: cli.after_failure,
        practice: None,
    });
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            let shown = match &error {
                StartError::DataDir(DataDirError::InUse { path, owner }) if !cli.headless => {
                    show::bring_forward(path, *owner)
                }
                _ => false,
            };
            return if shown {
                ExitCode::SUCCESS
            } else {
                failed(&error)
            };
        }
    };
    if cli.headless {
        if let Some((problem, reachable)) = session.settings_problem() {
            eprintln!("fx-executor: {problem}");
            if !reachable {
                session.end();
                return ExitCode::from(exit::SETTINGS);
            }
            // Stops must arrive and positions be cared for.
            eprintln!("fx-executor: no position is opened until that is mended");
        }
        session.run_headless();
        return ExitCode::SUCCESS;
    }
    window::run(session)
}

fn doctor(cli: &Cli) -> ExitCode {
    let failures = crate::doctor::run_in_console(cli.data_dir.as_deref(), cli.config.as_deref());
    ExitCode::from(u8::try_from(failures).unwrap_or(u8::MAX))
}

fn failed(error: &StartError) -> ExitCode {
    eprintln!("fx-executor: {error}");
    ExitCode::from(match error {
        StartError::DataDir(DataDirError::InUse { .. }) => exit::IN_USE,
        _ => exit::FAILED,
    })
}

fn say_where(path: &Path) {
    say(format!("Data folder: {}", path.display()));
}
