//! What is known of the terminal behind the link, and the orders whose outcome is not known: as the engine tells it, with
//! its age.

use egui::{Label, RichText, Ui};

use super::overview::notice_ui;
use crate::core::health::{Leg, Light};
use crate::core::snapshot::TerminalMode;
use crate::ui::format;
use crate::ui::text::fill;
use crate::ui::theme::{self, GRID, Tone};
use crate::ui::view::View;
use crate::ui::widgets::{card, heading, key_value, muted, tone_icon};

/// The facts while the link is up; what it waits for while it is not. Nothing for the paper terminal.
pub fn link_ui(ui: &mut Ui, view: &View<'_>) {
    if view.snapshot.mode == TerminalMode::MetaTrader {
        card(ui, |ui| facts_ui(ui, view));
    }
}

fn facts_ui(ui: &mut Ui, view: &View<'_>) {
    let text = &view.text.mt;
    let health = view.snapshot.link(Leg::Terminal);
    let facts = &view.snapshot.terminal;
    ui.horizontal(|ui| {
        heading(ui, text.link_title);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if let Some(age) = health.proof_age(view.now) {
                ui.label(muted(ui, fill(text.age, &[&format::span(age)])));
            }
        });
    });
    let light = health.light(Leg::Terminal, view.now);
    if facts.link.is_empty() || !facts.waits_for.is_empty() {
        let waits_for = [&facts.waits_for, &health.detail]
            .into_iter()
            .find(|words| !words.is_empty())
            .map_or(text.link_waiting, String::as_str);
        ui.horizontal_top(|ui| {
            tone_icon(ui, Tone::Info, 14.0);
            ui.add(Label::new(first_upper(waits_for)).wrap());
        });
        return;
    }
    ui.spacing_mut().interact_size.y = 20.0;
    ui.spacing_mut().item_spacing.y = GRID;
    if let Some(cid) = facts.busy {
        ui.horizontal_top(|ui| {
            tone_icon(ui, Tone::Info, 14.0);
            ui.add(Label::new(fill(text.link_busy, &[&cid.to_string()])).wrap());
        });
    }
    let way = match facts.link.as_str() {
        "pipe" => text.link_pipe,
        _ => text.link_tcp,
    };
    let ping = match (light, health.latency_ms) {
        (Light::Good, Some(0)) => text.ping_below.to_owned(),
        (Light::Good, Some(ms)) => fill(text.ping_ms, &[&ms.to_string()]),
        _ => text.ping_unknown.to_owned(),
    };
    let leverage = format!("1:{}", facts.leverage);
    let rows = [
        (text.fact_way, way.to_owned()),
        (text.fact_ping, ping),
        (text.fact_build, facts.build.to_string()),
        (text.fact_clock, utc_offset(facts.clock_offset_s)),
        (text.fact_leverage, leverage),
    ];
    for (name, value) in rows {
        key_value(ui, name, RichText::new(value));
    }
    let ours = env!("CARGO_PKG_VERSION");
    let expert = if facts.ea == ours {
        RichText::new(fill(text.expert_ours, &[ours]))
    } else {
        let words = fill(text.expert_not_ours, &[&facts.ea, ours]);
        RichText::new(words).color(theme::of(ui).warn)
    };
    key_value(ui, text.fact_expert, expert);
    let dll = if facts.dll_allowed {
        RichText::new(text.dll_on).color(theme::of(ui).warn)
    } else {
        RichText::new(text.dll_off)
    };
    key_value(ui, text.fact_dll, dll);
}

/// Orders without a certain outcome; nothing while there are none.
pub fn doubts_ui(ui: &mut Ui, view: &View<'_>) {
    let doubts = view.snapshot.notices.iter();
    let mut doubts = doubts.filter(|notice| notice.is_doubt()).peekable();
    if doubts.peek().is_none() {
        return;
    }
    card(ui, |ui| {
        heading(ui, view.text.mt.doubts);
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.y = GRID;
        for notice in doubts {
            notice_ui(ui, view, notice, None);
        }
    });
}

/// `UTC+3:00`.
fn utc_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("UTC{sign}{}:{:02}", minutes / 60, minutes % 60)
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::utc_offset;

    #[test]
    fn the_brokers_clock_is_told_as_traders_do() {
        assert_eq!(utc_offset(10_800), "UTC+3:00");
        assert_eq!(utc_offset(-12_600), "UTC-3:30");
        assert_eq!(utc_offset(0), "UTC+0:00");
    }
}
