//! One command in full: what happened in words, the timeline, the result, and the envelope as it arrived.

use egui::{Align, Layout, RichText, ScrollArea, Ui};

use super::commands::{self, State};
use crate::core::snapshot::CommandRow;
use crate::ui::text::fill;
use crate::ui::theme::{self, GRID};
use crate::ui::view::View;
use crate::ui::widgets::{card, chip, heading, muted, strong, timeline};

pub fn detail_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, row: Option<&CommandRow>) {
    let text = view.text;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        card(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                commands::close_detail_ui(ui, view, state);
            });
            let id = state.selected.clone().unwrap_or_default();
            let detail = state.detail_of(&id).cloned();
            let Some(row) = detail.as_ref().map(|detail| &detail.row).or(row) else {
                ui.label(text.detail_loading);
                return;
            };
            ui.label(strong(commands::name(text, row), theme::HEADING));
            ui.horizontal_wrapped(|ui| {
                chip(ui, row.state.into(), view.text.state(row.state));
                if !row.subject.is_empty() {
                    ui.label(&row.subject);
                }
                ui.add(egui::Label::new(muted(ui, &row.id)).selectable(true));
            });
            if row.repeats > 0 {
                ui.label(muted(ui, fill(text.repeated, &[&row.repeats.to_string()])));
            }
            section(ui, text.what_happened);
            if !row.message.is_empty() {
                ui.add(egui::Label::new(strong(&row.message, theme::BODY)).selectable(true));
            }
            ui.label(RichText::new(view.text.explain_command(row)).color(theme::of(ui).muted));
            let Some(detail) = detail.as_ref() else {
                ui.add_space(2.0 * GRID);
                ui.label(muted(ui, text.detail_loading));
                return;
            };
            section(ui, text.timeline);
            timeline(ui, &detail.timeline, view.zone);
            section(ui, text.result);
            match &detail.result {
                Some(result) => code(ui, text.copy, result, result),
                None => {
                    ui.label(muted(ui, text.no_result));
                }
            }
            section(ui, text.envelope);
            code(ui, text.copy, &state.pretty, &detail.raw);
        });
    });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(2.0 * GRID);
    ui.separator();
    heading(ui, title);
}

/// Text in a fixed pitch; the button copies `exact`, which is what arrived, not what was made pretty.
fn code(ui: &mut Ui, copy: &str, shown: &str, exact: &str) {
    egui::Frame::new()
        .fill(theme::of(ui).ground)
        .corner_radius(theme::RADIUS)
        .inner_margin(10)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(
                egui::Label::new(RichText::new(shown).monospace())
                    .selectable(true)
                    .wrap(),
            );
        });
    if ui.button(copy).clicked() {
        ui.ctx().copy_text(exact.to_owned());
    }
}
