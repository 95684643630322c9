//! A stored strategy from a file: a row of the platform, or its rules alone.

use std::fs;
use std::path::Path;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::strict_json::StrictJson;
use super::surroundings::Surroundings;
use crate::cli::{Direction, Stored};
use crate::market::Side;
use crate::strategy::{self, Allowances, Plan, PlanRefusal, PlanRequest};

/// What a row of the platform has beside the rules and says nothing about them.
const BESIDE_THE_RULES: [&str; 20] = [
    "id",
    "userId",
    "executorId",
    "name",
    "description",
    "symbol",
    "timeframe",
    "type",
    "status",
    "isPublic",
    "isSystemDefault",
    "systemDefaultType",
    "version",
    "createdAt",
    "updatedAt",
    "activatedAt",
    "deletedAt",
    "rules",
    "settings",
    "options",
];

/// A row with the options of the command line laid over it.
#[derive(Debug)]
pub(super) struct Row {
    pub name: String,
    pub symbol: String,
    pub timeframe: String,
    rules: Value,
    settings: Value,
    options: Value,
    direction: Option<Side>,
    direction_asked: bool,
    allowances: Allowances,
    /// Keys beside the rules that nobody reads.
    unread: Vec<String>,
}

impl Row {
    /// # Errors
    /// What is wrong with the file, with line and column where it is no JSON.
    pub fn read(stored: &Stored, here: &Surroundings) -> Result<Self, String> {
        let mut row = document(&stored.file)?;
        if !row.is_object() {
            return Err(format!(
                "{}: expected a strategy or its rules, a JSON object",
                stored.file.display()
            ));
        }
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let (name, symbol, timeframe) = (text("name"), text("symbol"), text("timeframe"));
        let id = text("id");
        // The rules of the AI writer have a list of that name inside them.
        let is_row = row.get("rules").is_some_and(|rules| !rules.is_array());
        let unread = row.as_object().filter(|_| is_row).into_iter().flatten();
        let unread = unread
            .filter(|(key, _)| !BESIDE_THE_RULES.contains(&key.as_str()))
            .map(|(key, _)| key.clone())
            .collect();
        let mut part = |key: &str| row.get_mut(key).map(Value::take).unwrap_or_default();
        let (rules, settings, options) = if is_row {
            (part("rules"), part("settings"), part("options"))
        } else {
            (row, Value::Null, Value::Null)
        };
        let id = if id.is_empty() {
            here.id_of(&name).unwrap_or_default().to_owned()
        } else {
            id
        };
        let stem = stored.file.file_stem().unwrap_or_default();
        let row = Self {
            name: if name.is_empty() {
                stem.to_string_lossy().into_owned()
            } else {
                name
            },
            symbol: stored.symbol.clone().unwrap_or(symbol),
            timeframe: stored.timeframe.clone().unwrap_or(timeframe),
            rules,
            settings: with_lots(settings, stored.lots),
            options,
            allowances: match &stored.run_without {
                Some(names) => Allowances {
                    news_calendar: here.config.news.is_some(),
                    ..Allowances::without(names)?
                },
                None => here.allowances(&id),
            },
            unread,
            direction_asked: stored.direction.is_some(),
            direction: match stored.direction {
                Some(Direction::Buy) => Some(Side::Buy),
                Some(Direction::Sell) => Some(Side::Sell),
                None => here.direction(&id),
            },
        };
        for (value, key) in [(&row.symbol, "symbol"), (&row.timeframe, "timeframe")] {
            if value.trim().is_empty() {
                return Err(format!(
                    "{}: it names no {key}; give it by --{key}",
                    stored.file.display()
                ));
            }
        }
        Ok(row)
    }

    pub fn plan(&self) -> Result<Plan, PlanRefusal> {
        self.plan_with(self.direction)
    }

    /// What was asked for, or stands beside the rules, and changes nothing.
    pub fn unused(&self) -> impl Iterator<Item = String> {
        let direction = (self.direction_asked && self.plan_with(None).is_ok()).then(|| {
            "--direction changes nothing: the rules say themselves whether they buy or sell"
                .to_owned()
        });
        let beside = self
            .unread
            .iter()
            .map(|key| format!("\"{key}\" stands beside the rules, where nobody reads it"));
        direction.into_iter().chain(beside)
    }

    fn plan_with(&self, local_direction: Option<Side>) -> Result<Plan, PlanRefusal> {
        strategy::plan(&PlanRequest {
            rules: &self.rules,
            settings: &self.settings,
            options: &self.options,
            symbol: &self.symbol,
            timeframe: &self.timeframe,
            local_direction,
            allowances: self.allowances,
        })
    }
}

/// What a START carries beside the rules.
fn with_lots(mut settings: Value, lots: Option<Decimal>) -> Value {
    if let Some(lots) = lots {
        if !settings.is_object() {
            settings = json!({});
        }
        settings["lotSize"] = json!(lots.to_string());
    }
    settings
}

/// # Errors
/// The file cannot be read, or is no JSON (with line and column).
pub(super) fn document(path: &Path) -> Result<Value, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let text = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(&bytes);
    let read = serde_json::from_slice(text).map(|StrictJson(value)| value);
    read.map_err(|error| {
        let words = error.to_string();
        let what = words.split(" at line ").next().unwrap_or_default();
        format!(
            "{}, line {}, column {}: {what}",
            path.display(),
            error.line(),
            error.column()
        )
    })
}
