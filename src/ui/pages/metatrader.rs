//! From "no terminal" to "orders can pass": the checklist, the one next thing with its picture, the terminals of this
//! computer, and the installation after consent. What the page knows of the link comes from the snapshot alone.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use egui::{ScrollArea, Ui};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::Page;
use super::metatrader_checklist::{Checklist, Facts, Line, Mark, Next, checklist};
use super::metatrader_install as install;
use super::metatrader_jobs::{Done, Job, start};
use super::metatrader_link::{doubts_ui, link_ui};
use super::metatrader_pictures::{Picture, picture};
use super::overview::notice_ui;
use crate::core::health::{Leg, Light};
use crate::core::snapshot::{SELF_TEST, TerminalMode, UiCommand};
use crate::ui::app::{Act, Ask};
use crate::ui::format;
use crate::ui::terminal_port::{
    ExpertInTerminal, FoundTerminal, FoundTerminals, Preview, SetupStep, SetupWish, TerminalSetup,
};
use crate::ui::text::fill;
use crate::ui::theme::{self, GRID, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{
    card, heading, muted, primary_button, strong, tone_icon, tool_button, truncated,
};

/// How often this computer is looked through while the page is seen.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// A self-test ends by itself before.
const TEST_WITHIN: SignedDuration = SignedDuration::from_secs(40);

pub struct State {
    port: Arc<dyn TerminalSetup>,
    pub(super) found: Option<(FoundTerminals, Timestamp)>,
    /// The id of the terminal that the trader picked among several.
    pub(super) picked: Option<String>,
    looking: Option<Receiver<Done>>,
    pub(super) job: Option<Receiver<Done>>,
    pub(super) preview: Option<Preview>,
    working: Option<mpsc::Receiver<SetupStep>>,
    pub(super) steps: Vec<SetupStep>,
    pub(super) problem: Option<String>,
    /// The self-test that was asked for and has no outcome yet.
    testing_since: Option<Timestamp>,
    /// What a press asked for in this frame.
    pub(super) wanted: Option<Job>,
}

impl State {
    pub fn new(port: Arc<dyn TerminalSetup>) -> Self {
        Self {
            port,
            found: None,
            picked: None,
            looking: None,
            job: None,
            preview: None,
            working: None,
            steps: Vec::new(),
            problem: None,
            testing_since: None,
            wanted: None,
        }
    }

    /// Takes what the page's threads finished, and looks again from time to time while the page is seen.
    pub fn drain(&mut self, ctx: &egui::Context, now: Timestamp, shown: bool) {
        if let Some(job) = self.wanted.take() {
            self.problem = None;
            match start(ctx, &self.port, job) {
                Ok(receiver) => self.job = Some(receiver),
                Err(error) => self.problem = Some(error),
            }
        }
        let old = self
            .found
            .as_ref()
            .is_none_or(|(_, at)| now.duration_since(*at) >= LOOK_AGAIN);
        if shown && old && self.looking.is_none() && !self.is_busy() {
            self.looking = start(ctx, &self.port, Job::Find).ok();
        }
        if let Some(done) = finished(&mut self.looking) {
            self.finish(done, now);
        }
        if let Some(done) = finished(&mut self.job) {
            self.finish(done, now);
        }
        self.follow_steps(ctx);
    }

    fn finish(&mut self, done: Done, now: Timestamp) {
        match done {
            Done::Found(found) => self.found = Some((found, now)),
            Done::Previewed(Ok(preview)) => {
                self.steps.clear();
                self.preview = Some(preview);
            }
            Done::Previewed(Err(problem)) => {
                self.preview = None;
                self.problem = Some(problem);
            }
            Done::Working(steps) => self.working = Some(steps),
        }
    }

    fn follow_steps(&mut self, ctx: &egui::Context) {
        let Some(working) = &mut self.working else {
            return;
        };
        loop {
            match working.try_recv() {
                Ok(step) => match self.steps.iter_mut().find(|old| old.name == step.name) {
                    Some(old) => *old = step,
                    None => self.steps.push(step),
                },
                Err(mpsc::error::TryRecvError::Empty) => {
                    ctx.request_repaint_after(std::time::Duration::from_millis(100));
                    return;
                }
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.working = None;
                    // What was done shows in the terminal's folder: look at once.
                    self.looking = start(ctx, &self.port, Job::Find).ok();
                    return;
                }
            }
        }
    }

    /// Something is being prepared or done.
    pub(super) const fn is_busy(&self) -> bool {
        self.job.is_some() || self.working.is_some()
    }

    /// The terminal that everything here is about: the picked one, or the only one.
    pub(super) fn chosen(&self) -> Option<&FoundTerminal> {
        let (found, _) = self.found.as_ref()?;
        match (&self.picked, found.terminals.as_slice()) {
            (Some(id), terminals) => terminals.iter().find(|one| one.id == *id),
            (None, [only]) => Some(only),
            (None, terminals) => one_with_the_expert(terminals),
        }
    }

    fn ask_preview(&mut self, wish: SetupWish) {
        self.wanted = Some(Job::Preview(wish));
    }
}

/// Among several, the only one that has the Expert Advisor was chosen before.
fn one_with_the_expert(terminals: &[FoundTerminal]) -> Option<&FoundTerminal> {
    let mut with = terminals
        .iter()
        .filter(|one| one.expert != ExpertInTerminal::Absent);
    with.next().filter(|_| with.next().is_none())
}

fn finished(job: &mut Option<Receiver<Done>>) -> Option<Done> {
    match job.as_ref()?.try_recv() {
        Ok(done) => {
            *job = None;
            Some(done)
        }
        Err(TryRecvError::Empty) => None,
        Err(TryRecvError::Disconnected) => {
            *job = None;
            None
        }
    }
}

pub fn metatrader_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, acts: &mut Vec<Act>) {
    let list = checklist(
        &Facts {
            found: state.found.as_ref().map(|(found, at)| (found, *at)),
            chosen: state.chosen(),
            snapshot: view.snapshot,
            now: view.now,
        },
        &view.text.mt,
    );
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let right = (ui.available_width() * 0.45).clamp(320.0, 560.0);
        let left = ui.available_width() - right - 3.0 * GRID;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 3.0 * GRID;
            column(ui, left, |ui| {
                card(ui, |ui| next_ui(ui, view, state, &list.next, acts));
                doubts_ui(ui, view);
                card(ui, |ui| checklist_ui(ui, view, &list));
                card(ui, |ui| self_test_ui(ui, view, state, acts));
            });
            column(ui, right, |ui| {
                install::work_ui(ui, view, state);
                link_ui(ui, view);
                card(ui, |ui| install::terminals_ui(ui, view, state));
            });
        });
    });
}

fn column(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 3.0 * GRID;
        content(ui);
    });
}

/// The one next thing: what, how, its picture, and the button that does it when there is one.
fn next_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, next: &Next, acts: &mut Vec<Act>) {
    let text = &view.text.mt;
    let name = state
        .chosen()
        .map(|terminal| terminal.name.clone())
        .unwrap_or_default();
    let (title, hint) = match next {
        Next::Look => (text.looking.to_owned(), ""),
        Next::GetTerminal => (text.do_get_terminal.to_owned(), text.do_get_terminal_hint),
        Next::Choose => (text.do_choose.to_owned(), text.do_choose_hint),
        Next::StartOnce => (fill(text.do_start_once, &[&name]), text.do_start_once_hint),
        Next::Install { update: false } => (fill(text.do_install, &[&name]), text.do_install_hint),
        Next::Install { update: true } => (fill(text.do_update, &[&name]), text.do_install_hint),
        Next::OpenSettings => (text.do_settings.to_owned(), text.do_settings_hint),
        Next::OpenTerminal => (
            fill(text.do_open_terminal, &[&name]),
            text.do_open_terminal_hint,
        ),
        Next::Drag => (text.do_drag.to_owned(), text.do_drag_hint),
        Next::Wait => (text.do_wait.to_owned(), text.do_wait_hint),
        Next::Login => (text.do_login.to_owned(), text.do_login_hint),
        Next::AlgoButton => (text.do_algo.to_owned(), text.do_algo_hint),
        Next::ExpertBox => (text.do_box.to_owned(), text.do_box_hint),
        Next::AskBroker => (text.do_ask_broker.to_owned(), text.do_ask_broker_hint),
        Next::ConfirmReal { .. } => (text.do_confirm.to_owned(), text.do_confirm_hint),
        Next::Held { reason } => (fill(text.do_held, &[reason]), text.do_held_hint),
        Next::Closed { opens } => {
            let title = opens.map_or_else(
                || text.market_closed.to_owned(),
                |at| {
                    let at = format::weekday(at, view.zone);
                    fill(text.market_closed_until, &[&at])
                },
            );
            (title, text.market_closed_hint)
        }
        Next::Nothing => (text.ready.to_owned(), text.ready_hint),
    };
    let hint = match next {
        Next::ConfirmReal { login, server } => fill(hint, &[&login.to_string(), server]),
        _ => hint.to_owned(),
    };
    let is_ready = matches!(next, Next::Nothing | Next::Closed { .. });
    if !is_ready {
        ui.label(muted(ui, text.next));
    }
    ui.horizontal(|ui| {
        if is_ready {
            tone_icon(ui, Tone::Good, 18.0);
        }
        ui.add(egui::Label::new(strong(title, theme::HEADING)).wrap());
    });
    if !hint.is_empty() {
        ui.label(hint);
    }
    let shown = match next {
        Next::Drag | Next::OpenTerminal => Some(Picture::Drag),
        Next::AlgoButton => Some(Picture::AlgoButton),
        Next::ExpertBox => Some(Picture::ExpertBox),
        _ => None,
    };
    if let Some(shown) = shown {
        ui.add_space(GRID);
        picture(ui, shown, text);
    }
    next_button_ui(ui, view, state, next, acts);
}

fn next_button_ui(
    ui: &mut Ui,
    view: &View<'_>,
    state: &mut State,
    next: &Next,
    acts: &mut Vec<Act>,
) {
    let text = &view.text.mt;
    let pressed = |ui: &mut Ui, words: &str, enabled| {
        ui.add_space(GRID);
        primary_button(ui, words, enabled).clicked()
    };
    match next {
        Next::Install { .. } | Next::OpenTerminal => {
            let terminal = state.chosen().map(|one| one.id.clone());
            if pressed(ui, text.preview_install, !state.is_busy())
                && let Some(terminal) = terminal
            {
                state.ask_preview(SetupWish::Install {
                    terminal,
                    start: *next == Next::OpenTerminal,
                });
            }
        }
        Next::OpenSettings if pressed(ui, view.text.open_settings, true) => {
            acts.push(Act::Go(Page::Settings));
        }
        Next::ConfirmReal { login, server } if pressed(ui, text.confirm_button, true) => {
            acts.push(Act::Ask(Ask::RealAccount {
                login: *login,
                server: server.clone(),
            }));
        }
        _ => {}
    }
}

fn checklist_ui(ui: &mut Ui, view: &View<'_>, list: &Checklist) {
    let text = &view.text.mt;
    heading(ui, text.checklist);
    ui.spacing_mut().item_spacing.y = GRID;
    for (place, line) in list.lines.iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        line_ui(ui, view, line);
    }
}

fn line_ui(ui: &mut Ui, view: &View<'_>, line: &Line) {
    let text = &view.text.mt;
    let tokens = theme::of(ui);
    let (tone, word) = match line.mark {
        Mark::Done => (Tone::Good, text.mark_done),
        Mark::Next => (Tone::Info, text.mark_next),
        Mark::Stale => (Tone::Warn, text.mark_stale),
        Mark::Waiting => (Tone::Neutral, text.mark_waiting),
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        tone_icon(ui, tone, 18.0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                let title = ui.label(strong(line.title, theme::BODY));
                title.widget_info(|| {
                    let label = format!("{}: {word}", line.title);
                    egui::WidgetInfo::labeled(egui::Role::Label, true, label)
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if let Some(age) = line.age {
                        ui.label(muted(ui, fill(text.age, &[&format::span(age)])));
                    }
                });
            });
            let words = if line.words.is_empty() {
                word
            } else {
                line.words.as_str()
            };
            let color = match line.mark {
                Mark::Next | Mark::Stale => tokens.tone(tone),
                Mark::Done => tokens.text,
                Mark::Waiting => tokens.muted,
            };
            truncated(ui, egui::RichText::new(words).color(color));
        });
    });
}

fn self_test_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, acts: &mut Vec<Act>) {
    let text = &view.text.mt;
    heading(ui, text.self_test);
    ui.label(muted(ui, text.self_test_hint));
    let link = view.snapshot.link(Leg::Terminal);
    let up = view.snapshot.mode == TerminalMode::MetaTrader
        && link.light(Leg::Terminal, view.now) == Light::Good;
    let button = egui::Button::new(text.self_test_button).min_size(egui::vec2(0.0, 28.0));
    let mut notices = view.snapshot.notices.iter();
    let outcome = notices.find(|notice| notice.key == SELF_TEST);
    state.testing_since = state.testing_since.filter(|since| {
        let told = outcome.is_some_and(|outcome| outcome.at > *since);
        up && !told && view.now.duration_since(*since) < TEST_WITHIN
    });
    let testing = state.testing_since.is_some();
    if ui.add_enabled(up && !testing, button).clicked() {
        acts.push(Act::Send(UiCommand::SelfTest));
        state.testing_since = Some(view.now);
    }
    if state.testing_since.is_some() {
        ui.label(text.self_test_runs);
        return;
    }
    if !up {
        ui.label(muted(ui, text.self_test_needs));
    }
    if let Some(outcome) = outcome {
        ui.spacing_mut().interact_size.y = 20.0;
        notice_ui(ui, view, outcome, None);
    }
}

/// A press of one of the terminal's own buttons.
pub(super) fn wish_button(ui: &mut Ui, state: &mut State, words: &str, wish: SetupWish) {
    let busy = state.is_busy();
    let pressed = ui.add_enabled_ui(!busy, |ui| tool_button(ui, words).clicked());
    if pressed.inner {
        state.ask_preview(wish);
    }
}
