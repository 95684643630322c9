//! One question before something that cannot be undone. Exactly one: a second "are you sure" teaches people to click
//! without reading.

use egui::{Button, Id, Modal, RichText, Ui, vec2};

use super::basics::strong;
use crate::ui::theme::{self, GRID};

pub struct Question<'a> {
    pub title: String,
    /// The consequence, in words.
    pub body: String,
    /// The buttons that do something, most cautious first, each named by what it does.
    pub choices: &'a [&'a str],
    pub cancel: &'a str,
    pub dangerous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Open,
    Cancelled,
    /// The place in [`Question::choices`].
    Chosen(usize),
}

/// Shows the question over everything. Escape and a click beside it cancel.
pub fn confirm(ui: &Ui, question: &Question<'_>) -> Answer {
    let tokens = theme::of(ui);
    let mut answer = Answer::Open;
    let frame = egui::Frame::new()
        .fill(tokens.card)
        .stroke(egui::Stroke::new(1.0, tokens.border))
        .corner_radius(10)
        .inner_margin(24);
    let modal = Modal::new(Id::unique("question"))
        .frame(frame)
        .backdrop_color(theme::backdrop())
        .show(ui.ctx(), |ui| {
            ui.set_width(460.0);
            ui.label(strong(&question.title, theme::HEADING));
            ui.add_space(GRID);
            ui.label(RichText::new(&question.body).size(theme::BODY));
            ui.add_space(3.0 * GRID);
            ui.horizontal_wrapped(|ui| {
                if ui
                    .add(Button::new(question.cancel).min_size(vec2(0.0, 36.0)))
                    .clicked()
                {
                    answer = Answer::Cancelled;
                }
                for (place, choice) in question.choices.iter().enumerate() {
                    let (fill, ink) = if question.dangerous {
                        (tokens.stop, tokens.on_stop)
                    } else {
                        (tokens.accent, tokens.on_accent)
                    };
                    let button = Button::new(strong(*choice, theme::BODY).color(ink))
                        .fill(fill)
                        .min_size(vec2(0.0, 36.0));
                    if ui.add(button).clicked() {
                        answer = Answer::Chosen(place);
                    }
                }
            });
        });
    if answer == Answer::Open && modal.should_close() {
        return Answer::Cancelled;
    }
    answer
}
