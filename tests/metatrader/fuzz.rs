//! Damaged lines for the Expert Advisor's parser: sanitizers and the shim's own checks are the judges.
//! Many more: `FX_FUZZ_CASES=1000000 cargo test --test metatrader fuzz`.

use std::process::Command;

use crate::compile::{self, Build};
use crate::emulated::{Folders, shipped};

#[test]
fn no_line_breaks_the_expert_advisor() {
    let cases = std::env::var("FX_FUZZ_CASES").unwrap_or_else(|_| "20000".to_owned());
    let seed = std::env::var("FX_FUZZ_SEED").unwrap_or_else(|_| fastrand::u32(..).to_string());
    let text = std::fs::read_to_string(shipped()).unwrap();
    let module =
        compile::module_of(&text, &shipped().display().to_string(), Build::Checked).unwrap();
    let folders = Folders::new();
    let trace = folders.data().join("last-batch");
    let output = Command::new(compile::emulator(Build::Checked))
        .arg("--data")
        .arg(folders.data())
        .arg("--common")
        .arg(folders.common())
        .arg("--module")
        .arg(module)
        .args(["--fuzz-seed", &seed, "--fuzz-cases", &cases, "--fuzz-trace"])
        .arg(&trace)
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .env("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    assert!(
        output.status.success() && last.starts_with("ok cases="),
        "FX_FUZZ_SEED={seed} FX_FUZZ_CASES={cases}\n{last}\n{}\nlast lines: {:?}",
        String::from_utf8_lossy(&output.stderr),
        std::fs::read(&trace).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    );
    let count = |key: &str| -> u64 {
        last.split(' ')
            .find_map(|field| field.strip_prefix(key))
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!(
        count("answers=") > count("cases=") / 4,
        "the lines reach the parser: {last}"
    );
    assert_eq!(count("pipe_turns_missed="), 0);
    println!("seed {seed}: {last}");
}
