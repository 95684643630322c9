//! The window's own state: which page, which filter, which question is open. What the program does is in the snapshot.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::tz::TimeZone;
use tokio::sync::broadcast;

use super::links::{LogLine, UiLinks};
use super::pages::{
    Page, about, commands, journal, metatrader, overview, positions, settings, strategies,
};
use super::text::Text;
use super::theme::{self, GRID, ThemeChoice};
use super::view::{Clock, View};
use super::widgets::steady;
use super::window::WindowOptions;
use super::{shell, strip};
use crate::core::snapshot::{Snapshot, UiCommand};
use crate::market::{AccountId, Ticket};
use crate::settings::CloseButton;

/// What a page asks for. Pages change nothing themselves; the app does it after the frame is drawn.
pub enum Act {
    Send(UiCommand),
    Go(Page),
    Ask(Ask),
    Theme(ThemeChoice),
    /// The answer to [`Ask::Leave`].
    Leave(CloseButton),
}

/// The one question that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Stop,
    Lift,
    Close(Ticket),
    StopStrategy(String),
    /// Whether closing the window ends the program.
    Leave,
    /// Whether this real account may be traded.
    RealAccount {
        login: u64,
        server: String,
    },
    /// Whether this account does not come back.
    Forget {
        account: AccountId,
    },
}

pub struct App {
    pub(super) links: UiLinks,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) text: &'static Text,
    pub(super) zone: TimeZone,
    pub(super) clock: Clock,
    pub(super) theme: ThemeChoice,
    pub(super) page: Page,
    pub(super) asking: Option<Ask>,
    /// Commands that the engine's channel had no room for; sent again each frame, in order.
    pub(super) outbox: VecDeque<UiCommand>,
    pub(super) engine_gone: bool,
    pub(super) log_lines: broadcast::Receiver<Arc<LogLine>>,
    pub(super) commands: commands::State,
    pub(super) journal: journal::State,
    pub(super) strategies: strategies::State,
    pub(super) settings: settings::State,
    pub(super) about: about::State,
    pub(super) metatrader: metatrader::State,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("page", &self.page)
            .field("asking", &self.asking)
            .finish_non_exhaustive()
    }
}

impl App {
    pub fn new(ctx: &egui::Context, links: UiLinks, options: WindowOptions) -> Self {
        theme::install(ctx, options.theme);
        links.waker.attach(ctx);
        let log_lines = links.logs.subscribe();
        let journal = journal::State::new(links.logs.recent());
        let mut snapshot_link = links.snapshot.clone();
        let snapshot = Arc::clone(&snapshot_link.borrow_and_update());
        let page = if let Some(page) = options.page {
            page
        } else if snapshot.settings.problem.is_some() {
            Page::Settings
        } else {
            Page::Overview
        };
        Self {
            snapshot,
            text: options.text,
            zone: options.zone,
            clock: options.clock,
            theme: options.theme,
            page,
            asking: None,
            outbox: VecDeque::new(),
            engine_gone: false,
            log_lines,
            commands: commands::State::default(),
            journal,
            strategies: strategies::State::default(),
            settings: settings::State::new(Arc::clone(&links.settings)),
            about: about::State::new(Arc::clone(&links.updates)),
            metatrader: metatrader::State::new(Arc::clone(&links.terminals)),
            links,
        }
    }

    pub const fn show_page(&mut self, page: Page) {
        self.page = page;
    }

    /// One whole frame; what `eframe` calls in two parts.
    pub fn frame(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        self.drain(&ctx);
        self.draw(ui);
    }

    pub(super) fn draw(&mut self, ui: &mut egui::Ui) {
        let mut acts = Vec::new();
        let snapshot = Arc::clone(&self.snapshot);
        let zone = self.zone.clone();
        let view = View {
            snapshot: &snapshot,
            now: (self.clock)(),
            zone: &zone,
            text: self.text,
        };
        self.closing(ui.ctx());
        if let Some(page) = self.links.waker.wanted_page() {
            self.page = page;
        }
        self.shortcuts(ui, &mut acts);
        shell::header_ui(ui, &view, self.theme, &mut acts);
        strip::banners_ui(ui, &view, &mut acts);
        strip::health_ui(ui, &view, &mut acts);
        let held_awake = self.links.held_awake.load(Ordering::Relaxed);
        shell::status_ui(ui, &view, self.outbox.len(), self.engine_gone, held_awake);
        shell::rail_ui(ui, &view, self.page, &mut acts);
        let ground = theme::of(ui).ground;
        let frame = egui::Frame::new()
            .fill(ground)
            .inner_margin(egui::Margin::same(12));
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            ui.spacing_mut().item_spacing = egui::vec2(2.0 * GRID, 2.0 * GRID);
            steady(ui, self.page, |ui| self.page_ui(ui, &view, &mut acts));
        });
        shell::question_ui(ui, &view, &mut self.asking, &mut acts);
        about::question_ui(ui, self.text, &mut self.about);
        for act in acts {
            self.perform(ui.ctx(), act);
        }
        self.post();
        repaint_later(ui.ctx());
    }

    fn page_ui(&mut self, ui: &mut egui::Ui, view: &View<'_>, acts: &mut Vec<Act>) {
        match self.page {
            Page::Overview => overview::overview_ui(ui, view, &mut self.commands, acts),
            Page::Commands => commands::commands_ui(ui, view, &mut self.commands, acts),
            Page::Strategies => strategies::strategies_ui(ui, view, &mut self.strategies, acts),
            Page::Positions => positions::positions_ui(ui, view, acts),
            Page::Journal => journal::journal_ui(ui, view, &mut self.journal, &self.links.log_dir),
            Page::MetaTrader => {
                metatrader::metatrader_ui(ui, view, &mut self.metatrader, acts);
            }
            Page::Settings => {
                settings::settings_ui(ui, view, (&mut self.settings, &mut self.about), acts);
            }
        }
    }

    fn shortcuts(&self, ui: &egui::Ui, acts: &mut Vec<Act>) {
        use egui::{Key, Modifiers};
        let keys = [
            Key::Num1,
            Key::Num2,
            Key::Num3,
            Key::Num4,
            Key::Num5,
            Key::Num6,
            Key::Num7,
        ];
        ui.input_mut(|input| {
            for (key, page) in keys.into_iter().zip(Page::ALL) {
                if input.consume_key(Modifiers::COMMAND, key) {
                    acts.push(Act::Go(page));
                }
            }
            if input.consume_key(Modifiers::NONE, Key::F5) {
                acts.push(Act::Send(UiCommand::ReconnectNow));
            }
            if input.consume_key(Modifiers::COMMAND | Modifiers::SHIFT, Key::S) {
                acts.push(Act::Ask(Ask::Stop));
            }
        });
    }

    /// The close button: the window goes into the tray, or the program ends, or it is asked which.
    fn closing(&mut self, ctx: &egui::Context) {
        let asked = ctx.input(|input| input.viewport().close_requested());
        if !asked || self.links.waker.is_closing() || !self.links.tray.is_there() {
            return;
        }
        match self.links.tray.close_button() {
            CloseButton::End => return,
            CloseButton::Tray => ctx.send_viewport_cmd(egui::ViewportCommand::Visible(false)),
            CloseButton::Ask => self.asking = Some(Ask::Leave),
        }
        ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
    }

    fn perform(&mut self, ctx: &egui::Context, act: Act) {
        match act {
            Act::Send(command) => self.outbox.push_back(command),
            Act::Go(page) => self.page = page,
            Act::Ask(ask) => self.asking = Some(ask),
            Act::Leave(answer) => {
                self.links.tray.remember(answer);
                if answer == CloseButton::Tray {
                    ctx.send_viewport_cmd(egui::ViewportCommand::Visible(false));
                } else {
                    self.links.waker.close();
                }
            }
            Act::Theme(choice) => {
                self.theme = choice;
                ctx.set_theme(choice.preference());
            }
        }
        ctx.request_repaint();
    }
}

/// Ages and countdowns move once a second, and only where somebody can see them.
fn repaint_later(ctx: &egui::Context) {
    let hidden = ctx.input(|input| {
        let viewport = input.viewport();
        viewport.minimized == Some(true) || viewport.occluded == Some(true)
    });
    if !hidden {
        ctx.request_repaint_after(std::time::Duration::from_secs(1));
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.drain(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.links.waker.detach();
    }
}
