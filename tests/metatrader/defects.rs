//! Do the scenarios see anything? Each patch in `defects/` seeds one mistake into the Expert Advisor, and the scenario that
//! the patch names must fail on it. The table of defect and scenario is printed (`cargo test --test metatrader defects -- --nocapture`;
//! `FX_DEFECT=<part of a name>` takes some of them).
//!
//! A patch is a unified diff. Its first line says what is wrong, its second which scenario must catch it. It must fit the
//! file exactly: a patch that went stale is a failure, not a skipped case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use crate::compile::Build;
use crate::emulated::shipped;
use crate::scenarios::{ALL, Scenario, Variant};

/// Builds and terminals at a time.
const AT_ONCE: usize = 2;

struct Defect {
    name: String,
    what: String,
    scenario: Scenario,
    patch: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metatrader/defects")
}

fn defects() -> Vec<Defect> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display())))
        .collect()
}

fn read(file: &Path) -> Result<Defect, String> {
    let patch = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let mut lines = patch.lines();
    let what = lines
        .next()
        .filter(|line| !line.is_empty())
        .ok_or("the first line must say what is wrong")?
        .to_owned();
    let caught_by = lines
        .next()
        .and_then(|line| line.strip_prefix("Caught by: "))
        .ok_or("the second line must be \"Caught by: <scenario>\"")?;
    let scenario = *ALL
        .iter()
        .find(|scenario| scenario.name == caught_by)
        .ok_or_else(|| format!("there is no scenario {caught_by}"))?;
    let name = file
        .file_stem()
        .and_then(|name| name.to_str())
        .ok_or("the name is not text")?
        .to_owned();
    Ok(Defect {
        name,
        what,
        scenario,
        patch,
    })
}

/// `text` with a unified diff applied. Every hunk's old lines must occur in the rest of the file exactly once.
fn apply(text: &str, patch: &str) -> Result<String, String> {
    let mut hunks: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for line in patch.lines().skip_while(|line| !line.starts_with("@@")) {
        if line.starts_with("@@") {
            hunks.push((Vec::new(), Vec::new()));
            continue;
        }
        let (old, new) = hunks.last_mut().ok_or("no hunk")?;
        match line.split_at_checked(1) {
            Some((" ", rest)) => {
                old.push(rest);
                new.push(rest);
            }
            Some(("-", rest)) => old.push(rest),
            Some(("+", rest)) => new.push(rest),
            None => {
                old.push("");
                new.push("");
            }
            _ => return Err(format!("not a line of a unified diff: {line:?}")),
        }
    }
    if hunks.is_empty() {
        return Err("the patch has no hunk".to_owned());
    }
    let mut lines: Vec<&str> = text.lines().collect();
    for (number, (old, new)) in hunks.iter().enumerate() {
        if old == new {
            return Err(format!("hunk {} changes nothing", number + 1));
        }
        let places: Vec<usize> = (0..=lines.len().saturating_sub(old.len()))
            .filter(|&at| lines[at..].starts_with(old))
            .collect();
        let [at] = places[..] else {
            return Err(format!(
                "hunk {} fits {} places of the file instead of one",
                number + 1,
                places.len()
            ));
        };
        lines.splice(at..at + old.len(), new.iter().copied());
    }
    Ok(lines.join("\n") + "\n")
}

/// Why the scenario fails on this variant; `None` when it holds.
fn failure(scenario: &Scenario, variant: &Variant) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| (scenario.run)(variant))) {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Some(said.unwrap_or_default())
        }
    }
}

/// Runs `job` on all items, a few at a time; the results keep the order.
fn a_few_at_a_time<T: Sync, R: Send>(items: &[T], job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0);
    let results = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let at = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(item) = items.get(at) else { break };
                    let result = job(item);
                    results.lock().unwrap().insert(at, result);
                }
            });
        }
    });
    results.into_inner().unwrap().into_values().collect()
}

#[test]
fn every_seeded_defect_is_caught() {
    let text = std::fs::read_to_string(shipped()).unwrap();
    let mut defects = defects();
    assert!(
        defects.len() >= 15,
        "only {} defects are seeded",
        defects.len()
    );

    let only = std::env::var("FX_DEFECT").unwrap_or_default();
    defects.retain(|defect| defect.name.contains(&only));

    // The named scenarios hold on the file as it is, built in the same way: so it is the defect that fails them.
    let good = Variant {
        text: Some(text.clone()),
        build: Build::Fast,
        ..Variant::SHIPPED
    };
    let named: BTreeMap<&str, Scenario> = defects
        .iter()
        .map(|defect| (defect.scenario.name, defect.scenario))
        .collect();
    let named: Vec<Scenario> = named.into_values().collect();
    for (scenario, why) in named
        .iter()
        .zip(a_few_at_a_time(&named, |scenario| failure(scenario, &good)))
    {
        assert_eq!(
            why, None,
            "{} fails on the Expert Advisor without a defect",
            scenario.name
        );
    }

    let outcomes = a_few_at_a_time(&defects, |defect| {
        let began = Instant::now();
        let broken =
            apply(&text, &defect.patch).map_err(|why| format!("the patch is stale: {why}"))?;
        let variant = Variant {
            text: Some(broken),
            build: Build::Fast,
            ..Variant::SHIPPED
        };
        let why = failure(&defect.scenario, &variant).ok_or("NOT CAUGHT")?;
        // A variant that cannot be compiled or loaded proves nothing about the scenario.
        if why.contains("does not compile") || why.contains("cannot be loaded") {
            return Err(why);
        }
        Ok((
            why.lines().next().unwrap_or_default().to_owned(),
            began.elapsed(),
        ))
    });

    let mut table = String::from("\ndefect -> scenario that catches it\n");
    let mut missed = Vec::new();
    for (defect, outcome) in defects.iter().zip(&outcomes) {
        let verdict = match outcome {
            Ok((why, took)) => format!(
                "{:>4.1} s  {}",
                took.as_secs_f64(),
                why.chars().take(110).collect::<String>()
            ),
            Err(why) => {
                missed.push(format!("{} ({}): {why}", defect.name, defect.what));
                why.lines().next().unwrap_or_default().to_owned()
            }
        };
        let _ = writeln!(
            table,
            "{:<30} {:<46} {verdict}",
            defect.name, defect.scenario.name
        );
    }
    println!("{table}");
    assert!(
        missed.is_empty(),
        "{} of {} defects are not caught:\n{}",
        missed.len(),
        defects.len(),
        missed.join("\n")
    );
}

#[test]
fn every_scenario_of_a_defect_is_named_once_and_every_patch_changes_the_file() {
    let text = std::fs::read_to_string(shipped()).unwrap();
    for defect in defects() {
        let broken =
            apply(&text, &defect.patch).unwrap_or_else(|why| panic!("{}: {why}", defect.name));
        assert_ne!(broken, text, "{}", defect.name);
    }
    let mut names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len(), "two scenarios have one name");
}

#[test]
fn a_patch_fits_exactly_or_not_at_all() {
    let text = "a\nb\nc\nd\nb\n";
    let patch = "what\nCaught by: x\n\n--- a\n+++ b\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";
    assert_eq!(apply(text, patch).unwrap(), "a\nB\nc\nd\nb\n");
    for (stale, why) in [
        (patch.replace(" c\n", " x\n"), "fits 0 places"),
        ("@@ -2 +2 @@\n-b\n+B\n".to_owned(), "fits 2 places"),
        ("@@ -2 +2 @@\n b\n".to_owned(), "changes nothing"),
        ("no hunk at all".to_owned(), "no hunk"),
        ("@@ -2 +2 @@\n?b\n".to_owned(), "not a line"),
    ] {
        let said = apply(text, &stale).unwrap_err();
        assert!(said.contains(why), "{stale:?}: {said}");
    }
}
