//! Rule 6: a light is green only while something measured says so.

use egui_kittest::kittest::Queryable;
use fx_executor::core::health::{Leg, Phase};
use fx_executor::core::snapshot::{Trading, UiCommand};
use fx_executor::ui::Page;

use crate::{Desk, desk, noon_after, world};

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

/// What the hover text of a light says.
fn hovered(desk: &mut Desk, light: &str) {
    desk.harness.get_by_label(light).hover();
    for _ in 0..20 {
        desk.settle();
    }
}

#[test]
fn a_bad_light_says_since_when_and_what_comes_next() {
    let why = "the platform's answer cannot be used: a long reason that no light has room for";
    let cases = [
        (
            Leg::Platform,
            "Platform: Failed",
            "no retry; F5 tries again · for 2 min",
        ),
        (
            Leg::Terminal,
            "MT5 (paper): Failed",
            "it connects by itself · for 2 min",
        ),
    ];
    for (leg, light, facts) in cases {
        let mut desk = desk(Page::Journal);
        desk.publish(|snapshot| {
            let link = &mut snapshot.links[leg as usize];
            link.phase = Phase::Failed;
            link.detail = why.to_owned();
            link.since = noon_after(-125);
        });
        hovered(&mut desk, light);
        assert!(desk.has(facts), "{light}: {facts}");
        assert!(desk.has(why), "{light}: the whole reason");
    }
}

#[test]
fn the_channel_tells_when_pusher_is_tried_again() {
    let mut desk = desk(Page::Journal);
    desk.publish(|snapshot| {
        for leg in [Leg::Pusher, Leg::Channel] {
            let link = &mut snapshot.links[leg as usize];
            link.phase = Phase::Retrying;
            link.since = noon_after(-125);
        }
        snapshot.links[Leg::Pusher as usize].retry_at = Some(noon_after(8));
        snapshot.links[Leg::Channel as usize].detail = "Pusher is not connected".to_owned();
    });
    hovered(&mut desk, "Channel: Retrying");
    assert!(desk.has("retry in 8 s · for 2 min"));
    assert!(desk.has("Pusher is not connected"));
}

#[test]
fn a_green_light_tells_an_old_proof() {
    let mut desk = desk(Page::Journal);
    desk.pass(9);
    hovered(&mut desk, "Platform: Up");
    assert!(desk.has("38 ms · for 2 h"));
    desk.pass(35);
    desk.publish(|snapshot| snapshot.at = noon_after(44));
    assert!(desk.has("seen 45 s ago · for 2 h"));
    assert!(desk.has("Platform: Up"));
}

#[test]
fn what_needs_a_person_is_listed_while_it_stands() {
    let mut desk = desk(Page::Overview);
    desk.publish(|snapshot| {
        snapshot.notices.clear();
        snapshot.strategies.clear();
    });
    assert!(desk.has("Nothing needs you"));
    desk.publish(|snapshot| {
        let link = &mut snapshot.links[Leg::Channel as usize];
        link.phase = Phase::Failed;
        link.detail = "Status 403: the executor is not known".to_owned();
    });
    assert!(!desk.has("Nothing needs you"));
    assert!(desk.has("Status 403: the executor is not known"));
    assert!(desk.has("Check the API key and secret in Settings"));
    desk.publish(|snapshot| {
        snapshot.links[Leg::Channel as usize].phase = Phase::Up;
        snapshot.permissions.as_mut().unwrap().algo_trading = false;
    });
    assert!(!desk.has("Status 403: the executor is not known"));
    assert!(desk.has("the terminal's Algo Trading button is off; press it"));
    assert!(!desk.has("Nothing needs you"));
}

#[test]
fn an_engine_that_hangs_is_said_on_every_page() {
    for page in Page::ALL {
        let mut desk = desk(page);
        desk.pass(30);
        assert!(!desk.has("The engine has said nothing"), "{page:?}");
        desk.pass(1);
        assert!(
            desk.has("The engine has said nothing for 31 s: it hangs"),
            "{page:?}"
        );
        desk.publish(|snapshot| snapshot.at = noon_after(31));
        assert!(!desk.has("The engine has said nothing"), "{page:?}");
    }
}
