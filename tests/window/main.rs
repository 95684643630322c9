//! The window, driven through its accessibility tree: what a screen reader finds is what these tests press.
#![expect(
    clippy::disallowed_methods,
    reason = "looks again and again at what other threads do"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod layout;
mod lights;
mod metatrader;
mod orders;
mod pages;
mod settings;
mod speed;
mod tray;
mod updates;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use std::time::Duration;

use egui_kittest::Harness;
use fx_executor::core::snapshot::{Snapshot, UiCommand};
use fx_executor::ui::{App, Page, ThemeChoice, WindowOptions};
use jiff::{SignedDuration, Timestamp};
use world::World;

/// A window over a made-up world, with a clock that the test moves.
struct Desk {
    harness: Harness<'static, Option<App>>,
    world: World,
    seconds: Arc<AtomicI64>,
}

impl Desk {
    fn new(snapshot: Snapshot, page: Page) -> Self {
        Self::with(snapshot, page, |_| {}, [1280.0, 800.0])
    }

    fn with(
        snapshot: Snapshot,
        page: Page,
        change: impl FnOnce(&mut WindowOptions),
        size: [f32; 2],
    ) -> Self {
        Self::over(World::new(snapshot), page, change, size)
    }

    fn over(
        world: World,
        page: Page,
        change: impl FnOnce(&mut WindowOptions),
        size: [f32; 2],
    ) -> Self {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock_seconds = Arc::clone(&seconds);
        let mut options = WindowOptions {
            theme: ThemeChoice::Dark,
            zone: jiff::tz::TimeZone::UTC,
            clock: Arc::new(move || noon_after(clock_seconds.load(Ordering::Relaxed))),
            page: Some(page),
            ..Default::default()
        };
        change(&mut options);
        let links = world.links.clone();
        let mut options = Some(options);
        let harness = Harness::builder().with_size(size).build_ui_state(
            move |ui, app: &mut Option<App>| {
                if let Some(options) = options.take() {
                    *app = Some(App::new(ui.ctx(), links.clone(), options));
                    // Fonts and theme count from the next frame on.
                    ui.ctx().request_repaint();
                    return;
                }
                app.as_mut().unwrap().frame(ui);
            },
            None,
        );
        let mut desk = Self {
            harness,
            world,
            seconds,
        };
        desk.settle();
        desk
    }

    /// Draws a few frames; the window never stops on its own, because ages are shown.
    fn settle(&mut self) {
        self.harness.run_steps(6);
    }

    /// Draws until the page's own reading of the settings is over and nothing asks for a frame any more.
    fn idle(&mut self) {
        let mut quiet = 0;
        for _ in 0..1_000 {
            self.harness.run_steps(1);
            let delay = self.repaint_delay();
            let read = self.world.settings.loads.load(Ordering::Relaxed) > 0;
            quiet = if read && delay >= Duration::from_millis(900) {
                quiet + 1
            } else {
                0
            };
            if quiet == 30 {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("the window never becomes idle");
    }

    /// When the last frame wants the next one.
    fn repaint_delay(&self) -> Duration {
        self.harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay
    }

    fn press(&mut self, label: &str) {
        use egui_kittest::kittest::Queryable;
        self.harness.get_by_label(label).click();
        self.settle();
    }

    fn has(&self, label: &str) -> bool {
        use egui_kittest::kittest::Queryable;
        self.harness
            .query_all_by_label_contains(label)
            .next()
            .is_some()
    }

    fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        self.world.snapshot.send_modify(|snapshot| {
            let mut next = Snapshot::clone(snapshot);
            change(&mut next);
            *snapshot = Arc::new(next);
        });
        self.settle();
    }

    fn pass(&mut self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
        self.settle();
    }

    /// What was sent to the engine since the last call, without the window's own questions for details.
    fn sent(&mut self) -> Vec<UiCommand> {
        let mut sent = Vec::new();
        while let Ok(command) = self.world.asked.try_recv() {
            if !matches!(command, UiCommand::ShowCommand { .. }) {
                sent.push(command);
            }
        }
        sent
    }
}

fn noon_after(seconds: i64) -> Timestamp {
    world::noon() + SignedDuration::from_secs(seconds)
}

fn desk(page: Page) -> Desk {
    Desk::new(world::snapshot(world::noon()), page)
}

/// Looks again and again until it holds.
fn until(desk: &mut Desk, what: &str, condition: impl Fn(&Desk) -> bool) {
    for _ in 0..300 {
        desk.settle();
        if condition(desk) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{what}");
}
