//! The program's log in MetaTrader's three columns. A ring of the latest lines; the files have the rest.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use egui::{RichText, Role, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};

use crate::ui::format;
use crate::ui::links::{LogLevel, LogLine};
use crate::ui::text::fill;
use crate::ui::theme::{self, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{empty_state, muted, table_card, tone_icon, tool_button, truncated};

/// Lines kept for the window.
pub const RING: usize = 5_000;
const LINE: f32 = 22.0;

pub struct State {
    lines: VecDeque<Arc<LogLine>>,
    /// How many lines ever came; the number of the line after the last one.
    end: u64,
    filter: String,
    level: LogLevel,
    /// Set while paused: lines from this number on are held back.
    paused_at: Option<u64>,
    pub lost: u64,
    shown: Vec<u64>,
    shown_for: Option<(u64, u64)>,
}

impl State {
    pub fn new(recent: Vec<Arc<LogLine>>) -> Self {
        let mut state = Self {
            lines: VecDeque::new(),
            end: 0,
            filter: String::new(),
            level: LogLevel::Info,
            paused_at: None,
            lost: 0,
            shown: Vec::new(),
            shown_for: None,
        };
        for line in recent {
            state.push(line);
        }
        state
    }

    pub fn push(&mut self, line: Arc<LogLine>) {
        if self.lines.len() == RING {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.end += 1;
    }

    fn first(&self) -> u64 {
        self.end - self.lines.len() as u64
    }

    fn line(&self, number: u64) -> Option<&Arc<LogLine>> {
        let place = number.checked_sub(self.first())?;
        self.lines.get(usize::try_from(place).ok()?)
    }

    fn refresh(&mut self) {
        let end = self.paused_at.unwrap_or(self.end);
        let wanted = (self.first(), end);
        if self.shown_for == Some(wanted) {
            return;
        }
        self.shown_for = Some(wanted);
        let text = self.filter.trim().to_lowercase();
        self.shown = (self.first()..end)
            .filter(|&number| {
                self.line(number).is_some_and(|line| {
                    line.level >= self.level
                        && (text.is_empty()
                            || line.text.to_lowercase().contains(&text)
                            || line.source.to_lowercase().contains(&text))
                })
            })
            .collect();
    }

    const fn filter_changed(&mut self) {
        self.shown_for = None;
    }
}

pub fn journal_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, log_dir: &Path) {
    let text = view.text;
    tools_ui(ui, view, state, log_dir);
    if state.lost > 0 {
        let lost = format::count(state.lost);
        ui.label(RichText::new(fill(text.lines_lost, &[&lost])).color(theme::of(ui).warn));
    }
    state.refresh();
    if state.lines.is_empty() {
        empty_state(ui, text.journal_empty, text.journal_empty_hint);
    } else if state.shown.is_empty() {
        empty_state(ui, text.no_match, text.no_match_hint);
    } else {
        table_card(ui, |ui| table_ui(ui, view, state));
    }
}

fn tools_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, log_dir: &Path) {
    let text = view.text;
    ui.horizontal_wrapped(|ui| {
        let edit = egui::TextEdit::singleline(&mut state.filter)
            .id(egui::Id::unique("journal filter"))
            .hint_text(text.filter_journal)
            .desired_width(220.0);
        let response = ui.add(edit);
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, text.filter_journal));
        if ui.input(|input| input.modifiers.command && input.key_pressed(egui::Key::F)) {
            response.request_focus();
        }
        if response.changed() {
            state.filter_changed();
        }
        let levels = [
            (LogLevel::Debug, text.level_all),
            (LogLevel::Info, text.level_info),
            (LogLevel::Warning, text.level_warning),
            (LogLevel::Error, text.level_error),
        ];
        let current = levels.iter().find(|(level, _)| *level == state.level);
        ui.menu_button(current.map_or("", |(_, word)| word), |ui| {
            for (level, word) in levels {
                if ui.selectable_label(state.level == level, word).clicked() {
                    state.level = level;
                    state.filter_changed();
                    ui.close();
                }
            }
        });
        match state.paused_at {
            None => {
                if tool_button(ui, text.pause_log).clicked() {
                    state.paused_at = Some(state.end);
                }
            }
            Some(at) => {
                if tool_button(ui, text.follow).clicked() {
                    state.paused_at = None;
                }
                let held = format::count(state.end - at);
                ui.label(muted(ui, fill(text.new_lines, &[&held])));
            }
        }
        if tool_button(ui, text.copy_lines).clicked() {
            ui.ctx().copy_text(as_text(state, view));
        }
        if tool_button(ui, text.open_folder).clicked() {
            open_folder(log_dir);
        }
    });
}

fn as_text(state: &State, view: &View<'_>) -> String {
    let lines = state.shown.iter().filter_map(|&number| state.line(number));
    lines
        .map(|line| {
            let at = format::clock_ms(line.at, view.zone);
            format!("{at}\t{:?}\t{}\t{}\n", line.level, line.source, line.text)
        })
        .collect()
}

const fn tone(level: LogLevel) -> Tone {
    match level {
        LogLevel::Debug => Tone::Neutral,
        LogLevel::Info => Tone::Info,
        LogLevel::Warning => Tone::Warn,
        LogLevel::Error => Tone::Bad,
    }
}

fn table_ui(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let text = view.text;
    let shown = &*state;
    let output = TableBuilder::new(ui)
        .id_salt("journal")
        .striped(true)
        .auto_shrink(false)
        .animate_scrolling(false)
        .stick_to_bottom(state.paused_at.is_none())
        .cell_layout(egui::Layout::left_to_right(egui::Align::Center))
        .column(Column::initial(124.0).at_least(90.0).clip(true))
        .column(Column::initial(92.0).at_least(60.0).clip(true))
        .column(Column::remainder().at_least(120.0).clip(true))
        .header(LINE, |mut header| {
            for head in [text.col_time, text.col_source, text.col_message] {
                header.col(|ui| {
                    ui.label(muted(ui, head));
                });
            }
        })
        .body(|body| {
            body.rows(LINE, shown.shown.len(), |mut row| {
                let Some(line) = shown
                    .shown
                    .get(row.index())
                    .and_then(|&number| shown.line(number))
                else {
                    return;
                };
                row.col(|ui| {
                    tone_icon(ui, tone(line.level), 12.0);
                    truncated(ui, muted(ui, format::clock_ms(line.at, view.zone)));
                });
                row.col(|ui| {
                    truncated(ui, muted(ui, &line.source));
                });
                row.col(|ui| {
                    let color = match line.level {
                        LogLevel::Error => theme::of(ui).bad,
                        LogLevel::Warning => theme::of(ui).warn,
                        LogLevel::Info | LogLevel::Debug => theme::of(ui).text,
                    };
                    truncated(ui, RichText::new(&line.text).color(color));
                });
            });
        });
    let hovered = ui.rect_contains_pointer(output.inner_rect);
    let scrolled_up = ui.input(|input| input.smooth_scroll_delta().y) > 0.0;
    if hovered
        && scrolled_up
        && state.paused_at.is_none()
        && output.content_size.y > output.inner_rect.height()
    {
        state.paused_at = Some(state.end);
    }
}

/// Hands the folder to the desktop's file manager and does not wait for it.
fn open_folder(folder: &Path) {
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = std::process::Command::new(program);
    command.arg(folder);
    let started = std::thread::Builder::new()
        .name("open-folder".to_owned())
        .spawn(move || {
            let reason = match command.status() {
                // Windows' explorer answers 1 although it opened the folder.
                Ok(status) if status.success() || cfg!(windows) => return,
                Ok(status) => format!("{program} ended with {status}"),
                Err(error) => format!("{program}: {error}"),
            };
            let folder = command.get_args().next().unwrap_or_default();
            tracing::warn!(target: "window", "The log folder {} could not be opened: {reason}", folder.display());
        });
    if let Err(error) = started {
        tracing::warn!(target: "window", "The log folder could not be opened: {error}");
    }
}
