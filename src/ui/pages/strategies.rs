//! Each strategy in one plain sentence, what it decided last, and what the trader may tell it.

use egui::{Align, Layout, RichText, ScrollArea, Ui};

use super::overview::{first_step_ui, profit_text};
use crate::core::Decided;
use crate::core::snapshot::{StrategyRow, StrategyState, UiCommand};
use crate::market::Side;
use crate::ui::app::{Act, Ask};
use crate::ui::text::{Text, fill};
use crate::ui::theme::{self, GRID, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{
    card, chip, key_value, muted, primary_button, strong, tool_button, truncated,
};
use crate::ui::{format, icons};

#[derive(Default)]
pub struct State {
    /// The direction that was pressed once and waits for its second click.
    choosing: Option<(String, Option<Side>)>,
}

pub fn strategies_ui(ui: &mut Ui, view: &View<'_>, state: &mut State, acts: &mut Vec<Act>) {
    if view.snapshot.strategies.is_empty() {
        card(ui, |ui| {
            first_step_ui(ui, view, view.text.strategies_empty, acts);
        });
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for row in &view.snapshot.strategies {
            ui.push_id(&row.id, |ui| {
                card(ui, |ui| strategy_ui(ui, view, row, state, acts));
            });
            ui.add_space(GRID);
        }
    });
}

fn state_of(text: &Text, state: StrategyState) -> (Tone, &'static str) {
    match state {
        StrategyState::Running => (Tone::Good, text.state_running),
        StrategyState::Paused => (Tone::Warn, text.state_paused),
        StrategyState::Stopped => (Tone::Neutral, text.state_stopped),
        StrategyState::Refused => (Tone::Bad, text.state_refused),
    }
}

fn strategy_ui(
    ui: &mut Ui,
    view: &View<'_>,
    row: &StrategyRow,
    state: &mut State,
    acts: &mut Vec<Act>,
) {
    let text = view.text;
    let (tone, word) = state_of(text, row.state);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            buttons_ui(ui, text, row, acts);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                chip(ui, tone, word);
                let frame = row.timeframe.map_or("", |frame| frame.name());
                ui.label(muted(ui, format!("{} {frame}", row.symbol)));
                truncated(ui, strong(&row.name, theme::TITLE));
            });
        });
    });
    ui.label(RichText::new(&row.sentence));
    if row.needs_reading {
        reading_ui(ui, text, row, acts);
    } else if row.averages {
        ui.horizontal_wrapped(|ui| {
            ui.label(muted(ui, text.averages_chosen));
            if ui.small_button(text.averages_take_back).clicked() {
                acts.push(Act::Send(UiCommand::ReadNumbersAsAverages {
                    id: row.id.clone(),
                    on: false,
                }));
            }
        });
    }
    if row.needs_direction {
        direction_ui(ui, text, row, state, acts);
    } else if let Some(side) = row.direction {
        ui.label(muted(ui, fill(text.direction_is, &[side.name()])));
    }
    let (have, need) = row.warmup;
    if have < need && row.state == StrategyState::Running {
        ui.label(muted(
            ui,
            fill(text.warmup, &[&have.to_string(), &need.to_string()]),
        ));
        let part = have as f32 / need.max(1) as f32;
        ui.add(
            egui::ProgressBar::new(part)
                .desired_height(6.0)
                .fill(theme::of(ui).accent),
        );
    }
    if !row.skipped.is_empty() {
        let skipped = fill(text.skipped, &[&row.skipped.join(", ")]);
        ui.label(RichText::new(skipped).color(theme::of(ui).warn));
    }
    ui.separator();
    let decided = if row.last_decision.is_empty() {
        text.no_decision
    } else {
        &row.last_decision
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(muted(ui, text.last_decision));
        ui.label(decided);
    });
    if let Some(decided) = row
        .decided
        .as_ref()
        .filter(|one| !one.conditions.is_empty())
    {
        why_ui(ui, view, decided);
    }
    shadow_ui(ui, text, row, acts);
    let profit = profit_text(ui, row.profit);
    let open = match row.positions {
        1 => text.open_position_one.to_owned(),
        number => fill(text.open_positions, &[&number.to_string()]),
    };
    key_value(ui, &open, profit);
}

fn buttons_ui(ui: &mut Ui, text: &Text, row: &StrategyRow, acts: &mut Vec<Act>) {
    let id = || row.id.clone();
    match row.state {
        StrategyState::Running => {
            if tool_button(ui, text.stop_one).clicked() {
                acts.push(Act::Ask(Ask::StopStrategy(id())));
            }
            if tool_button(ui, text.pause_one).clicked() {
                acts.push(Act::Send(UiCommand::PauseStrategy { id: id() }));
            }
        }
        StrategyState::Paused => {
            if tool_button(ui, text.stop_one).clicked() {
                acts.push(Act::Ask(Ask::StopStrategy(id())));
            }
            if tool_button(ui, text.resume_one).clicked() {
                acts.push(Act::Send(UiCommand::ResumeStrategy { id: id() }));
            }
        }
        StrategyState::Stopped | StrategyState::Refused => {}
    }
}

/// Every condition and filter of the last closed bar, with the values that were compared.
fn why_ui(ui: &mut Ui, view: &View<'_>, decided: &Decided) {
    let text = view.text;
    let bar = format::moment(decided.bar, view.now, view.zone);
    egui::CollapsingHeader::new(fill(text.why_title, &[&bar]))
        .id_salt("why")
        .show(ui, |ui| {
            let missing = decided.only_missing();
            let mut group = None;
            for (at, condition) in decided.conditions.iter().enumerate() {
                let own = (condition.side, condition.alternative);
                if group != Some(own) {
                    group = Some(own);
                    let number = (condition.alternative + 1).to_string();
                    let heading = fill(text.why_alternative, &[condition.side.name(), &number]);
                    ui.label(muted(ui, heading));
                }
                let tone = match condition.value {
                    Some(true) => Tone::Good,
                    Some(false) => Tone::Neutral,
                    None => Tone::Warn,
                };
                let mut words = condition.text.to_string();
                if let (Some(left), Some(right)) = (condition.left, condition.right) {
                    words.push_str(&format!("  ({} · {})", short(left), short(right)));
                }
                finding_ui(
                    ui,
                    tone,
                    &words,
                    missing.contains(&at).then_some(text.why_only),
                );
            }
            for filter in &decided.filters {
                let tone = if filter.passes { Tone::Good } else { Tone::Bad };
                finding_ui(ui, tone, &filter.text, None);
            }
        });
}

fn finding_ui(ui: &mut Ui, tone: Tone, words: &str, remark: Option<&str>) {
    ui.horizontal_wrapped(|ui| {
        let tokens = theme::of(ui);
        let (rect, _) = ui.allocate_exact_size(egui::vec2(14.0, 14.0), egui::Sense::empty());
        icons::paint_tone(
            ui.painter(),
            tone,
            rect.center(),
            12.0,
            tokens.tone(tone),
            tokens.card,
        );
        ui.label(words);
        if let Some(remark) = remark {
            ui.label(RichText::new(remark).color(tokens.warn));
        }
    });
}

/// Enough figures to see how far apart two values are.
fn short(number: f64) -> String {
    let digits = if number.abs() >= 1_000.0 { 2 } else { 5 };
    let shown = format!("{number:.digits$}");
    shown.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Everything but the order: what it would have done, and the switch.
fn shadow_ui(ui: &mut Ui, text: &Text, row: &StrategyRow, acts: &mut Vec<Act>) {
    if row.state == StrategyState::Refused {
        return;
    }
    let mut on = row.shadow.is_some();
    ui.horizontal_wrapped(|ui| {
        if ui
            .checkbox(&mut on, text.shadow)
            .on_hover_text(text.shadow_help)
            .changed()
        {
            acts.push(Act::Send(UiCommand::SetShadow {
                id: row.id.clone(),
                on,
            }));
        }
        if let Some((trades, profit)) = row.shadow {
            let trades = trades.to_string();
            ui.label(muted(
                ui,
                fill(text.shadow_so_far, &[&trades, &profit.to_string()]),
            ));
        }
    });
}

/// What a bare number beside a moving average means; the activation on the platform is the second click.
fn reading_ui(ui: &mut Ui, text: &Text, row: &StrategyRow, acts: &mut Vec<Act>) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .fill(tokens.warn_ground)
        .corner_radius(theme::RADIUS)
        .inner_margin(10)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(text.choose_reading);
            if tool_button(ui, text.read_as_averages).clicked() {
                acts.push(Act::Send(UiCommand::ReadNumbersAsAverages {
                    id: row.id.clone(),
                    on: true,
                }));
            }
        });
}

/// Two clicks: the first says which way, the second that it is meant.
fn direction_ui(
    ui: &mut Ui,
    text: &Text,
    row: &StrategyRow,
    state: &mut State,
    acts: &mut Vec<Act>,
) {
    let tokens = theme::of(ui);
    egui::Frame::new()
        .fill(tokens.warn_ground)
        .corner_radius(theme::RADIUS)
        .inner_margin(10)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            let chosen = match &state.choosing {
                Some((id, side)) if *id == row.id => Some(*side),
                _ => None,
            };
            let Some(side) = chosen else {
                ui.label(text.choose_direction);
                ui.horizontal_wrapped(|ui| {
                    let choices = [
                        (text.choose_buy, Some(Side::Buy)),
                        (text.choose_sell, Some(Side::Sell)),
                        (text.choose_refuse, None),
                    ];
                    for (word, side) in choices {
                        if tool_button(ui, word).clicked() {
                            state.choosing = Some((row.id.clone(), side));
                        }
                    }
                });
                return;
            };
            let (question, yes) = match side {
                Some(Side::Buy) => (
                    fill(text.confirm_direction, &[&row.name, text.word_buy]),
                    text.yes_allow,
                ),
                Some(Side::Sell) => (
                    fill(text.confirm_direction, &[&row.name, text.word_sell]),
                    text.yes_allow,
                ),
                None => (fill(text.confirm_refuse, &[&row.name]), text.yes_refuse),
            };
            ui.label(strong(question, theme::BODY));
            ui.horizontal_wrapped(|ui| {
                if tool_button(ui, text.cancel).clicked() {
                    state.choosing = None;
                }
                if primary_button(ui, yes, true).clicked() {
                    state.choosing = None;
                    acts.push(Act::Send(UiCommand::ChooseDirection {
                        id: row.id.clone(),
                        side,
                    }));
                }
            });
        });
}
