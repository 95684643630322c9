//! How the engine asks a window, if there is one, to draw again. Never more often than ten times a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::pages::Page;

/// The least time between two wake-ups.
const PAUSE: Duration = Duration::from_millis(100);

/// A slot that holds the living window's context. Cheap to clone; harmless while no window exists.
#[derive(Clone, Default)]
pub struct Waker {
    slot: Arc<Mutex<Slot>>,
}

#[derive(Default)]
struct Slot {
    context: Option<egui::Context>,
    last: Option<Instant>,
    closing: bool,
    /// The page that was asked for from outside.
    page: Option<Page>,
}

impl Waker {
    /// Draw soon: at once, or when 100 ms have passed since the last wake-up.
    pub fn wake(&self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(context) = slot.context.clone() else {
            return;
        };
        let now = Instant::now();
        let wait = slot
            .last
            .map_or(Duration::ZERO, |last| PAUSE.saturating_sub(now - last));
        if wait.is_zero() {
            slot.last = Some(now);
        }
        drop(slot);
        context.request_repaint_after(wait);
    }

    /// Close the living window, as if the person had: the engine has ended.
    pub fn close(&self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.closing = true;
        if let Some(context) = &slot.context {
            context.send_viewport_cmd(egui::ViewportCommand::Close);
            context.request_repaint();
        }
    }

    /// Brings the living window to the front, out of the task bar if need be. False when there is no window.
    pub fn show(&self) -> bool {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(context) = slot.context.clone() else {
            return false;
        };
        drop(slot);
        // In this order: a window that is hidden or minimized cannot be focused.
        for command in [
            egui::ViewportCommand::Visible(true),
            egui::ViewportCommand::Minimized(false),
            egui::ViewportCommand::Focus,
        ] {
            context.send_viewport_cmd(command);
        }
        context.request_repaint();
        true
    }

    /// Brings the living window to the front with this page. False when there is no window.
    pub fn show_page(&self, page: Page) -> bool {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.page = Some(page);
        drop(slot);
        self.show()
    }

    /// The page that was asked for since the last time.
    pub(super) fn wanted_page(&self) -> Option<Page> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.page.take()
    }

    /// Whether the window has to go: nobody is asked any more.
    pub(super) fn is_closing(&self) -> bool {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.closing
    }

    pub(super) fn attach(&self, context: &egui::Context) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.context = Some(context.clone());
    }

    /// The window is gone for good, and was not closed: its display is lost.
    pub fn lost(&self) {
        self.detach();
    }

    pub(super) fn detach(&self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.context = None;
    }
}

impl std::fmt::Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waker")
    }
}
