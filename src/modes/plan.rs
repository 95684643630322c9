//! `fx-executor plan`: what a stored strategy would do, in plain words, before anything runs.

use std::process::ExitCode;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::stored::Row;
use super::surroundings;
use crate::cli::{self, Cli, Plan as Options, exit};
use crate::os::say;
use crate::strategy::{Fate, Key, Language, Plan, PlanRefusal, Reason, tell};

/// The smallest volume of most brokers, in lots; a plan is made before one is known.
const USUAL_SMALLEST: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

pub(super) fn run(cli: &Cli, options: &Options) -> ExitCode {
    let read = surroundings::read(cli)
        .and_then(|here| Row::read(&options.stored, &here).map(|row| (here, row)));
    let (here, row) = match read {
        Ok(read) => read,
        Err(error) => {
            eprintln!("fx-executor: {error}");
            return ExitCode::from(exit::UNREADABLE);
        }
    };
    let language = match options.lang {
        cli::Language::En => Language::English,
        cli::Language::Id => Language::Indonesian,
    };
    let planned = row.plan();
    let mut notes = here.notes(&row.symbol);
    notes.extend(row.unused());
    if options.json {
        let mut document = match &planned {
            Ok(plan) => accepted(plan, language),
            Err(refusal) => refused(refusal),
        };
        document["name"] = json!(row.name);
        document["symbol"] = json!(row.symbol);
        document["timeframe"] = json!(row.timeframe);
        if !notes.is_empty() {
            document["settings"] = json!(notes);
        }
        say(format!("{document:#}"));
    } else {
        say(match &planned {
            Ok(plan) => sentences(&row, plan, language),
            Err(refusal) => refusal_words(&row, refusal, language),
        });
        if !notes.is_empty() {
            let heading = language.pick("Read:", "Dibaca (dalam bahasa Inggris):");
            say(format!("\n{heading}\n  {}", notes.join("\n  ")));
        }
    }
    match planned {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(exit::REFUSED),
    }
}

fn sentences(row: &Row, plan: &Plan, language: Language) -> String {
    let (name, symbol, timeframe) = (&row.name, plan.symbol(), plan.timeframe());
    let sentence = plan.sentence_in(language);
    let warmup: Vec<String> = plan
        .warmup()
        .iter()
        .map(|(timeframe, bars)| tell!(language; "{bars} of {timeframe}"; "{bars} bar {timeframe}"))
        .collect();
    let warmup = warmup.join(", ");
    let mut text = tell!(language;
        "{name} would run on {symbol} {timeframe}.\n\n{sentence}\n\nBars needed before the first decision: {warmup}.";
        "{name} akan berjalan di {symbol} {timeframe}.\n\n{sentence}\n\nBar yang dibutuhkan sebelum keputusan pertama: {warmup}.");
    let notes = [too_small(plan, language), no_part_closes(plan, language)];
    for note in notes.into_iter().flatten() {
        text.push_str("\n\n");
        text.push_str(&note);
    }
    if !plan.skipped().is_empty() {
        text.push_str(language.pick(
            "\n\nNot followed:",
            "\n\nTidak diikuti (alasan dalam bahasa Inggris):",
        ));
        for skipped in plan.skipped() {
            text.push_str(&format!("\n  {skipped}"));
        }
    }
    text
}

/// Which volume is too small, only the broker knows (R18).
fn too_small(plan: &Plan, language: Language) -> Option<String> {
    let lots = plan.sizing().lots;
    (lots < USUAL_SMALLEST).then(|| {
        let lots = lots.normalize();
        tell!(language;
            "{lots} lots are less than most brokers take: where the smallest volume is {USUAL_SMALLEST} lots, the activation is refused (R18).";
            "{lots} lot lebih kecil dari yang diterima kebanyakan broker: jika volume terkecil {USUAL_SMALLEST} lot, aktivasi ditolak (R18).")
    })
}

/// Of less than two smallest volumes nothing can be closed but all; no other rule makes a volume larger.
fn no_part_closes(plan: &Plan, language: Language) -> Option<String> {
    let parts = &plan.exits().parts;
    let own = parts.levels.len() - usize::from(parts.last_at_broker);
    let lots = plan.sizing().lots;
    (own > 0 && lots < USUAL_SMALLEST + USUAL_SMALLEST).then(|| {
        let lots = lots.normalize();
        tell!(language;
            "Of {lots} lots no part can be closed where the smallest volume is {USUAL_SMALLEST} lots: there all of it is closed at once.";
            "Dari {lots} lot tidak ada bagian yang dapat ditutup jika volume terkecil {USUAL_SMALLEST} lot: di sana seluruh posisi ditutup sekaligus.")
    })
}

/// The reasons themselves are English, as the platform and the log have them.
fn refusal_words(row: &Row, refusal: &PlanRefusal, language: Language) -> String {
    let name = &row.name;
    let mut text = tell!(language;
        "{name} is refused:";
        "{name} ditolak (alasan dalam bahasa Inggris):");
    for reason in &refusal.reasons {
        text.push_str(&format!("\n  {reason}"));
    }
    if refusal.needs_direction {
        text.push_str(language.pick(
            "\n\nWith --direction buy or --direction sell the one of R1 is answered.",
            "\n\nDengan --direction buy atau --direction sell, alasan R1 terjawab.",
        ));
    }
    text
}

fn accepted(plan: &Plan, language: Language) -> Value {
    let warmup: serde_json::Map<String, Value> = plan
        .warmup()
        .iter()
        .map(|(timeframe, bars)| (timeframe.to_string(), json!(bars)))
        .collect();
    let skipped: Vec<Value> = plan.skipped().iter().map(|own| reason(&own.0)).collect();
    json!({
        "runs": true,
        "sentence": plan.sentence_in(language),
        "warmup": warmup,
        "skipped": skipped,
        "volume": too_small(plan, language),
        "parts": no_part_closes(plan, language),
        "keys": keys(plan.keys()),
    })
}

fn refused(refusal: &PlanRefusal) -> Value {
    let reasons: Vec<Value> = refusal.reasons.iter().map(reason).collect();
    json!({
        "runs": false,
        "reasons": reasons,
        "needsDirection": refusal.needs_direction,
        "keys": keys(&refusal.keys),
    })
}

fn reason(reason: &Reason) -> Value {
    json!({ "rule": reason.rule.code(), "key": reason.key, "text": reason.text })
}

fn keys(keys: &[Key]) -> Vec<Value> {
    keys.iter()
        .map(|key| {
            let (became, text) = match &key.fate {
                Fate::Used(text) => ("used", text),
                Fate::Informational(text) => ("informational", text),
                Fate::Refused(text) => ("refused", text),
            };
            json!({ "key": key.path, "became": became, "text": text })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::strategy::{self, Allowances, PlanRequest};

    #[test]
    fn a_lot_too_small_for_parts_is_told() {
        let told = |lots: &str, parts: Value| {
            let rules = json!({
                "entry": { "conditions": [
                    { "indicator": "rsi", "condition": "lt", "value": 30, "description": "BUY" } ] },
                "exit": { "stopLoss": { "type": "pips", "value": 25 },
                    "takeProfit": { "type": "partial", "levels": parts } },
                "riskManagement": { "lotSize": lots },
            });
            let plan = strategy::plan(&PlanRequest {
                rules: &rules,
                settings: &Value::Null,
                options: &Value::Null,
                symbol: "EURUSD",
                timeframe: "M15",
                local_direction: None,
                allowances: Allowances::default(),
            });
            no_part_closes(&plan.unwrap(), Language::English)
        };
        let two = json!([{ "percentage": 70, "rrRatio": 1 }, { "percentage": 30, "rrRatio": 2 }]);
        assert!(
            told("0.01", two.clone())
                .unwrap()
                .starts_with("Of 0.01 lots no part")
        );
        assert_eq!(told("0.02", two), None);
        assert_eq!(
            told("0.01", json!([{ "percentage": 100, "rrRatio": 1 }])),
            None
        );
    }
}
