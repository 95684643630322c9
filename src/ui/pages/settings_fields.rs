//! The fields of the Settings page: each with its help, its fault or doubt, and the widget for its kind.

use egui::{Grid, RichText, Role, TextEdit, Ui, WidgetInfo};

use super::settings::State;
use crate::settings::{Field, doubt_field};
use crate::ui::settings_port::SettingsForm;
use crate::ui::text::{Text, fill};
use crate::ui::theme::{self, Tone};
use crate::ui::widgets::{muted, steady, strong, tone_icon, tool_button};

pub(super) const fn words(text: &Text, field: Field) -> (&'static str, &'static str) {
    match field {
        Field::PlatformUrl => (text.field_platform_url, text.help_platform_url),
        Field::ApiKey => (text.field_api_key, text.help_api_key),
        Field::ApiSecret => (text.field_api_secret, text.help_api_secret),
        Field::ExecutorId => (text.field_executor_id, text.help_executor_id),
        Field::PusherKey => (text.field_pusher_key, text.help_pusher_key),
        Field::PusherCluster => (text.field_pusher_cluster, text.help_pusher_cluster),
        Field::PusherHost => (text.field_pusher_host, text.help_pusher_host),
        Field::PusherPort => (text.field_pusher_port, text.help_pusher_port),
        Field::PusherTls => (text.field_pusher_tls, text.help_pusher_tls),
        Field::PusherPath => (text.field_pusher_path, text.help_pusher_path),
        Field::Proxy => (text.field_proxy, text.help_proxy),
        Field::Terminal => (text.field_terminal, text.help_terminal),
        Field::MaxLots => (text.field_max_lots, text.help_max_lots),
        Field::MaxPositions => (text.field_max_positions, text.help_max_positions),
        Field::MaxDailyLoss => (text.field_max_daily_loss, text.help_max_daily_loss),
        Field::ResumeLiftsStop => (text.field_resume_lifts, text.help_resume_lifts),
        Field::SymbolMap => (text.field_symbol_map, text.help_symbol_map),
        Field::DefaultDirection => (text.field_direction, text.help_direction),
        Field::GuardDailyLoss => (text.field_guard_daily, text.help_guard_daily),
        Field::GuardDailyWarning => (
            text.field_guard_daily_warning,
            text.help_guard_daily_warning,
        ),
        Field::GuardTotalLoss => (text.field_guard_total, text.help_guard_total),
        Field::GuardTotalWarning => (
            text.field_guard_total_warning,
            text.help_guard_total_warning,
        ),
        Field::GuardStartBalance => (text.field_guard_start, text.help_guard_start),
        Field::GuardTimeZone => (text.field_guard_zone, text.help_guard_zone),
        Field::RunWithout => (text.field_run_without, text.help_run_without),
        Field::NewsCalendar => (text.field_news_calendar, text.help_news_calendar),
        Field::CommonFiles => (text.field_common_files, text.help_common_files),
        Field::Autostart => (text.field_autostart, text.help_autostart),
        Field::KeepAwake => (text.field_keep_awake, text.help_keep_awake),
        Field::RestartWhenHung => (text.field_restart, text.help_restart),
        Field::CloseButton => (text.field_close_button, text.help_close_button),
        Field::Toasts => (text.field_toasts, text.help_toasts),
        Field::UpdateUrl => (text.field_update_url, text.help_update_url),
    }
}

pub(super) fn fields_ui(
    ui: &mut Ui,
    text: &Text,
    state: &mut State,
    form: &mut SettingsForm,
    fields: &[Field],
    changed: &mut Vec<Field>,
) {
    let width = ui.available_width();
    Grid::new(fields.len())
        .num_columns(2)
        .spacing([16.0, 12.0])
        .show(ui, |ui| {
            for &field in fields {
                let (label, help) = words(text, field);
                ui.vertical(|ui| {
                    ui.set_width((width * 0.24).clamp(110.0, 190.0));
                    ui.add_space(6.0);
                    ui.add(egui::Label::new(strong(label, theme::BODY)).wrap());
                });
                steady(ui, ("setting", field.key()), |ui| {
                    ui.spacing_mut().item_spacing.y = 3.0;
                    ui.set_width(width * 0.7);
                    if field.is_secret() {
                        secret_ui(ui, text, state, form, label, changed);
                    } else if !field.choices().is_empty() {
                        choice_ui(ui, form, field, label, changed);
                    } else {
                        let entry = form.field_mut(field);
                        let hint = entry
                            .fetched
                            .as_ref()
                            .map_or_else(String::new, |value| fill(text.from_platform, &[value]));
                        let edit = TextEdit::singleline(&mut entry.text)
                            .hint_text(hint)
                            .desired_width(f32::INFINITY);
                        let response = ui.add(edit);
                        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, label));
                        if response.changed() {
                            changed.push(field);
                        }
                    }
                    clash_ui(ui, text, state, form, field, changed);
                    match &state.errors[field] {
                        Some(error) => {
                            ui.horizontal_wrapped(|ui| {
                                tone_icon(ui, Tone::Bad, 12.0);
                                ui.label(
                                    RichText::new(error)
                                        .size(theme::SMALL)
                                        .color(theme::of(ui).bad),
                                );
                            });
                        }
                        None => {
                            ui.label(muted(ui, help));
                            if let Some(note) = &form.field(field).note {
                                ui.label(RichText::new(note).size(theme::SMALL));
                            }
                            doubt_ui(ui, form, field);
                        }
                    }
                });
                ui.end_row();
            }
        });
}

/// What the file holds instead, where both were changed.
fn clash_ui(
    ui: &mut Ui,
    text: &Text,
    state: &State,
    form: &mut SettingsForm,
    field: Field,
    changed: &mut Vec<Field>,
) {
    let Some(theirs) = &state.clashes.file[field] else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        tone_icon(ui, Tone::Warn, 12.0);
        let line = match (field.is_secret(), theirs.is_empty()) {
            (true, _) => text.clash_secret.to_owned(),
            (false, true) => text.clash_gone.to_owned(),
            (false, false) => fill(text.clash_value, &[theirs]),
        };
        let line = RichText::new(line).size(theme::SMALL);
        ui.label(line.color(theme::of(ui).warn));
        if !field.is_secret() && ui.small_button(text.clash_take).clicked() {
            form.field_mut(field).text.clone_from(theirs);
            changed.push(field);
        }
    });
}

/// A value that is possible and yet unusual.
fn doubt_ui(ui: &mut Ui, form: &SettingsForm, field: Field) {
    let text = if field.is_secret() {
        form.new_secret.0.as_str()
    } else {
        form.field(field).text.as_str()
    };
    if let Some(doubt) = doubt_field(field, text) {
        ui.horizontal_wrapped(|ui| {
            tone_icon(ui, Tone::Warn, 12.0);
            ui.label(
                RichText::new(doubt)
                    .size(theme::SMALL)
                    .color(theme::of(ui).warn),
            );
        });
    }
}

fn choice_ui(
    ui: &mut Ui,
    form: &mut SettingsForm,
    field: Field,
    label: &str,
    changed: &mut Vec<Field>,
) {
    let text = &mut form.field_mut(field).text;
    let before = if text.is_empty() {
        field
            .choices()
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned()
    } else {
        text.clone()
    };
    let mut chosen = before.clone();
    let response = egui::ComboBox::from_id_salt(label)
        .selected_text(&chosen)
        .show_ui(ui, |ui| {
            for choice in field.choices() {
                ui.selectable_value(&mut chosen, (*choice).to_owned(), *choice);
            }
        })
        .response;
    response.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, label));
    if chosen != before {
        *text = chosen;
        changed.push(field);
    }
}

fn secret_ui(
    ui: &mut Ui,
    text: &Text,
    state: &mut State,
    form: &mut SettingsForm,
    label: &str,
    changed: &mut Vec<Field>,
) {
    if !state.replacing {
        ui.horizontal_wrapped(|ui| {
            match &state.revealed {
                Some(secret) => {
                    let shown = RichText::new(&secret.0).monospace();
                    ui.add(egui::Label::new(shown).wrap());
                    if tool_button(ui, text.hide).clicked() {
                        state.revealed = None;
                    }
                }
                None => {
                    ui.label(text.secret_kept);
                    state.wants_secret |= tool_button(ui, text.show).clicked();
                }
            }
            if tool_button(ui, text.replace).clicked() {
                state.replacing = true;
                state.revealed = None;
            }
        });
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let edit = TextEdit::singleline(&mut form.new_secret.0)
            .id(egui::Id::unique("new secret"))
            .password(!state.showing)
            .desired_width((ui.available_width() - 190.0).max(140.0));
        let response = ui.add(edit);
        response.widget_info(|| WidgetInfo::labeled(Role::PasswordInput, true, label));
        if response.changed() {
            changed.push(Field::ApiSecret);
        }
        let word = if state.showing { text.hide } else { text.show };
        if tool_button(ui, word).clicked() {
            state.showing = !state.showing;
        }
        if form.secret_stored && tool_button(ui, text.keep_stored).clicked() {
            state.replacing = false;
            state.showing = false;
            form.new_secret = Default::default();
            changed.push(Field::ApiSecret);
        }
    });
}
