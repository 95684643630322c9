//! The parts around the page: header with the stop button, navigation, status bar, and the one open question.

use egui::{
    Align, Frame, Layout, Margin, Panel, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2,
    vec2,
};

use super::app::{Act, Ask};
use super::format;
use super::icons::{self, Icon};
use super::pages::Page;
use super::text::fill;
use super::theme::{self, GRID, ThemeChoice};
use super::view::View;
use super::widgets::{
    Answer, Question, badge_button, confirm, muted, strong, tool_button, truncated,
};
use crate::core::snapshot::{Trading, UiCommand};
use crate::settings::CloseButton;

fn chrome(ui: &Ui, margin: Margin) -> Frame {
    Frame::new().fill(theme::of(ui).chrome).inner_margin(margin)
}

pub fn header_ui(ui: &mut Ui, view: &View<'_>, choice: ThemeChoice, acts: &mut Vec<Act>) {
    let tokens = theme::of(ui);
    let text = view.text;
    let frame = chrome(ui, Margin::symmetric(14, 8));
    Panel::top("header")
        .frame(frame)
        .exact_size(56.0)
        .show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let colors = [tokens.stop, tokens.stop_hover, tokens.on_stop];
                    if badge_button(ui, Icon::Stop, text.stop_everything, colors)
                        .on_hover_text("Ctrl+Shift+S")
                        .clicked()
                    {
                        acts.push(Act::Ask(Ask::Stop));
                    }
                    match view.snapshot.trading {
                        Trading::On => {
                            if tool_button(ui, text.pause).clicked() {
                                acts.push(Act::Send(UiCommand::PauseTrading));
                            }
                        }
                        Trading::Paused { .. } => {
                            if tool_button(ui, text.resume).clicked() {
                                acts.push(Act::Send(UiCommand::ResumeTrading));
                            }
                        }
                        Trading::Stopped { .. } | Trading::Blocked { .. } => {}
                    }
                    theme_menu_ui(ui, view, choice, acts);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        title_ui(ui, view);
                    });
                });
            });
        });
}

fn title_ui(ui: &mut Ui, view: &View<'_>) {
    let tokens = theme::of(ui);
    let (mark, _) = ui.allocate_exact_size(vec2(32.0, 32.0), Sense::empty());
    icons::paint_mark(ui.painter(), mark, theme::MARK.0, theme::MARK.1);
    ui.add_space(GRID);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(3.0);
        truncated(ui, strong(view.text.app, theme::TITLE).color(tokens.text));
        let snapshot = view.snapshot;
        let name = match (&snapshot.executor_name, &snapshot.executor_id) {
            (Some(name), Some(id)) => format!("{name} · {id}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => view.text.not_named.to_owned(),
        };
        truncated(ui, muted(ui, name));
    });
}

fn theme_menu_ui(ui: &mut Ui, view: &View<'_>, choice: ThemeChoice, acts: &mut Vec<Act>) {
    let word = |choice| match choice {
        ThemeChoice::System => view.text.theme_system,
        ThemeChoice::Dark => view.text.theme_dark,
        ThemeChoice::Light => view.text.theme_light,
    };
    ui.menu_button(word(choice), |ui| {
        for one in ThemeChoice::ALL {
            if ui.selectable_label(one == choice, word(one)).clicked() {
                acts.push(Act::Theme(one));
                ui.close();
            }
        }
    });
}

pub fn rail_ui(ui: &mut Ui, view: &View<'_>, page: Page, acts: &mut Vec<Act>) {
    let frame = chrome(ui, Margin::symmetric(8, 10));
    Panel::left("rail")
        .frame(frame)
        .resizable(false)
        .exact_size(168.0)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = GRID;
            // A low window gets lower entries; a still lower one scrolls.
            let share = ui.available_height() / Page::ALL.len() as f32 - GRID;
            let height = share.floor().clamp(20.0, 36.0);
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                for (place, one) in Page::ALL.into_iter().enumerate() {
                    if rail_item(ui, view, one, height, one == page, place + 1) {
                        acts.push(Act::Go(one));
                    }
                }
            });
        });
}

fn rail_item(
    ui: &mut Ui,
    view: &View<'_>,
    page: Page,
    height: f32,
    current: bool,
    key: usize,
) -> bool {
    let tokens = theme::of(ui);
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let ink = if current { tokens.text } else { tokens.muted };
    if current {
        ui.painter().rect_filled(rect, 6.0, tokens.selection);
        let bar = egui::Rect::from_min_max(
            rect.min + vec2(0.0, height / 4.5),
            pos2(rect.left() + 3.0, rect.bottom() - height / 4.5),
        );
        ui.painter().rect_filled(bar, 1.5, tokens.accent);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 6.0, tokens.raised);
    }
    if response.has_focus() {
        let ring = egui::Stroke::new(2.0, tokens.focus);
        ui.painter()
            .rect_stroke(rect, 6.0, ring, egui::StrokeKind::Inside);
    }
    icons::paint(
        ui.painter(),
        page.icon(),
        pos2(rect.left() + 22.0, rect.center().y),
        15.0,
        ink,
    );
    let label = page.name(view.text);
    let font = if current {
        theme::strong(theme::BODY)
    } else {
        theme::regular(theme::BODY)
    };
    let at = pos2(rect.left() + 40.0, rect.center().y);
    ui.painter()
        .text(at, egui::Align2::LEFT_CENTER, label, font, ink);
    if let Some(number) = page.badge(view.snapshot) {
        let at = pos2(rect.right() - 10.0, rect.center().y);
        ui.painter().text(
            at,
            egui::Align2::RIGHT_CENTER,
            format::short_count(number),
            theme::strong(theme::SMALL),
            tokens.muted,
        );
    }
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, current, label));
    response.on_hover_text(format!("Ctrl+{key}")).clicked()
}

pub fn status_ui(
    ui: &mut Ui,
    view: &View<'_>,
    waiting: usize,
    engine_gone: bool,
    held_awake: bool,
) {
    let tokens = theme::of(ui);
    let text = view.text;
    let snapshot = view.snapshot;
    let frame = chrome(ui, Margin::symmetric(14, 4));
    Panel::bottom("status")
        .frame(frame)
        .exact_size(28.0)
        .show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0 * GRID;
                ui.label(muted(ui, concat!("v", env!("CARGO_PKG_VERSION"))));
                let utc = format::clock(view.now, &jiff::tz::TimeZone::UTC);
                ui.label(muted(ui, fill(text.utc_time, &[&utc])));
                if let Some(market) = snapshot.market_time {
                    let time = market.to_zoned_datetime(jiff::tz::TimeZone::UTC);
                    let time = time.strftime("%a %d %b %H:%M:%S").to_string();
                    ui.label(muted(ui, fill(text.market_time, &[&time])));
                }
                if held_awake {
                    ui.label(muted(ui, text.held_awake));
                }
                let warn = |ui: &mut Ui, text: String| {
                    truncated(
                        ui,
                        RichText::new(text).size(theme::SMALL).color(tokens.warn),
                    );
                };
                if engine_gone {
                    warn(ui, text.engine_gone.to_owned());
                } else if waiting > 0 {
                    warn(ui, fill(text.busy, &[&waiting.to_string()]));
                }
                if let Some(offset) = snapshot
                    .clock_offset_ms
                    .filter(|ms| ms.unsigned_abs() > 2_000)
                {
                    let by = format::milliseconds(offset.unsigned_abs());
                    warn(ui, fill(text.clock_off, &[&by]));
                }
                if snapshot.counts.unreported > 0 {
                    let number = format::count(snapshot.counts.unreported);
                    let line = match snapshot.counts.unreported {
                        1 => text.unreported_one.to_owned(),
                        _ => fill(text.unreported, &[&number]),
                    };
                    warn(ui, line);
                }
            });
        });
}

pub fn question_ui(ui: &Ui, view: &View<'_>, asking: &mut Option<Ask>, acts: &mut Vec<Act>) {
    let Some(ask) = asking.clone() else { return };
    let text = view.text;
    let snapshot = view.snapshot;
    let (title, body, choices): (String, String, Vec<&str>) = match &ask {
        Ask::Stop => {
            let orders = snapshot
                .orders
                .iter()
                .filter(|order| order.is_own())
                .count();
            let positions = snapshot.positions.iter().filter(|row| row.own).count();
            let body = fill(
                text.stop_body,
                &[&orders.to_string(), &positions.to_string()],
            );
            (text.stop_title.to_owned(), body, vec![text.stop_confirm])
        }
        Ask::Lift => {
            let reason = match &snapshot.trading {
                Trading::Stopped { reason, .. } => reason.as_str(),
                _ => "–",
            };
            (
                text.lift_title.to_owned(),
                fill(text.lift_body, &[reason]),
                vec![text.lift_confirm],
            )
        }
        Ask::Close(ticket) => {
            let row = snapshot
                .positions
                .iter()
                .find(|row| row.position.ticket == *ticket && row.own);
            let Some(row) = row else {
                // It was closed meanwhile, or nothing of it is ours any more: there is nothing left to ask.
                *asking = None;
                return;
            };
            let position = &row.position;
            let mut body = fill(
                text.close_body,
                &[
                    position.side.name(),
                    &position.volume.to_string(),
                    &position.symbol,
                    &format::profit(position.profit),
                ],
            );
            if let Some(part) = row.part {
                body = fill(
                    text.close_part,
                    &[
                        &part.to_string(),
                        &position.volume.to_string(),
                        &position.symbol,
                    ],
                );
            }
            (
                fill(text.close_title, &[&ticket.to_string()]),
                body,
                vec![text.close_confirm],
            )
        }
        Ask::StopStrategy(id) => {
            let row = snapshot.strategies.iter().find(|row| row.id == *id);
            let (name, open) =
                row.map_or((id.as_str(), 0), |row| (row.name.as_str(), row.positions));
            let body = fill(text.stop_one_body, &[&open.to_string()]);
            let choices = if open > 0 {
                vec![text.stop_one_keep, text.stop_one_close]
            } else {
                vec![text.stop_one_keep]
            };
            (fill(text.stop_one_title, &[name]), body, choices)
        }
        Ask::Leave => (
            text.leave_title.to_owned(),
            text.leave_body.to_owned(),
            vec![text.leave_tray, text.leave_end],
        ),
        Ask::RealAccount { login, server } => (
            text.mt.real_title.to_owned(),
            fill(text.mt.real_body, &[&login.to_string(), server]),
            vec![text.mt.real_confirm],
        ),
        Ask::Forget { account } => (
            fill(text.mt.forget_title, &[&account.masked()]),
            text.mt.forget_body.to_owned(),
            vec![text.mt.forget_confirm],
        ),
    };
    let question = Question {
        title,
        body,
        choices: &choices,
        cancel: text.cancel,
        dangerous: ask != Ask::Leave,
        // What makes things safer may be quick; the others want a look.
        enter_chooses: ask == Ask::Stop,
    };
    match confirm(ui, &question) {
        Answer::Open => {}
        Answer::Cancelled => *asking = None,
        Answer::Chosen(place) => {
            *asking = None;
            acts.push(Act::Send(match ask {
                Ask::Leave => {
                    acts.push(Act::Leave(if place == 0 {
                        CloseButton::Tray
                    } else {
                        CloseButton::End
                    }));
                    return;
                }
                Ask::Stop => UiCommand::StopEverything {
                    reason: text.stop_reason.to_owned(),
                },
                Ask::Lift => UiCommand::LiftStop,
                Ask::Close(ticket) => UiCommand::ClosePosition { ticket },
                Ask::StopStrategy(id) => UiCommand::StopStrategy {
                    id,
                    close_positions: place == 1,
                },
                Ask::RealAccount { login, server } => UiCommand::ConfirmAccount {
                    account: crate::market::AccountId { login, server },
                },
                Ask::Forget { account } => UiCommand::ForgetAccount { account },
            }));
        }
    }
}
