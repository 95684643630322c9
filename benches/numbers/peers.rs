//! The same strategy over the same file in the tools that a trader would use instead: vectorbt, backtesting.py, a loop over a
//! pandas table. What of the rules each of them cannot say is in `peers/peers.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use fx_executor::market::Timeframe;
use fx_executor::replay::{BarReader, HistoryBar, ServerClock};

use crate::replay::{Nothing, busy, feed, replay, synthetic, write_export};
use crate::table::Row;

const ROUNDS: usize = 3;

/// A line of what the peers say.
struct Timed {
    peer: String,
    bars: usize,
    rate: f64,
    positions: u64,
}

pub fn rows(quick: bool) -> Vec<Row> {
    let (count, slow) = if quick {
        (100_000, 5_000)
    } else {
        (1_000_000, 50_000)
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("EURUSD_M15.csv");
    write_export(&synthetic(count), &path);
    let bars = read(&path);
    let (ours, positions) = fastest(&bars);
    let peers = Command::new(python())
        .arg(source("peers.py"))
        .arg(&path)
        .arg(slow.to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(peers.status.success(), "the peers did not run");
    let lines: Vec<Timed> = String::from_utf8(peers.stdout)
        .unwrap()
        .lines()
        .map(timed)
        .collect();
    let must = [
        ("vectorbt", 1.0),
        ("backtesting.py", 40.0),
        ("a pandas iloc loop", 200.0),
    ];
    must.iter()
        .map(|(name, least)| {
            let peer = lines.iter().find(|one| one.peer.starts_with(name)).unwrap();
            let ratio = ours / peer.rate;
            Row {
                what: format!("replay beside {}", peer.peer),
                must_be: format!("≥ {least} times its bars/s"),
                ours: format!("{:.2} million bars/s", ours / 1e6),
                theirs: format!("{:.3} million bars/s", peer.rate / 1e6),
                ratio: format!("{ratio:.1}"),
                holds: ratio >= *least,
                how: how(name, peer, (bars.len(), positions)),
            }
        })
        .collect()
}

fn how(name: &str, peer: &Timed, (bars, positions): (usize, u64)) -> String {
    let cut = match name {
        "vectorbt" => {
            "indicators by TA-Lib, numba warm; no trailing stop, no closing after four hours, no parts, fixed size"
        }
        "backtesting.py" => {
            "indicators by TA-Lib at once; stop, target, trailing and four hours, no parts, fixed size"
        }
        _ => {
            "indicators by TA-Lib at once; stop, target, trailing and four hours, one position at a time, no parts, fixed size"
        }
    };
    format!(
        "one file, read before, processor time of one core, the fastest of {ROUNDS} runs (of 1 for the slow ones); ours {bars} bars, {positions} positions, the whole rules; theirs {} bars, {} positions; {cut}",
        peer.bars, peer.positions
    )
}

fn read(path: &Path) -> Vec<HistoryBar> {
    let mut reader = BarReader::open(
        path,
        ServerClock::utc(),
        Some(Timeframe::M15),
        Arc::default(),
    )
    .unwrap();
    let mut bars = Vec::new();
    while let Some(bar) = reader.next_bar().unwrap() {
        bars.push(bar);
    }
    bars
}

/// Bars a second, and positions.
fn fastest(bars: &[HistoryBar]) -> (f64, u64) {
    let runs = (0..ROUNDS).map(|_| {
        let mut replay = replay();
        let began = busy();
        feed(&mut replay, bars, 0, &mut Nothing);
        replay.finish(&mut Nothing).unwrap();
        (bars.len() as f64 / (busy() - began), replay.positions())
    });
    runs.max_by(|left, right| left.0.total_cmp(&right.0))
        .unwrap()
}

fn timed(line: &str) -> Timed {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let bars = line["bars"].as_u64().unwrap();
    Timed {
        peer: line["peer"].as_str().unwrap().to_owned(),
        bars: usize::try_from(bars).unwrap(),
        rate: bars as f64 / line["seconds"].as_f64().unwrap(),
        positions: line["positions"].as_u64().unwrap(),
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/numbers/peers")
        .join(name)
}

/// The Python that has the peers, in an environment of its own in the target folder; made when its list has changed.
fn python() -> PathBuf {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let python = venv.join("bin/python");
    let wanted = source("requirements.txt");
    let installed = venv.join("installed.txt");
    if std::fs::read(&wanted).ok() == std::fs::read(&installed).ok() {
        return python;
    }
    let run = |command: &mut Command| {
        let done = command.stdout(Stdio::null()).status().unwrap();
        assert!(done.success(), "{command:?} failed");
    };
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv));
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--only-binary",
            ":all:",
            "-r",
        ])
        .arg(&wanted));
    std::fs::copy(&wanted, &installed).unwrap();
    python
}
