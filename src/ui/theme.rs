//! Every colour, size and space of the window. No other file names a colour.
//!
//! Text and background pairs meet WCAG 2.1 AA (4.5:1); a test computes them. Colour never stands alone: each state
//! also has a shape and a word.

use egui::{Color32, CornerRadius, FontId, Margin, Stroke, TextStyle, Theme};

use super::fonts;
use crate::core::health::Light;
use crate::core::snapshot::{CommandState, Severity};

/// The grid: every distance is a multiple of this.
pub const GRID: f32 = 4.0;
pub const RADIUS: u8 = 6;
/// Height of a table row, points.
pub const ROW: f32 = 28.0;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeChoice {
    #[default]
    System,
    Dark,
    Light,
}

impl ThemeChoice {
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    pub const fn preference(self) -> egui::ThemePreference {
        match self {
            Self::System => egui::ThemePreference::System,
            Self::Dark => egui::ThemePreference::Dark,
            Self::Light => egui::ThemePreference::Light,
        }
    }
}

/// A meaning that has a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Info,
    Good,
    Warn,
    Bad,
}

impl From<Light> for Tone {
    fn from(light: Light) -> Self {
        match light {
            Light::Off => Self::Neutral,
            Light::Working => Self::Info,
            Light::Good => Self::Good,
            Light::Stale => Self::Warn,
            Light::Bad => Self::Bad,
        }
    }
}

impl From<CommandState> for Tone {
    fn from(state: CommandState) -> Self {
        match state {
            CommandState::Received => Self::Neutral,
            CommandState::Waiting | CommandState::Expired => Self::Warn,
            CommandState::Executing => Self::Info,
            CommandState::Executed => Self::Good,
            CommandState::Failed | CommandState::Refused => Self::Bad,
        }
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warn,
            Severity::Error => Self::Bad,
        }
    }
}

/// The colours of one mode.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Behind everything.
    pub ground: Color32,
    /// Header, rail, status bar.
    pub chrome: Color32,
    /// Cards and tables.
    pub card: Color32,
    /// Buttons, hovered rows.
    pub raised: Color32,
    pub border: Color32,
    pub text: Color32,
    pub muted: Color32,
    pub accent: Color32,
    pub on_accent: Color32,
    pub focus: Color32,
    pub selection: Color32,
    pub info: Color32,
    pub good: Color32,
    pub warn: Color32,
    pub bad: Color32,
    pub info_ground: Color32,
    pub good_ground: Color32,
    pub warn_ground: Color32,
    pub bad_ground: Color32,
    pub paper: Color32,
    pub on_paper: Color32,
    /// The stop button and the latched banner.
    pub stop: Color32,
    pub stop_hover: Color32,
    pub on_stop: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub const DARK: Tokens = Tokens {
    ground: rgb(0x0B_0E13),
    chrome: rgb(0x11_161D),
    card: rgb(0x16_1C24),
    raised: rgb(0x22_2B37),
    border: rgb(0x2A_3441),
    text: rgb(0xE8_ECF2),
    muted: rgb(0x9D_AAB9),
    accent: rgb(0x5B_A4FF),
    on_accent: rgb(0x06_1528),
    focus: rgb(0x8F_C1FF),
    selection: rgb(0x1D_3A5F),
    info: rgb(0x6D_B1FF),
    good: rgb(0x46_CC8D),
    warn: rgb(0xF0_B83F),
    bad: rgb(0xFF_827C),
    info_ground: rgb(0x14_273D),
    good_ground: rgb(0x12_2B22),
    warn_ground: rgb(0x30_2712),
    bad_ground: rgb(0x37_1C1E),
    paper: rgb(0xF5_C242),
    on_paper: rgb(0x1D_1500),
    stop: rgb(0xC9_2A3A),
    stop_hover: rgb(0xD8_3545),
    on_stop: rgb(0xFF_FFFF),
};

pub const LIGHT: Tokens = Tokens {
    ground: rgb(0xEE_F1F5),
    chrome: rgb(0xFA_FBFC),
    card: rgb(0xFF_FFFF),
    raised: rgb(0xE6_EBF1),
    border: rgb(0xD2_DAE3),
    text: rgb(0x17_1E27),
    muted: rgb(0x52_5F6E),
    accent: rgb(0x12_5FC4),
    on_accent: rgb(0xFF_FFFF),
    focus: rgb(0x12_5FC4),
    selection: rgb(0xD3_E5FC),
    info: rgb(0x12_5AB8),
    good: rgb(0x0B_6B42),
    warn: rgb(0x84_5200),
    bad: rgb(0xB4_2029),
    info_ground: rgb(0xE3_EFFD),
    good_ground: rgb(0xE0_F4EA),
    warn_ground: rgb(0xFD_F1D6),
    bad_ground: rgb(0xFD_E7E7),
    paper: rgb(0xF5_C242),
    on_paper: rgb(0x1D_1500),
    stop: rgb(0xC0_2232),
    stop_hover: rgb(0xA8_1B2A),
    on_stop: rgb(0xFF_FFFF),
};

/// The program's mark, the same in both modes: ground and ink.
pub const MARK: (Color32, Color32) = (rgb(0x17_64D8), rgb(0xFF_FFFF));

impl Tokens {
    pub const fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Neutral => self.muted,
            Tone::Info => self.info,
            Tone::Good => self.good,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
        }
    }

    pub const fn tone_ground(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Neutral => self.raised,
            Tone::Info => self.info_ground,
            Tone::Good => self.good_ground,
            Tone::Warn => self.warn_ground,
            Tone::Bad => self.bad_ground,
        }
    }
}

/// What the window is covered with behind a question.
pub const fn backdrop() -> Color32 {
    Color32::from_black_alpha(150)
}

/// The tokens of the mode that this `Ui` is drawn in.
pub fn of(ui: &egui::Ui) -> &'static Tokens {
    if ui.visuals().dark_mode {
        &DARK
    } else {
        &LIGHT
    }
}

pub const SMALL: f32 = 12.0;
pub const BODY: f32 = 13.5;
pub const TITLE: f32 = 15.0;
pub const HEADING: f32 = 20.0;

pub fn strong(size: f32) -> FontId {
    FontId::new(size, fonts::strong())
}

pub const fn regular(size: f32) -> FontId {
    FontId::proportional(size)
}

/// Installs fonts and both modes.
pub fn install(ctx: &egui::Context, choice: ThemeChoice) {
    ctx.set_fonts(fonts::definitions());
    ctx.set_theme(choice.preference());
    for (theme, tokens) in [(Theme::Dark, &DARK), (Theme::Light, &LIGHT)] {
        ctx.style_mut_of(theme, |style| apply(style, tokens));
    }
}

fn apply(style: &mut egui::Style, tokens: &Tokens) {
    style.text_styles = [
        (TextStyle::Small, regular(SMALL)),
        (TextStyle::Body, regular(BODY)),
        (TextStyle::Button, regular(BODY)),
        (TextStyle::Heading, strong(HEADING)),
        (TextStyle::Monospace, FontId::monospace(SMALL)),
    ]
    .into();
    // Animations cost frames, and over a remote desktop they cost bandwidth.
    style.animation_time = 0.0;
    style.scroll_animation = egui::style::ScrollAnimation::none();
    style.spacing.item_spacing = egui::vec2(2.0 * GRID, 2.0 * GRID);
    style.spacing.button_padding = egui::vec2(3.0 * GRID, 1.5 * GRID);
    style.spacing.interact_size.y = 7.0 * GRID;
    style.spacing.window_margin = Margin::same(16);
    style.spacing.tooltip_width = 360.0;
    style.spacing.scroll = egui::style::ScrollStyle::solid();
    style.interaction.selectable_labels = false;

    let visuals = &mut style.visuals;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(tokens.muted);
    visuals.panel_fill = tokens.ground;
    visuals.window_fill = tokens.card;
    visuals.window_stroke = Stroke::new(1.0, tokens.border);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS);
    visuals.faint_bg_color = tokens.chrome;
    visuals.extreme_bg_color = tokens.ground;
    visuals.text_edit_bg_color = Some(tokens.ground);
    visuals.code_bg_color = tokens.ground;
    visuals.hyperlink_color = tokens.accent;
    visuals.warn_fg_color = tokens.warn;
    visuals.error_fg_color = tokens.bad;
    visuals.selection.bg_fill = tokens.selection;
    visuals.selection.stroke = Stroke::new(1.0, tokens.text);
    visuals.disabled_alpha = 0.6;
    visuals.text_cursor.blink = false;

    let widgets = &mut visuals.widgets;
    for (state, fill, text, stroke) in [
        (
            &mut widgets.noninteractive,
            tokens.card,
            tokens.text,
            tokens.border,
        ),
        (
            &mut widgets.inactive,
            tokens.raised,
            tokens.text,
            tokens.border,
        ),
        (
            &mut widgets.hovered,
            tokens.selection,
            tokens.text,
            tokens.focus,
        ),
        (
            &mut widgets.active,
            tokens.selection,
            tokens.text,
            tokens.focus,
        ),
        (&mut widgets.open, tokens.raised, tokens.text, tokens.border),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.fg_stroke = Stroke::new(1.0, text);
        state.bg_stroke = Stroke::new(1.0, stroke);
        state.corner_radius = CornerRadius::same(RADIUS);
        state.expansion = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(color.r()) + 0.7152 * channel(color.g()) + 0.0722 * channel(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_and_background_pair_meets_wcag_aa() {
        for (mode, t) in [("dark", &DARK), ("light", &LIGHT)] {
            let mut pairs = vec![
                ("accent button", t.on_accent, t.accent),
                ("paper banner", t.on_paper, t.paper),
                ("stop button", t.on_stop, t.stop),
                ("stop button hovered", t.on_stop, t.stop_hover),
                ("selection", t.text, t.selection),
                ("muted on selection", t.muted, t.selection),
            ];
            for (place, ground) in [
                ("ground", t.ground),
                ("chrome", t.chrome),
                ("card", t.card),
                ("raised", t.raised),
            ] {
                for ink in [t.text, t.muted] {
                    pairs.push((place, ink, ground));
                }
            }
            for ground in [t.ground, t.chrome, t.card] {
                for tone in [Tone::Info, Tone::Good, Tone::Warn, Tone::Bad] {
                    pairs.push(("tone on surface", t.tone(tone), ground));
                }
                pairs.push(("link", t.accent, ground));
            }
            for tone in [Tone::Neutral, Tone::Info, Tone::Good, Tone::Warn, Tone::Bad] {
                pairs.push(("chip", t.tone(tone), t.tone_ground(tone)));
                pairs.push(("text on chip ground", t.text, t.tone_ground(tone)));
                pairs.push(("muted on chip ground", t.muted, t.tone_ground(tone)));
            }
            for (place, ink, ground) in pairs {
                let ratio = contrast(ink, ground);
                assert!(
                    ratio >= 4.5,
                    "{mode}: {place}: {ink:?} on {ground:?} is {ratio:.2}"
                );
            }
            assert!(contrast(t.focus, t.card) >= 3.0, "{mode}: focus ring");
        }
    }
}
