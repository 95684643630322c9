//! The practice mode: platform, Pusher server and market on this machine, and the executor connected to them for real.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use super::session::{PracticeMarket, Session, SessionOptions, StartError, interrupted};
use super::{check, failed, practice_market, say_where, window};
use crate::cli::{self, Cli, exit};
use crate::os::say;
use crate::practice::{self, MarketSource, PracticeOptions, PracticeWorld};
use crate::settings::{DataDir, Draft, Field};
use crate::terminal::PaperOptions;

pub(super) fn run(cli: &Cli, options: &cli::Practice) -> ExitCode {
    if cli.config.is_some() {
        eprintln!(
            "fx-executor: practice makes settings of its own in its data folder; --config has no place here"
        );
        return ExitCode::from(exit::FAILED);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("practice")
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("fx-executor: the practice world cannot be started: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let end = CancellationToken::new();
    let start = now();
    let market = Arc::new(practice_market::PracticeMarket::new(
        options.seed,
        options.speed,
        start,
    ));
    let world = runtime.block_on(practice::start(
        PracticeOptions {
            port: options.port,
            pusher_port: options.pusher_port,
            seed: options.seed,
            speed: options.speed,
            market: Some(Arc::clone(&market) as Arc<dyn MarketSource>),
            ..PracticeOptions::default()
        },
        end.clone(),
    ));
    let world = match world {
        Ok(world) => Arc::new(world),
        Err(error) => {
            eprintln!("fx-executor: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let code = if options.serve_only {
        introduce(&world);
        say("Settings for an executor of your own:");
        say(format!("{}", practice::config_file(&world)));
        runtime.block_on(interrupted());
        ExitCode::SUCCESS
    } else {
        with_executor(cli, options, &runtime, &world, &market)
    };
    end.cancel();
    runtime.shutdown_timeout(std::time::Duration::from_millis(300));
    code
}

fn with_executor(
    cli: &Cli,
    options: &cli::Practice,
    runtime: &tokio::runtime::Runtime,
    world: &Arc<PracticeWorld>,
    market: &practice_market::PracticeMarket,
) -> ExitCode {
    let folder = match Folder::open(cli.data_dir.as_deref()) {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("fx-executor: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let no_display = window::missing_display();
    let headless = cli.headless || options.check || no_display.is_some();
    let session = start(folder.path(), options, world, !options.check);
    let session = match session {
        Ok(session) => session,
        Err(error) => return failed(&error),
    };
    if let Some((problem, _)) = session.settings_problem() {
        eprintln!("fx-executor: {problem}");
        if headless {
            session.end();
            return ExitCode::from(exit::SETTINGS);
        }
    }
    market.follow(session.engine.snapshot.clone());
    if options.check {
        return check::run(runtime, world, session);
    }
    introduce(world);
    say_where(folder.path());
    if let (Some(reason), false) = (no_display, cli.headless) {
        say(format!(
            "No window: {reason}. Going on without one; the log follows."
        ));
    }
    if !options.no_activate {
        check::activate_when_ready(runtime, world, &session);
    }
    if headless {
        session.run_headless();
        ExitCode::SUCCESS
    } else {
        window::run(session)
    }
}

fn start(
    folder: &Path,
    options: &cli::Practice,
    world: &PracticeWorld,
    console: bool,
) -> Result<Session, StartError> {
    Session::start(SessionOptions {
        data_dir: Some(folder),
        config: None,
        console,
        headless: !console,
        after_failure: false,
        practice: Some(PracticeMarket {
            page: world.platform_url.clone(),
            settings: settings_of(world),
            paper: PaperOptions {
                seed: options.seed,
                speed: options.speed,
                skip_weekends: true,
                ..PaperOptions::in_folder(folder)
            },
        }),
    })
}

fn introduce(world: &PracticeWorld) {
    say(format!("Practice platform: {}", world.platform_url));
    say(format!(
        "Practice Pusher:   ws://{}:{}",
        world.pusher_host, world.pusher_port
    ));
    say("Activate another strategy:");
    say(format!("  {}", world.activate_curl("SCALP_WEEKDAY")));
}

/// The settings as a person would fill them in.
fn settings_of(world: &PracticeWorld) -> Draft {
    let mut draft = Draft::default();
    draft.set(Field::PlatformUrl, &world.platform_url);
    draft.set(Field::ApiKey, exposed(&world.api_key));
    draft.set_secret(exposed(&world.api_secret));
    draft.set(Field::PusherHost, &world.pusher_host);
    draft.set(Field::PusherPort, &world.pusher_port.to_string());
    draft.set(Field::PusherTls, "false");
    draft.set(Field::Terminal, "paper");
    draft
}

fn exposed(secret: &SecretString) -> &str {
    secret.expose_secret()
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// The folder of a practice run: a temporary one unless one was named.
enum Folder {
    Named(PathBuf),
    Temporary(PathBuf),
}

impl Folder {
    fn open(named: Option<&Path>) -> Result<Self, String> {
        if let Some(path) = named {
            let dir = DataDir::open(Some(path)).map_err(|error| error.to_string())?;
            return Ok(Self::Named(dir.path().to_owned()));
        }
        let name = format!("fx-executor-practice-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        DataDir::open(Some(&path)).map_err(|error| error.to_string())?;
        Ok(Self::Temporary(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Temporary(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Self::Temporary(path) = self
            && let Err(error) = std::fs::remove_dir_all(&*path)
        {
            eprintln!(
                "fx-executor: the temporary folder {} stays: {error}",
                path.display()
            );
        }
    }
}
