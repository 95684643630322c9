//! What a save keeps, asks about and refuses.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use tokio_util::sync::CancellationToken;

use super::*;
use crate::practice::{self, PracticeOptions};

fn desk(folder: &Path) -> SettingsDesk {
    let (desk, queue) = listened(folder);
    // Nobody takes the changes; they only must find room.
    Box::leak(Box::new(queue));
    desk
}

fn listened(folder: &Path) -> (SettingsDesk, mpsc::Receiver<Reconfigure>) {
    let home = SettingsHome {
        data_dir: folder.to_owned(),
        path: folder.join("executor-config.json"),
        store: settings::secret_store(folder),
        redactor: Arc::default(),
        practice_page: None,
        readings: Default::default(),
        start_command: None,
        keep_awake: true.into(),
        restart_when_hung: false.into(),
        close_button: Mutex::default(),
        toasts: Mutex::default(),
    };
    let (reconfigure, queue) = mpsc::channel(8);
    (SettingsDesk::new(Arc::new(home), reconfigure), queue)
}

/// The last word on each step, as the page keeps it.
async fn tried(desk: &SettingsDesk, form: &SettingsForm) -> Vec<TestStep> {
    let mut out = desk.test(form);
    let mut steps: Vec<TestStep> = Vec::new();
    while let Some(step) = tokio::time::timeout(Duration::from_secs(60), out.recv())
        .await
        .unwrap()
    {
        match steps.iter_mut().find(|old| old.name == step.name) {
            Some(old) => *old = step,
            None => steps.push(step),
        }
    }
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_walks_every_step_and_a_wrong_secret_fails_at_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let end = CancellationToken::new();
    let world = practice::start(PracticeOptions::default(), end.clone())
        .await
        .unwrap();
    let desk = desk(folder.path());
    let file = folder.path().join("executor-config.json");
    std::fs::write(&file, practice::config_file(&world).to_string()).unwrap();
    let mut form = desk.load().unwrap();
    let steps = tried(&desk, &form).await;
    assert!(steps.len() >= 4, "{steps:?}");
    assert!(steps.iter().all(|step| step.ok == Some(true)), "{steps:?}");

    form.new_secret = crate::ui::SecretText::from("0".repeat(64));
    let steps = tried(&desk, &form).await;
    assert!(steps.iter().any(|step| step.ok == Some(false)), "{steps:?}");
    end.cancel();
}

#[test]
fn what_cannot_be_run_on_is_not_saved_and_costs_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path());
    let mut form = SettingsForm::default();
    form.field_mut(Field::PlatformUrl).text = "https://fx.example.com".to_owned();
    form.field_mut(Field::ApiKey).text = "exe_one".to_owned();
    form.new_secret = crate::ui::SecretText::from("5".repeat(64));
    desk.save(&SettingsForm::default(), &form).unwrap();
    let stored = desk.load().unwrap();
    let other = folder.path().join("other.json");
    std::fs::write(
        &other,
        r#"{"platformUrl": "https://fx.example.com", "apiKey": "exe_two"}"#,
    )
    .unwrap();
    let imported = desk.import(&other).unwrap();
    assert!(!imported.secret_stored, "it belongs to another key");
    assert!(
        desk.save(&stored, &imported)
            .unwrap_err()
            .contains("not saved")
    );
    // The page's "Undo changes" reads the file again.
    let undone = desk.undo().unwrap();
    assert!(undone.secret_stored);
    desk.save(&undone, &undone).unwrap();
    assert!(desk.load().unwrap().secret_stored);
}

const FILE: &str = r#"{"platformUrl": "https://fx.example.com", "apiKey": "exe_one", "apiSecret": "yyy-one",
    "maxLots": 1, "terminal": "metatrader", "mine": [1]}"#;

fn edited(form: &SettingsForm, field: Field, text: &str) -> SettingsForm {
    let mut form = form.clone();
    text.clone_into(&mut form.field_mut(field).text);
    form
}

#[test]
fn a_save_undoes_nothing_that_was_changed_in_the_file_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, file) = (
        desk(folder.path()),
        folder.path().join("executor-config.json"),
    );
    std::fs::write(&file, FILE).unwrap();
    let loaded = desk.load().unwrap();
    let tighter = FILE
        .replace("\"maxLots\": 1", "\"maxLots\": 0.1, \"maxPositions\": 2")
        .replace("metatrader", "paper")
        .replace("[1]", "[2]");
    std::fs::write(&file, tighter).unwrap();
    let form = edited(&loaded, Field::MaxDailyLoss, "50");
    assert!(matches!(desk.save(&loaded, &form), Ok(SaveEnd::Saved(_))));
    let text = std::fs::read_to_string(&file).unwrap();
    for part in [
        "\"maxLots\": 0.1",
        "\"maxPositions\": 2",
        "\"paper\"",
        "\"maxDailyLoss\": 50",
        "\"mine\": [2]",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn what_both_changed_is_asked_first_and_then_the_persons() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, file) = (
        desk(folder.path()),
        folder.path().join("executor-config.json"),
    );
    std::fs::write(&file, FILE).unwrap();
    let loaded = desk.load().unwrap();
    let theirs = FILE.replace("\"maxLots\": 1", "\"maxLots\": 0.1");
    std::fs::write(&file, &theirs).unwrap();
    let form = edited(&loaded, Field::MaxLots, "5");
    let Ok(SaveEnd::Changed(fresh)) = desk.save(&loaded, &form) else {
        panic!("it was not asked");
    };
    assert_eq!(fresh.field(Field::MaxLots).text, "0.1");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), theirs);
    let form = edited(&fresh, Field::MaxLots, "5");
    assert!(matches!(desk.save(&fresh, &form), Ok(SaveEnd::Saved(_))));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\"maxLots\": 5"), "{text}");
}

/// However often it is saved: what stands under a misspelt name may be all that is left of a limit.
#[test]
fn a_misspelt_limit_is_not_saved_away_and_gives_way_to_a_typed_one() {
    for (limits, shown) in [
        ("\"MaxLots\": 0.05", ""),
        ("\"maxLots\": 5, \"MaxLots\": 0.05", "5"),
        ("\"maxLots\": {\"value\": 0.05}", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("executor-config.json");
        let (desk, mut changes) = listened(folder.path());
        std::fs::write(&file, FILE).unwrap();
        let loaded = desk.load().unwrap();
        let wrong = FILE.replace("\"maxLots\": 1", limits);
        std::fs::write(&file, &wrong).unwrap();
        desk.save(&loaded, &loaded).unwrap_err();
        let loaded = desk.load().unwrap();
        assert_eq!(loaded.field(Field::MaxLots).text, shown, "{limits}");
        for form in [loaded.clone(), edited(&loaded, Field::MaxDailyLoss, "50")] {
            let refused = desk.save(&loaded, &form).unwrap_err();
            assert!(refused.contains("not saved: maxLots: "), "{refused}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), wrong, "{limits}");
        assert!(changes.try_recv().is_err(), "{limits}: what runs changed");

        let form = edited(&loaded, Field::MaxLots, "0.07");
        let Ok(SaveEnd::Saved(notes)) = desk.save(&loaded, &form) else {
            panic!("{limits}: it was not saved");
        };
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"maxLots\": 0.07"), "{text}");
        assert!(!text.contains("MaxLots"), "{text}");
        let told = notes
            .iter()
            .any(|note| note.text.contains("\"MaxLots\" meant nothing"));
        assert_eq!(told, limits.contains("MaxLots"), "{limits}: {notes:?}");
        let change = changes.try_recv().unwrap();
        assert_eq!(change.config.limits.max_lots.unwrap().to_string(), "0.07");
    }
}

#[test]
fn a_typed_secret_does_not_silently_replace_another_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, file) = (
        desk(folder.path()),
        folder.path().join("executor-config.json"),
    );
    std::fs::write(&file, FILE).unwrap();
    let loaded = desk.load().unwrap();
    std::fs::write(&file, FILE.replace("yyy-one", "yyy-two")).unwrap();
    let mut form = loaded.clone();
    form.new_secret = SecretText::from("yyy-three".to_owned());
    let Ok(SaveEnd::Changed(fresh)) = desk.save(&loaded, &form) else {
        panic!("it was not asked");
    };
    assert_ne!(fresh.secret_turn, loaded.secret_turn);
    assert!(matches!(desk.save(&fresh, &form), Ok(SaveEnd::Saved(_))));
    assert_eq!(desk.reveal().unwrap(), form.new_secret);
}

#[test]
fn a_save_over_a_broken_file_says_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (desk, file) = (
        desk(folder.path()),
        folder.path().join("executor-config.json"),
    );
    std::fs::write(&file, FILE).unwrap();
    let loaded = desk.load().unwrap();
    std::fs::write(&file, FILE.replace("1,", "1,,")).unwrap();
    let Ok(SaveEnd::Saved(notes)) = desk.save(&loaded, &loaded) else {
        panic!("it was not saved");
    };
    assert!(
        notes
            .iter()
            .any(|note| note.warning && note.text.contains("fill in what is missing")),
        "{notes:?}"
    );
    // What the page showed is what counts.
    assert_eq!(desk.load().unwrap().field(Field::MaxLots).text, "1");
}

#[test]
fn a_save_in_place_of_a_deleted_file_says_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path());
    let file = folder.path().join("executor-config.json");
    std::fs::write(&file, FILE).unwrap();
    desk.load().unwrap();
    std::fs::remove_file(&file).unwrap();
    let empty = desk.undo().unwrap();
    assert_eq!(empty.field(Field::MaxLots).text, "");
    let mut form = edited(&empty, Field::PlatformUrl, "https://fx.example.com");
    form.field_mut(Field::ApiKey).text = "exe_one".to_owned();
    form.new_secret = SecretText::from("5".repeat(64));
    let Ok(SaveEnd::Saved(notes)) = desk.save(&empty, &form) else {
        panic!("it was not saved");
    };
    let warned = notes
        .iter()
        .any(|note| note.warning && note.text.contains("file was gone"));
    assert!(warned, "{notes:?}");
}
