//! Rule 6: a light is green only while something measured says so.

use egui_kittest::kittest::Queryable;
use fx_executor::core::health::{Leg, Phase};
use fx_executor::core::snapshot::{Trading, UiCommand};
use fx_executor::ui::Page;

use crate::{desk, noon_after, world};

const NAMES: [(Leg, &str); 4] = [
    (Leg::Platform, "Platform"),
    (Leg::Pusher, "Pusher"),
    (Leg::Channel, "Channel"),
    (Leg::Terminal, "MT5 (paper)"),
];

#[test]
fn a_frozen_leg_goes_stale_even_when_the_engine_is_silent() {
    for (leg, name) in NAMES {
        let mut desk = desk(Page::Overview);
        assert!(desk.has(&format!("{name}: Up")), "{name} starts up");
        // The others go on being proven; this one is not heard of again. Nothing says that it is down.
        let window = leg.proof_window().as_secs();
        desk.publish(|snapshot| {
            for (other, _) in NAMES {
                let proof = if other == leg { 0 } else { window };
                snapshot.links[other as usize].last_proof = Some(noon_after(proof));
            }
        });
        desk.pass(window);
        assert!(desk.has(&format!("{name}: Up")), "{name} within its window");
        desk.pass(1);
        assert!(
            desk.has(&format!("{name}: Stale")),
            "{name} past its window"
        );
        for (other, name) in NAMES.into_iter().filter(|(other, _)| *other != leg) {
            assert!(
                desk.has(&format!("{name}: Up")),
                "{other:?} is not blamed for {leg:?}"
            );
        }
    }
}

#[test]
fn a_leg_that_was_never_proven_is_not_green() {
    let mut desk = desk(Page::Overview);
    desk.publish(|snapshot| snapshot.links[Leg::Pusher as usize].last_proof = None);
    assert!(desk.has("Pusher: Stale"));
    assert!(!desk.has("Pusher: Up"));
}

#[test]
fn each_phase_has_its_own_word() {
    let cases = [
        (Phase::Off, "Pusher: Off"),
        (Phase::Connecting, "Pusher: Connecting"),
        (Phase::Retrying, "Pusher: Retrying"),
        (Phase::Failed, "Pusher: Failed"),
    ];
    for (phase, words) in cases {
        let mut desk = desk(Page::Overview);
        desk.publish(|snapshot| snapshot.links[Leg::Pusher as usize].phase = phase);
        assert!(desk.has(words), "{words}");
    }
}

#[test]
fn trading_is_not_on_while_a_switch_is_off() {
    let mut desk = desk(Page::Overview);
    assert!(desk.has("Trading: On"));
    desk.publish(|snapshot| snapshot.permissions.as_mut().unwrap().algo_trading = false);
    assert!(desk.has("Trading: Blocked"));
    desk.publish(|snapshot| {
        snapshot.trading = Trading::Paused {
            since: world::noon(),
            reason: "PAUSE from the platform".to_owned(),
        };
    });
    assert!(desk.has("Trading: Paused"));
    assert!(desk.has("PAUSE from the platform"));
}

#[test]
fn every_light_offers_to_reconnect_by_either_button_and_by_key() {
    for (_, name) in NAMES {
        for button in [egui::PointerButton::Primary, egui::PointerButton::Secondary] {
            let mut desk = desk(Page::Overview);
            desk.harness
                .get_by_label(&format!("{name}: Up"))
                .click_button(button);
            desk.settle();
            assert_eq!(desk.sent(), [], "{name}: it only offers");
            let offered = desk.harness.get_by_label_contains("Reconnect now");
            offered.click();
            desk.settle();
            assert_eq!(desk.sent(), [UiCommand::ReconnectNow], "{name} {button:?}");
            assert!(!desk.has("Reconnect now"), "{name}: the menu is gone");
        }
    }
    let mut desk = desk(Page::Overview);
    desk.harness.get_by_label("Pusher: Up").hover();
    for _ in 0..20 {
        desk.settle();
    }
    assert!(desk.has("Press F5"), "the hover text names the key");
    desk.harness.key_press(egui::Key::F5);
    desk.settle();
    assert_eq!(desk.sent(), [UiCommand::ReconnectNow]);
}
