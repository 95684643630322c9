//! The command line: what can be asked for, and what the exit codes mean.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::replay::ServerClock;

/// Exit codes beside 0 (fine) and 2 (the command line is wrong, by clap).
pub mod exit {
    /// `plan`, `replay`: a file cannot be read as what it should be.
    pub const UNREADABLE: u8 = 2;
    /// `plan`, `replay`: the rules are refused.
    pub const REFUSED: u8 = 3;
    /// Something failed; the last line says what.
    pub const FAILED: u8 = 1;
    /// Another process uses the data folder.
    pub const IN_USE: u8 = 3;
    /// The settings cannot be used, and there is no window to correct them in.
    pub const SETTINGS: u8 = 4;
    /// Nothing was done: a choice or a consent is missing (`mt5`, `update`).
    pub const UNDECIDED: u8 = 5;
}

#[derive(Debug, Parser)]
#[command(
    name = "fx-executor",
    version,
    about = "Executes a trading platform's commands on MetaTrader 5, exactly once, and shows everything that happened.",
    after_help = "Examples:
  fx-executor                         open the window, or bring the open one to the front
  fx-executor --headless              run without a window, logging to the console
  fx-executor practice                a practice platform, Pusher and market on this machine, and the window
  fx-executor practice --check        walk the whole way once, step by step, and say what holds
  fx-executor doctor                  find out what keeps commands from arriving
  fx-executor support-bundle          one zip for whoever is to help, without secrets
  fx-executor stop-all                emergency stop of the running executor
  fx-executor resume --lift-stop      lift it again, by a person at this machine
  fx-executor allow-real 5012345      allow trading with real money on this account
  fx-executor end                     end the running executor; positions stay as they are
  fx-executor update                  look for a newer version; --install installs it after your yes
  fx-executor autostart               whether Windows starts the program when you sign in
  fx-executor explain scalper         why a strategy did or did not trade at its last bar
  fx-executor mt5 list                the MetaTrader 5 terminals of this computer
  fx-executor mt5 install --dry-run   what installing the Expert Advisor would do
  fx-executor mt5-check               try the link to the terminal item by item, and write a report
  fx-executor plan strategy.json      what a stored strategy would do, in plain words
  fx-executor replay strategy.json --bars EURUSD_M15.csv --out result

Exit codes:
  0  fine
  1  failed; the last line says what (practice --check: a step does not hold)
  2  the command line is wrong
  3  another process uses the data folder
  4  the settings cannot be used (--headless)
  5  nothing was done: a choice or your consent is missing (mt5, update)
  doctor, mt5-check: the number of failed checks
  plan, replay: 2 a file cannot be read, 3 the rules are refused

Environment:
  FX_EXECUTOR_LOG   log filter, e.g. debug or pusher=trace,info"
)]
pub struct Cli {
    #[command(subcommand)]
    pub mode: Option<Mode>,
    /// Run without a window, logging to the console
    #[arg(long, global = true)]
    pub headless: bool,
    /// Settings file; else config/executor-config.json in the data folder, else in the working folder
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Data folder: journal, logs, settings (practice: a temporary one when not given)
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Started by one whose engine hangs or has failed: wait until that one is gone
    #[arg(long, hide = true)]
    pub after_failure: bool,
}

#[derive(Debug, Subcommand)]
pub enum Mode {
    /// The whole world on this machine: platform, Pusher, market, and the executor
    #[command(after_help = "Examples:
  fx-executor practice                       the practice world and the window
  fx-executor practice --check               exit code 0 only if every step holds
  fx-executor practice --serve-only          only the servers, for an executor of your own
  fx-executor --headless practice            no window")]
    Practice(Practice),
    /// Check the way of a command step by step; the exit code is the number of failed checks
    Doctor,
    /// Emergency stop: lock entries, cancel own orders, close own positions
    StopAll {
        /// Shown in the window and the journal
        #[arg(long, default_value = "fx-executor stop-all")]
        reason: String,
    },
    /// Trading goes on after a pause, by a person at this machine
    Resume {
        /// Lift the emergency stop too; asks for a yes
        #[arg(long)]
        lift_stop: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Wait no longer for an account that does not come back; without LOGIN, list what waits
    ForgetAccount {
        /// The account's number
        login: Option<u64>,
        /// Its server, where two accounts have the same number
        #[arg(long)]
        server: Option<String>,
    },
    /// Allow trading with real money on an account; without LOGIN, list where it is allowed
    AllowReal {
        /// The account's number
        login: Option<u64>,
        /// Its server, where the terminal has not been logged in to it yet
        #[arg(long)]
        server: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write one zip for whoever is to help: versions, settings, logs, journal, the doctor's report; no secrets
    SupportBundle {
        /// Where it is written (default: in the data folder)
        #[arg(long, value_name = "FILE.zip")]
        out: Option<PathBuf>,
        /// Leave the doctor's report out, which needs the network
        #[arg(long)]
        without_doctor: bool,
    },
    /// Look for a newer version at the address of the settings (updateUrl); installed only after a yes
    Update(Update),
    /// The second half of an update, run from a copy of the program
    #[command(hide = true)]
    ApplyUpdate(ApplyUpdate),
    /// End the running executor; open positions stay as they are
    End,
    /// Whether Windows starts the program when you sign in; switched on and off in Settings
    Autostart {
        /// Take this program's entry out of Windows' list (the uninstaller does it)
        #[arg(long)]
        remove: bool,
    },
    /// Why a strategy did or did not trade: each condition and filter at a bar, and what stood in the way most often
    #[command(after_help = "Examples:
  fx-executor explain                                   the strategies that decisions are kept of
  fx-executor explain scalper                           its last bar, and the week before
  fx-executor explain scalper --at 2026-03-02T08:00:00Z the last bar that had begun then")]
    Explain {
        /// Its id or name, or the beginning of one of them
        strategy: Option<String>,
        /// A moment in UTC, e.g. 2026-03-02T08:00:00Z (default: the last bar)
        #[arg(long, value_name = "TIME")]
        at: Option<jiff::Timestamp>,
    },
    /// Find MetaTrader 5 terminals; install the Expert Advisor in one, or take it back
    #[command(after_help = "Examples:
  fx-executor mt5 list
  fx-executor mt5 install --dry-run                    read the steps; nothing is written
  fx-executor mt5 install                              read the steps, then agree or not
  fx-executor mt5 install --terminal D0E8 --yes        agreed already; this terminal
  fx-executor mt5 install --start --symbol EURUSD.r    and start the closed terminal with it
  fx-executor mt5 uninstall                            take back exactly what was written

Exit codes: 0 done, 1 failed, 5 nothing was done (a terminal or your consent is missing)")]
    Mt5(Mt5),
    /// Try the link to the Expert Advisor item by item, without a platform, and write a report (docs/first-hour.md)
    #[command(
        after_help = "Put FX-Executor onto a chart first. A running FX Executor must be ended: both would serve the same terminal.

Examples:
  fx-executor mt5-check                          nothing is traded; the Expert Advisor is on its chart already
  fx-executor mt5-check --wait 300               time to drag it onto a chart
  fx-executor mt5-check --demo-orders            also open and close one minimal order, on a demo account, after a yes
  fx-executor mt5-check --demo-orders --yes --symbol EURUSD.r

Exit codes: the number of failed items; 2 also when the command line is wrong, 3 also when the data folder is in use"
    )]
    Mt5Check(Mt5Check),
    /// Say what a stored strategy would do, in plain words, or why it would not run
    #[command(
        after_help = "The file is a stored strategy ({\"name\", \"symbol\", \"timeframe\", \"rules\"}) or its rules alone.

Examples:
  fx-executor plan strategy.json
  fx-executor plan strategy.json --direction buy       for rules that do not say whether they buy or sell
  fx-executor plan strategy.json --lots 0.10           for rules that do not name their volume
  fx-executor plan rules.json --symbol EURUSD --timeframe M15
  fx-executor plan strategy.json --lang id             in Indonesian
  fx-executor plan strategy.json --json                the same for programs, with what every key became

Exit codes: 0 it would run, 3 it is refused, 2 the file cannot be read"
    )]
    Plan(Plan),
    /// Run a stored strategy over history and write what it would have traded
    #[command(
        after_help = "Bars are MetaTrader's export (tab separated, <DATE> <TIME> <OPEN> ...), or CSV with a header, packed (.gz) or not. Symbol
and timeframe come from the file's name (EURUSD_M15_2024.csv), else the timeframe from the bars. Files of one timeframe go on one
after the other; files of higher timeframes that the strategy looks at serve as their history, files of other symbols those that its
correlation filter compares.

Examples:
  fx-executor replay strategy.json --bars EURUSD_M15.csv --out result
  fx-executor replay strategy.json --bars 2023.csv.gz --bars 2024.csv.gz --out result --spread 0.8 --commission 7
  fx-executor replay strategy.json --bars EURUSD_M15.csv EURUSD_H1.csv --out result --server-zone NY+7
  fx-executor replay strategy.json --bars EURUSD_M15.csv --out result --from 2024-01-01 --to 2024-06-30 --decisions

Written into the folder: report.html, report.json, trades.csv, with --decisions decisions.csv. The same input gives the same bytes.

Exit codes: 0 done, 1 the output cannot be written, 2 a file cannot be read (with line and column), 3 the rules are refused"
    )]
    Replay(Box<Replay>),
}

/// A stored strategy and what it does not say itself.
#[derive(Clone, Debug, Args)]
pub struct Stored {
    /// The stored strategy, or its rules alone
    #[arg(value_name = "FILE.json")]
    pub file: PathBuf,
    /// The direction of rules that have none
    #[arg(long, value_enum)]
    pub direction: Option<Direction>,
    /// Filters that the rules may run without where they cannot be computed: news, correlation, riskSentiment, regime
    #[arg(long, value_name = "FILTER,…")]
    pub run_without: Option<String>,
    /// The lots, as the platform asks for them when a strategy is activated; rules of the AI writer name none
    #[arg(long, value_name = "LOTS", value_parser = money)]
    pub lots: Option<Decimal>,
    /// The symbol, where the file has none or another is meant
    #[arg(long)]
    pub symbol: Option<String>,
    /// The timeframe (M1 M5 M15 M30 H1 H4 D1 W1), where the file has none or another is meant
    #[arg(long)]
    pub timeframe: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    Buy,
    Sell,
}

/// The languages of the plan's sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Indonesian
    Id,
}

#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub stored: Stored,
    /// The language of the sentences
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub lang: Language,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    pub stored: Stored,
    /// Files with bars (can be given several times)
    #[arg(long, value_name = "FILE.csv", required = true, num_args = 1..)]
    pub bars: Vec<PathBuf>,
    /// The folder for the results; made when it does not exist
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The spread at all times (default: the history's own, where it has one)
    #[arg(long, value_name = "PIPS", value_parser = money)]
    pub spread: Option<Decimal>,
    /// Commission of one lot, opened and closed, in account currency
    #[arg(long, value_name = "MONEY", default_value = "0", value_parser = money)]
    pub commission: Decimal,
    /// Balance at the beginning, in account currency (US dollars unless --spec says otherwise)
    #[arg(long, value_name = "MONEY", default_value = "10000", value_parser = balance)]
    pub balance: Decimal,
    /// Decide from here on, UTC; earlier bars warm up (2024-01-31 or 2024-01-31T08:00)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Moment>,
    /// Up to here, UTC; a day is taken whole
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Moment>,
    /// The clock of the history's times: UTC, +2, NY+7 (most brokers), Europe/Athens
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub server_zone: ServerClock,
    /// Trading terms that differ from the built-in ones: a JSON object with any of the symbol's keys
    #[arg(long, value_name = "FILE.json")]
    pub spec: Option<PathBuf>,
    /// Write decisions.csv too, one line for each bar
    #[arg(long)]
    pub decisions: bool,
}

/// A moment, or a whole day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub begins: i64,
    /// The first second after it; its own when it is no day.
    pub ends: i64,
}

#[derive(Clone, Debug, Args)]
pub struct Update {
    /// Fetch it, ask, end the executor as soon as no order is under way, install, start it again
    #[arg(long)]
    pub install: bool,
    /// Do not ask
    #[arg(long, requires = "install")]
    pub yes: bool,
    /// Only this version: what was read of another one is no yes to it
    #[arg(long, value_name = "VERSION", requires = "install")]
    pub only: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct ApplyUpdate {
    /// The installed program
    pub program: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct Mt5Check {
    /// How long to wait for the Expert Advisor
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub wait: u64,
    /// Open and close one order of the smallest volume; never on a real account
    #[arg(long)]
    pub demo_orders: bool,
    /// Agree to the demo order without being asked
    #[arg(long, requires = "demo_orders")]
    pub yes: bool,
    /// The symbol to try, as the broker names it (default: EURUSD or another currency pair)
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// Where the report is written (default: in the data folder)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// MetaTrader's shared folder, Common\\Files (default: as in the settings, else the usual one)
    #[arg(long, value_name = "FOLDER")]
    pub common_files: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Mt5 {
    #[command(subcommand)]
    pub task: Mt5Task,
    /// Look here too: the folder of a portable copy (can be given several times)
    #[arg(long, value_name = "FOLDER", global = true)]
    pub folder: Vec<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Mt5Task {
    /// List the terminals of this computer and what they have of the Expert Advisor
    List,
    /// Write the Expert Advisor into a terminal and compile it by that terminal's own MetaEditor
    Install(Mt5Install),
    /// Take back exactly what was written; files changed since stay
    Uninstall {
        /// Which terminal: its id, the beginning of it, or its name
        #[arg(long, value_name = "ID")]
        terminal: Option<String>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// Agree without being asked
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
}

#[derive(Clone, Debug, Args)]
pub struct Mt5Install {
    /// Which terminal: its id, the beginning of it, or its name
    #[arg(long, value_name = "ID")]
    pub terminal: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Agree without being asked
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Start the terminal with the Expert Advisor on a chart, when it is closed
    #[arg(long)]
    pub start: bool,
    /// The chart's symbol, as the broker names it (default: one that the terminal has)
    #[arg(long, value_name = "SYMBOL", requires = "start")]
    pub symbol: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Practice {
    /// Walk the seed's flow once without a person and print each step
    #[arg(long, conflicts_with = "serve_only")]
    pub check: bool,
    /// Port of the practice platform (0: any free one)
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Port of the practice Pusher server (0: any free one)
    #[arg(long, default_value_t = 0)]
    pub pusher_port: u16,
    /// Seed of the market and of all ids
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Market seconds per real second
    #[arg(long, default_value_t = 20.0, value_parser = speed)]
    pub speed: f64,
    /// Only the servers, no executor
    #[arg(long)]
    pub serve_only: bool,
    /// Do not activate a strategy at the start
    #[arg(long)]
    pub no_activate: bool,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=10_000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 10000".to_owned()),
    }
}

fn balance(text: &str) -> Result<Decimal, String> {
    let above_zero = |number: &Decimal| !number.is_zero();
    let read = money(text).ok().filter(above_zero);
    read.ok_or_else(|| "a number above zero".to_owned())
}

fn money(text: &str) -> Result<Decimal, String> {
    match text.parse::<Decimal>() {
        Ok(number) if !number.is_sign_negative() && number < Decimal::from(1_000_000_000) => {
            Ok(number)
        }
        _ => Err("a number, zero or more".to_owned()),
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let wanted = "a day like 2024-01-31 or a moment like 2024-01-31T08:00, in UTC";
    let second = |moment: DateTime| {
        let moment = TimeZone::UTC.to_timestamp(moment);
        moment
            .map(jiff::Timestamp::as_second)
            .map_err(|_| wanted.to_owned())
    };
    if text.len() == 10
        && let Ok(day) = text.parse::<Date>()
    {
        let begins = second(day.at(0, 0, 0, 0))?;
        return Ok(Moment {
            begins,
            ends: begins + 86_400,
        });
    }
    let moment = text.trim_end_matches('Z').parse::<DateTime>();
    let begins = second(moment.map_err(|_| wanted.to_owned())?)?;
    Ok(Moment {
        begins,
        ends: begins,
    })
}
