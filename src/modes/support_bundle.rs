//! `fx-executor support-bundle`: one zip for whoever is to help.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::Timestamp;

use super::stop_all::fail;
use crate::core::{Durable, State};
use crate::doctor;
use crate::journal;
use crate::logs::Redactor;
use crate::os::say;
use crate::settings::{self, DataDir};
use crate::support::{self, Bundle};

pub(super) fn run(
    data_dir: Option<&Path>,
    config: Option<&Path>,
    out: Option<&Path>,
    doctor: bool,
) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    let bundle = gather(&data_dir, config, doctor);
    say("It holds these texts; open the zip to read them before you send it:");
    for part in bundle.parts() {
        say(format!("  {:>9} bytes  {}", part.text.len(), part.name));
    }
    let path = out.map_or_else(|| usual_place(&data_dir), Path::to_owned);
    match bundle.write(&path) {
        Ok(()) => {
            say(format!("Written: {}", path.display()));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&format!("{} cannot be written: {error}", path.display())),
    }
}

fn usual_place(data_dir: &DataDir) -> PathBuf {
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    data_dir.join(&format!("support-{now}.zip"))
}

fn gather(data_dir: &DataDir, config: Option<&Path>, doctor: bool) -> Bundle {
    let redactor = Redactor::default();
    let working = std::env::current_dir().unwrap_or_default();
    let path = settings::locate(config, data_dir.path(), &working);
    let store = settings::secret_store(data_dir.path());
    let settings = match settings::load(&path, store.as_ref()) {
        Ok(loaded) => {
            for secret in loaded.draft.secrets() {
                redactor.register(secret);
            }
            support::settings(&loaded.draft)
        }
        Err(error) => format!("{error}\n"),
    };
    let mut bundle = Bundle::default();
    bundle.add("about.txt", &about(data_dir, &path), &redactor);
    bundle.add("settings.txt", &settings, &redactor);
    bundle.add("journal.txt", &journal_words(data_dir), &redactor);
    if doctor {
        say("Asking the doctor; this takes up to a minute.");
        let report = doctor::report(data_dir.path(), config);
        bundle.add("doctor.txt", &report, &redactor);
    }
    let files = support::logs(data_dir.path());
    for part in files.into_iter().chain(support::crashes(data_dir.path())) {
        bundle.add(&part.name, &part.text, &redactor);
    }
    bundle
}

fn about(data_dir: &DataDir, settings: &Path) -> String {
    format!(
        "FX Executor {}\n{} {}\nmade     {}\ndata     {}\nsettings {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        Timestamp::now(),
        data_dir.path().display(),
        settings.display()
    )
}

/// What is going on, and the latest commands, without their contents.
fn journal_words(data_dir: &DataDir) -> String {
    let path = data_dir.join("journal.sqlite");
    let known = match journal::read(&path) {
        Ok(known) => known,
        Err(error) => return format!("{error}\n"),
    };
    let mut text = state_words(&known);
    text.push_str("\ncommands, the newest first:\n");
    match journal::latest(&path, State::ROWS) {
        Ok(rows) => {
            for row in rows {
                text.push_str(&format!(
                    "{} {} {} {} {}: {}\n",
                    row.received_at,
                    row.id,
                    row.source.name(),
                    row.name,
                    row.state.name(),
                    row.message
                ));
            }
        }
        Err(error) => text.push_str(&format!("{error}\n")),
    }
    text
}

fn state_words(known: &Durable) -> String {
    let account = known.account.as_ref();
    let account = account.map_or_else(
        || "none yet".to_owned(),
        |one| format!("{} on {}", one.masked(), one.server),
    );
    let stop = known.stop.as_ref();
    let stop = stop.map_or_else(
        || "off".to_owned(),
        |stop| format!("since {}: {}", stop.since, stop.reason),
    );
    let pause = known.pause.as_ref();
    let pause = pause.map_or_else(
        || "off".to_owned(),
        |pause| format!("since {}: {}", pause.since, pause.reason),
    );
    let mut text = format!(
        "account        {account}\nemergency stop {stop}\npause          {pause}\nopen commands  {}\nreports due    {}\n",
        known.open.len(),
        known.reports.len()
    );
    for entry in known.intents.values() {
        text.push_str(&format!(
            "order          {} {:?}, made {}: {}\n",
            entry.intent.cid, entry.progress, entry.made_at, entry.intent.action
        ));
    }
    for strategy in known.strategies.values() {
        text.push_str(&format!(
            "strategy       {} on {} {}: {:?} ({})\n",
            strategy.name, strategy.symbol, strategy.timeframe, strategy.state, strategy.reason
        ));
    }
    text
}
