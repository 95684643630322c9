//! What is always in sight under the header: PAPER, the emergency latch, and the five lights.

use egui::{Frame, Margin, Panel, RichText, Ui, vec2};
use jiff::SignedDuration;

use super::app::{Act, Ask};
use super::format;
use super::icons::{self, Icon};
use super::text::fill;
use super::theme::{self, GRID, Tone};
use super::view::View;
use super::widgets::{Pill, pill, strong, tool_button};
use crate::core::health::{Leg, Light, LinkHealth, Phase};
use crate::core::snapshot::{TerminalMode, Trading, UiCommand};
use crate::market::Permissions;

/// The engine publishes twice a second; one that is silent for so long hangs.
const SILENT_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Closed markets that the hover text names.
const MOST_NAMED: usize = 8;

pub fn banners_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    let tokens = theme::of(ui);
    if view.snapshot.mode == TerminalMode::Paper {
        let frame = Frame::new()
            .fill(tokens.paper)
            .inner_margin(Margin::symmetric(14, 3));
        Panel::top("paper").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(strong(view.text.paper, theme::BODY).color(tokens.on_paper));
                ui.label(
                    RichText::new(view.text.paper_hint)
                        .size(theme::SMALL)
                        .color(tokens.on_paper),
                );
            });
        });
    }
    let silent = view.now.duration_since(view.snapshot.at);
    if silent > SILENT_AFTER {
        let text = fill(view.text.engine_silent, &[&format::span(silent)]);
        quiet_banner(ui, "silent", Tone::Bad, &text);
    }
    match &view.snapshot.trading {
        Trading::Stopped {
            since,
            reason,
            remaining,
            complete,
        } => {
            let frame = Frame::new()
                .fill(tokens.stop)
                .inner_margin(Margin::symmetric(14, 10));
            Panel::top("latched").frame(frame).show(ui, |ui| {
                let at = format::moment(*since, view.now, view.zone);
                latched_ui(ui, view, &[&at, reason], remaining, *complete, acts);
            });
        }
        Trading::Paused { since, reason } => {
            let at = format::moment(*since, view.now, view.zone);
            quiet_banner(
                ui,
                "paused",
                Tone::Warn,
                &fill(view.text.paused_banner, &[&at, reason]),
            );
        }
        Trading::Blocked { reason, .. } => {
            quiet_banner(
                ui,
                "blocked",
                Tone::Bad,
                &fill(view.text.blocked_banner, &[reason]),
            );
        }
        Trading::On => {}
    }
}

fn latched_ui(
    ui: &mut Ui,
    view: &View<'_>,
    values: &[&str],
    remaining: &[String],
    complete: bool,
    acts: &mut Vec<Act>,
) {
    let tokens = theme::of(ui);
    let text = view.text;
    let ink = tokens.on_stop;
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(36.0, 36.0), egui::Sense::empty());
        icons::paint(ui.painter(), Icon::Stop, rect.center(), 30.0, ink);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if tool_button(ui, text.lift).clicked() {
                acts.push(Act::Ask(Ask::Lift));
            }
            ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(strong(text.latched_title, theme::HEADING).color(ink));
                ui.label(RichText::new(fill(text.latched_since, values)).color(ink));
                if complete && remaining.is_empty() {
                    ui.label(RichText::new(text.latched_complete).color(ink));
                } else {
                    let heading = if complete {
                        text.latched_kept
                    } else {
                        text.latched_working
                    };
                    ui.label(strong(heading, theme::BODY).color(ink));
                    egui::ScrollArea::vertical()
                        .max_height(84.0)
                        .show(ui, |ui| {
                            for line in remaining {
                                ui.label(RichText::new(format!("•  {line}")).color(ink));
                            }
                        });
                }
            });
        });
    });
}

fn quiet_banner(ui: &mut Ui, id: &str, tone: Tone, text: &str) {
    let tokens = theme::of(ui);
    let ground = tokens.tone_ground(tone);
    let frame = Frame::new()
        .fill(ground)
        .inner_margin(Margin::symmetric(14, 5));
    Panel::top(id.to_owned()).frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), egui::Sense::empty());
            icons::paint_tone(
                ui.painter(),
                tone,
                rect.center(),
                14.0,
                tokens.tone(tone),
                ground,
            );
            ui.add(egui::Label::new(RichText::new(text).color(tokens.text)).wrap());
        });
    });
}

pub fn health_ui(ui: &mut Ui, view: &View<'_>, acts: &mut Vec<Act>) {
    let ground = theme::of(ui).ground;
    let frame = Frame::new().fill(ground).inner_margin(Margin {
        left: 12,
        right: 12,
        top: 10,
        bottom: 0,
    });
    Panel::top("health")
        .frame(frame)
        .show_separator_line(false)
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0 * GRID;
                let width = (ui.available_width() - 8.0 * GRID) / 5.0;
                let size = vec2(width.floor(), 50.0);
                for leg in Leg::ALL {
                    leg_ui(ui, view, leg, size, acts);
                }
                trading_ui(ui, view, size);
            });
        });
}

fn leg_ui(ui: &mut Ui, view: &View<'_>, leg: Leg, size: egui::Vec2, acts: &mut Vec<Act>) {
    let link = view.snapshot.link(leg);
    let light = link.light(leg, view.now);
    let facts = leg_facts(view, leg, link, light);
    let hover = leg_hover(view, leg, link);
    let shown = pill(
        ui,
        size,
        &Pill {
            title: view
                .text
                .leg(leg, view.snapshot.mode == TerminalMode::Paper),
            tone: light.into(),
            word: view.text.light(light, link.phase == Phase::Retrying),
            facts: &facts,
            hover: &hover,
            pressable: true,
        },
    );
    let pressed = shown.clicked() || shown.secondary_clicked();
    egui::Popup::menu(&shown)
        .open_memory(pressed.then_some(egui::SetOpenCommand::Toggle))
        .show(|ui| {
            let button = egui::Button::new(view.text.reconnect).shortcut_text("F5");
            if ui.add(button).clicked() {
                acts.push(Act::Send(UiCommand::ReconnectNow));
                ui.close();
            }
        });
}

/// A proof that is older than this is told, though the light may be green still.
const OLD_PROOF: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

fn leg_facts(view: &View<'_>, leg: Leg, link: &LinkHealth, light: Light) -> String {
    let text = view.text;
    let since = fill(
        text.for_span,
        &[&format::span(view.now.duration_since(link.since))],
    );
    let facts = match light {
        Light::Working => since,
        Light::Off => match next_try(view, leg) {
            Some(retry) => format!("{retry} · {since}"),
            None => format!("{since} {}", link.detail),
        },
        Light::Good => match (link.proof_age(view.now), link.latency_ms) {
            (Some(age), _) if age > OLD_PROOF => {
                let seen = fill(text.seen_ago, &[&format::span(age)]);
                format!("{seen} · {since}")
            }
            (_, Some(ms)) => format!("{ms} ms · {since}"),
            (_, None) => since,
        },
        Light::Stale => match link.proof_age(view.now) {
            Some(age) => fill(text.proof_age, &[&format::span(age)]),
            None => text.no_proof.to_owned(),
        },
        Light::Bad => match next_try(view, leg) {
            Some(retry) => format!("{retry} · {since}"),
            None if leg == Leg::Terminal && view.snapshot.mode == TerminalMode::Unknown => since,
            None if leg == Leg::Terminal => format!("{} · {since}", text.no_retry_terminal),
            // An attempt is on its way.
            None if link.phase == Phase::Retrying => format!("{} · {since}", text.retry_now),
            None => format!("{} · {since}", text.no_retry),
        },
    };
    facts
        .trim_end()
        .replace('\n', " ")
        .chars()
        .take(160)
        .collect()
}

/// When a leg is tried again. The channel is asked for as soon as Pusher is back.
fn next_try(view: &View<'_>, leg: Leg) -> Option<String> {
    let text = view.text;
    let pusher = view.snapshot.link(Leg::Pusher);
    let with_pusher = leg == Leg::Channel && pusher.phase != Phase::Up;
    let own = view.snapshot.link(leg).retry_at;
    let at = own.or_else(|| pusher.retry_at.filter(|_| with_pusher));
    let Some(at) = at else {
        return (with_pusher && pusher.phase != Phase::Off && pusher.phase != Phase::Failed)
            .then(|| text.retry_with_pusher.to_owned());
    };
    let left = at.duration_since(view.now);
    Some(if left.is_positive() {
        fill(text.retry_in, &[&format::span(left)])
    } else {
        text.retry_now.to_owned()
    })
}

fn leg_hover(view: &View<'_>, leg: Leg, link: &LinkHealth) -> String {
    let text = view.text;
    let mut lines = vec![text.explain_leg(leg).to_owned()];
    if !link.detail.is_empty() {
        lines.push(link.detail.clone());
    }
    lines.push(format::full(link.since, view.zone));
    if let Some(age) = link.proof_age(view.now) {
        lines.push(fill(text.proof_age, &[&format::span(age)]));
    }
    if link.attempts > 0 {
        lines.push(fill(text.attempts, &[&link.attempts.to_string()]));
    }
    lines.push(text.reconnect_hint.to_owned());
    lines.join("\n")
}

fn trading_ui(ui: &mut Ui, view: &View<'_>, size: egui::Vec2) {
    let text = view.text;
    let since = |at| fill(text.for_span, &[&format::span(view.now.duration_since(at))]);
    let hours = &view.snapshot.hours;
    let (tone, word, facts, more) = match &view.snapshot.trading {
        Trading::On => {
            let missing = view.snapshot.permissions.and_then(Permissions::missing);
            match missing {
                Some(why) => (Tone::Bad, text.trading_blocked, why.to_owned(), ""),
                None if hours.all_closed() => {
                    let opens = hours.opens().map(|at| format::weekday(at, view.zone));
                    let facts = opens.map(|at| fill(text.opens_at, &[&at]));
                    (
                        Tone::Neutral,
                        text.trading_closed,
                        facts.unwrap_or_default(),
                        "",
                    )
                }
                None => (Tone::Good, text.trading_on, String::new(), ""),
            }
        }
        Trading::Paused { since: at, reason } => {
            (Tone::Warn, text.trading_paused, since(*at), reason.as_str())
        }
        Trading::Stopped {
            since: at, reason, ..
        } => (Tone::Bad, text.trading_stopped, since(*at), reason.as_str()),
        Trading::Blocked { reason, .. } => (Tone::Bad, text.trading_blocked, reason.clone(), ""),
    };
    let facts = if facts.is_empty() {
        let running = view
            .snapshot
            .strategies
            .iter()
            .filter(|row| row.state == crate::core::snapshot::StrategyState::Running)
            .count();
        format!("{running} · {}", text.running_now.to_lowercase())
    } else {
        facts
    };
    let closed: String = hours
        .closed
        .iter()
        .take(MOST_NAMED)
        .map(|market| match market.opens {
            Some(at) => {
                let at = format::weekday(at, view.zone);
                format!("\n{}", fill(text.opens_later, &[&market.symbol, &at]))
            }
            None => format!("\n{}", fill(text.opens_closed, &[&market.symbol])),
        })
        .collect();
    let hover = format!("{}\n{more}{closed}", text.explain_trading);
    pill(
        ui,
        size,
        &Pill {
            title: text.leg_trading,
            tone,
            word,
            facts: &facts,
            hover: hover.trim(),
            pressable: false,
        },
    );
}
