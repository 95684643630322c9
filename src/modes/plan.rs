//! `fx-executor plan`: what a stored strategy would do, in plain words, before anything runs.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::stored::Row;
use crate::cli::{Plan as Options, exit};
use crate::os::say;
use crate::strategy::{Fate, Key, Plan, PlanRefusal, Reason};

pub(super) fn run(options: &Options) -> ExitCode {
    let row = match Row::read(&options.stored) {
        Ok(row) => row,
        Err(error) => {
            eprintln!("fx-executor: {error}");
            return ExitCode::from(exit::UNREADABLE);
        }
    };
    let planned = row.plan();
    if options.json {
        let mut document = match &planned {
            Ok(plan) => accepted(plan),
            Err(refusal) => refused(refusal),
        };
        document["name"] = json!(row.name);
        document["symbol"] = json!(row.symbol);
        document["timeframe"] = json!(row.timeframe);
        say(format!("{document:#}"));
    } else {
        say(match &planned {
            Ok(plan) => sentences(&row, plan),
            Err(refusal) => refusal_words(&row, refusal),
        });
    }
    match planned {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(exit::REFUSED),
    }
}

fn sentences(row: &Row, plan: &Plan) -> String {
    let mut text = format!(
        "{} would run on {} {}.\n\n{}\n\nBars needed before the first decision: {}.",
        row.name,
        plan.symbol(),
        plan.timeframe(),
        plan.sentence(),
        plan.warmup()
            .iter()
            .map(|(timeframe, bars)| format!("{bars} of {timeframe}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    if !plan.skipped().is_empty() {
        text.push_str("\n\nNot followed:");
        for skipped in plan.skipped() {
            text.push_str(&format!("\n  {skipped}"));
        }
    }
    text
}

fn refusal_words(row: &Row, refusal: &PlanRefusal) -> String {
    let mut text = format!("{} is refused:", row.name);
    for reason in &refusal.reasons {
        text.push_str(&format!("\n  {reason}"));
    }
    if refusal.needs_direction {
        text.push_str("\n\nWith --direction buy or --direction sell the one of R1 is answered.");
    }
    text
}

fn accepted(plan: &Plan) -> Value {
    let warmup: serde_json::Map<String, Value> = plan
        .warmup()
        .iter()
        .map(|(timeframe, bars)| (timeframe.to_string(), json!(bars)))
        .collect();
    let skipped: Vec<Value> = plan.skipped().iter().map(|own| reason(&own.0)).collect();
    json!({
        "runs": true,
        "sentence": plan.sentence(),
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
