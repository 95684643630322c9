//! What happens before a frame is drawn: take what arrived, pass on what could not be sent. Nothing here waits.

use std::sync::Arc;

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::mpsc::error::TrySendError;

use super::app::App;
use super::pages::Page;
use crate::core::snapshot::UiCommand;

/// Log lines taken in one frame; the rest waits in the channel for the next.
const LINES_PER_FRAME: usize = 2_000;

/// More than a person can press before the engine answers; what is asked first is kept.
const OUTBOX: usize = 256;

impl App {
    pub(super) fn drain(&mut self, ctx: &egui::Context) {
        if self.links.snapshot.has_changed().is_err() {
            self.engine_gone = true;
        }
        self.snapshot = Arc::clone(&self.links.snapshot.borrow_and_update());
        self.commands.take_rows(&self.snapshot.commands);
        if matches!(self.links.page.has_changed(), Ok(true)) {
            let page = self.links.page.borrow_and_update().clone();
            self.commands.take_page(page);
        }
        let detail = self.links.detail.borrow_and_update().clone();
        self.commands.take_detail(detail);
        self.drain_log(ctx);
        let shown = self.page == Page::Settings;
        self.settings
            .drain(ctx, &self.snapshot.settings, (self.clock)(), shown);
        let shown = self.page == Page::MetaTrader;
        self.metatrader.drain(ctx, (self.clock)(), shown);
        self.post();
    }

    fn drain_log(&mut self, ctx: &egui::Context) {
        for _ in 0..LINES_PER_FRAME {
            match self.log_lines.try_recv() {
                Ok(line) => self.journal.push(line),
                Err(TryRecvError::Lagged(lost)) => self.journal.lost += lost,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
        ctx.request_repaint();
    }

    /// Hands waiting commands to the engine. A stop request overtakes everything else that waits.
    pub(super) fn post(&mut self) {
        if let Some(place) = self
            .outbox
            .iter()
            .position(|command| matches!(command, UiCommand::StopEverything { .. }))
            && let Some(stop) = self.outbox.remove(place)
        {
            self.outbox.push_front(stop);
        }
        while let Some(command) = self.outbox.pop_front() {
            match self.links.commands.try_send(command) {
                Ok(()) => {}
                Err(TrySendError::Full(command)) => {
                    self.outbox.push_front(command);
                    self.outbox.truncate(OUTBOX);
                    return;
                }
                Err(TrySendError::Closed(_)) => self.engine_gone = true,
            }
        }
    }
}
