//! Every envelope ever received, with its fate. The table draws only the rows in sight.

use std::sync::Arc;

use egui::{Panel, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use jiff::Timestamp;

use super::command_detail::detail_ui;
use super::overview::first_step_ui;
use crate::core::snapshot::{CommandDetail, CommandRow, CommandState, UiCommand};
use crate::ui::app::Act;
use crate::ui::format;
use crate::ui::text::{Text, fill};
use crate::ui::theme::{self, ROW};
use crate::ui::view::View;
use crate::ui::widgets::{chip, empty_state, muted, strong, table_card, tool_button, truncated};

const STATES: [CommandState; 7] = [
    CommandState::Received,
    CommandState::Waiting,
    CommandState::Executing,
    CommandState::Executed,
    CommandState::Failed,
    CommandState::Expired,
    CommandState::Refused,
];

#[derive(Default)]
pub struct State {
    filter: String,
    only: Option<CommandState>,
    pub(super) selected: Option<String>,
    /// The newest rows, as the snapshot has them.
    live: Arc<Vec<CommandRow>>,
    /// Older rows in order, read by page or gone out of the snapshot since a page was read.
    older: Vec<Arc<Vec<CommandRow>>>,
    asked_before: Option<Timestamp>,
    /// Whether the last page was empty: there is nothing older.
    complete: bool,
    /// Rows that pass the filter, as (chunk, row); chunk 0 is `live`. Made anew only when something changed.
    shown: Vec<(u32, u32)>,
    shown_is_old: bool,
    detail: Option<Arc<CommandDetail>>,
    pub(super) pretty: String,
    /// What the detail was asked of last: id, state, reported, repeats.
    followed: Option<(String, CommandState, Option<bool>, u32)>,
}

impl State {
    pub fn take_rows(&mut self, live: &Arc<Vec<CommandRow>>) {
        if Arc::ptr_eq(&self.live, live) {
            return;
        }
        if !self.older.is_empty()
            && let Some(oldest) = live.last()
        {
            // Rows that slid out of the snapshot must not leave a gap before the pages read earlier.
            let gone: Vec<_> = self
                .live
                .iter()
                .filter(|row| row.received_at < oldest.received_at)
                .cloned()
                .collect();
            if !gone.is_empty() {
                self.older.insert(0, Arc::new(gone));
            }
        }
        self.live = Arc::clone(live);
        self.shown_is_old = true;
    }

    pub fn take_page(&mut self, page: Option<Arc<Vec<CommandRow>>>) {
        let Some(page) = page else { return };
        if self.asked_before.take().is_none() {
            return;
        }
        if page.is_empty() {
            self.complete = true;
        } else {
            self.older.push(page);
            self.shown_is_old = true;
        }
    }

    pub fn take_detail(&mut self, detail: Option<Arc<CommandDetail>>) {
        let same = match (&self.detail, &detail) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        self.pretty = detail.as_ref().map_or_else(String::new, |detail| {
            serde_json::from_str::<serde_json::Value>(&detail.raw)
                .and_then(|value| serde_json::to_string_pretty(&value))
                .unwrap_or_else(|_| detail.raw.clone())
        });
        self.detail = detail;
    }

    pub fn detail_of(&self, id: &str) -> Option<&Arc<CommandDetail>> {
        self.detail.as_ref().filter(|detail| detail.row.id == id)
    }

    /// Asks for a command's detail, once for each state that it passes through.
    pub fn follow(&mut self, row: &CommandRow, acts: &mut Vec<Act>) {
        let wanted = (row.id.clone(), row.state, row.reported, row.repeats);
        if self.followed.as_ref() != Some(&wanted) {
            self.followed = Some(wanted);
            let id = row.id.clone();
            acts.push(Act::Send(UiCommand::ShowCommand { id }));
        }
    }

    fn total(&self) -> usize {
        self.live.len() + self.older.iter().map(|chunk| chunk.len()).sum::<usize>()
    }

    fn row(&self, (chunk, row): (u32, u32)) -> Option<&CommandRow> {
        let chunk = match chunk {
            0 => &self.live,
            older => self.older.get(older as usize - 1)?,
        };
        chunk.get(row as usize)
    }

    fn refresh(&mut self) {
        if !self.shown_is_old {
            return;
        }
        self.shown_is_old = false;
        self.shown.clear();
        let wanted = self.filter.trim().to_lowercase();
        let chunks = std::iter::once(&self.live).chain(&self.older);
        for (chunk, rows) in chunks.enumerate() {
            for (place, row) in rows.iter().enumerate() {
                if passes(row, &wanted, self.only)
                    && let (Ok(chunk), Ok(place)) = (u32::try_from(chunk), u32::try_from(place))
                {
                    self.shown.push((chunk, place));
                }
            }
        }
    }
}

fn passes(row: &CommandRow, wanted: &str, only: Option<CommandState>) -> bool {
    only.is_none_or(|only| row.state == only)
        && (wanted.is_empty()
            || [&row.name, &row.subject, &row.id, &row.message]
                .into_iter()
                .any(|field| field.to_lowercase().contains(wanted)))
}

/// A command's name, or words for an envelope that had none.
pub fn name<'a>(text: &Text, row: &'a CommandRow) -> &'a str
where
    'static: 'a,
{
    if row.name.is_empty() {
        text.unnamed
    } else {
        &row.name
    }
}

pub fn commands_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, acts: &mut Vec<Act>) {
    if let Some(id) = state.selected.clone() {
        let width = (ui.available_width() * 0.42).clamp(300.0, 560.0);
        let frame = egui::Frame::new().inner_margin(egui::Margin {
            left: 12,
            ..Default::default()
        });
        Panel::right("detail")
            .frame(frame)
            .resizable(true)
            .show_separator_line(false)
            .default_size(width)
            .size_range(280.0..=(ui.available_width() * 0.6).max(280.0))
            .show(ui, |ui| {
                let row = state
                    .live
                    .iter()
                    .chain(state.older.iter().flat_map(|chunk| chunk.iter()))
                    .find(|row| row.id == id)
                    .cloned();
                if let Some(row) = &row {
                    state.follow(row, acts);
                }
                detail_ui(ui, view, state, row.as_ref());
            });
    }
    filter_ui(ui, view, state);
    state.refresh();
    if state.total() == 0 {
        first_step_ui(ui, view, view.text.no_command, acts);
    } else if state.shown.is_empty() {
        empty_state(ui, view.text.no_match, view.text.no_match_hint);
        if !state.complete {
            ui.vertical_centered(|ui| {
                let looked = format::count(state.total() as u64);
                ui.label(muted(ui, fill(view.text.only_loaded, &[&looked])));
                if ui.button(view.text.load_older).clicked() {
                    ask_for_older(state, acts);
                }
            });
        }
    } else {
        keys(ui, state);
        table_card(ui, |ui| table_ui(ui, view, state, acts));
    }
}

fn filter_ui(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let text = view.text;
    ui.horizontal_wrapped(|ui| {
        let edit = egui::TextEdit::singleline(&mut state.filter)
            .id(egui::Id::unique("commands filter"))
            .hint_text(text.filter_commands)
            .desired_width(250.0);
        let response = ui.add(edit);
        let label = text.filter_commands;
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, label));
        if ui.input(|input| input.modifiers.command && input.key_pressed(egui::Key::F)) {
            response.request_focus();
        }
        if response.changed() {
            state.shown_is_old = true;
        }
        let word = state
            .only
            .map_or(text.all_states, |state| text.state(state));
        ui.menu_button(word, |ui| {
            for choice in std::iter::once(None).chain(STATES.map(Some)) {
                let word = choice.map_or(text.all_states, |state| text.state(state));
                if ui.selectable_label(state.only == choice, word).clicked() {
                    state.only = choice;
                    state.shown_is_old = true;
                    ui.close();
                }
            }
        });
        if (!state.filter.is_empty() || state.only.is_some()) && ui.button(text.clear).clicked() {
            state.filter.clear();
            state.only = None;
            state.shown_is_old = true;
        }
        let (shown, total) = (state.shown.len() as u64, state.total() as u64);
        ui.label(muted(
            ui,
            fill(
                text.rows_shown,
                &[&format::count(shown), &format::count(total)],
            ),
        ));
    });
}

/// Up and down move through the table while no text field has the keyboard.
fn keys(ui: &Ui, state: &mut State) {
    if ui.ctx().egui_wants_keyboard_input() {
        return;
    }
    let step = ui.input(|input| {
        i32::from(input.key_pressed(egui::Key::ArrowDown))
            - i32::from(input.key_pressed(egui::Key::ArrowUp))
    });
    if step == 0 {
        return;
    }
    let Some(selected) = &state.selected else {
        return;
    };
    let here = state
        .shown
        .iter()
        .position(|&place| state.row(place).is_some_and(|row| row.id == *selected));
    let next = here.and_then(|here| here.checked_add_signed(step as isize));
    if let Some(row) = next
        .and_then(|next| state.shown.get(next))
        .and_then(|&place| state.row(place))
    {
        let id = row.id.clone();
        state.selected = Some(id);
    }
}

fn table_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, acts: &mut Vec<Act>) {
    let text = view.text;
    let narrow = state.selected.is_some();
    let mut clicked = None;
    let older_row = usize::from(!state.complete);
    let mut load_older = false;
    let rows = state.shown.len();
    let mut table = TableBuilder::new(ui)
        .id_salt(("commands", narrow))
        .striped(true)
        // The mouse may press anywhere in a row; the keyboard and screen readers get one named target a row.
        .sense(Sense::CLICK)
        .auto_shrink(false)
        .animate_scrolling(false)
        .cell_layout(egui::Layout::left_to_right(egui::Align::Center))
        .column(Column::initial(if narrow { 112.0 } else { 118.0 }).clip(true))
        .column(Column::initial(if narrow { 128.0 } else { 160.0 }).clip(true));
    if !narrow {
        table = table
            .column(Column::initial(130.0).at_least(50.0).clip(true))
            .column(Column::initial(92.0).at_least(50.0).clip(true));
    }
    table = table.column(Column::initial(100.0).clip(true));
    if !narrow {
        table = table.column(Column::initial(72.0).at_least(50.0).clip(true));
    }
    let heads: &[&str] = if narrow {
        &[
            text.col_time,
            text.col_command,
            text.col_state,
            text.col_result,
        ]
    } else {
        &[
            text.col_time,
            text.col_command,
            text.col_subject,
            text.col_source,
            text.col_state,
            text.col_duration,
            text.col_result,
        ]
    };
    let shared = &*state;
    table
        .column(Column::remainder().at_least(24.0).clip(true))
        .header(ROW, |mut header| {
            for head in heads {
                header.col(|ui| {
                    ui.label(muted(ui, *head));
                });
            }
        })
        .body(|body| {
            body.rows(ROW, rows + older_row, |mut line| {
                let Some(row) = shared
                    .shown
                    .get(line.index())
                    .and_then(|&place| shared.row(place))
                else {
                    line.col(|ui| {
                        load_older |= ui.button(text.load_older).clicked();
                    });
                    return;
                };
                line.set_selected(shared.selected.as_ref() == Some(&row.id));
                let pressed = row_ui(&mut line, view, row, narrow);
                if pressed || line.response().clicked() {
                    clicked = Some(row.id.clone());
                }
            });
        });
    if let Some(id) = clicked {
        state.selected = Some(id);
    }
    if load_older {
        ask_for_older(state, acts);
    }
}

fn ask_for_older(state: &mut State, acts: &mut Vec<Act>) {
    let oldest = state.older.last().unwrap_or(&state.live).last();
    if let Some(before) = oldest.map(|row| row.received_at) {
        state.asked_before = Some(before);
        acts.push(Act::Send(UiCommand::ShowCommandsBefore { before }));
    }
}

/// Returns whether the row's own button was pressed.
fn row_ui(
    line: &mut egui_extras::TableRow<'_, '_>,
    view: &View<'_>,
    row: &CommandRow,
    narrow: bool,
) -> bool {
    let mut pressed = false;
    line.col(|ui| {
        truncated(
            ui,
            muted(ui, format::moment(row.received_at, view.now, view.zone)),
        );
    });
    line.col(|ui| {
        let text = strong(name(view.text, row), theme::BODY);
        let response = ui.add(egui::Label::new(text).truncate().sense(Sense::click()));
        let label = format!("{} {}", name(view.text, row), row.state.name());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        if response.has_focus() {
            let ring = egui::Stroke::new(2.0, theme::of(ui).focus);
            let place = response.rect.expand(2.0);
            ui.painter()
                .rect_stroke(place, 4.0, ring, egui::StrokeKind::Middle);
        }
        pressed = response.clicked();
    });
    if !narrow {
        line.col(|ui| {
            truncated(ui, RichText::new(&row.subject));
        });
        line.col(|ui| {
            let mut source = row.source.name().to_owned();
            if row.repeats > 0 {
                source = format!("{source} ×{}", row.repeats + 1);
            }
            truncated(ui, muted(ui, source));
        });
    }
    line.col(|ui| {
        chip(ui, row.state.into(), view.text.state(row.state));
    });
    if !narrow {
        line.col(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let took = row
                    .duration_ms
                    .map_or_else(|| "–".to_owned(), format::milliseconds);
                ui.label(muted(ui, took));
            });
        });
    }
    line.col(|ui| {
        truncated(ui, RichText::new(&row.message));
    });
    pressed
}

/// The buttons of the detail's head.
pub(super) fn close_detail_ui(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    if tool_button(ui, view.text.hide_detail).clicked() {
        state.selected = None;
    }
}
