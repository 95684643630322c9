//! What the window makes the engine do: exactly what was meant, after exactly the promised number of clicks.

use egui_kittest::kittest::Queryable;
use fx_executor::core::snapshot::{StrategyState, Trading, UiCommand};
use fx_executor::market::{Side, Ticket};
use fx_executor::ui::Page;

use crate::{Desk, desk, noon_after};

#[test]
fn stop_everything_takes_one_confirmation_on_every_page() {
    for page in Page::ALL {
        let mut desk = desk(page);
        desk.press("Stop everything");
        assert_eq!(desk.sent(), [], "{page:?}: nothing before the confirmation");
        assert!(desk.has("Stop everything now?"));
        assert!(
            desk.has("pending orders cancelled: 1, positions closed at the market: 2"),
            "the consequence is named"
        );
        desk.press("Stop everything now");
        let sent = desk.sent();
        assert!(
            matches!(sent.as_slice(), [UiCommand::StopEverything { .. }]),
            "{page:?}: {sent:?}"
        );
        assert!(
            !desk.has("Stop everything now?"),
            "{page:?}: no second question"
        );
    }
}

/// One press and release of the first button at `at`.
fn click_at(desk: &mut Desk, at: egui::Pos2) {
    desk.harness.hover_at(at);
    for pressed in [true, false] {
        desk.harness.event(egui::Event::PointerButton {
            pos: at,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: egui::Modifiers::NONE,
        });
    }
    desk.settle();
}

#[test]
fn the_second_click_of_a_double_click_does_not_take_the_question_away() {
    let mut desk = desk(Page::Overview);
    let at = desk.harness.get_by_label("Stop everything").rect().center();
    click_at(&mut desk, at);
    click_at(&mut desk, at);
    assert!(desk.has("Stop everything now?"));
    assert_eq!(desk.sent(), []);
    desk.harness.key_press(egui::Key::Escape);
    desk.settle();
    assert!(!desk.has("Stop everything now?"), "Escape cancels");
    assert_eq!(desk.sent(), []);
}

#[test]
fn a_new_enter_confirms_the_stop_and_a_held_one_does_not() {
    for key in [egui::Key::Enter, egui::Key::Space] {
        let mut desk = desk(Page::Overview);
        desk.harness.key_down(key);
        desk.press("Stop everything");
        for _ in 0..5 {
            desk.harness.key_down(key);
            desk.settle();
        }
        assert_eq!(desk.sent(), [], "{key:?} is held since before");
        assert!(desk.has("Stop everything now?"));
        desk.harness.key_up(key);
        desk.settle();
        desk.harness.key_press(key);
        desk.settle();
        let sent = desk.sent();
        assert!(
            matches!(sent.as_slice(), [UiCommand::StopEverything { .. }]),
            "{key:?}: {sent:?}"
        );
    }
}

#[test]
fn enter_does_not_lift_the_stop() {
    let mut desk = desk(Page::Overview);
    desk.publish(|snapshot| {
        snapshot.trading = Trading::Stopped {
            since: noon_after(0),
            reason: "stopped in the window".to_owned(),
            remaining: Vec::new(),
            complete: true,
        };
    });
    desk.press("Lift the stop…");
    desk.harness.key_press(egui::Key::Enter);
    desk.settle();
    assert_eq!(desk.sent(), []);
}

#[test]
fn a_cancelled_stop_sends_nothing() {
    let mut desk = desk(Page::Overview);
    desk.press("Stop everything");
    desk.press("Cancel");
    assert_eq!(desk.sent(), []);
    assert!(!desk.has("Stop everything now?"));
}

#[test]
fn the_latch_is_shown_with_its_reason_and_lifted_only_on_purpose() {
    let mut desk = desk(Page::Journal);
    desk.publish(|snapshot| {
        snapshot.trading = Trading::Stopped {
            since: noon_after(0),
            reason: "EMERGENCY_STOP from the platform".to_owned(),
            remaining: vec!["#50124 GBPUSD: market closed".to_owned()],
            complete: false,
        };
    });
    assert!(desk.has("EMERGENCY STOP"));
    assert!(desk.has("EMERGENCY_STOP from the platform"));
    assert!(desk.has("#50124 GBPUSD: market closed"));
    assert!(!desk.has("Pause trading"));
    desk.press("Lift the stop…");
    assert_eq!(desk.sent(), []);
    desk.press("Allow new positions again");
    assert_eq!(desk.sent(), [UiCommand::LiftStop]);
}

#[test]
fn a_direction_is_chosen_with_two_clicks() {
    for (button, yes, side) in [
        ("Buy only", "Yes, allow", Some(Side::Buy)),
        ("Sell only", "Yes, allow", Some(Side::Sell)),
        ("Refuse it", "Yes, refuse", None),
    ] {
        let mut desk = desk(Page::Strategies);
        desk.press(button);
        assert_eq!(desk.sent(), [], "{button}: the first click only asks");
        desk.press(yes);
        let id = "stg_form".to_owned();
        assert_eq!(desk.sent(), [UiCommand::ChooseDirection { id, side }]);
    }
}

#[test]
fn a_position_is_closed_after_one_confirmation_that_names_it() {
    let mut desk = desk(Page::Positions);
    desk.press("Close position #50123");
    assert_eq!(desk.sent(), []);
    desk.press("Close it now");
    assert_eq!(
        desk.sent(),
        [UiCommand::ClosePosition {
            ticket: Ticket(50_123)
        }]
    );
}

/// The Expert Advisor refuses to close it, so the window does not offer to.
#[test]
fn a_position_of_somebody_else_has_no_button_and_says_why() {
    use egui_kittest::kittest::Queryable;
    let mut desk = desk(Page::Positions);
    assert!(!desk.has("Close position #50077"));
    let owner = desk.harness.get_by_label("somebody else");
    owner.hover();
    desk.harness.run_steps(60);
    assert!(desk.has("Not opened by this program; close it in MetaTrader."));
}

#[test]
fn a_question_about_a_position_that_is_not_ours_any_more_closes_itself() {
    let mut desk = desk(Page::Positions);
    desk.press("Close position #50123");
    desk.publish(|snapshot| {
        for row in &mut snapshot.positions {
            row.own = false;
        }
    });
    assert!(!desk.has("Close it now"));
    assert_eq!(desk.sent(), []);
}

#[test]
fn a_question_about_a_position_that_is_gone_closes_itself() {
    let mut desk = desk(Page::Positions);
    desk.press("Close position #50123");
    desk.publish(|snapshot| snapshot.positions.clear());
    assert!(!desk.has("Close it now"));
    assert_eq!(desk.sent(), []);
}

#[test]
fn stopping_a_strategy_offers_to_keep_or_close_its_positions() {
    let mut desk = desk(Page::Strategies);
    desk.publish(|snapshot| snapshot.strategies.retain(|row| row.id == "stg_demo_rsi"));
    desk.press("Stop…");
    desk.press("Stop and close positions");
    let id = "stg_demo_rsi".to_owned();
    assert_eq!(
        desk.sent(),
        [UiCommand::StopStrategy {
            id,
            close_positions: true
        }]
    );
}

#[test]
fn pausing_and_resuming_are_one_click() {
    let mut desk = desk(Page::Overview);
    desk.press("Pause trading");
    assert_eq!(desk.sent(), [UiCommand::PauseTrading]);
    desk.publish(|snapshot| {
        snapshot.trading = Trading::Paused {
            since: noon_after(0),
            reason: "here".to_owned(),
        };
        snapshot.strategies[0].state = StrategyState::Paused;
    });
    desk.press("Resume trading");
    assert_eq!(desk.sent(), [UiCommand::ResumeTrading]);
}

#[test]
fn a_busy_engine_gets_the_stop_first_and_loses_nothing() {
    let mut desk = desk(Page::Overview);
    // The channel holds 32; the engine takes nothing.
    for _ in 0..40 {
        desk.press("Pause trading");
    }
    desk.press("Stop everything");
    desk.press("Stop everything now");
    assert!(
        desk.has("are kept and sent again"),
        "the window says that it waits"
    );
    let first = desk.sent();
    desk.settle();
    let rest = desk.sent();
    assert!(
        matches!(rest.first(), Some(UiCommand::StopEverything { .. })),
        "{rest:?}"
    );
    let pauses = first
        .iter()
        .chain(&rest)
        .filter(|one| **one == UiCommand::PauseTrading);
    assert_eq!(pauses.count(), 40);
}

#[test]
fn an_account_that_does_not_come_back_is_forgotten_after_one_question() {
    let mut desk = desk(Page::Positions);
    assert!(!desk.has("On other accounts"));
    let account = fx_executor::market::AccountId {
        login: 55_501,
        server: "Demo-Ended".to_owned(),
    };
    let line = "position #4711 is on account …501 on Demo-Ended, and the terminal is elsewhere";
    desk.publish(|picture| {
        picture.accounts_away = vec![fx_executor::core::snapshot::AccountAway {
            account: account.clone(),
            lines: vec![line.to_owned()],
            is_forgotten: false,
        }];
    });
    assert!(desk.has(line));
    desk.press("Forget this account…");
    assert!(desk.has("Forget account …501 on Demo-Ended?"));
    assert_eq!(desk.sent(), []);
    desk.press("Forget it");
    assert_eq!(desk.sent(), [UiCommand::ForgetAccount { account }]);
}
