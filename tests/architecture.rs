//! The rules of ARCHITECTURE.md that a compiler does not check: pure folders stay pure, arrows point one way, files stay small.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which top-level folders each folder may name. A missing arrow is a deliberate absence.
const ARROWS: &[(&str, &[&str])] = &[
    ("market", &[]),
    ("strategy", &["market"]),
    ("core", &["market", "strategy"]),
    ("alerts", &["core", "market"]),
    ("support", &["logs", "settings"]),
    ("replay", &["core", "market", "strategy"]),
    ("net", &[]),
    ("update", &["net"]),
    ("logs", &[]),
    ("os", &[]),
    ("setup", &["os"]),
    ("pusher", &["net", "core"]),
    ("platform", &["net", "core"]),
    ("terminal", &["market"]),
    ("journal", &["core", "market"]),
    ("decisions", &["core"]),
    ("settings", &["net", "platform", "core", "alerts", "update"]),
    ("practice", &["market", "pusher", "platform"]),
    ("ui", &["core", "market", "settings"]),
    (
        "engine",
        &[
            "core",
            "market",
            "strategy",
            "net",
            "pusher",
            "platform",
            "terminal",
            "journal",
            "decisions",
            "settings",
        ],
    ),
    (
        "doctor",
        &[
            "net", "os", "logs", "pusher", "platform", "journal", "settings", "practice",
        ],
    ),
];

/// What a pure folder must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "rusqlite",
    "egui::",
    "axum",
    "fastrand",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

const LONGEST_FILE: usize = 500;

/// Where a folder of [`ARROWS`] is: those that decide are a package of their own.
fn room(folder: &str) -> PathBuf {
    let deciding = Path::new("src/trading").join(folder);
    if deciding.exists() {
        deciding
    } else {
        Path::new("src").join(folder)
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The program's lines: comments and everything that is only for tests left out.
fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let until_tests = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .to_owned();
    until_tests
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

fn is_test_code(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
        || path
            .file_stem()
            .is_some_and(|stem| stem == "tests" || stem == "scripted" || stem == "connections")
}

#[test]
fn pure_folders_stay_pure() {
    let mut wrong = Vec::new();
    for folder in ["core", "strategy", "market"] {
        for path in sources(&room(folder)) {
            if is_test_code(&path) {
                continue;
            }
            for (number, line) in code_lines(&path) {
                for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                    wrong.push(format!(
                        "{}:{number} names {word}: {}",
                        path.display(),
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "a pure folder decides only by what it is given:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn arrows_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (folder, may) in &allowed {
        for path in sources(&room(folder)) {
            if is_test_code(&path) {
                continue;
            }
            for (number, line) in code_lines(&path) {
                for part in line.split("crate::").skip(1) {
                    let named: String = part
                        .chars()
                        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                        .collect();
                    let known = allowed.contains_key(named.as_str()) || named == "modes";
                    if known && named != *folder && !may.contains(&named.as_str()) {
                        wrong.push(format!("{}:{number}: {folder} → {named}", path.display()));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that ARCHITECTURE.md does not have:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_room_is_on_the_map() {
    let map = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let places = ["src", "src/trading"].map(|place| fs::read_dir(place).unwrap());
    for entry in places.into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                map.contains(&format!("| `{name}/` |")),
                "ARCHITECTURE.md does not say what {} is for",
                path.display()
            );
        }
    }
}

#[test]
fn files_stay_small_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for path in sources(Path::new("src")) {
        if is_test_code(&path) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let length = text.lines().count();
        if length > LONGEST_FILE {
            wrong.push(format!(
                "{} has {length} lines; split it along a real seam",
                path.display()
            ));
        }
        if !text.starts_with("//!") && !text.starts_with("#!") {
            wrong.push(format!("{} does not say what it is for", path.display()));
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["util", "utils", "helper", "helpers", "common", "manager"].contains(&stem.as_str()) {
            wrong.push(format!("{} has a name that says nothing", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later_without_a_number() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        if !Path::new(folder).exists() {
            continue;
        }
        for path in sources(Path::new(folder)) {
            if path.ends_with("architecture.rs") {
                continue;
            }
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                for word in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("] {
                    if line.contains(word) && !line.contains("TODO(#") {
                        wrong.push(format!(
                            "{}:{}: {}",
                            path.display(),
                            number + 1,
                            line.trim()
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_changelog_knows_this_version() {
    let changelog = fs::read_to_string("CHANGELOG.md").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        changelog.contains(&format!("## {version}")),
        "CHANGELOG.md has no entry for {version}"
    );
}
