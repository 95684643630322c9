//! A command's steps one under the other, each with its moment and the milliseconds since the one before.

use egui::{Sense, Stroke, Ui, pos2, vec2};
use jiff::tz::TimeZone;

use super::basics::{muted, strong};
use crate::core::snapshot::TimelineStep;
use crate::ui::{format, theme};

pub fn timeline(ui: &mut Ui, steps: &[TimelineStep], zone: &TimeZone) {
    let tokens = theme::of(ui);
    ui.spacing_mut().interact_size.y = 16.0;
    ui.spacing_mut().item_spacing.y = theme::GRID;
    let mut before = None;
    for (place, step) in steps.iter().enumerate() {
        let last = place + 1 == steps.len();
        let row = ui.horizontal_top(|ui| {
            let (dot, _) = ui.allocate_exact_size(vec2(14.0, 18.0), Sense::empty());
            let color = if last { tokens.accent } else { tokens.muted };
            ui.painter().circle_filled(dot.center(), 4.0, color);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.horizontal_wrapped(|ui| {
                    ui.label(strong(&step.title, theme::BODY));
                    ui.label(muted(ui, format::clock_ms(step.at, zone)));
                    if let Some(before) = before {
                        let ms = step.at.duration_since(before).as_millis().max(0);
                        let ms = u64::try_from(ms).unwrap_or(u64::MAX);
                        ui.label(muted(ui, format!("+{}", format::milliseconds(ms))));
                    }
                });
                if !step.detail.is_empty() {
                    ui.label(muted(ui, &step.detail));
                }
            });
            dot
        });
        if !last {
            let x = row.inner.center().x;
            ui.painter().line_segment(
                [
                    pos2(x, row.inner.bottom()),
                    pos2(x, row.response.rect.bottom() + 6.0),
                ],
                Stroke::new(1.0, tokens.border),
            );
        }
        before = Some(step.at);
    }
}
