//! A newer version: looked for when asked, shown with what is new, installed after one yes to exactly that version.

use egui_kittest::kittest::Queryable;
use fx_executor::ui::{Installing, Newest, Page};

use crate::world::{self, World};
use crate::{Desk, until};

const LOOK: &str = "Look for a newer version";

fn newer() -> Newest {
    Newest::Newer {
        version: "0.2.0".to_owned(),
        size: "8.9 MB".to_owned(),
        changes: vec!["Stops are set sooner.".to_owned()],
    }
}

fn open(offered: Option<Newest>, steps: Vec<Installing>) -> Desk {
    let world = World::new(world::snapshot(world::noon()));
    *world.updates.offered.lock().unwrap() = offered;
    *world.updates.steps.lock().unwrap() = steps;
    // High enough for the whole page.
    let mut desk = Desk::over(world, Page::Settings, |_| {}, [1280.0, 4_000.0]);
    until(&mut desk, "the page", |desk| has(desk, LOOK));
    desk
}

fn has(desk: &Desk, label: &str) -> bool {
    desk.harness.query_by_label_contains(label).is_some()
}

fn press(desk: &mut Desk, label: &str) {
    desk.harness.get_by_label(label).click();
    desk.settle();
}

#[test]
fn nothing_is_looked_for_before_somebody_asks() {
    let mut desk = open(None, Vec::new());
    assert!(has(&desk, "FX Executor 0.1.0"));
    press(&mut desk, LOOK);
    until(&mut desk, "the reason", |desk| has(desk, "updates are off"));
    assert!(!has(&desk, "Install"));
}

#[test]
fn the_newest_and_an_older_one_offer_no_button() {
    for (offered, told) in [
        (Newest::Running, "This is the newest version."),
        (
            Newest::Older {
                version: "0.0.9".to_owned(),
            },
            "older than this program",
        ),
    ] {
        let mut desk = open(Some(offered), Vec::new());
        press(&mut desk, LOOK);
        until(&mut desk, told, |desk| has(desk, told));
        assert!(!has(&desk, "Install"));
    }
}

#[test]
fn a_newer_version_is_installed_after_one_yes_to_it() {
    let steps = vec![Installing::Fetching(40), Installing::Ending];
    let mut desk = open(Some(newer()), steps);
    press(&mut desk, LOOK);
    until(&mut desk, "the offer", |desk| {
        has(desk, "Version 0.2.0 is there (8.9 MB)")
    });
    assert!(has(&desk, "Stops are set sooner."));
    press(&mut desk, "Install…");
    assert!(has(&desk, "Install version 0.2.0?"));
    assert!(has(&desk, "no order is under way"));
    press(&mut desk, "Cancel");
    assert!(desk.world.updates.agreed.lock().unwrap().is_empty());
    press(&mut desk, "Install…");
    press(&mut desk, "Install");
    until(&mut desk, "the end", |desk| {
        has(desk, "Fetched and proved.")
    });
    assert_eq!(*desk.world.updates.agreed.lock().unwrap(), ["0.2.0"]);
}

#[test]
fn an_installation_that_failed_says_why() {
    let steps = vec![Installing::Failed("its SHA-256 differs".to_owned())];
    let mut desk = open(Some(newer()), steps);
    press(&mut desk, LOOK);
    until(&mut desk, "the offer", |desk| has(desk, "Version 0.2.0"));
    press(&mut desk, "Install…");
    press(&mut desk, "Install");
    until(&mut desk, "the reason", |desk| has(desk, "SHA-256 differs"));
}

#[test]
fn an_unsigned_build_says_so() {
    for (signed, told) in [(Some(false), true), (Some(true), false), (None, false)] {
        let world = World::new(world::snapshot(world::noon()));
        *world.updates.is_signed.lock().unwrap() = signed;
        let mut desk = Desk::over(world, Page::Settings, |_| {}, [1280.0, 4_000.0]);
        until(&mut desk, "the page", |desk| has(desk, LOOK));
        assert_eq!(has(&desk, "This build is not signed"), told, "{signed:?}");
    }
}
