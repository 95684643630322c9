//! Cards, chips, buttons and texts.

use egui::{
    Align, Button, CornerRadius, Frame, Layout, Margin, Response, RichText, Role, Sense, Stroke,
    Ui, WidgetInfo, vec2,
};

use crate::market::Side;
use crate::ui::icons;
use crate::ui::theme::{self, GRID, Tone};

pub fn strong(text: impl Into<String>, size: f32) -> RichText {
    RichText::new(text).font(theme::strong(size))
}

pub fn muted(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text)
        .size(theme::SMALL)
        .color(theme::of(ui).muted)
}

pub fn heading(ui: &mut Ui, text: &str) {
    ui.label(strong(text, theme::TITLE).color(theme::of(ui).text));
}

/// A part whose widgets keep their ids whatever appears or vanishes before it. Without, focus would move to another widget, and
/// what is typed with it. The name is of one place in the whole window.
pub fn steady<R>(
    ui: &mut Ui,
    name: impl std::hash::Hash + std::fmt::Debug,
    content: impl FnOnce(&mut Ui) -> R,
) -> R {
    let scope = egui::UiBuilder::new().scope_id(egui::Id::unique(("steady", name)));
    let below = scope.layout(egui::Layout::top_down(egui::Align::Min));
    ui.scope_builder(below, content).inner
}

/// A surface with a border. Takes the whole width.
pub fn card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let tokens = theme::of(ui);
    Frame::new()
        .fill(tokens.card)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::same(14))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            content(ui)
        })
        .inner
}

/// A card that a table fills: the same surface, less margin, all the height there is.
pub fn table_card<R>(ui: &mut Ui, content: impl FnOnce(&mut Ui) -> R) -> R {
    let tokens = theme::of(ui);
    Frame::new()
        .fill(tokens.card)
        .stroke(Stroke::new(1.0, tokens.border))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::symmetric(10, 6))
        .show(ui, content)
        .inner
}

/// The tone's shape, as wide as a line is high.
pub fn tone_icon(ui: &mut Ui, tone: Tone, size: f32) {
    let tokens = theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(size, size), Sense::empty());
    icons::paint_tone(
        ui.painter(),
        tone,
        rect.center(),
        size,
        tokens.tone(tone),
        tokens.card,
    );
}

/// A state: shape, word and colour.
pub fn chip(ui: &mut Ui, tone: Tone, word: &str) -> Response {
    let tokens = theme::of(ui);
    let color = tokens.tone(tone);
    let ground = tokens.tone_ground(tone);
    let galley = ui
        .painter()
        .layout_no_wrap(word.to_owned(), theme::strong(theme::SMALL), color);
    let height = 20.0;
    let size = vec2(galley.size().x + 30.0, height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, height / 2.0, ground);
    let center = egui::pos2(rect.left() + 12.0, rect.center().y);
    icons::paint_tone(ui.painter(), tone, center, 10.0, color, ground);
    let at = egui::pos2(rect.left() + 21.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, word));
    response
}

pub fn primary_button(ui: &mut Ui, text: &str, enabled: bool) -> Response {
    let tokens = theme::of(ui);
    let button = Button::new(strong(text, theme::BODY).color(tokens.on_accent))
        .fill(tokens.accent)
        .min_size(vec2(0.0, 32.0));
    ui.add_enabled(enabled, button)
}

pub fn tool_button(ui: &mut Ui, text: &str) -> Response {
    ui.add(Button::new(text).min_size(vec2(0.0, 28.0)))
}

/// A large coloured button with an icon; the stop button.
pub fn badge_button(
    ui: &mut Ui,
    icon: icons::Icon,
    text: &str,
    colors: [egui::Color32; 3],
) -> Response {
    let [fill, hover, ink] = colors;
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), theme::strong(theme::TITLE), ink);
    let size = vec2(galley.size().x + 56.0, 40.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let fill = if response.hovered() { hover } else { fill };
    ui.painter().rect_filled(rect, 6.0, fill);
    if response.has_focus() {
        let ring = Stroke::new(2.0, theme::of(ui).focus);
        ui.painter()
            .rect_stroke(rect.expand(2.0), 8.0, ring, egui::StrokeKind::Middle);
    }
    let center = egui::pos2(rect.left() + 24.0, rect.center().y);
    icons::paint(ui.painter(), icon, center, 18.0, ink);
    let at = egui::pos2(rect.left() + 42.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, text));
    response
}

/// One line that ends in … when it does not fit; the whole text is in the hover.
pub fn truncated(ui: &mut Ui, text: impl Into<egui::WidgetText>) -> Response {
    ui.add(egui::Label::new(text).truncate())
}

pub fn key_value(ui: &mut Ui, key: &str, value: RichText) {
    ui.horizontal(|ui| {
        ui.label(muted(ui, key));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(value));
    });
}

/// Nothing is here: says so, and what to do next.
pub fn empty_state(ui: &mut Ui, title: &str, hint: &str) {
    ui.add_space(4.0 * GRID);
    ui.vertical_centered(|ui| {
        ui.label(strong(title, theme::TITLE));
        ui.label(RichText::new(hint).color(theme::of(ui).muted));
    });
    ui.add_space(4.0 * GRID);
}

/// BUY and SELL: word and colour.
pub fn side_text(ui: &Ui, side: Side) -> RichText {
    let tokens = theme::of(ui);
    let color = match side {
        Side::Buy => tokens.info,
        Side::Sell => tokens.bad,
    };
    strong(side.name(), theme::SMALL).color(color)
}
