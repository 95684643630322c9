//! The smallest window, longer languages, the keyboard and the screen reader.

use egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use fx_executor::core::snapshot::{CommandState, Trading};
use fx_executor::ui::Page;
use fx_executor::ui::text::ENGLISH;

use crate::{Desk, desk, noon_after, world};

/// The same text, 40 % longer, in words.
fn longer(text: &'static str) -> &'static str {
    let add = text.chars().count() * 2 / 5;
    let tail: String = "lorem ipsum dolor sit amet "
        .chars()
        .cycle()
        .take(add)
        .collect();
    Box::leak(format!("{text}{}", tail.trim_end()).into_boxed_str())
}

#[test]
fn everything_essential_fits_1024_by_600_in_a_longer_language() {
    let text: &'static _ = Box::leak(Box::new(ENGLISH.map(longer)));
    for page in Page::ALL {
        let mut desk = Desk::with(
            world::snapshot(world::noon()),
            page,
            |options| options.text = text,
            [1024.0, 600.0],
        );
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1024.0, 600.0));
        let mut parts = vec![text.stop_everything.to_owned(), text.pause.to_owned()];
        for leg in [
            text.leg_platform,
            text.leg_pusher,
            text.leg_channel,
            text.leg_paper,
        ] {
            parts.push(format!("{leg}: {}", text.light_good));
        }
        for part in parts {
            let place = desk.harness.get_by_label(&part).rect();
            assert!(
                screen.contains_rect(place),
                "{page:?}: \"{part}\" at {place:?}"
            );
        }
        for tab in Page::ALL {
            let name = tab.name(text);
            let place = desk
                .harness
                .get_by_role_and_label(egui::Role::Tab, name)
                .rect();
            assert!(
                screen.contains_rect(place),
                "{page:?}: tab \"{name}\" at {place:?}"
            );
        }
        desk.press(text.stop_everything);
        let confirm = desk.harness.get_by_label(text.stop_confirm).rect();
        assert!(
            screen.contains_rect(confirm),
            "{page:?}: confirmation at {confirm:?}"
        );
    }
}

#[test]
fn a_low_window_keeps_the_whole_menu() {
    for (width, height) in [(900.0, 420.0), (1024.0, 600.0)] {
        let picture = world::snapshot(world::noon());
        let desk = Desk::with(picture, Page::Overview, |_| {}, [width, height]);
        let tab = |page: Page| {
            let name = page.name(&ENGLISH);
            desk.harness
                .get_by_role_and_label(egui::Role::Tab, name)
                .rect()
        };
        let status = desk.harness.get_by_label_contains("UTC ").rect();
        let last = tab(Page::Settings);
        assert!(last.bottom() <= status.top(), "{last:?} over {status:?}");
        assert!(last.height() >= 20.0);
    }
}

#[test]
fn a_last_command_without_a_subject_stands_in_one_line() {
    let mut picture = world::snapshot(world::noon());
    let now = world::noon();
    let state = CommandState::Executed;
    picture.commands = vec![world::row(now, 5, "GET_STATUS", "", state)].into();
    let desk = Desk::with(picture, Page::Overview, |_| {}, [1024.0, 700.0]);
    let name = desk.harness.get_by_label("GET_STATUS").rect();
    let source = desk.harness.get_by_label_contains(" · Pusher").rect();
    assert!(
        source.left() >= name.right(),
        "{source:?} over the name at {name:?}"
    );
}

#[test]
fn the_latch_leaves_room_for_the_page() {
    let mut picture = world::snapshot(world::noon());
    picture.trading = Trading::Stopped {
        since: noon_after(0),
        reason: "stopped in the window".to_owned(),
        remaining: (0..50)
            .map(|ticket| format!("#{ticket}: requote"))
            .collect(),
        complete: false,
    };
    let desk = Desk::with(picture, Page::Commands, |_| {}, [1024.0, 600.0]);
    let filter = desk
        .harness
        .get_by_label("Filter by command, subject, id or result")
        .rect();
    assert!(filter.bottom() < 460.0, "{filter:?}");
}

#[test]
fn the_table_and_the_details_share_a_small_window() {
    let mut desk = Desk::with(
        world::snapshot(world::noon()),
        Page::Commands,
        |_| {},
        [1024.0, 600.0],
    );
    desk.press("OPEN_POSITION failed");
    let details = desk.harness.get_by_label("What happened").rect();
    let results: Vec<_> = desk
        .harness
        .query_all_by_label_contains("the market is closed")
        .collect();
    let table = results
        .iter()
        .map(|node| node.rect().right())
        .fold(f32::MAX, f32::min);
    assert!(
        table < details.left(),
        "table ends at {table}, details start at {details:?}"
    );
}

#[test]
fn no_control_is_without_a_name() {
    use egui::accesskit::Action;
    for page in Page::ALL {
        let mut desk = desk(page);
        for _ in 0..20 {
            desk.settle();
        }
        let mut seen = 0;
        let nameless: Vec<_> = desk
            .harness
            .root()
            .children_recursive()
            .filter(|node| {
                let node = node.accesskit_node();
                let control = node.data().supports_action(Action::Click)
                    && node.data().supports_action(Action::Focus);
                seen += usize::from(control);
                control && node.label().is_none_or(|label| label.trim().is_empty())
            })
            .map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect()))
            .collect();
        assert!(seen > 8, "{page:?}: only {seen} controls found");
        assert_eq!(nameless, Vec::<String>::new(), "{page:?}");
    }
}

#[test]
fn the_keyboard_reaches_every_page_and_the_stop() {
    let mut desk = desk(Page::Overview);
    let marks = [
        (Key::Num2, "Filter by command, subject, id or result"),
        (Key::Num3, "FORM_RSI_OVERSOLD"),
        (Key::Num4, "Pending orders"),
        (Key::Num5, "Filter by source or text"),
        (Key::Num6, "Terminals on this computer"),
        (Key::Num7, "Test connection"),
        (Key::Num1, "Last command"),
    ];
    for (key, mark) in marks {
        desk.harness
            .key_press_modifiers(egui::Modifiers::COMMAND, key);
        for _ in 0..10 {
            desk.settle();
            std::thread::yield_now();
        }
        if key != Key::Num7 {
            assert!(desk.has(mark), "{key:?} shows {mark}");
        }
    }
    desk.harness
        .key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, Key::S);
    desk.settle();
    assert!(desk.has("Stop everything now?"));
    desk.harness.key_press(Key::Escape);
    desk.settle();
    assert!(!desk.has("Stop everything now?"));
    assert_eq!(desk.sent(), []);
}
