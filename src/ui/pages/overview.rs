//! What a trader looks at first: the last command, what runs, the account, and what needs a person.

use egui::{RichText, ScrollArea, Ui};

use super::{Page, commands};
use crate::core::health::{Leg, Phase};
use crate::core::snapshot::{
    CommandRow, Notice, SELF_TEST, Severity, Snapshot, StrategyState, TerminalMode, UiCommand,
};
use crate::market::Permissions;
use crate::ui::app::Act;
use crate::ui::format;
use crate::ui::text::{Text, fill};
use crate::ui::theme::{self, GRID, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{
    card, chip, empty_state, heading, key_value, muted, strong, timeline, tone_icon, tool_button,
    truncated,
};

pub fn overview_ui(ui: &mut Ui, view: &View<'_>, state: &mut commands::State, acts: &mut Vec<Act>) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let right = (ui.available_width() * 0.36).clamp(260.0, 420.0);
        let left = ui.available_width() - right - 3.0 * GRID;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 3.0 * GRID;
            column(ui, left, |ui| {
                last_command_ui(ui, view, state, acts);
                running_ui(ui, view, acts);
            });
            column(ui, right, |ui| {
                needs_ui(ui, view, acts);
                account_ui(ui, view);
                counts_ui(ui, view);
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

/// What to do when nothing has happened yet.
fn first_step(text: &Text, snapshot: &Snapshot) -> String {
    match &snapshot.practice_page {
        Some(page) => fill(text.no_command_practice, &[page]),
        None if snapshot.settings.problem.is_some() => text.no_command_setup.to_owned(),
        None => text.no_command_live.to_owned(),
    }
}

/// The button that does it.
pub fn first_step_ui(ui: &mut Ui, view: &View<'_>, title: &str, acts: &mut Vec<Act>) {
    empty_state(ui, title, &first_step(view.text, view.snapshot));
    ui.vertical_centered(|ui| {
        if let Some(page) = &view.snapshot.practice_page {
            if tool_button(ui, view.text.open_practice).clicked() {
                ui.ctx().open_url(egui::OpenUrl::new_tab(page));
            }
        } else if view.snapshot.settings.problem.is_some()
            && tool_button(ui, view.text.open_settings).clicked()
        {
            acts.push(Act::Go(Page::Settings));
        }
    });
}

fn last_command_ui(ui: &mut Ui, view: &View<'_>, state: &mut commands::State, acts: &mut Vec<Act>) {
    let text = view.text;
    card(ui, |ui| {
        let Some(row) = view.snapshot.commands.first() else {
            heading(ui, text.last_command);
            first_step_ui(ui, view, text.no_command, acts);
            return;
        };
        ui.horizontal(|ui| {
            heading(ui, text.last_command);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if tool_button(ui, text.all_commands).clicked() {
                    acts.push(Act::Go(Page::Commands));
                }
            });
        });
        state.follow(row, acts);
        command_head_ui(ui, view, row);
        if let Some(detail) = state.detail_of(&row.id) {
            ui.add_space(GRID);
            timeline(ui, &detail.timeline, view.zone);
        }
        if let Some(page) = &view.snapshot.practice_page {
            ui.add_space(GRID);
            ui.separator();
            ui.horizontal_wrapped(|ui| {
                ui.label(muted(ui, fill(text.practice_again, &[page])));
                if ui.link(text.open_practice).clicked() {
                    ui.ctx().open_url(egui::OpenUrl::new_tab(page));
                }
            });
        }
    });
}

fn command_head_ui(ui: &mut Ui, view: &View<'_>, row: &CommandRow) {
    ui.horizontal_wrapped(|ui| {
        chip(ui, row.state.into(), view.text.state(row.state));
        ui.label(strong(commands::name(view.text, row), theme::TITLE));
        // An empty label breaks the line over what stands before it.
        if !row.subject.is_empty() {
            ui.label(RichText::new(&row.subject).size(theme::TITLE));
        }
        ui.label(muted(
            ui,
            format!(
                "{} · {}",
                format::moment(row.received_at, view.now, view.zone),
                row.source.name()
            ),
        ));
    });
    if !row.message.is_empty() {
        ui.label(&row.message);
    }
}

fn running_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    let text = view.text;
    card(ui, |ui| {
        ui.horizontal(|ui| {
            heading(ui, text.running_now);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if tool_button(ui, text.all_strategies).clicked() {
                    acts.push(Act::Go(Page::Strategies));
                }
            });
        });
        let running = view
            .snapshot
            .strategies
            .iter()
            .filter(|row| row.state == StrategyState::Running);
        let mut any = false;
        for row in running {
            if any {
                ui.separator();
            }
            any = true;
            ui.horizontal(|ui| {
                let frame = row.timeframe.map_or("", |frame| frame.name());
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.label(profit_text(ui, row.profit));
                    ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                        ui.label(strong(&row.name, theme::BODY));
                        truncated(ui, muted(ui, format!("{} {frame}", row.symbol)));
                    });
                });
            });
            ui.label(muted(ui, &row.sentence));
        }
        if !any {
            empty_state(ui, text.nothing_runs, &first_step(text, view.snapshot));
        }
    });
}

/// A profit: signed, and coloured by its sign.
pub fn profit_text(ui: &Ui, amount: rust_decimal::Decimal) -> RichText {
    let tokens = theme::of(ui);
    let color = if amount.is_zero() {
        tokens.muted
    } else if amount.is_sign_negative() {
        tokens.bad
    } else {
        tokens.good
    };
    strong(format::profit(amount), theme::BODY).color(color)
}

/// What somebody must change, as long as it stands: its name, why, and what to do. It cannot be dismissed.
fn standing_needs(view: &View<'_>) -> Vec<(String, String, &'static str)> {
    let text = view.text;
    let snapshot = view.snapshot;
    let mut needs = Vec::new();
    if let Some(problem) = &snapshot.settings.problem {
        let title = text.nav_settings.to_owned();
        needs.push((title, problem.clone(), text.remedy_settings));
    }
    let paper = snapshot.mode == TerminalMode::Paper;
    let failed = |leg| snapshot.link(leg).phase == Phase::Failed;
    for leg in Leg::ALL.into_iter().filter(|leg| failed(*leg)) {
        // Nothing is wrong with the channel itself while there is no Pusher.
        if leg == Leg::Channel && failed(Leg::Pusher) {
            continue;
        }
        let title = format!("{}: {}", text.leg(leg, paper), text.light_failed);
        let why = snapshot.link(leg).detail.clone();
        needs.push((title, why, text.remedy(leg)));
    }
    if let Some(missing) = snapshot.permissions.and_then(Permissions::missing) {
        let title = text.leg(Leg::Terminal, paper).to_owned();
        needs.push((title, missing.to_owned(), ""));
    }
    needs
}

fn needs_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    let text = view.text;
    card(ui, |ui| {
        heading(ui, text.needs_you);
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.y = GRID;
        let waiting = view
            .snapshot
            .strategies
            .iter()
            .filter(|row| row.needs_direction);
        let mut any = false;
        for (title, why, remedy) in standing_needs(view) {
            any = true;
            ui.horizontal_top(|ui| {
                tone_icon(ui, Tone::Bad, 14.0);
                ui.vertical(|ui| {
                    ui.label(strong(title, theme::BODY));
                    ui.label(why);
                    if !remedy.is_empty() {
                        ui.label(muted(ui, remedy));
                    }
                });
            });
        }
        for row in waiting {
            any = true;
            ui.horizontal_top(|ui| {
                tone_icon(ui, Tone::Warn, 14.0);
                ui.vertical(|ui| {
                    ui.label(strong(&row.name, theme::BODY));
                    ui.label(muted(ui, text.choose_direction));
                    if tool_button(ui, text.all_strategies).clicked() {
                        acts.push(Act::Go(Page::Strategies));
                    }
                });
            });
        }
        // A self-test that passed stands on its own page; nobody is needed for it.
        let passed = |notice: &Notice| notice.key == SELF_TEST && notice.severity == Severity::Info;
        for notice in view.snapshot.notices.iter().filter(|one| !passed(one)) {
            any = true;
            notice_ui(ui, view, notice, Some(acts));
        }
        if !any {
            ui.horizontal(|ui| {
                tone_icon(ui, Tone::Good, 14.0);
                ui.label(text.nothing_needed);
            });
            ui.label(muted(ui, text.nothing_needed_hint));
        }
    });
}

/// A notice with what to do about it. It can be dismissed where `acts` are given, unless it tells of an order in doubt.
pub fn notice_ui(ui: &mut Ui, view: &View<'_>, notice: &Notice, acts: Option<&mut Vec<Act>>) {
    ui.horizontal_top(|ui| {
        tone_icon(ui, notice.severity.into(), 14.0);
        ui.vertical(|ui| {
            ui.label(&notice.text);
            if !notice.remedy.is_empty() {
                ui.label(muted(ui, &notice.remedy));
            }
            ui.horizontal(|ui| {
                let at = format::moment(notice.at, view.now, view.zone);
                ui.label(muted(ui, at));
                if let Some(acts) = acts.filter(|_| !notice.is_doubt())
                    && ui.small_button(view.text.dismiss).clicked()
                {
                    acts.push(Act::Send(UiCommand::DismissNotice {
                        key: notice.key.clone(),
                    }));
                }
            });
        });
    });
}

fn account_ui(ui: &mut Ui, view: &View<'_>) {
    let text = view.text;
    card(ui, |ui| {
        heading(ui, text.account);
        let Some(account) = &view.snapshot.account else {
            empty_state(ui, text.no_account, text.no_account_hint);
            return;
        };
        let tokens = theme::of(ui);
        ui.horizontal_wrapped(|ui| {
            ui.label(muted(ui, account.id().masked()));
            if account.demo {
                ui.label(muted(ui, text.demo));
            } else {
                ui.label(strong(text.live, theme::SMALL).color(tokens.bad));
            }
        });
        let money =
            |amount| RichText::new(format!("{} {}", format::money(amount), account.currency));
        ui.label(strong(
            format!("{} {}", format::money(account.equity), account.currency),
            24.0,
        ));
        ui.label(muted(ui, text.equity));
        ui.add_space(GRID);
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.spacing_mut().interact_size.y = 22.0;
        key_value(ui, text.balance, money(account.balance));
        let floating = profit_text(ui, account.equity - account.balance);
        key_value(ui, text.floating, floating);
        key_value(ui, text.margin, money(account.margin));
        key_value(ui, text.free_margin, money(account.margin_free));
        if !account.margin.is_zero() {
            let level = account.equity / account.margin * rust_decimal::Decimal::ONE_HUNDRED;
            key_value(
                ui,
                text.margin_level,
                RichText::new(format!("{level:.0} %")),
            );
        }
    });
}

fn counts_ui(ui: &mut Ui, view: &View<'_>) {
    let counts = view.snapshot.counts;
    card(ui, |ui| {
        heading(ui, view.text.today);
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.y = GRID;
        for (word, number) in [
            (view.text.command_received, counts.received),
            (view.text.command_executed, counts.executed),
            (view.text.command_failed, counts.failed),
            (view.text.command_refused, counts.refused),
            (view.text.command_expired, counts.expired),
        ] {
            key_value(ui, word, RichText::new(format::count(number)));
        }
    });
}
