//! The terminals of this computer, the dry-run view with its consent, and the steps while they are done.

use egui::{RichText, Ui};

use super::metatrader::{State, wish_button};
use super::metatrader_jobs::Job;
use crate::ui::terminal_port::{
    ExpertInTerminal, FoundTerminal, Preview, SetupWish, TerminalPresence,
};
use crate::ui::text::fill;
use crate::ui::text_metatrader::MetaTraderText;
use crate::ui::theme::{self, GRID, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{
    card, heading, muted, primary_button, strong, tone_icon, tool_button, truncated,
};

/// What would be done, or what is being done; nothing while there is neither.
pub fn work_ui(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let tokens = theme::of(ui);
    let text = &view.text.mt;
    if let Some(problem) = state.problem.clone() {
        card(ui, |ui| {
            ui.horizontal_top(|ui| {
                tone_icon(ui, Tone::Bad, 14.0);
                ui.add(egui::Label::new(RichText::new(problem).color(tokens.bad)).wrap());
            });
            if tool_button(ui, view.text.close).clicked() {
                state.problem = None;
            }
        });
    }
    if let Some(preview) = state.preview.clone() {
        card(ui, |ui| preview_ui(ui, view, state, &preview));
    } else if !state.steps.is_empty() {
        card(ui, |ui| {
            let busy = state.is_busy();
            heading(ui, if busy { text.working } else { text.done_title });
            steps_ui(ui, state);
            if !busy && tool_button(ui, view.text.close).clicked() {
                state.steps.clear();
            }
        });
    }
}

fn preview_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, preview: &Preview) {
    let text = &view.text.mt;
    let name = name_of(state, preview.wish.terminal());
    let (title, agree) = match preview.wish {
        SetupWish::Install { .. } => (text.preview_title, text.agree_install),
        SetupWish::Remove { .. } => (text.preview_remove_title, text.agree_remove),
    };
    heading(ui, &fill(title, &[&name]));
    for (place, step) in preview.steps.iter().enumerate() {
        ui.horizontal_top(|ui| {
            ui.label(strong(format!("{}.", place + 1), theme::BODY));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(strong(&step.title, theme::BODY));
                ui.add(egui::Label::new(muted(ui, &step.detail)).wrap());
            });
        });
    }
    if let SetupWish::Install { terminal, start } = &preview.wish {
        ui.label(muted(ui, text.preview_not_touched));
        let mut wanted = *start;
        visible_ring(ui);
        if preview.can_start && ui.checkbox(&mut wanted, text.also_start).changed() {
            // Consent is to what is shown, so the steps are made and shown anew.
            state.wanted = Some(Job::Preview(SetupWish::Install {
                terminal: terminal.clone(),
                start: wanted,
            }));
        }
    }
    ui.add_space(GRID);
    ui.horizontal_wrapped(|ui| {
        if primary_button(ui, agree, !state.is_busy()).clicked() {
            state.preview = None;
            state.wanted = Some(Job::CarryOut(preview.number));
        }
        if tool_button(ui, view.text.cancel).clicked() {
            state.preview = None;
        }
    });
}

/// The theme's quiet border is too faint for an empty ring or box.
fn visible_ring(ui: &mut Ui) {
    ui.visuals_mut().widgets.inactive.bg_stroke.color = theme::of(ui).muted;
}

fn name_of(state: &State, id: &str) -> String {
    state
        .found
        .iter()
        .flat_map(|(found, _)| &found.terminals)
        .find(|one| one.id == id)
        .map_or_else(|| id.to_owned(), |one| one.name.clone())
}

fn steps_ui(ui: &mut Ui, state: &State) {
    let tokens = theme::of(ui);
    for step in &state.steps {
        let (tone, mark) = match step.ok {
            None => (Tone::Info, "…"),
            Some(true) => (Tone::Good, "✓"),
            Some(false) => (Tone::Bad, "✗"),
        };
        ui.horizontal_top(|ui| {
            tone_icon(ui, tone, 14.0);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let title = ui.label(strong(&step.name, theme::BODY));
                title.widget_info(|| {
                    let label = format!("{mark} {}", step.name);
                    egui::WidgetInfo::labeled(egui::Role::Label, true, label)
                });
                let words = RichText::new(&step.detail).size(theme::SMALL);
                let color = if step.ok == Some(false) {
                    tokens.bad
                } else {
                    tokens.muted
                };
                ui.add(egui::Label::new(words.color(color)).wrap());
            });
        });
    }
}

pub fn terminals_ui(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let text = &view.text.mt;
    ui.horizontal(|ui| {
        heading(ui, text.terminals);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let idle = !state.is_busy();
            let pressed = ui.add_enabled_ui(idle, |ui| tool_button(ui, text.look_again).clicked());
            if pressed.inner {
                state.wanted = Some(Job::Find);
            }
        });
    });
    let Some((found, _)) = state.found.clone() else {
        ui.label(muted(ui, text.looking));
        return;
    };
    if found.terminals.is_empty() {
        ui.label(muted(ui, text.none_found));
    }
    let chosen = state.chosen().map(|one| one.id.clone());
    let several = found.terminals.len() > 1;
    for (place, terminal) in found.terminals.iter().enumerate() {
        if place > 0 {
            ui.separator();
        }
        let current = chosen.as_deref() == Some(terminal.id.as_str());
        ui.push_id(&terminal.id, |ui| {
            terminal_ui(ui, text, state, terminal, several, current);
        });
    }
    for note in &found.notes {
        ui.horizontal_top(|ui| {
            tone_icon(ui, Tone::Info, 14.0);
            ui.add(egui::Label::new(muted(ui, note)).wrap());
        });
    }
}

fn terminal_ui(
    ui: &mut Ui,
    text: &MetaTraderText,
    state: &mut State,
    terminal: &FoundTerminal,
    several: bool,
    current: bool,
) {
    ui.spacing_mut().item_spacing.y = GRID;
    ui.spacing_mut().interact_size.y = 22.0;
    ui.horizontal(|ui| {
        if several {
            let label = fill(text.choose_label, &[&terminal.name]);
            visible_ring(ui);
            let choice = ui.radio(current, "");
            choice.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::RadioButton, true, current, &label)
            });
            if choice.clicked() {
                state.picked = Some(terminal.id.clone());
                state.preview = None;
            }
        }
        truncated(ui, strong(&terminal.name, theme::BODY));
    });
    let presence = match terminal.presence {
        TerminalPresence::Running => text.running,
        TerminalPresence::Closed => text.closed,
        TerminalPresence::Unknown => text.presence_unknown,
    };
    let mut facts = vec![presence.to_owned()];
    facts.extend(terminal.portable.then(|| text.portable.to_owned()));
    facts.extend(terminal.broker.clone());
    facts.extend(terminal.server.clone());
    facts.extend(
        terminal
            .build
            .map(|build| fill(text.build, &[&build.to_string()])),
    );
    truncated(ui, muted(ui, facts.join(" · ")));
    truncated(ui, muted(ui, &terminal.install_dir));
    let (tone, words) = match &terminal.expert {
        _ if terminal.data_dir.is_none() => (Tone::Neutral, text.never_started.to_owned()),
        ExpertInTerminal::Absent => (Tone::Neutral, text.expert_absent.to_owned()),
        ExpertInTerminal::NotCompiled => (Tone::Warn, text.expert_not_compiled.to_owned()),
        ExpertInTerminal::Other { version } => (Tone::Warn, fill(text.expert_other, &[version])),
        ExpertInTerminal::Current { version } => {
            (Tone::Good, fill(text.expert_current, &[version]))
        }
    };
    ui.horizontal(|ui| {
        tone_icon(ui, tone, 14.0);
        truncated(ui, format!("{}: {words}", text.name_expert));
    });
    if terminal.data_dir.is_none() || (several && !current) {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let words = match terminal.expert {
            ExpertInTerminal::Current { .. } => text.preview_again,
            _ => text.preview_card,
        };
        let install = SetupWish::Install {
            terminal: terminal.id.clone(),
            start: false,
        };
        wish_button(ui, state, words, install);
        if terminal.expert != ExpertInTerminal::Absent {
            let remove = SetupWish::Remove {
                terminal: terminal.id.clone(),
            };
            wish_button(ui, state, text.preview_remove, remove);
        }
    });
}
