//! The window's fonts: Inter with tabular digits, Hack where columns must line up (see `assets/fonts/README.md`). egui's own are
//! left out of the program, which they would make larger. What no font has is drawn as a box, never as nothing.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily};

const REGULAR: &str = "inter";
const SEMIBOLD: &str = "inter-semibold";
const SCRIPTS: &str = "inter-scripts";
const MONOSPACE: &str = "hack";
const EMOJI: &str = "emoji";

/// The semibold cut.
pub fn strong() -> FontFamily {
    FontFamily::Name("semibold".into())
}

pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for (name, bytes) in [
        (
            REGULAR,
            &include_bytes!("../../assets/fonts/Inter-Regular.otf")[..],
        ),
        (
            SEMIBOLD,
            &include_bytes!("../../assets/fonts/Inter-SemiBold.otf")[..],
        ),
        (
            SCRIPTS,
            &include_bytes!("../../assets/fonts/Inter-Scripts.otf")[..],
        ),
        (
            MONOSPACE,
            &include_bytes!("../../assets/fonts/Hack-Regular.ttf")[..],
        ),
        (
            EMOJI,
            &include_bytes!("../../assets/fonts/NotoEmoji-Regular.ttf")[..],
        ),
    ] {
        let data = Arc::new(FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    // What the first one lacks is looked for in those after it.
    for (family, order) in [
        (
            FontFamily::Proportional,
            [REGULAR, SCRIPTS, MONOSPACE, EMOJI],
        ),
        (strong(), [SEMIBOLD, SCRIPTS, MONOSPACE, EMOJI]),
        (FontFamily::Monospace, [MONOSPACE, REGULAR, SCRIPTS, EMOJI]),
    ] {
        let order = order.map(str::to_owned).to_vec();
        fonts.families.insert(family, order);
    }
    fonts
}

#[cfg(test)]
mod tests {
    use egui::FontId;

    use super::*;

    #[test]
    fn names_from_elsewhere_are_legible() {
        let ctx = egui::Context::default();
        ctx.set_fonts(definitions());
        let mut output = ctx.run_ui(egui::RawInput::default(), |_| {});
        output.textures_delta.clear();
        for family in [FontFamily::Proportional, strong(), FontFamily::Monospace] {
            let id = FontId::new(13.0, family);
            for text in [
                "Chiến lược Ưu tiên",
                "Größe, Łódź, İstanbul, București",
                "Стратегія, Ёлка, Στρατηγική",
                "₽ ₺ ₿ ₹ ₫ € 10⁻⁹",
                "✅ ❌ ⚠ 🚀 🔥 📈 → ↓ ✓ ✗ ≥ × • …",
            ] {
                let legible = ctx.fonts_mut(|fonts| fonts.has_glyphs(&id, text));
                assert!(legible, "{text}");
            }
        }
    }
}
