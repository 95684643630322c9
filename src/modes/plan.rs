//! `fx-executor plan`: what a stored strategy would do, in plain words, before anything runs.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::stored::Row;
use super::surroundings;
use crate::cli::{self, Cli, Plan as Options, exit};
use crate::os::say;
use crate::strategy::{Fate, Key, Language, Plan, PlanRefusal, Reason, tell};

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
    let notes = here.notes(&row.symbol);
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
