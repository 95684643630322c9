//! What is inside, and what never is.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Read as _;

use secrecy::SecretString;

use super::*;
use crate::logs::Redactor;
use crate::settings;

const SECRET: &str = "Marked-Secret-4711";

fn opened(path: &std::path::Path) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|number| {
            let mut file = zip.by_index(number).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[test]
fn a_secret_that_lies_about_is_in_no_part() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    for name in ["logs", "crash"] {
        fs::create_dir(data.join(name)).unwrap();
    }
    for day in 1..=5 {
        let line = format!("day {day}: the secret is {SECRET}\n");
        fs::write(
            data.join(format!("logs/fx-executor.2026-03-0{day}.log")),
            line,
        )
        .unwrap();
    }
    fs::write(
        data.join("crash/crash-1.txt"),
        format!("message {SECRET}\n"),
    )
    .unwrap();
    let file = data.join("executor-config.json");
    let text = format!(
        r#"{{"platformUrl":"https://fx.example.com","apiKey":"exe_0123456789abcdef0123456789abcdef",
            "apiSecret":"{SECRET}","mine":"{SECRET}","maxLots":0.1,"pusherPort":0}}"#
    );
    fs::write(&file, text).unwrap();
    let loaded = settings::load(&file, settings::secret_store(data).as_ref()).unwrap();

    let redactor = Redactor::default();
    redactor.register(&SecretString::from(SECRET));
    let mut bundle = Bundle::default();
    bundle.add("settings.txt", &super::settings(&loaded.draft), &redactor);
    for part in logs(data).into_iter().chain(crashes(data)) {
        bundle.add(&part.name, &part.text, &redactor);
    }
    let path = data.join("bundle.zip");
    bundle.write(&path).unwrap();

    let parts = opened(&path);
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "settings.txt",
        "logs/fx-executor.2026-03-03.log",
        "logs/fx-executor.2026-03-04.log",
        "logs/fx-executor.2026-03-05.log",
        "crash/crash-1.txt",
    ];
    assert_eq!(names, expected);
    for (name, text) in &parts {
        assert!(!text.contains(SECRET), "{name}: {text}");
        assert!(!text.contains("89abcdef0123"), "{name}: {text}");
    }
    let settings = &parts[0].1;
    for line in [
        "apiSecret: (there is one)",
        "maxLots: 0.1",
        "wrong: pusherPort",
    ] {
        assert!(settings.contains(line), "{settings}");
    }
    assert!(!settings.contains("mine"), "{settings}");
    assert!(parts[1].1.contains("day 3: the secret is [hidden]"));
    let raw = fs::read(&path).unwrap();
    assert!(
        !raw.windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes())
    );
}

#[test]
fn a_large_log_is_cut_at_a_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    let line = "x".repeat(99) + "\n";
    let path = folder.path().join("logs/fx-executor.2026-03-01.log");
    fs::write(path, line.repeat(30_000) + "the end\n").unwrap();
    let parts = logs(folder.path());
    assert!(parts[0].text.len() < 2 * 1024 * 1024);
    assert!(parts[0].text.starts_with(&line), "half a line");
    assert!(parts[0].text.ends_with("the end\n"));
}
