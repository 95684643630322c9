//! `fx-executor explain`: why a strategy did or did not trade at a bar, and what stood in the way most often.

use std::path::Path;
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};

use super::stop_all::fail;
use crate::decisions::{self, Explanation, Kept, Reader, Tally};
use crate::os::say;
use crate::settings::DataDir;

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Verdicts listed in the tally.
const VERDICTS: usize = 6;

pub(super) fn run(
    data_dir: Option<&Path>,
    strategy: Option<&str>,
    at: Option<Timestamp>,
) -> ExitCode {
    let data_dir = match DataDir::open(data_dir) {
        Ok(data_dir) => data_dir,
        Err(error) => return fail(&error.to_string()),
    };
    let path = data_dir.join(decisions::FILE);
    if !path.exists() {
        return fail(&format!(
            "no decisions are kept in {}; they are once a strategy has run there",
            data_dir.path().display()
        ));
    }
    let explained = Reader::open(&path)
        .map_err(|error| error.to_string())
        .and_then(|reader| explain(&reader, strategy, at));
    match explained {
        Ok(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Err(reason) => fail(&reason),
    }
}

fn explain(
    reader: &Reader,
    strategy: Option<&str>,
    at: Option<Timestamp>,
) -> Result<String, String> {
    let sqlite = |error: rusqlite::Error| format!("the decisions cannot be read: {error}");
    let kept = reader.strategies().map_err(sqlite)?;
    let Some(wanted) = strategy else {
        return Ok(list(&kept));
    };
    let one = choose(&kept, wanted)?;
    let moment = at.unwrap_or(Timestamp::MAX);
    let explanation = reader
        .at(&one.id, moment)
        .map_err(sqlite)?
        .ok_or_else(|| format!("\"{}\" decided nothing at or before {moment}", one.name))?;
    let since = explanation
        .bar
        .saturating_sub(WEEK)
        .unwrap_or(Timestamp::MIN);
    let tally = reader
        .tally(&one.id, since, explanation.bar)
        .map_err(sqlite)?;
    Ok(format!(
        "{}\n{}",
        bar_words(&explanation),
        tally_words(&tally)
    ))
}

fn list(kept: &[Kept]) -> String {
    if kept.is_empty() {
        return "No strategy has decided anything yet.".to_owned();
    }
    let mut text = vec!["Strategies (fx-executor explain NAME):".to_owned()];
    for one in kept {
        text.push(format!(
            "  {}  {}, {} bars, the last of {}",
            one.id, one.name, one.decisions, one.last_bar
        ));
    }
    text.join("\n")
}

/// By its id, or by its name or the beginning of one of the two when only one has it.
fn choose<'a>(kept: &'a [Kept], wanted: &str) -> Result<&'a Kept, String> {
    let lower = wanted.to_lowercase();
    if let Some(exact) = kept.iter().find(|one| one.id == wanted) {
        return Ok(exact);
    }
    let begins = |text: &str| text.to_lowercase().starts_with(&lower);
    let found: Vec<&Kept> = kept
        .iter()
        .filter(|one| begins(&one.id) || begins(&one.name))
        .collect();
    match found[..] {
        [one] => Ok(one),
        [] => Err(format!(
            "no strategy is called \"{wanted}\"; {}",
            list(kept)
        )),
        _ => Err(format!(
            "several strategies are called \"{wanted}\"; {}",
            list(kept)
        )),
    }
}

fn bar_words(bar: &Explanation) -> String {
    let mut text = vec![format!(
        "{}{}, {} {}, the bar of {}\n  {}: {}",
        bar.name,
        if bar.shadow { " (shadow)" } else { "" },
        bar.symbol,
        bar.timeframe,
        bar.bar,
        if bar.entered { "Entered" } else { "No trade" },
        bar.verdict
    )];
    let mut group = None;
    for (side, alternative, words, (truth, left, right)) in &bar.conditions {
        if group != Some((side, alternative)) {
            text.push(format!("  {side}, alternative {}:", alternative + 1));
            group = Some((side, alternative));
        }
        let mark = match truth {
            Some(true) => '✓',
            Some(false) => '✗',
            None => '?',
        };
        text.push(format!("    {mark} {words}{}", values(*left, *right)));
    }
    for (passes, words) in &bar.filters {
        let mark = if *passes { '✓' } else { '✗' };
        text.push(format!("  Filter {mark} {words}"));
    }
    text.join("\n")
}

/// "(1.12197 against 1.12201: 0.00004 away)"
fn values(left: Option<f64>, right: Option<f64>) -> String {
    let (Some(left), Some(right)) = (left, right) else {
        return String::new();
    };
    let shown = |number: f64| {
        let digits = if number.abs() >= 1_000.0 { 2 } else { 5 };
        let text = format!("{number:.digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    format!(
        "  ({} against {}: {} away)",
        shown(left),
        shown(right),
        shown((left - right).abs())
    )
}

fn tally_words(tally: &Tally) -> String {
    let mut text = vec![format!(
        "In the week up to then: {} bars decided, {} entries.",
        tally.bars, tally.entered
    )];
    let mut conditions: Vec<_> = tally.conditions.iter().collect();
    conditions.sort_by_key(|(_, (_, alone))| std::cmp::Reverse(*alone));
    for ((side, alternative, words), (held, alone)) in conditions {
        text.push(format!(
            "  {side} {}: {words}: held at {held}, was the only one missing at {alone}",
            alternative + 1
        ));
    }
    let mut verdicts: Vec<_> = tally.verdicts.iter().collect();
    verdicts.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    for (verdict, times) in verdicts.into_iter().take(VERDICTS) {
        text.push(format!("  {times} times: {verdict}"));
    }
    text.join("\n")
}
