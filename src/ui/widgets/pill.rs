//! One light of the health row: shape, title, state word, and what was measured.

use egui::{Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::ui::icons;
use crate::ui::theme::{self, Tone};

pub struct Pill<'a> {
    pub title: &'a str,
    pub tone: Tone,
    pub word: &'a str,
    /// Since when, latency, age or countdown.
    pub facts: &'a str,
    /// More, for hovering.
    pub hover: &'a str,
    /// It opens something when pressed.
    pub pressable: bool,
}

pub fn pill(ui: &mut Ui, size: Vec2, pill: &Pill<'_>) -> Response {
    let tokens = theme::of(ui);
    let sense = if pill.pressable {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    let color = tokens.tone(pill.tone);
    let calm = matches!(pill.tone, Tone::Good | Tone::Neutral);
    let fill = if calm {
        tokens.card
    } else {
        tokens.tone_ground(pill.tone)
    };
    let border = if calm { tokens.border } else { color };
    ui.painter().rect(
        rect,
        8.0,
        fill,
        Stroke::new(1.0, border),
        egui::StrokeKind::Inside,
    );
    if response.has_focus() {
        let ring = Stroke::new(2.0, tokens.focus);
        ui.painter()
            .rect_stroke(rect, 8.0, ring, egui::StrokeKind::Inside);
    }
    let center = pos2(rect.left() + 20.0, rect.center().y);
    icons::paint_tone(ui.painter(), pill.tone, center, 16.0, color, fill);

    let inner = Rect::from_min_max(
        pos2(rect.left() + 38.0, rect.top() + 7.0),
        pos2(rect.right() - 8.0, rect.bottom() - 6.0),
    );
    let line = |text: &str, font, ink| {
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(inner.width().max(8.0));
        ui.painter().layout_job(job)
    };
    let title = line(pill.title, theme::regular(theme::SMALL), tokens.muted);
    let word = line(pill.word, theme::strong(theme::BODY), color);
    let facts = line(pill.facts, theme::regular(theme::SMALL), tokens.muted);
    let painter = ui.painter().with_clip_rect(inner);
    let fits = title.size().x + word.size().x + 8.0 <= inner.width();
    let word_width = word.size().x;
    if fits {
        painter.galley(inner.min, title, tokens.muted);
        painter.galley(
            pos2(inner.right() - word_width, inner.top() - 2.0),
            word,
            color,
        );
    } else {
        painter.galley(inner.min, word, color);
    }
    painter.galley(inner.min + vec2(0.0, 20.0), facts, tokens.muted);

    let label = format!("{}: {}", pill.title, pill.word);
    let role = if pill.pressable {
        Role::Button
    } else {
        Role::Label
    };
    response.widget_info(|| WidgetInfo::labeled(role, true, &label));
    response.on_hover_ui(|ui| {
        ui.label(super::strong(&label, theme::BODY));
        ui.label(pill.facts);
        ui.label(super::muted(ui, pill.hover));
    })
}
