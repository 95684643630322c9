//! Settings: every field with its help, checked while typing, tried before saving, applied at once.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use egui::{RichText, ScrollArea, Ui};
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::about;
use super::settings_changes::Clashes;
use super::settings_fields::{fields_ui, words};
use super::settings_jobs::{Done, Job, start};
use crate::core::snapshot::{SETTINGS_REFUSED, SettingsStatus, UiCommand};
use crate::settings::{Field, PerField, check_field};
use crate::ui::app::Act;
use crate::ui::settings_port::{
    SaveEnd, SaveNote, SecretText, SettingsForm, SettingsPort, TestStep,
};
use crate::ui::text::{Text, fill};
use crate::ui::theme::{self, GRID, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{card, heading, muted, primary_button, steady, strong, tone_icon};

pub struct State {
    port: Arc<dyn SettingsPort>,
    pub(super) form: Option<SettingsForm>,
    /// What the file held when it was last read; what differs from it was edited here.
    pub(super) stored: SettingsForm,
    /// On its way to the file.
    pub(super) saving: Option<SettingsForm>,
    pub(super) clashes: Clashes,
    pub(super) errors: PerField<Option<String>>,
    pub(super) replacing: bool,
    pub(super) showing: bool,
    /// The stored secret, while it is in sight.
    pub(super) revealed: Option<SecretText>,
    pub(super) reveal_until: Option<Timestamp>,
    pub(super) wants_secret: bool,
    export_secret: bool,
    job: Option<Receiver<Done>>,
    testing: Option<mpsc::Receiver<TestStep>>,
    steps: Vec<TestStep>,
    /// What the steps are of; they say nothing of other values.
    tested: Option<SettingsForm>,
    pub(super) message: Option<Message>,
    /// What the last save had to tell.
    pub(super) notes: Vec<SaveNote>,
    seen: Option<SettingsStatus>,
    /// Saved since the last frame: the engine has to be told.
    pub(super) reload: bool,
}

pub(super) enum Message {
    FileChanged,
    Clashed,
    NothingChosen,
    Saved,
    Imported,
    Exported(String),
    Failed(String),
}

impl State {
    pub fn new(port: Arc<dyn SettingsPort>) -> Self {
        Self {
            port,
            form: None,
            stored: SettingsForm::default(),
            saving: None,
            clashes: Clashes::default(),
            errors: PerField::default(),
            replacing: false,
            showing: false,
            revealed: None,
            reveal_until: None,
            wants_secret: false,
            export_secret: false,
            job: None,
            testing: None,
            steps: Vec::new(),
            tested: None,
            message: None,
            notes: Vec::new(),
            seen: None,
            reload: false,
        }
    }

    /// Takes what the page's threads finished, and reads the settings again when the program has read them again.
    pub fn drain(
        &mut self,
        ctx: &egui::Context,
        status: &SettingsStatus,
        now: Timestamp,
        shown: bool,
    ) {
        self.take_done(ctx, status);
        self.hide_secret(now, shown);
    }

    fn take_done(&mut self, ctx: &egui::Context, status: &SettingsStatus) {
        if self.seen.as_ref() != Some(status) && self.job.is_none() {
            self.seen = Some(status.clone());
            self.run(ctx, Job::Load);
        }
        match self.job.as_ref().map(Receiver::try_recv) {
            None | Some(Err(TryRecvError::Empty)) => {}
            Some(Err(TryRecvError::Disconnected)) => self.job = None,
            Some(Ok(done)) => {
                self.job = None;
                self.finish(done);
            }
        }
        let Some(testing) = &mut self.testing else {
            return;
        };
        loop {
            match testing.try_recv() {
                Ok(step) => match self.steps.iter_mut().find(|old| old.name == step.name) {
                    Some(old) => *old = step,
                    None => self.steps.push(step),
                },
                Err(mpsc::error::TryRecvError::Empty) => {
                    ctx.request_repaint_after(std::time::Duration::from_millis(100));
                    return;
                }
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.testing = None;
                    return;
                }
            }
        }
    }

    fn run(&mut self, ctx: &egui::Context, job: Job) {
        match start(ctx, &self.port, job) {
            Ok(receiver) => self.job = Some(receiver),
            Err(error) => self.message = Some(Message::Failed(error)),
        }
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Loaded(Ok(form)) => self.take_in(form),
            Done::Undone(Ok(form)) => {
                self.form = None;
                self.take_in(form);
            }
            Done::Loaded(Err(error)) | Done::Undone(Err(error)) => {
                self.message = Some(Message::Failed(error));
                if self.form.is_none() {
                    self.edit(SettingsForm::default());
                }
            }
            Done::Revealed(Ok(secret)) => self.revealed = Some(secret),
            Done::Revealed(Err(error)) => self.message = Some(Message::Failed(error)),
            Done::Saved(end) => {
                // Read back, so that the page shows what is stored.
                self.seen = None;
                match end {
                    Ok(SaveEnd::Saved(notes)) => self.saved(notes),
                    Ok(SaveEnd::Changed(fresh)) => {
                        self.take_in(*fresh);
                        self.clashes.told = true;
                        self.message = Some(Message::Clashed);
                    }
                    Err(error) => self.message = Some(Message::Failed(error)),
                }
            }
            Done::Testing(receiver) => self.testing = Some(receiver),
            Done::Imported(None) | Done::Exported(None) => {
                self.message = Some(Message::NothingChosen);
            }
            Done::Imported(Some(Ok(form))) => {
                self.clashes = Clashes::default();
                self.edit(form);
                self.message = Some(Message::Imported);
            }
            Done::Exported(Some(Ok(path))) => {
                self.message = Some(Message::Exported(path.display().to_string()));
            }
            Done::Imported(Some(Err(error))) | Done::Exported(Some(Err(error))) => {
                self.message = Some(Message::Failed(error));
            }
        }
    }

    pub(super) fn edit(&mut self, form: SettingsForm) {
        self.replacing = !form.secret_stored || !form.new_secret.is_empty();
        self.form = Some(form);
        for field in Field::ALL {
            self.check(field);
        }
    }

    fn check(&mut self, field: Field) {
        let Some(form) = &self.form else { return };
        let (text, optional) = if field.is_secret() {
            (form.new_secret.0.as_str(), form.secret_stored)
        } else {
            (form.field(field).text.as_str(), !field.is_required())
        };
        let clash = &mut self.clashes.file[field];
        let gone = |theirs: &String| match field.is_secret() {
            true => text.is_empty(),
            false => theirs.trim() == text.trim(),
        };
        if clash.as_ref().is_some_and(gone) {
            *clash = None;
        }
        let skip = text.is_empty() && optional;
        self.errors[field] = if skip {
            None
        } else if text.is_empty() {
            Some("This is needed.".to_owned())
        } else {
            check_field(field, text).err()
        };
    }

    fn is_valid(&self) -> bool {
        let mut fields = Field::ALL.into_iter();
        fields.all(|field| self.errors[field].is_none())
    }
}

pub fn settings_ui(
    ui: &mut Ui,
    view: &View<'_>,
    (state, about): (&mut State, &mut about::State),
    acts: &mut Vec<Act>,
) {
    if std::mem::take(&mut state.reload) {
        acts.push(Act::Send(UiCommand::ReloadSettings));
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(820.0);
        if let Some(problem) = &view.snapshot.settings.problem {
            banner_ui(ui, Tone::Bad, &fill(view.text.settings_problem, &[problem]));
        }
        let Some(mut form) = state.form.take() else {
            ui.label(view.text.settings_loading);
            return;
        };
        let (local, remote): (Vec<_>, Vec<_>) =
            Field::ALL.into_iter().partition(|field| field.is_local());
        let (needed, rest): (Vec<_>, Vec<_>) =
            remote.into_iter().partition(|field| field.is_required());
        let mut changed = Vec::new();
        card(ui, |ui| {
            heading(ui, view.text.settings_needed);
            steady(ui, "settings needed", |ui| {
                fields_ui(ui, view.text, state, &mut form, &needed, &mut changed);
            });
        });
        ui.add_space(GRID);
        steady(ui, "settings actions", |ui| {
            actions_ui(ui, view, state, &form);
        });
        ui.add_space(GRID);
        card(ui, |ui| {
            heading(ui, view.text.settings_rest);
            ui.label(muted(ui, view.text.settings_rest_hint));
            steady(ui, "settings rest", |ui| {
                fields_ui(ui, view.text, state, &mut form, &rest, &mut changed);
            });
        });
        ui.add_space(GRID);
        card(ui, |ui| {
            heading(ui, view.text.settings_local);
            ui.label(muted(ui, view.text.settings_local_hint));
            steady(ui, "settings local", |ui| {
                fields_ui(ui, view.text, state, &mut form, &local, &mut changed);
            });
        });
        ui.add_space(GRID);
        places_ui(ui, view);
        ui.add_space(GRID);
        about::about_ui(ui, view.text, about);
        // Saving or undoing may have replaced the form already.
        if state.form.is_none() {
            state.form = Some(form);
        }
        if !changed.is_empty() && matches!(state.message, Some(Message::Saved)) {
            state.message = None;
        }
        for field in changed {
            state.check(field);
        }
        if state.wants_secret && state.job.is_none() {
            state.wants_secret = false;
            state.run(&ui.ctx().clone(), Job::Reveal);
        }
    });
}

fn banner_ui(ui: &mut Ui, tone: Tone, text: &str) {
    egui::Frame::new()
        .fill(theme::of(ui).tone_ground(tone))
        .corner_radius(theme::RADIUS)
        .inner_margin(10)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_wrapped(|ui| {
                tone_icon(ui, tone, 14.0);
                ui.label(text);
            });
        });
    ui.add_space(GRID);
}

fn places_ui(ui: &mut Ui, view: &View<'_>) {
    let status = &view.snapshot.settings;
    card(ui, |ui| {
        let file = status.file.as_ref().map_or_else(
            || view.text.settings_no_file.to_owned(),
            |file| fill(view.text.settings_file, &[file]),
        );
        ui.label(file);
        if !status.secret_place.is_empty() {
            ui.label(fill(view.text.settings_secret, &[&status.secret_place]));
        }
        if !status.overrides.is_empty() {
            ui.label(strong(view.text.settings_overrides, theme::BODY));
            for line in &status.overrides {
                ui.label(RichText::new(format!("•  {line}")).color(theme::of(ui).warn));
            }
        }
    });
}

/// Which fields were changed on both sides, in the words of `both`; or that there is none.
fn changed_line(text: &Text, state: &State, both: &str) -> String {
    let names: Vec<&str> = state
        .clashes
        .fields()
        .map(|field| words(text, field).0)
        .collect();
    if names.is_empty() {
        text.file_changed.to_owned()
    } else {
        fill(both, &[&names.join(", ")])
    }
}

fn actions_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, form: &SettingsForm) {
    let text = view.text;
    let ctx = ui.ctx().clone();
    let idle = state.job.is_none();
    let tested = state.testing.is_none();
    ui.horizontal_wrapped(|ui| {
        let valid = state.is_valid();
        let save = primary_button(ui, text.save, valid && idle);
        if !valid {
            save.on_disabled_hover_text(text.save_blocked);
        } else if save.clicked() {
            if state.clashes.fields().next().is_some() && !state.clashes.told {
                state.clashes.told = true;
                state.message = Some(Message::Clashed);
            } else {
                state.message = None;
                state.notes.clear();
                state.saving = Some(form.clone());
                let forms = Box::new((state.stored.clone(), form.clone()));
                state.run(&ctx, Job::Save(forms));
            }
        }
        let word = if tested { text.test } else { text.testing };
        if ui
            .add_enabled(valid && idle && tested, egui::Button::new(word))
            .clicked()
        {
            state.steps.clear();
            state.tested = Some(form.clone());
            state.run(&ctx, Job::Test(Box::new(form.clone())));
        }
        if ui
            .add_enabled(idle, egui::Button::new(text.revert))
            .clicked()
        {
            // From the file, so that nothing of an import stays behind.
            state.message = None;
            state.notes.clear();
            state.run(&ctx, Job::Undo);
        }
        if ui
            .add_enabled(idle, egui::Button::new(text.import))
            .clicked()
        {
            state.run(&ctx, Job::Import);
        }
        if ui
            .add_enabled(idle, egui::Button::new(text.export))
            .clicked()
        {
            let with_secret = state.export_secret;
            state.run(&ctx, Job::Export { with_secret });
        }
        ui.checkbox(&mut state.export_secret, text.export_secret);
    });
    let mut notices = view.snapshot.notices.iter();
    let refused = notices.find(|notice| notice.key == SETTINGS_REFUSED);
    if let Some(refused) = refused {
        banner_ui(ui, Tone::Bad, &refused.text);
    }
    let (tone, line) = match &state.message {
        // What was saved is not what the file says any more.
        Some(Message::Saved) if refused.is_some() => (Tone::Neutral, String::new()),
        None => (Tone::Neutral, String::new()),
        Some(Message::NothingChosen) => (Tone::Neutral, text.nothing_chosen.to_owned()),
        Some(Message::Saved) if !state.is_valid() => (Tone::Neutral, String::new()),
        Some(Message::Saved) if state.notes.iter().any(|note| note.warning) => {
            (Tone::Warn, text.saved.to_owned())
        }
        Some(Message::Saved) => (Tone::Good, text.saved.to_owned()),
        Some(Message::FileChanged) => (Tone::Warn, changed_line(text, state, text.file_both)),
        Some(Message::Clashed) => (Tone::Warn, changed_line(text, state, text.file_clash)),
        Some(Message::Imported) => (Tone::Info, text.imported.to_owned()),
        Some(Message::Exported(path)) => (Tone::Good, fill(text.exported, &[path])),
        Some(Message::Failed(error)) => (Tone::Bad, error.clone()),
    };
    if !line.is_empty() {
        banner_ui(ui, tone, &line);
    }
    for note in &state.notes {
        let tone = if note.warning { Tone::Warn } else { Tone::Info };
        banner_ui(ui, tone, &note.text);
    }
    if !state.steps.is_empty() && state.tested.as_ref() == Some(form) {
        card(ui, |ui| {
            heading(ui, text.test_title);
            for step in &state.steps {
                ui.horizontal_wrapped(|ui| {
                    let tone = step
                        .ok
                        .map_or(Tone::Neutral, |ok| if ok { Tone::Good } else { Tone::Bad });
                    let mark = step.ok.map_or("…", |ok| if ok { "✓" } else { "✗" });
                    let line = strong(format!("{mark} {}", step.name), theme::BODY);
                    ui.label(line.color(theme::of(ui).tone(tone)));
                    ui.label(muted(ui, &step.detail));
                });
            }
        });
    }
}
