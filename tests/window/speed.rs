//! A frame costs what is in sight, not what is known; an idle window costs a frame a second.

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use fx_executor::core::snapshot::CommandState;
use fx_executor::ui::Page;

use crate::{Desk, desk, world};

fn with_rows(rows: i64) -> Desk {
    let mut picture = world::snapshot(world::noon());
    let list = (1..=rows)
        .map(|age| world::row(world::noon(), age, "GET_STATUS", "", CommandState::Executed));
    picture.commands = Arc::new(list.collect());
    Desk::new(picture, Page::Commands)
}

fn frame_time(desk: &mut Desk) -> Duration {
    let mut times: Vec<_> = (0..31)
        .map(|_| {
            let start = Instant::now();
            desk.harness.run_steps(1);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

#[test]
fn a_hundred_thousand_rows_cost_hardly_more_than_a_hundred() {
    let (mut small, mut large) = (with_rows(100), with_rows(100_000));
    let (few, many) = (frame_time(&mut small), frame_time(&mut large));
    assert!(
        many < few * 2,
        "100 rows: {few:?} a frame; 100,000 rows: {many:?}"
    );
}

#[test]
fn an_idle_page_asks_for_no_frame_before_a_second_has_passed() {
    for page in Page::ALL {
        let mut desk = desk(page);
        desk.idle();
        desk.harness.run_steps(3);
        let delay = desk.repaint_delay();
        assert!(
            delay >= Duration::from_millis(900),
            "{page:?}: next frame after {delay:?}"
        );
    }
}

/// The delays of the frames that are asked for from now on.
fn asked_frames(context: &egui::Context) -> mpsc::Receiver<Duration> {
    let (sender, receiver) = mpsc::sync_channel(64);
    context.set_request_repaint_callback(move |info| {
        let _full = sender.try_send(info.delay).is_err();
    });
    receiver
}

#[test]
fn the_engine_wakes_the_window_at_most_ten_times_a_second() {
    let mut desk = desk(Page::Overview);
    desk.idle();
    let waker = desk.world.links.waker.clone();
    let frames = asked_frames(&desk.harness.ctx);
    waker.wake();
    assert_eq!(
        frames.try_recv(),
        Ok(Duration::ZERO),
        "the first wake-up draws at once"
    );
    desk.harness.run_steps(3);
    while frames.try_recv().is_ok() {}
    waker.wake();
    let wait = frames.try_recv().unwrap();
    assert!(
        wait > Duration::ZERO && wait <= Duration::from_millis(100),
        "{wait:?}"
    );
}

#[test]
fn a_window_that_died_is_replaced_over_the_same_links() {
    let Desk { harness, world, .. } = desk(Page::Overview);
    let waker = world.links.waker.clone();
    let dead = asked_frames(&harness.ctx);
    drop(harness);
    waker.wake();
    assert!(dead.try_recv().is_err(), "a dead window is left alone");
    let mut next = Desk::over(world, Page::Positions, |_| {}, [1280.0, 800.0]);
    assert!(next.has("EURUSD"), "the new window shows the same picture");
    next.idle();
    let frames = asked_frames(&next.harness.ctx);
    waker.wake();
    assert!(frames.try_recv().is_ok(), "and is the one that is woken");
}
