//! The Settings page and the file beside it.

use egui_kittest::kittest::Queryable;
use fx_executor::core::snapshot::{Notice, SETTINGS_REFUSED, Severity, Trading};
use fx_executor::settings::Field;
use fx_executor::ui::{Page, SaveNote, SettingsForm, SettingsPort};

use crate::Desk;
use crate::pages::wait_for;

const LOTS: &str = "Most lots per order";
const POSITIONS: &str = "Most open positions";

fn form_of(desk: &Desk) -> SettingsForm {
    desk.world.settings.load().unwrap()
}

/// Somebody writes the file, and the program takes note of it.
fn change_file(desk: &mut Desk, edits: &[(Field, &str)]) {
    let mut form = form_of(desk);
    for (field, text) in edits {
        (*text).clone_into(&mut form.field_mut(*field).text);
    }
    *desk.world.settings.file.lock().unwrap() = Some(form);
    desk.publish(|snapshot| snapshot.settings.reading += 1);
    for _ in 0..10 {
        desk.settle();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn value(desk: &Desk, label: &str) -> String {
    desk.harness
        .get_by_role_and_label(egui::Role::TextInput, label)
        .value()
        .unwrap_or_default()
}

fn type_into(desk: &mut Desk, label: &str, text: &str) {
    let field = |desk: &Desk| {
        let node = desk
            .harness
            .get_by_role_and_label(egui::Role::TextInput, label);
        node.focus();
        node.type_text(text);
    };
    desk.harness
        .get_by_role_and_label(egui::Role::TextInput, label)
        .focus();
    desk.settle();
    field(desk);
    desk.settle();
}

fn ready() -> Desk {
    let mut desk = Desk::with(
        crate::world::snapshot(crate::world::noon()),
        Page::Settings,
        |_| {},
        [1280.0, 2_400.0],
    );
    wait_for(&mut desk, "A secret is stored");
    desk
}

#[test]
fn a_changed_file_is_shown_at_once() {
    let mut desk = ready();
    change_file(&mut desk, &[(Field::MaxLots, "0.1")]);
    assert_eq!(value(&desk, LOTS), "0.1");
}

#[test]
fn a_changed_file_is_taken_in_around_what_is_being_edited() {
    let mut desk = ready();
    type_into(&mut desk, POSITIONS, "3");
    change_file(&mut desk, &[(Field::MaxLots, "0.1")]);
    assert_eq!(value(&desk, LOTS), "0.1");
    assert_eq!(value(&desk, POSITIONS), "3");
    assert!(desk.has("The settings file was changed meanwhile."));
    desk.press("Save");
    wait_for(&mut desk, "Saved and applied.");
    let saved = desk.world.settings.saved.lock().unwrap();
    let form = saved.last().unwrap();
    assert_eq!(form.field(Field::MaxLots).text, "0.1");
    assert_eq!(form.field(Field::MaxPositions).text, "3");
}

#[test]
fn a_field_changed_on_both_sides_takes_a_second_save() {
    let mut desk = ready();
    type_into(&mut desk, LOTS, "5");
    change_file(&mut desk, &[(Field::MaxLots, "0.1")]);
    assert_eq!(value(&desk, LOTS), "5");
    assert!(desk.has("The file says 0.1 now."), "both are shown");
    assert!(desk.has("and so was here: Most lots per order."));
    desk.press("Save");
    assert!(desk.has("Changed here and in the file meanwhile: Most lots per order."));
    assert_eq!(desk.world.settings.saved.lock().unwrap().len(), 0);
    desk.press("Save");
    wait_for(&mut desk, "Saved and applied.");
    let saved = desk.world.settings.saved.lock().unwrap();
    assert_eq!(saved.last().unwrap().field(Field::MaxLots).text, "5");
}

#[test]
fn a_change_that_only_the_save_notices_is_asked_about_too() {
    let mut desk = ready();
    type_into(&mut desk, LOTS, "5");
    let mut theirs = form_of(&desk);
    "0.1".clone_into(&mut theirs.field_mut(Field::MaxLots).text);
    *desk.world.settings.file.lock().unwrap() = Some(theirs.clone());
    *desk.world.settings.clash.lock().unwrap() = Some(theirs);
    desk.press("Save");
    wait_for(&mut desk, "The file says 0.1 now.");
    assert!(desk.has("Nothing is saved yet."));
    desk.press("Take the file's");
    assert_eq!(value(&desk, LOTS), "0.1");
    assert!(!desk.has("The file says 0.1 now."));
}

#[test]
fn what_a_save_has_to_tell_is_shown() {
    let mut desk = ready();
    desk.world.settings.notes.lock().unwrap().push(SaveNote {
        warning: true,
        text: "Limits count no more: fill them in again.".to_owned(),
    });
    desk.press("Save");
    wait_for(&mut desk, "Limits count no more");
    assert!(desk.has("Saved and applied."));
}

#[test]
fn saved_is_said_only_while_it_is_true() {
    let mut desk = ready();
    desk.press("Save");
    wait_for(&mut desk, "Saved and applied.");
    type_into(&mut desk, LOTS, "x");
    assert!(!desk.has("Saved and applied."));
}

#[test]
fn the_stored_secret_is_shown_on_request_and_not_for_long() {
    const SECRET: &str = "stored-secret-0815";
    let mut desk = ready();
    assert!(!desk.has(SECRET));
    desk.press("Show");
    wait_for(&mut desk, SECRET);
    desk.pass(14);
    assert!(desk.has(SECRET));
    desk.pass(1);
    assert!(!desk.has(SECRET), "it hides by itself");

    desk.press("Show");
    wait_for(&mut desk, SECRET);
    desk.press("Hide");
    assert!(!desk.has(SECRET));

    desk.press("Show");
    wait_for(&mut desk, SECRET);
    desk.press("Overview");
    desk.press("Settings");
    assert!(!desk.has(SECRET), "it hides when the page is left");
    assert!(!format!("{:?}", desk.harness.state()).contains(SECRET));
}

/// A file that is refused after a save is not "applied".
#[test]
fn a_refused_file_is_said_where_its_settings_are() {
    let mut desk = ready();
    desk.press("Save");
    wait_for(&mut desk, "Saved and applied.");
    let refused = "The settings file was changed and is not obeyed: maxLots is misspelt.";
    desk.publish(|snapshot| {
        snapshot.notices.push(Notice {
            key: SETTINGS_REFUSED.to_owned(),
            severity: Severity::Error,
            text: refused.to_owned(),
            remedy: String::new(),
            at: crate::world::noon(),
        });
    });
    desk.settle();
    assert!(desk.has(refused));
    assert!(!desk.has("Saved and applied."));
    desk.publish(|snapshot| snapshot.notices.clear());
    desk.settle();
    assert!(!desk.has(refused));
}

/// What is typed stays in the field that was chosen, whatever appears above it meanwhile or goes.
#[test]
fn focus_stays_in_the_field_while_banners_and_answers_come_and_go() {
    const KEY: &str = "Pusher key";
    let more = |desk: &mut Desk, text: &str| {
        let typed = egui::Event::Text(text.to_owned());
        desk.harness.event(typed);
        desk.settle();
    };
    let mut desk = ready();
    let lots = value(&desk, LOTS);
    desk.press("Save");
    wait_for(&mut desk, "Saved and applied.");
    type_into(&mut desk, KEY, "a");
    assert!(!desk.has("Saved and applied."), "the line above is gone");
    more(&mut desk, "b");
    let paused = Trading::Paused {
        since: crate::world::noon(),
        reason: "a drill".to_owned(),
    };
    desk.publish(|snapshot| snapshot.trading = paused);
    more(&mut desk, "c");
    desk.publish(|snapshot| snapshot.settings.problem = Some("one key is wrong".to_owned()));
    more(&mut desk, "d");
    change_file(&mut desk, &[(Field::MaxPositions, "7")]);
    more(&mut desk, "e");
    desk.publish(|snapshot| {
        snapshot.trading = Trading::On;
        snapshot.settings.problem = None;
    });
    more(&mut desk, "f");
    assert!(
        value(&desk, KEY).ends_with("abcdef"),
        "{}",
        value(&desk, KEY)
    );
    assert_eq!(value(&desk, LOTS), lots);
}
