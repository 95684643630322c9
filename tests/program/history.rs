//! `plan` and `replay` as a trader types them: what they print, what they write, and their exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SCALPER: &str = include_str!("../fixtures/strategies/quarter_hour_scalper.json");
const NO_DIRECTION: &str = r#"{"name":"Rising","symbol":"EURUSD","timeframe":"M15","rules":{
  "entry":{"logic":"AND","conditions":[{"indicator":"rsi","condition":"greater_than","value":20}]},
  "exit":{"stopLoss":{"type":"pips","value":20},"takeProfit":{"type":"pips","value":30}},
  "riskManagement":{"lotSize":0.1,"maxPositions":1}}}"#;

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_fx-executor"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// MetaTrader's export of a wavy market.
fn export(bars: i64) -> String {
    let mut text =
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n".to_owned();
    let price = |at: i64| 1.1 + 0.006 * (at as f64 / 37.0).sin();
    for at in 0..bars {
        let (open, close) = (price(at), price(at + 1));
        let (high, low) = (open.max(close) + 0.0007, open.min(close) - 0.0007);
        let (day, minute) = (2 + at / 96, at % 96 * 15);
        text.push_str(&format!(
            "2026.03.{day:02}\t{:02}:{:02}:00\t{open:.5}\t{high:.5}\t{low:.5}\t{close:.5}\t100\t0\t8\r\n",
            minute / 60,
            minute % 60
        ));
    }
    text
}

#[test]
fn a_plan_is_told_in_words_and_in_json() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "scalper.json", SCALPER);
    let (code, text, _) = run(folder.path(), &["plan", "scalper.json", "--lang", "en"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "would run on EURUSD M15",
        "Buys EURUSD",
        "Sells EURUSD",
        "Bars needed",
        "of M15",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let asked = ["plan", "scalper.json", "--direction", "sell"];
    let (_, text, _) = run(folder.path(), &asked);
    assert!(text.contains("--direction changes nothing"), "{text}");
    let (code, text, _) = run(folder.path(), &["plan", "scalper.json", "--lang", "id"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "akan berjalan di EURUSD M15",
        "Beli EURUSD saat penutupan bar M15",
        "Jual EURUSD",
        "Bar yang dibutuhkan sebelum keputusan pertama: 551 bar M15",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Rules of the AI writer alone: their list has the name of a row's rules.
    let bare = r#"{ "rules": [{ "name": "r", "conditions": [{ "indicator": "rsi", "operator": "lt", "value": 30, "timeframes": ["M15"] }],
        "action": { "type": "buy", "parameters": { "size": 0.1 } } }],
        "parameters": { "riskPerTrade": 1, "maxPositions": 1, "stopLoss": 0.0025, "takeProfit": 0.005, "maxDailyLoss": 2 } }"#;
    written(folder.path(), "bare.json", bare);
    let asked = [
        "plan",
        "bare.json",
        "--symbol",
        "EURUSD",
        "--timeframe",
        "M15",
        "--lots",
        "0.1",
    ];
    let (code, text, _) = run(folder.path(), &asked);
    assert!(code == 0 && text.contains("Buys EURUSD"), "{text}");
    let indonesian = ["plan", "scalper.json", "--json", "--lang", "id"];
    let (_, text, _) = run(folder.path(), &indonesian);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(
        json["sentence"].as_str().unwrap().starts_with("Beli "),
        "{text}"
    );
    let (code, text, _) = run(folder.path(), &["plan", "scalper.json", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["runs"]), (0, &true.into()));
    let keys = json["keys"].as_array().unwrap();
    assert!(keys.iter().all(|key| key["became"].is_string()), "{text}");
    assert!(keys.len() > 40, "{text}");
}

#[test]
fn what_is_refused_or_unreadable_has_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "rising.json", NO_DIRECTION);
    let (code, text, _) = run(folder.path(), &["plan", "rising.json"]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("(R1)") && text.contains("--direction buy"),
        "{text}"
    );
    let (code, text, _) = run(folder.path(), &["plan", "rising.json", "--lang", "id"]);
    assert_eq!(code, 3, "{text}");
    for part in ["Rising ditolak", "(R1)", "Dengan --direction buy"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, text, _) = run(folder.path(), &["plan", "rising.json", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["needsDirection"]), (3, &true.into()));
    assert_eq!(json["reasons"][0]["rule"], "R1");
    assert!(!json["keys"].as_array().unwrap().is_empty(), "{text}");
    let (code, text, _) = run(
        folder.path(),
        &["plan", "rising.json", "--direction", "sell"],
    );
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("Sells EURUSD"), "{text}");
    assert!(!text.contains("changes nothing"), "{text}");

    let row: serde_json::Value = serde_json::from_str(NO_DIRECTION).unwrap();
    written(folder.path(), "rules.json", &row["rules"].to_string());
    let (code, _, error) = run(folder.path(), &["plan", "rules.json"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("--symbol"), "{error}");
    let named = [
        "plan",
        "rules.json",
        "--symbol",
        "XAUUSD",
        "--timeframe",
        "H1",
        "--direction",
        "buy",
    ];
    let (code, text, _) = run(folder.path(), &named);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("XAUUSD H1"), "{text}");

    let twice = NO_DIRECTION.replacen("\"logic\"", "\"logic\": \"OR\", \"logic\"", 1);
    assert_ne!(twice, NO_DIRECTION);
    written(folder.path(), "twice.json", &twice);
    let (code, _, error) = run(folder.path(), &["plan", "twice.json"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("logic stands twice"), "{error}");

    written(
        folder.path(),
        "broken.json",
        "{\"rules\":\n  {\"entry\": ]}",
    );
    let (code, _, error) = run(folder.path(), &["plan", "broken.json"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("broken.json, line 2, column 13"), "{error}");
    assert_eq!(run(folder.path(), &["plan", "absent.json"]).0, 2);
}

#[test]
fn a_replay_writes_its_results_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "scalper.json", SCALPER);
    written(folder.path(), "EURUSD_M15.csv", &export(1_500));
    let replay = |out: &str| {
        let arguments = [
            "replay",
            "scalper.json",
            "--bars",
            "EURUSD_M15.csv",
            "--out",
            out,
            "--commission",
            "7",
            "--decisions",
            "--server-zone",
            "NY+7",
        ];
        let (code, text, error) = run(folder.path(), &arguments);
        assert_eq!(code, 0, "{text}{error}");
        assert!(
            text.contains("positions") && error.is_empty(),
            "{text}{error}"
        );
    };
    replay("one");
    replay("two");
    for name in ["report.json", "report.html", "trades.csv", "decisions.csv"] {
        let read = |out: &str| fs::read(folder.path().join(out).join(name)).unwrap();
        assert_eq!(read("one"), read("two"), "{name}");
        assert!(!read("one").is_empty(), "{name}");
    }
    let trades = fs::read_to_string(folder.path().join("one/trades.csv")).unwrap();
    assert!(trades.lines().count() > 5, "{trades}");
}

#[test]
fn a_replay_that_cannot_be_says_why() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "scalper.json", SCALPER);
    written(folder.path(), "rising.json", NO_DIRECTION);
    written(folder.path(), "EURUSD_M15.csv", &export(10));
    let broken = export(10)
        .replace("\t08:", "\t8h:")
        .replace("\t02:15:00\t1", "\t02:15:00\tx1");
    written(folder.path(), "broken_M15.csv", &broken);
    let replay = |file: &str, bars: &str| {
        run(
            folder.path(),
            &["replay", file, "--bars", bars, "--out", "out"],
        )
    };
    let (code, _, error) = replay("rising.json", "EURUSD_M15.csv");
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("(R1)"), "{error}");
    let (code, _, error) = replay("scalper.json", "broken_M15.csv");
    assert_eq!(code, 2, "{error}");
    assert!(
        error.contains("line 11, column 21") && error.contains("a price"),
        "{error}"
    );
    let (code, _, error) = replay("scalper.json", "absent.csv");
    assert_eq!(code, 2, "{error}");
    let (code, text, _) = replay("scalper.json", "EURUSD_M15.csv");
    assert_eq!(code, 0, "{text}");
    let cold = "No bar was decided: the history ends before the indicators are warm";
    assert!(text.contains(cold), "{text}");
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    written(folder.path(), "out", "a file where the folder should be");
    assert_eq!(replay("scalper.json", "EURUSD_M15.csv").0, 1);
    for (from, words) in [
        ("yesterday", "2024-01-31"),
        ("2030-01-01", "no bar of the history"),
    ] {
        let (code, _, error) = run(
            folder.path(),
            &[
                "replay",
                "scalper.json",
                "--bars",
                "EURUSD_M15.csv",
                "--out",
                "x",
                "--from",
                from,
            ],
        );
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_correlation_needs_files_of_the_other_symbols() {
    let folder = tempfile::tempdir().unwrap();
    let mut row: serde_json::Value = serde_json::from_str(NO_DIRECTION).unwrap();
    row["rules"]["correlationFilter"] = serde_json::json!({
        "enabled": true, "maxCorrelation": 0.7, "checkPairs": ["GBPUSD", "DXY"],
    });
    written(folder.path(), "pair.json", &row.to_string());
    written(folder.path(), "EURUSD_M15.csv", &export(1_000));
    written(folder.path(), "GBPUSD_M15.csv", &export(1_000));
    let mut arguments = vec!["replay", "pair.json", "--direction", "buy", "--out", "out"];
    arguments.extend(["--bars", "EURUSD_M15.csv", "GBPUSD_M15.csv"]);
    let (code, text, error) = run(folder.path(), &arguments);
    assert_eq!(code, 3, "{text}");
    assert!(
        error.contains("no file has bars of DXY M15; or allow running without it"),
        "{error}"
    );
    arguments.extend(["--run-without", "correlation"]);
    let (code, _, error) = run(folder.path(), &arguments);
    assert_eq!((code, error.as_str()), (0, ""));
    let report = fs::read_to_string(folder.path().join("out/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let skipped = report["skipped"][0].as_str().unwrap();
    assert!(skipped.contains("no file has bars of DXY M15"), "{skipped}");
    assert!(report["results"]["positions"].as_u64().unwrap() > 0);
    assert_eq!(report["filters"][0], "correlation");
}
