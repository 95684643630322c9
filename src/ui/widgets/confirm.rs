//! One question before something that cannot be undone. Exactly one: a second "are you sure" teaches people to click
//! without reading.

use egui::{Button, Event, Id, Key, Modal, Modifiers, RichText, Ui, vec2};

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
    /// The first choice has the focus from the start, so that Enter is enough.
    pub enter_chooses: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Open,
    Cancelled,
    /// The place in [`Question::choices`].
    Chosen(usize),
}

/// Shows the question over everything. Escape cancels; a click beside it does nothing, because it may be the second of a
/// double click on what opened it.
pub fn confirm(ui: &Ui, question: &Question<'_>) -> Answer {
    ignore_held_keys(ui);
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
                let cancel = ui.add(Button::new(question.cancel).min_size(vec2(0.0, 36.0)));
                if cancel.clicked() {
                    answer = Answer::Cancelled;
                }
                let mut focused = cancel.has_focus();
                let mut first = None;
                for (place, choice) in question.choices.iter().enumerate() {
                    let (fill, ink) = if question.dangerous {
                        (tokens.stop, tokens.on_stop)
                    } else {
                        (tokens.accent, tokens.on_accent)
                    };
                    let button = Button::new(strong(*choice, theme::BODY).color(ink))
                        .fill(fill)
                        .min_size(vec2(0.0, 36.0));
                    let button = ui.add(button);
                    if button.clicked() {
                        answer = Answer::Chosen(place);
                    }
                    focused |= button.has_focus();
                    first = first.or(Some(button));
                }
                if let Some(first) = first.filter(|_| question.enter_chooses && !focused) {
                    first.request_focus();
                }
            });
        });
    let escaped = || {
        ui.ctx()
            .input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
    };
    if answer == Answer::Open && modal.is_top_modal && !modal.any_popup_open && escaped() {
        return Answer::Cancelled;
    }
    answer
}

/// A key that was already down when the question came up repeats; only a new press answers.
fn ignore_held_keys(ui: &Ui) {
    ui.ctx().input_mut(|input| {
        input.events.retain(|event| {
            !matches!(
                event,
                Event::Key {
                    key: Key::Enter | Key::Space,
                    repeat: true,
                    ..
                }
            )
        });
    });
}
