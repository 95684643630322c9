//! What `plan` and `replay` take over from the settings and the data folder, so that they say what the running program would.

use std::fs;
use std::path::Path;

use super::settings_home::read_calendar;
use crate::cli::Cli;
use crate::core::{Allowances, Config, Durable};
use crate::journal;
use crate::market::Side;
use crate::settings::{self, DataDir, Field};

#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub config: Config,
    /// What the trader chose in the program with this data folder.
    pub chosen: Option<Durable>,
    /// What was read, for whoever asks.
    pub notes: Vec<String>,
}

/// The settings that are named, else those of the usual place, where there are any.
///
/// # Errors
/// What is named is not there or cannot be used.
pub(super) fn read(cli: &Cli) -> Result<Surroundings, String> {
    let named = cli.config.is_some() || cli.data_dir.is_some();
    let Some(data_dir) = cli.data_dir.clone().or_else(DataDir::usual_place) else {
        return match &cli.config {
            Some(path) => of_file(path, path.parent().unwrap_or(path)),
            None => Ok(Surroundings::default()),
        };
    };
    if cli.data_dir.is_some() && !data_dir.is_dir() {
        return Err(format!("there is no folder {}", data_dir.display()));
    }
    let working = std::env::current_dir().unwrap_or_default();
    let path = settings::locate(cli.config.as_deref(), &data_dir, &working);
    let mut found = if cli.config.is_none() && !path.exists() {
        Surroundings::default()
    } else {
        match of_file(&path, &data_dir) {
            Ok(found) => found,
            Err(error) if named => return Err(error),
            Err(error) => Surroundings {
                notes: vec![format!("the settings are not used: {error}")],
                ..Surroundings::default()
            },
        }
    };
    let journal = data_dir.join("journal.sqlite");
    if cli.data_dir.is_some() && journal.exists() {
        found.chosen = Some(journal::read(&journal).map_err(|error| error.to_string())?);
        let note = format!("choices of {} count", data_dir.display());
        found.notes.push(note);
    }
    Ok(found)
}

fn of_file(path: &Path, data_dir: &Path) -> Result<Surroundings, String> {
    // A file that is named and not there is not the same as none.
    fs::metadata(path).map_err(|error| format!("the settings {}: {error}", path.display()))?;
    let store = settings::secret_store(data_dir);
    let loaded = settings::load(path, store.as_ref()).map_err(|error| error.to_string())?;
    let mut draft = loaded.draft;
    // Whoever only plans needs no platform.
    for (field, text) in [
        (Field::PlatformUrl, "https://unused.example"),
        (Field::ApiKey, "exe_unused"),
        (Field::ApiSecret, "unused"),
    ] {
        if draft.get(field).trim().is_empty() {
            draft.set(field, text);
        }
    }
    let settings = draft.settings().map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("the settings {}: {}", path.display(), problems.join(" "))
    })?;
    let mut notes = vec![format!("settings of {}", path.display())];
    notes.extend(loaded.notices);
    let news = settings
        .news_calendar
        .as_deref()
        .and_then(|path| read_calendar(path).map_err(|note| notes.push(note)).ok());
    if let Some(last) = news.as_ref().and_then(|news| news.events().last()) {
        let last = last.time.strftime("%Y-%m-%d");
        notes.push(format!("news calendar to {last}"));
    }
    if settings.limits.max_lots.is_some()
        || settings.limits.max_positions.is_some()
        || settings.limits.max_daily_loss.is_some()
    {
        let note = "limits of this computer (lots, positions, daily loss) hold while it trades and are not reckoned with here";
        notes.push(note.to_owned());
    }
    Ok(Surroundings {
        config: Config {
            default_direction: settings.default_direction,
            run_without: settings.run_without,
            symbol_map: settings.symbol_map,
            news,
            ..Config::default()
        },
        chosen: None,
        notes,
    })
}

impl Surroundings {
    /// What stands for a strategy that names neither: the trader's choice for it, else the one for all.
    pub fn direction(&self, id: &str) -> Option<Side> {
        let own = self.chosen.as_ref();
        own.and_then(|chosen| chosen.directions.get(id).copied())
            .or(self.config.default_direction)
    }

    pub fn allowances(&self, id: &str) -> Allowances {
        let own = self.chosen.as_ref();
        Allowances {
            news_calendar: self.config.news.is_some(),
            numbers_are_averages: own.is_some_and(|chosen| chosen.averages.contains(id)),
            ..self.config.run_without
        }
    }

    /// The id that the program knows a strategy of this name by, where only one has it.
    pub fn id_of(&self, name: &str) -> Option<&str> {
        let mut known = self
            .chosen
            .iter()
            .flat_map(|chosen| chosen.strategies.values());
        let found = known.by_ref().find(|one| one.name == name)?;
        known.all(|one| one.name != name).then_some(&found.id)
    }

    /// What else is to be said about a strategy of this symbol.
    pub fn notes(&self, symbol: &str) -> Vec<String> {
        let mapped = self.config.symbol_map.get(symbol);
        let mapped = mapped.map(|name| format!("at the broker {symbol} is called {name}"));
        self.notes.iter().cloned().chain(mapped).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::path::PathBuf;

    use clap::Parser as _;

    use super::*;
    use crate::cli::Mode;
    use crate::modes::stored::Row;

    /// A folder with these settings and a strategy without direction that asks for news.
    fn place(settings: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("settings.json");
        fs::write(&config, settings).unwrap();
        fs::write(
            folder.path().join("news.csv"),
            "time,currency,impact,title\n2026-03-02T13:30:00Z,USD,high,CPI\n",
        )
        .unwrap();
        fs::write(
            folder.path().join("own.json"),
            r#"{ "name": "Own", "symbol": "EURUSD", "timeframe": "M15", "rules": {
                "entry": { "logic": "AND", "conditions": [
                    { "indicator": "rsi", "condition": "lt", "value": 30 } ] },
                "exit": { "stopLoss": { "type": "pips", "value": 25 } },
                "riskManagement": { "lotSize": 0.1 },
                "newsFilter": { "enabled": true, "pauseBeforeMinutes": 30, "pauseAfterMinutes": 30, "highImpactOnly": true } } }"#,
        )
        .unwrap();
        (folder, config)
    }

    fn planned(folder: &Path, more: &[&str]) -> Result<(Surroundings, bool), String> {
        let own = folder.join("own.json");
        let words = ["fx-executor", "plan", own.to_str().unwrap()];
        let cli = Cli::try_parse_from(words.iter().chain(more)).unwrap();
        let Some(Mode::Plan(options)) = &cli.mode else {
            return Err("no plan".to_owned());
        };
        let here = read(&cli)?;
        let row = Row::read(&options.stored, &here)?;
        let runs = row.plan().is_ok();
        Ok((here, runs))
    }

    #[test]
    fn a_plan_is_made_by_the_settings_that_are_named() {
        let (folder, config) =
            place(r#"{ "defaultDirection": "buy", "symbolMap": "EURUSD=EURUSD.m" }"#);
        let config = config.to_str().unwrap();
        let (here, runs) = planned(folder.path(), &["--config", config]).unwrap();
        assert!(!runs, "there is no calendar");
        assert_eq!(here.config.default_direction, Some(Side::Buy));
        let notes = here.notes("EURUSD");
        assert!(
            notes.iter().any(|note| note.contains("EURUSD.m")),
            "{notes:?}"
        );

        let calendar = folder.path().join("news.csv");
        let text = serde_json::json!({ "defaultDirection": "buy", "newsCalendar": calendar });
        fs::write(config, text.to_string()).unwrap();
        let (here, runs) = planned(folder.path(), &["--config", config]).unwrap();
        assert!(runs, "{:?}", here.notes);
        assert!(here.config.news.is_some());
        fs::write(
            config,
            r#"{ "defaultDirection": "sell", "runWithout": "news" }"#,
        )
        .unwrap();
        assert!(planned(folder.path(), &["--config", config]).unwrap().1);
    }

    #[test]
    fn what_is_named_and_cannot_be_read_is_an_error() {
        let (folder, config) = place("{ \"defaultDirection\": ");
        let missing = folder.path().join("missing");
        let missing = missing.to_str().unwrap();
        for more in [
            ["--config", config.to_str().unwrap()],
            ["--config", missing],
            ["--data-dir", missing],
        ] {
            assert!(planned(folder.path(), &more).is_err(), "{more:?}");
        }
        fs::write(&config, r#"{ "defaultDirection": "up" }"#).unwrap();
        let wrong = planned(folder.path(), &["--config", config.to_str().unwrap()]);
        assert!(wrong.unwrap_err().contains("irection"));
    }
}
