//! The examination against the practice world: healthy, and with one thing wrong at a time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::{Check, try_settings};
use crate::practice::{self, PracticeOptions, PracticeWorld};
use crate::settings::{Draft, Field};

const LIMIT: Duration = Duration::from_secs(5);

/// Runs the examination against a world, after `spoil` changed the settings.
fn examine(spoil: impl FnOnce(&mut Draft, &PracticeWorld)) -> Vec<Check> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let end = CancellationToken::new();
    let world = runtime
        .block_on(practice::start(PracticeOptions::default(), end.clone()))
        .unwrap();
    let mut draft = Draft::default();
    draft.set(Field::PlatformUrl, &world.platform_url);
    draft.set(Field::ApiKey, world.api_key.expose_secret());
    draft.set_secret(world.api_secret.expose_secret());
    draft.set(Field::PusherHost, &world.pusher_host);
    draft.set(Field::PusherPort, &world.pusher_port.to_string());
    draft.set(Field::PusherTls, "false");
    spoil(&mut draft, &world);
    let mut checks = Vec::new();
    try_settings(&draft, LIMIT, |check| checks.push(check));
    end.cancel();
    runtime.shutdown_timeout(Duration::from_millis(200));
    checks
}

fn first_failure(checks: &[Check]) -> &Check {
    checks
        .iter()
        .find(|check| check.ok == Some(false))
        .unwrap_or_else(|| panic!("nothing failed: {checks:#?}"))
}

#[test]
fn a_healthy_way_holds_in_every_step() {
    let checks = examine(|_, _| {});
    assert!(
        checks.iter().all(|check| check.ok == Some(true)),
        "{checks:#?}"
    );
    assert_eq!(checks.last().unwrap().title, "Pusher: subscription");
}

#[test]
fn a_wrong_secret_is_named_at_the_configuration_call_and_later_steps_are_not_tried() {
    let checks = examine(|draft, _| draft.set_secret(&"0".repeat(64)));
    let failure = first_failure(&checks);
    assert_eq!(failure.title, "Platform: configuration call");
    assert!(failure.detail.contains("401"), "{failure:?}");
    assert!(!failure.remedy.is_empty());
    let last = checks.last().unwrap();
    assert_eq!(last.ok, None);
    assert!(
        last.detail.contains("Platform: configuration call"),
        "{last:?}"
    );
}

#[test]
fn a_closed_port_is_named_before_anything_is_blamed_on_the_key() {
    let checks = examine(|draft, _| draft.set(Field::PlatformUrl, "http://127.0.0.1:9"));
    assert_eq!(first_failure(&checks).title, "Platform: port 9");
}

#[test]
fn an_executor_id_of_another_key_is_named() {
    let checks = examine(|draft, _| draft.set(Field::ExecutorId, "cm000000000000000000other"));
    let failure = first_failure(&checks);
    assert_eq!(failure.title, "Executor id");
    assert!(failure.remedy.contains("executorId"), "{failure:?}");
}

#[test]
fn a_pusher_key_of_another_app_is_named_at_the_signature() {
    let checks = examine(|draft, _| draft.set(Field::PusherKey, "00000000000000000000"));
    let failure = first_failure(&checks);
    assert_eq!(failure.title, "Platform: channel signature");
    assert!(
        failure.detail.contains("00000000000000000000"),
        "{failure:?}"
    );
}

#[test]
fn a_pusher_server_that_is_away_is_named() {
    let checks = examine(|draft, _| draft.set(Field::PusherPort, "9"));
    assert_eq!(first_failure(&checks).title, "Pusher: port 9");
}

#[test]
fn no_step_shows_the_secret() {
    let secret = "5ec2e7".repeat(11)[..64].to_owned();
    let checks = examine(|draft, _| draft.set_secret(&secret));
    assert!(
        checks
            .iter()
            .all(|check| !format!("{check:?}").contains(&secret))
    );
}

#[test]
fn a_secret_that_the_other_side_echoes_is_hidden() {
    let secret = "5ec2e7ab".repeat(8);
    let mut draft = Draft::default();
    draft.set(Field::PlatformUrl, "http://127.0.0.1:9");
    draft.set(Field::ApiKey, &format!("exe_{}", "a1".repeat(16)));
    draft.set_secret(&secret);
    let settings = draft.settings().unwrap();
    let check = Check {
        title: format!("Platform: name {secret}"),
        ok: Some(false),
        detail: format!("it redirects to http://host/login/{secret}/x"),
        remedy: format!("look at {secret}"),
        took: LIMIT,
    };
    let redactor = super::checks::redactor_of(&settings);
    let shown = super::checks::without_secrets(&check, &redactor);
    assert!(!format!("{shown:?}").contains(&secret), "{shown:?}");
    assert!(shown.detail.contains("http://host/login/"));
}

#[test]
fn a_journal_that_cannot_be_read_is_named_before_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let first_line = || {
        let report = super::report(folder.path(), None);
        report.lines().next().unwrap().to_owned()
    };
    assert!(!first_line().contains("Journal"), "{}", first_line());
    let (journal, _) = crate::journal::Journal::open(&path).unwrap();
    journal.close();
    assert!(first_line().starts_with("✓ Journal: "), "{}", first_line());
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute("INSERT INTO record (body) VALUES ('{}')", [])
        .unwrap();
    assert!(first_line().starts_with("✗ Journal: "), "{}", first_line());
}
