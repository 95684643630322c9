//! This program's version, and a newer one: looked for when asked, installed after one yes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use egui::{Button, Ui};
use tokio::sync::mpsc;

use crate::ui::text::{Text, fill};
use crate::ui::theme::{self, Tone};
use crate::ui::update_port::{Build, Installing, Newest, UpdatePort};
use crate::ui::widgets::{Answer, Question, card, confirm, heading, muted, primary_button};

/// Between two looks at how far an installation is.
const LOOK: Duration = Duration::from_millis(100);

pub struct State {
    port: Arc<dyn UpdatePort>,
    build: Build,
    looking: Option<Receiver<Result<Newest, String>>>,
    newest: Option<Result<Newest, String>>,
    /// The version that is asked about.
    asking: Option<String>,
    running: Option<mpsc::Receiver<Installing>>,
    installing: Option<Installing>,
}

impl State {
    pub fn new(port: Arc<dyn UpdatePort>) -> Self {
        Self {
            build: port.build(),
            port,
            looking: None,
            newest: None,
            asking: None,
            running: None,
            installing: None,
        }
    }

    fn look(&mut self, ctx: &egui::Context) {
        let (sender, receiver) = sync_channel(1);
        let (ctx, port) = (ctx.clone(), Arc::clone(&self.port));
        let started = std::thread::Builder::new()
            .name("update-look".to_owned())
            .spawn(move || {
                if sender.send(port.look()).is_ok() {
                    ctx.request_repaint();
                }
            });
        (self.newest, self.installing) = (None, None);
        match started {
            Ok(_) => self.looking = Some(receiver),
            Err(error) => self.newest = Some(Err(error.to_string())),
        }
    }

    fn drain(&mut self, ctx: &egui::Context) {
        match self.looking.as_ref().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => {}
            Some(Err(TryRecvError::Disconnected)) => self.looking = None,
            Some(Ok(newest)) => (self.looking, self.newest) = (None, Some(newest)),
        }
        let Some(running) = &mut self.running else {
            return;
        };
        loop {
            match running.try_recv() {
                Ok(step) => self.installing = Some(step),
                Err(mpsc::error::TryRecvError::Empty) => {
                    return ctx.request_repaint_after(LOOK);
                }
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.running = None;
                    return;
                }
            }
        }
    }
}

pub fn about_ui(ui: &mut Ui, text: &Text, state: &mut State) {
    let ctx = ui.ctx().clone();
    state.drain(&ctx);
    let text = &text.up;
    card(ui, |ui| {
        heading(ui, text.title);
        ui.label(fill(text.version, &[&state.build.version]));
        if state.build.is_signed == Some(false) {
            ui.label(muted(ui, text.unsigned));
        }
        let looking = state.looking.is_some();
        let word = if looking { text.looking } else { text.look };
        let idle = !looking && state.running.is_none();
        if ui.add_enabled(idle, Button::new(word)).clicked() {
            state.look(&ctx);
        }
        match &state.newest {
            None => {}
            Some(Ok(Newest::Running)) => toned(ui, Tone::Good, text.newest),
            Some(Ok(Newest::Older { version })) => {
                toned(ui, Tone::Neutral, &fill(text.older, &[version]));
            }
            Some(Err(error)) => toned(ui, Tone::Bad, error),
            Some(Ok(Newest::Newer {
                version,
                size,
                changes,
            })) => {
                toned(ui, Tone::Info, &fill(text.newer, &[version, size]));
                if !changes.is_empty() {
                    ui.label(text.changes);
                }
                for change in changes {
                    ui.label(format!("•  {change}"));
                }
                if primary_button(ui, text.install, idle).clicked() {
                    state.asking = Some(version.clone());
                }
            }
        }
        match &state.installing {
            None => {}
            Some(Installing::Fetching(percent)) => {
                let percent = percent.to_string();
                toned(ui, Tone::Info, &fill(text.fetching, &[&percent]));
            }
            Some(Installing::Ending) => toned(ui, Tone::Good, text.ending),
            Some(Installing::Failed(error)) => toned(ui, Tone::Bad, error),
        }
    });
}

/// The question, over everything.
pub fn question_ui(ui: &Ui, text: &Text, state: &mut State) {
    let Some(version) = state.asking.take() else {
        return;
    };
    let question = Question {
        title: fill(text.up.ask_title, &[&version]),
        body: text.up.ask_body.to_owned(),
        choices: &[text.up.ask_yes],
        cancel: text.cancel,
        dangerous: false,
        enter_chooses: false,
    };
    match confirm(ui, &question) {
        Answer::Open => state.asking = Some(version),
        Answer::Cancelled => {}
        Answer::Chosen(_) => {
            state.installing = Some(Installing::Fetching(0));
            state.running = Some(state.port.install(&version));
        }
    }
}

fn toned(ui: &mut Ui, tone: Tone, line: &str) {
    let ink = theme::of(ui).tone(tone);
    ui.label(egui::RichText::new(line).color(ink));
}
