#![expect(clippy::unwrap_used, reason = "tests")]

use secrecy::SecretString;

use super::*;
use crate::settings::secret::FileStore;

struct Place {
    dir: tempfile::TempDir,
    store: FileStore,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        Self { dir, store }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("config").join(FILE_NAME)
    }

    fn put(&self, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        fs::write(self.path(), bytes).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn load(&self) -> Loaded {
        load(&self.path(), &self.store).unwrap()
    }

    fn save(&self, draft: &Draft) -> Saved {
        let now = "2026-01-05T10:11:12Z".parse().unwrap();
        save(&self.path(), draft, &self.store, now).unwrap()
    }
}

/// The file as the platform's guide shows it.
const SEED: &str = r#"{
  "executorId": "cmh4h3aqj0001py6nb05dvjpk",
  "apiKey": "exe_xxx",
  "apiSecret": "yyy-marked",
  "platformUrl": "http://localhost:3000",
  "pusherKey": "sama_dengan_NEXT_PUBLIC_PUSHER_KEY",
  "pusherCluster": "ap1"
}
"#;

#[test]
fn the_file_is_looked_for_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (data, working) = (dir.path().join("data"), dir.path().join("work"));
    let of = |folder: &Path| folder.join("config").join(FILE_NAME);
    assert_eq!(locate(None, &data, &working), of(&data));
    fs::create_dir_all(working.join("config")).unwrap();
    fs::write(of(&working), "{}").unwrap();
    assert_eq!(locate(None, &data, &working), of(&working));
    fs::create_dir_all(data.join("config")).unwrap();
    fs::write(of(&data), "{}").unwrap();
    assert_eq!(locate(None, &data, &working), of(&data));
    let asked = dir.path().join("other.json");
    assert_eq!(locate(Some(&asked), &data, &working), asked);
}

#[test]
fn no_file_is_an_empty_draft_that_says_what_is_missing() {
    let place = Place::new();
    let loaded = place.load();
    assert!(!loaded.exists);
    let missing: Vec<_> = loaded
        .draft
        .problems()
        .iter()
        .map(|problem| problem.field)
        .collect();
    assert_eq!(
        missing,
        [Field::PlatformUrl, Field::ApiKey, Field::ApiSecret]
    );
}

#[test]
fn a_limit_under_a_misspelt_name_is_no_lost_limit() {
    let place = Place::new();
    for (text, told) in [
        (
            r#""MaxLots":0.1"#,
            Some("maxLots: The file says \"MaxLots\""),
        ),
        (
            r#""max_positions":1"#,
            Some("did you mean \"maxPositions\"?"),
        ),
        (r#""maxDailyLos":5"#, Some("did you mean \"maxDailyLoss\"?")),
        (r#""gaurdDailyLoss":"5%""#, Some("guardDailyLoss")),
        (r#""maxLots":1,"maxlots":0.1"#, Some("maxlots")),
        (r#""maxDailyLoss":5,"_note":"x","max":1,"slotId":2"#, None),
        (r#""rateLimit":60,"showTrades":true"#, None),
    ] {
        place.put(SEED.replacen('{', &format!("{{{text},"), 1));
        let problems = place.load().draft.settings().err().unwrap_or_default();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        match told {
            Some(told) => assert!(problems.join(" ").contains(told), "{text}: {problems:?}"),
            None => assert_eq!(problems, [""; 0], "{text}"),
        }
    }
}

#[test]
fn a_misspelt_limit_goes_when_its_right_name_is_saved() {
    let place = Place::new();
    place.put(SEED.replacen('{', "{\"MaxLots\": 0.1, \"mine\": 1,", 1));
    let mut draft = place.load().draft;
    draft.set(Field::MaxLots, "0.1");
    place.save(&draft);
    let settings = place.load().draft.settings().unwrap();
    assert_eq!(settings.limits.max_lots, Some("0.1".parse().unwrap()));
    assert!(!place.text().contains("MaxLots"), "{}", place.text());
    assert!(place.text().contains("\"mine\": 1"), "{}", place.text());
}

/// Nobody knows what such a key means to whom, so it is told, and stays in the file.
#[test]
fn a_limit_of_another_program_is_told_and_survives_a_save() {
    let place = Place::new();
    for (key, meant) in [
        ("lotLimit", "maxLots"),
        ("limits", "maxLots"),
        ("rateLimit", "maxLots"),
        ("stopAfterLoss", "maxDailyLoss"),
        ("maxOrders", "maxPositions"),
        ("MAX_LOT_SIZE", "maxLots"),
        ("MAX_DRAWDOWN", "maxDailyLoss"),
        ("maxlotsize", "maxLots"),
        ("dailylosslimit", "maxDailyLoss"),
        ("maxopentrades", "maxPositions"),
        ("maxTrade", "maxPositions"),
        ("maxExposure", "maxLots"),
        ("guardDaily", "guardDailyLoss"),
    ] {
        place.put(SEED.replacen('{', &format!("{{\"{key}\": 5,"), 1));
        let loaded = place.load();
        assert!(loaded.draft.settings().is_ok(), "{key}");
        let told = format!("a limit of this program is \"{meant}\"");
        assert!(loaded.notices.join("\n").contains(&told), "{key}");
        place.save(&loaded.draft);
        assert!(place.text().contains(&format!("\"{key}\": 5")), "{key}");
    }
}

#[test]
fn a_limit_inside_something_else_is_told() {
    let place = Place::new();
    place.put(SEED.replacen(
        '{',
        "{\"trading\": {\"maxLots\": 0.1, \"color\": \"red\", \"max_dd_loss\": 5},",
        1,
    ));
    let notices = place.load().notices.join("\n");
    assert!(
        notices.contains("\"maxLots\" inside \"trading\""),
        "{notices}"
    );
    assert!(
        notices.contains("\"max_dd_loss\" inside \"trading\""),
        "{notices}"
    );
    assert!(!notices.contains("color"), "{notices}");
}

/// A save with the right field left empty must not take the last trace of a limit away.
#[test]
fn a_misspelt_limit_stays_until_its_right_name_has_a_value() {
    let place = Place::new();
    place.put(SEED.replacen('{', "{\"maxLot\": 0.1,", 1));
    place.save(&place.load().draft);
    assert!(place.text().contains("\"maxLot\": 0.1"), "{}", place.text());
    assert!(place.load().draft.settings().is_err(), "it is still said");
}

#[test]
fn another_misspelt_key_is_told() {
    let place = Place::new();
    place.put(SEED.replacen('{', "{\"PusherHost\": \"x\", \"platform_url\": \"y\",", 1));
    let notices = place.load().notices.join("\n");
    for words in ["\"PusherHost\" in", "did you mean \"platformUrl\"?"] {
        assert!(notices.contains(words), "{notices}");
    }
}

#[test]
fn a_secret_in_clear_text_works_and_moves_at_the_first_save() {
    let place = Place::new();
    place.put(SEED);
    let loaded = place.load();
    assert!(
        loaded.notices[0].contains("clear text"),
        "{:?}",
        loaded.notices
    );
    let settings = loaded.draft.settings().unwrap();
    assert_eq!(
        settings.credentials.api_secret.expose_secret(),
        "yyy-marked"
    );

    let saved = place.save(&loaded.draft);
    assert!(saved.notices[0].contains("moved out of"), "{saved:?}");
    assert_eq!(
        place.text(),
        SEED.replace("  \"apiSecret\": \"yyy-marked\",\n", "")
    );

    let again = place.load();
    assert_eq!(again.notices, [""; 0]);
    let settings = again.draft.settings().unwrap();
    assert_eq!(
        settings.credentials.api_secret.expose_secret(),
        "yyy-marked"
    );
    assert_eq!(place.save(&again.draft), Saved::default());
}

#[test]
fn an_edited_secret_replaces_the_stored_one_and_never_meets_the_file() {
    let place = Place::new();
    place.put(SEED);
    let mut draft = place.load().draft;
    draft.set_secret(" zzz-marked ");
    place.save(&draft);
    assert!(!place.text().contains("marked"));
    let stored = place.load().draft;
    assert_eq!(stored.secret().unwrap().expose_secret(), "zzz-marked");
}

#[test]
fn a_proxy_password_moves_too_and_comes_back() {
    let place = Place::new();
    let with_proxy = SEED.replace(
        "\"pusherCluster\": \"ap1\"",
        "\"proxy\": \"http://joe:p%40ss-marked@proxy:8080\"",
    );
    place.put(&with_proxy);
    place.save(&place.load().draft);
    assert!(!place.text().contains("marked"), "{}", place.text());
    assert!(place.text().contains("\"http://joe@proxy:8080\""));
    let settings = place.load().draft.settings().unwrap();
    assert_eq!(
        settings.proxy,
        crate::net::proxy::ProxySetting::Address("http://joe:p%40ss-marked@proxy:8080".to_owned())
    );
}

#[test]
fn a_broken_file_is_put_aside_before_a_save_and_never_overwritten() {
    let place = Place::new();
    let broken = "{\n  \"apiKey\": \"exe_1\"\n  \"apiSecret\": 1\n}";
    place.put(broken);
    let error = load(&place.path(), &place.store).unwrap_err().to_string();
    assert!(
        error.ends_with("is not readable as JSON. line 3, column 3: expected `,` or `}`"),
        "{error}"
    );
    assert_eq!(place.text(), broken);

    let mut draft = Draft::default();
    draft.set(Field::PlatformUrl, "http://localhost:3000");
    for n in 0..2 {
        place.put(broken);
        let saved = place.save(&draft);
        assert!(saved.warnings[0].contains("Limits"), "{saved:?}");
        let aside = saved.broken_kept.unwrap();
        assert_eq!(fs::read_to_string(&aside).unwrap(), broken);
        let suffix = ["broken-20260105-101112", "broken-20260105-101112-1"][n];
        assert!(aside.to_string_lossy().ends_with(suffix), "{aside:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&aside).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "a secret may stand in it");
        }
    }
    assert!(place.text().contains("localhost:3000"));
}

#[test]
fn a_stored_proxy_password_is_not_given_to_another_proxy() {
    let place = Place::new();
    place.put(SEED.replace(
        "\"ap1\"",
        "\"ap1\", \"proxy\": \"http://joe:marked@proxy:8080\"",
    ));
    place.save(&place.load().draft);
    place.put(place.text().replace("joe@proxy", "joe@elsewhere"));
    assert_eq!(
        place.load().draft.settings().unwrap().proxy,
        crate::net::proxy::ProxySetting::Address("http://joe@elsewhere:8080".to_owned())
    );
}

#[test]
fn a_file_that_is_far_too_large_is_not_read() {
    let place = Place::new();
    place.put(vec![b' '; LARGEST + 10]);
    let error = load(&place.path(), &place.store).unwrap_err();
    assert!(matches!(error, LoadError::Broken { .. }), "{error}");
}

#[test]
fn a_change_made_beside_us_survives_our_save() {
    let place = Place::new();
    place.put(SEED);
    let mut draft = place.load().draft;
    place.put(SEED.replace("{\n", "{\n  \"theme\": \"dark\",\n"));
    draft.set(Field::MaxLots, "0.10");
    place.save(&draft);
    let text = place.text();
    assert!(text.contains("\"theme\": \"dark\""), "{text}");
    assert!(text.contains("\"maxLots\": 0.10"), "{text}");
}

#[test]
fn starting_over_keeps_the_stored_secret() {
    let place = Place::new();
    place.put(SEED);
    place.save(&place.load().draft);
    place.put("{");
    let over = start_over(&place.path(), &place.store);
    assert_eq!(over.draft.secret().unwrap().expose_secret(), "yyy-marked");
    assert_eq!(over.draft.get(Field::PlatformUrl), "");
}

/// Every file under `folder` whose bytes hold the mark.
fn files_with_mark(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_with_mark(&path, found);
        } else if fs::read(&path)
            .unwrap()
            .windows(6)
            .any(|bytes| bytes == b"marked")
        {
            found.push(path);
        }
    }
}

#[test]
fn after_a_save_no_byte_outside_the_store_holds_a_secret() {
    let place = Place::new();
    place.put(SEED.replace(
        "\"ap1\"",
        "\"ap1\", \"proxy\": \"http://joe:p-marked@proxy:8080\"",
    ));
    let loaded = place.load();
    place.save(&loaded.draft);
    let settings = loaded.draft.settings().unwrap();
    let fetched = serde_json::from_str(
        r#"{"executorId":"c1","pusherKey":"k","fetched_at":"2026-01-05T10:00:00Z"}"#,
    );
    crate::settings::keep_fetched(place.dir.path(), &settings, &fetched.unwrap()).unwrap();
    let echoed = serde_json::from_str(
        r#"{"executorId":"c1","pusherKey":"yyy-marked","fetched_at":"2026-01-05T10:00:00Z"}"#,
    );
    crate::settings::keep_fetched(place.dir.path(), &settings, &echoed.unwrap()).unwrap_err();
    fs::write(
        place.dir.path().join("debug"),
        format!(
            "{loaded:?} {settings:?} {:?} {:?}",
            place.store, settings.credentials
        ),
    )
    .unwrap();

    let mut found = Vec::new();
    files_with_mark(place.dir.path(), &mut found);
    found.sort();
    let store = place.dir.path().join("secrets");
    assert_eq!(
        found,
        [store.join("api-secret"), store.join("proxy-address")]
    );
}

#[test]
fn a_store_that_fails_leaves_the_file_as_it_was() {
    let place = Place::new();
    place.put(SEED);
    let draft = place.load().draft;
    fs::write(place.dir.path().join("secrets"), "in the way").unwrap();
    let now = Timestamp::UNIX_EPOCH;
    assert!(save(&place.path(), &draft, &place.store, now).is_err());
    assert_eq!(place.text(), SEED);
}

#[test]
fn a_secret_in_the_file_wins_over_the_stored_one() {
    let place = Place::new();
    place.put(SEED);
    place
        .store
        .set(SecretName::ApiSecret, &SecretString::from("older"))
        .unwrap();
    let draft = place.load().draft;
    assert_eq!(draft.secret().unwrap().expose_secret(), "yyy-marked");
}

#[test]
fn the_example_in_the_repository_is_read_and_says_only_what_is_missing() {
    let place = Place::new();
    place.put(include_str!("../../config/executor-config.example.json"));
    let loaded = place.load();
    let missing: Vec<String> = loaded
        .draft
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(missing, ["apiSecret: It is missing."]);
}
