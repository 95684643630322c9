//! Opens the window over a made-up trading day, for designers: no engine, no network.
//!
//! `cargo run --example window_preview -- [dark|light] [overview|commands|…] [live|stopped|trouble|empty|attach|algo|box|real|doubt|tested] [WxH]`
#![expect(clippy::disallowed_methods, reason = "a preview that plays an engine")]
#![allow(clippy::unwrap_used, reason = "a design aid, not the program")]
#![allow(clippy::print_stderr, reason = "its only output")]

#[path = "../tests/window/world.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod world;

use std::sync::Arc;
use std::time::Duration;

use fx_executor::core::health::{Leg, Phase};
use fx_executor::core::snapshot::{Notice, Severity, Snapshot, TerminalMode, Trading, UiCommand};
use fx_executor::ui::{Page, ThemeChoice, WindowOptions};
use jiff::{SignedDuration, Timestamp};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = &|word: &str| arguments.iter().any(|argument| argument == word);
    let now = Timestamp::now();
    let picture = if has("empty") {
        Snapshot {
            practice_page: Some(world::PAGE.to_owned()),
            ..Snapshot::empty(now, TerminalMode::Paper)
        }
    } else {
        changed(world::snapshot(now), now, has)
    };
    let mut world = world::World::new(picture);
    if ["attach", "algo", "box", "real"].into_iter().any(has) {
        let terminals = &mut world.terminals.found.lock().unwrap().terminals;
        terminals[0].expert = world::compiled();
        terminals[0].presence = fx_executor::ui::TerminalPresence::Running;
        terminals.push(world::terminal("AB12CD34", "Second Broker MT5 Terminal"));
    }
    let mut options = WindowOptions {
        theme: if has("light") {
            ThemeChoice::Light
        } else {
            ThemeChoice::Dark
        },
        ..Default::default()
    };
    for page in Page::ALL {
        if has(&page.name(options.text).to_lowercase()) {
            options.page = Some(page);
        }
    }
    if let Some((width, height)) = arguments
        .iter()
        .find_map(|argument| argument.split_once('x'))
        && let (Ok(width), Ok(height)) = (width.parse(), height.parse())
    {
        options.size = [width, height];
    }
    let links = world.links.clone();
    let engine = std::thread::Builder::new().name("preview".to_owned());
    engine
        .spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(200));
                let now = Timestamp::now();
                world.snapshot.send_modify(|snapshot| {
                    let mut next = Snapshot::clone(snapshot);
                    next.at = now;
                    for link in &mut next.links {
                        link.last_proof =
                            link.last_proof.filter(|_| link.attempts == 0).map(|_| now);
                    }
                    *snapshot = Arc::new(next);
                });
                while let Ok(command) = world.asked.try_recv() {
                    if let UiCommand::ShowCommand { id } = command {
                        let rows = Arc::clone(&world.snapshot.borrow().commands);
                        let row = rows.iter().find(|row| row.id == id);
                        world
                            .detail
                            .send_replace(row.map(|row| Arc::new(world::detail(row))));
                    }
                }
                world.links.waker.wake();
            }
        })
        .unwrap();
    if let Err(error) = fx_executor::ui::run(links, options) {
        eprintln!("{error}");
    }
}

fn changed(mut picture: Snapshot, now: Timestamp, has: &dyn Fn(&str) -> bool) -> Snapshot {
    if has("live") {
        picture.mode = TerminalMode::MetaTrader;
        picture.practice_page = None;
    }
    if let (true, Some(switches)) = (has("algo"), &mut picture.permissions) {
        switches.algo_trading = false;
    }
    if let (true, Some(switches)) = (has("box"), &mut picture.permissions) {
        switches.expert = false;
    }
    if let (true, Some(account)) = (has("real"), &mut picture.account) {
        account.demo = false;
        picture.account_confirmed = false;
    }
    if has("doubt") {
        let text =
            "BUY 0.10 EURUSD has no certain outcome: the link to the Expert Advisor was lost.";
        let remedy = "Nothing to do: it is looked for at the terminal. Until it is found or proven absent, its strategy opens nothing; closing works.";
        picture.notices.insert(
            0,
            notice(
                "order:4600010000000007",
                Severity::Warning,
                text,
                remedy,
                world::ago(now, 12),
            ),
        );
        picture.terminal.busy = Some(fx_executor::market::Cid(0x4600_0100_0000_0007));
    }
    if has("tested") {
        let text = "✓ order check: the smallest order would pass; 9989.00 margin would stay free\n✓ search: an order that never was is nowhere, and the history is synchronised\n✓ round trips: 100 answers, median 812 µs, 95 of 100 within 4501 µs";
        picture.notices.insert(
            0,
            notice("self-test", Severity::Info, text, "", world::ago(now, 3)),
        );
    }
    if has("attach") {
        picture.terminal = fx_executor::market::LinkFacts {
            waits_for: "waiting for the Expert Advisor: open MetaTrader 5, drag FX-Executor from the Navigator onto any chart and tick Allow Algo Trading".to_owned(),
            ..Default::default()
        };
        let link = &mut picture.links[Leg::Terminal as usize];
        link.phase = Phase::Connecting;
        link.last_proof = None;
    }
    if has("stopped") {
        picture.trading = Trading::Stopped {
            since: world::ago(now, 40),
            reason: "stopped in the window".to_owned(),
            remaining: vec!["#50124 GBPUSD 0.10: requote, trying again".to_owned()],
            complete: false,
        };
    }
    if has("trouble") {
        let pusher = &mut picture.links[Leg::Pusher as usize];
        pusher.phase = Phase::Retrying;
        pusher.detail = "connection reset by peer".to_owned();
        pusher.attempts = 4;
        pusher.since = world::ago(now, 95);
        pusher.retry_at = Some(now + SignedDuration::from_secs(60));
        picture.links[Leg::Channel as usize].phase = Phase::Connecting;
        let platform = &mut picture.links[Leg::Platform as usize];
        platform.attempts = 1;
        platform.last_proof = Some(world::ago(now, 130));
        picture.trading = Trading::Paused {
            since: world::ago(now, 600),
            reason: "paused in the window".to_owned(),
        };
    }
    picture
}

fn notice(key: &str, severity: Severity, text: &str, remedy: &str, at: Timestamp) -> Notice {
    Notice {
        key: key.to_owned(),
        severity,
        text: text.to_owned(),
        remedy: remedy.to_owned(),
        at,
    }
}
