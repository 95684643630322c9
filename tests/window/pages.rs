//! Each page shows what happened, and says what to do when nothing has.

use std::sync::Arc;

use egui_kittest::kittest::Queryable;
use fx_executor::core::snapshot::{CommandState, Snapshot, TerminalMode, UiCommand};
use fx_executor::ui::{LogLevel, Page};

use crate::{Desk, desk, noon_after, world};

#[test]
fn the_command_table_shows_the_fate_of_refused_entries() {
    let desk = desk(Page::Commands);
    assert!(
        desk.has("(no command name) refused"),
        "an envelope without a name has its row"
    );
    assert!(desk.has("the envelope has no command name"));
    assert!(desk.has("operator \"crosses_near\" is not known"));
}

#[test]
fn a_click_on_a_command_shows_its_timeline_and_envelope() {
    let mut desk = desk(Page::Commands);
    desk.press("OPEN_POSITION failed");
    let asked = desk.world.asked.try_recv();
    assert_eq!(
        asked,
        Ok(UiCommand::ShowCommand {
            id: "cmd_000260".to_owned()
        })
    );
    let row = desk.world.snapshot.borrow().commands[2].clone();
    desk.world
        .detail
        .send_replace(Some(Arc::new(world::detail(&row))));
    desk.settle();
    assert!(desk.has("Origin proved"));
    assert!(desk.has("+27 ms"));
    assert!(desk.has("It was tried and did not succeed."));
    assert!(
        desk.has("\"strategyId\": \"stg_demo_rsi\""),
        "the envelope is laid out"
    );
}

#[test]
fn the_filter_finds_by_text_and_says_when_nothing_matches() {
    let mut desk = desk(Page::Commands);
    desk.harness
        .get_by_label("Filter by command, subject, id or result")
        .focus();
    desk.settle();
    desk.harness
        .get_by_label("Filter by command, subject, id or result")
        .type_text("scalp");
    desk.settle();
    assert!(desk.has("2 of 10"));
    assert!(!desk.has("OPEN_POSITION"));
    desk.harness
        .get_by_label("Filter by command, subject, id or result")
        .type_text("zzz");
    desk.settle();
    assert!(desk.has("Nothing matches the filter"));
    desk.press("Clear filter");
    assert!(desk.has("10 of 10"));
}

#[test]
fn older_commands_are_loaded_and_never_lost_again() {
    let mut desk = desk(Page::Commands);
    desk.press("Load older");
    let oldest = desk
        .world
        .snapshot
        .borrow()
        .commands
        .last()
        .unwrap()
        .received_at;
    assert_eq!(
        desk.sent(),
        [UiCommand::ShowCommandsBefore { before: oldest }]
    );
    let page = vec![world::row(
        world::noon(),
        90_000,
        "PAUSE",
        "",
        CommandState::Executed,
    )];
    desk.world.page.send_replace(Some(Arc::new(page)));
    desk.settle();
    assert!(desk.has("PAUSE executed"));
    // The snapshot slides on: rows between it and the page stay.
    desk.publish(|snapshot| {
        let rows = snapshot.commands.iter().take(5).cloned().collect();
        snapshot.commands = Arc::new(rows);
    });
    assert!(desk.has("11 of 11"));
    assert!(desk.has("GET_STATUS executed"));
}

#[test]
fn the_journal_follows_pauses_and_filters() {
    let mut desk = desk(Page::Journal);
    assert!(desk.has("pusher:subscription_error: Status 403"));
    desk.press("Pause");
    let line = world::log_line(
        noon_after(1),
        LogLevel::Error,
        "terminal",
        "The terminal went away",
    );
    desk.world.log.send(line).unwrap();
    desk.settle();
    assert!(!desk.has("The terminal went away"));
    assert!(desk.has("1 new"));
    desk.press("Follow");
    assert!(desk.has("The terminal went away"));
    desk.press("Info and worse");
    desk.press("Errors");
    assert!(!desk.has("Heartbeat answered"));
    assert!(desk.has("Channel subscription error"));
}

#[test]
fn empty_pages_say_what_to_do_next() {
    let mut empty = Snapshot::empty(world::noon(), TerminalMode::Paper);
    empty.practice_page = Some(world::PAGE.to_owned());
    for page in [Page::Overview, Page::Commands, Page::Strategies] {
        let desk = Desk::new(empty.clone(), page);
        assert!(
            desk.has("Activate on a strategy: http://127.0.0.1:8700/"),
            "{page:?}"
        );
    }
    empty.practice_page = None;
    empty.settings.problem = Some("apiKey is missing".to_owned());
    let mut desk = Desk::new(empty, Page::Commands);
    desk.press("Open Settings");
    assert!(desk.has("apiKey is missing"));
}

#[test]
fn paper_is_said_and_live_money_is_said() {
    let mut desk = desk(Page::Overview);
    assert!(desk.has("No real money is involved"));
    desk.publish(|snapshot| {
        snapshot.mode = TerminalMode::MetaTrader;
        snapshot.account.as_mut().unwrap().demo = false;
    });
    assert!(!desk.has("No real money is involved"));
    assert!(desk.has("LIVE MONEY"));
}

/// Waits for the page's own threads, at most two seconds.
pub fn wait_for(desk: &mut Desk, label: &str) {
    for _ in 0..200 {
        desk.settle();
        if desk.has(label) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("\"{label}\" did not appear");
}

#[test]
fn settings_are_checked_tested_and_saved() {
    let mut desk = desk(Page::Settings);
    wait_for(&mut desk, "A secret is stored");
    assert!(desk.has("pusherCluster: the file says eu, the platform says ap1"));
    desk.press("Test connection");
    wait_for(&mut desk, "✗ Channel signature");
    assert!(desk.has("✓ Settings from the platform"));
    desk.press("Replace");
    desk.harness
        .get_by_role_and_label(egui::Role::PasswordInput, "API secret")
        .focus();
    desk.settle();
    desk.harness
        .get_by_role_and_label(egui::Role::PasswordInput, "API secret")
        .type_text("hunter2");
    desk.settle();
    assert!(!desk.has("hunter2"), "masked");
    assert!(
        !desk.has("✗ Channel signature"),
        "the trial was of other values"
    );
    desk.press("Save");
    wait_for(&mut desk, "Saved and applied.");
    assert_eq!(desk.sent(), [UiCommand::ReloadSettings]);
    let saved = desk.world.settings.saved.lock().unwrap();
    let form = saved.last().unwrap();
    assert_eq!(
        secrecy::ExposeSecret::expose_secret(&form.new_secret.to_secret()),
        "hunter2"
    );
    assert!(
        !format!("{form:?}").contains("hunter2"),
        "Debug keeps the secret"
    );
}

#[test]
fn a_wrong_value_is_named_while_typing_and_cannot_be_saved() {
    let mut desk = desk(Page::Settings);
    wait_for(&mut desk, "A secret is stored");
    desk.harness
        .get_by_role_and_label(egui::Role::TextInput, "Platform address")
        .focus();
    desk.settle();
    desk.harness
        .key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    desk.settle();
    desk.harness
        .get_by_role_and_label(egui::Role::TextInput, "Platform address")
        .type_text("ftp:x");
    desk.settle();
    assert!(desk.has("The address must begin with https://"));
    desk.press("Save");
    assert_eq!(desk.world.settings.saved.lock().unwrap().len(), 0);
}
