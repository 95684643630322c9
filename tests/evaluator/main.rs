//! The program's decisions against those of an evaluator in another language, which knows `docs/rules.md`, `docs/filters.md` and
//! TA-Lib's C library but none of the program's code: random strategies in every stored shape, every indicator, every kind of
//! filter, every stored strategy, on random and on broken bars. Each comparison at each bar must have the same truth and the same
//! two values, and each filter must let an entry pass with the same volume.
//!
//! `FX_EVALUATOR_STRATEGIES`, `FX_EVALUATOR_BARS` and `FX_EVALUATOR_SEED` say how many random strategies, how many bars
//! of each market, and which; `FX_EVALUATOR_STORED` names a folder with more stored strategies.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

mod case;
mod compare;
mod filters;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::Case;
use compare::{Counts, compare};

const STRATEGIES: usize = 60;
const BARS: usize = 20_000;
const SEED: usize = 1;

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evaluator")
}

/// The Python that has TA-Lib: of the folder's own environment, or where `FX_EVALUATOR_PYTHON` says.
fn python() -> PathBuf {
    let python = std::env::var_os("FX_EVALUATOR_PYTHON")
        .map_or_else(|| folder().join(".venv/bin/python"), PathBuf::from);
    assert!(
        python.exists(),
        "there is no Python with TA-Lib at {}: run `tests/run tools`, which installs it",
        python.display()
    );
    python
}

fn stored() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/strategies");
    let more = std::env::var_os("FX_EVALUATOR_STORED").map(PathBuf::from);
    let mut found: Vec<PathBuf> = [Some(own), more]
        .into_iter()
        .flatten()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect();
    found.sort();
    found
}

#[test]
fn an_evaluator_written_from_the_documents_decides_the_same() {
    let out = tempfile::tempdir().unwrap();
    let decided = Command::new(python())
        .arg(folder().join("evaluate.py"))
        .arg(out.path())
        .args(stored())
        .args([
            "--strategies",
            &setting("FX_EVALUATOR_STRATEGIES", STRATEGIES).to_string(),
        ])
        .args(["--bars", &setting("FX_EVALUATOR_BARS", BARS).to_string()])
        .args(["--seed", &setting("FX_EVALUATOR_SEED", SEED).to_string()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(
        decided.status.success(),
        "{}",
        String::from_utf8_lossy(&decided.stderr)
    );
    let cases = Case::all(out.path());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut counts = Counts::default();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            counts.add(compare(case));
        }
        counts
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut counts = Counts::default();
        for thread in running {
            counts.add(thread.join().unwrap());
        }
        counts
    });
    println!("{counts}");
    assert!(counts.differences.is_empty(), "{counts}");
    assert!(counts.strategies > 0 && counts.entries > 0, "{counts}");
    assert!(counts.filters.reductions > 0, "{counts}");
}
