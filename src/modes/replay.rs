//! `fx-executor replay`: a stored strategy over history, and what it would have traded.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::stored::{Row, document};
use super::surroundings;
use crate::cli::{Cli, Replay as Options, exit};
use crate::os::say;
use crate::replay::{
    DecisionTable, Files, History, Replay, ReplayError, Report, Settings, Tables, page, terms,
};
use crate::strategy::Plan;

/// Bars between two looks at the clock.
const LOOK_EVERY: u64 = 1 << 15;
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// Written at once.
const BUFFER: usize = 1 << 18;

pub(super) fn run(cli: &Cli, options: &Options) -> ExitCode {
    match replayed(cli, options) {
        Ok(said) => {
            say(said);
            ExitCode::SUCCESS
        }
        Err((code, error)) => {
            eprintln!("fx-executor: {error}");
            ExitCode::from(code)
        }
    }
}

type Failure = (u8, String);

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn unreadable(error: impl ToString) -> Failure {
    (exit::UNREADABLE, error.to_string())
}

fn unwritable(error: &io::Error) -> Failure {
    (
        exit::FAILED,
        format!("the results cannot be written: {error}"),
    )
}

fn replayed(cli: &Cli, options: &Options) -> Result<String, Failure> {
    let here = surroundings::read(cli).map_err(unreadable)?;
    let row = Row::read(&options.stored, &here).map_err(unreadable)?;
    let plan = row
        .plan()
        .map_err(|refusal| (exit::REFUSED, format!("{} is refused: {refusal}", row.name)))?;
    let mut settings = settings(options, &plan)?;
    settings.news.clone_from(&here.config.news);
    let notes = plan
        .fit(&settings.terms.spec)
        .map_err(|refusal| (exit::REFUSED, format!("{} is refused: {refusal}", row.name)))?;
    let mut replay = Replay::new(plan, settings);
    let read = Arc::new(AtomicU64::new(0));
    let files = Files::of(replay.plan(), &options.bars);
    let mut history = History::open(
        &files.own,
        replay.plan().symbol(),
        replay.plan().timeframe(),
        &replay.higher(),
        &options.server_zone,
        &read,
    )
    .map_err(unreadable)?;
    let missing = history
        .compare(&mut replay, &files, &options.server_zone)
        .map_err(unreadable)?;
    let unfollowed = (replay.plan())
        .fit_symbols(&missing)
        .map_err(|refusal| (exit::REFUSED, format!("{} is refused: {refusal}", row.name)))?;
    for file in &history.unused {
        eprintln!("not used: {file}");
    }
    let mut tables = tables(options, &replay).map_err(|error| unwritable(&error))?;
    let mut progress = Progress::new(options, read);
    let done = history.run(&mut replay, &mut tables, |bars| progress.show(bars));
    progress.end();
    done.map_err(|error| match error {
        ReplayError::History(error) => unreadable(error),
        ReplayError::Output(error) => unwritable(&error),
    })?;
    if replay.is_empty() {
        let error = "no bar of the history lies between --from and --to; nothing was replayed";
        return Err(unreadable(error));
    }
    let mut report = Report::new(&row.name, &replay, &history, options.server_zone.name());
    let unfollowed = unfollowed.iter().map(ToString::to_string);
    report.skipped.extend(unfollowed);
    report.assumptions.extend(notes);
    report.assumptions.extend(here.notes(&row.symbol));
    report.assumptions.extend(row.unused());
    tables
        .finish()
        .and_then(|_| write(&options.out, &report, &replay))
        .map_err(|error| unwritable(&error))?;
    Ok(format!(
        "{}\nWritten to {}",
        report.headline(),
        options.out.join("report.html").display()
    ))
}

fn settings(options: &Options, plan: &Plan) -> Result<Settings, Failure> {
    let changes = match &options.spec {
        Some(path) => Some(document(path).map_err(unreadable)?),
        None => None,
    };
    Ok(Settings {
        terms: terms(plan.symbol(), changes.as_ref()).map_err(unreadable)?,
        balance: options.balance,
        spread_pips: options.spread,
        commission: options.commission,
        from: options.from.map(|from| from.begins),
        to: options.to.map(|to| to.ends),
        news: None,
    })
}

fn tables(options: &Options, replay: &Replay) -> io::Result<Tables<BufWriter<File>>> {
    fs::create_dir_all(&options.out)?;
    let file = |name: &str| {
        let path = options.out.join(name);
        File::create(path).map(|file| BufWriter::with_capacity(BUFFER, file))
    };
    let decisions = if options.decisions {
        let out = file("decisions.csv")?;
        Some(DecisionTable::new(out, replay.plan())?)
    } else {
        None
    };
    Tables::new(file("trades.csv")?, decisions)
}

fn write(folder: &Path, report: &Report, replay: &Replay) -> io::Result<()> {
    let mut document = serde_json::to_string_pretty(report)?;
    document.push('\n');
    fs::write(folder.join("report.json"), document)?;
    fs::write(folder.join("report.html"), page(report, replay))
}

/// How far it has come, on a terminal only.
struct Progress {
    shown: bool,
    read: Arc<AtomicU64>,
    total: u64,
    began: Instant,
    last: Instant,
}

impl Progress {
    fn new(options: &Options, read: Arc<AtomicU64>) -> Self {
        let sizes = options
            .bars
            .iter()
            .filter_map(|path| fs::metadata(path).ok());
        let now = Instant::now();
        Self {
            shown: io::stderr().is_terminal(),
            read,
            total: sizes.map(|file| file.len()).sum(),
            began: now,
            last: now,
        }
    }

    fn show(&mut self, bars: u64) {
        if !self.shown || !bars.is_multiple_of(LOOK_EVERY) || self.last.elapsed() < SHOW_EVERY {
            return;
        }
        self.last = Instant::now();
        let done = self.read.load(Ordering::Relaxed) as f64 / self.total.max(1) as f64;
        let left = self.began.elapsed().as_secs_f64() * (1.0 - done).max(0.0) / done.max(1e-6);
        eprint!(
            "\r{:3.0} %  {bars} bars, {left:.0} s left   ",
            done.min(1.0) * 100.0
        );
        // A terminal that cannot be written to shows nothing; the replay goes on.
        drop(io::stderr().flush());
    }

    fn end(&self) {
        if self.shown && self.last != self.began {
            eprint!("\r{:50}\r", "");
        }
    }
}
