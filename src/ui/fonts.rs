//! The window's fonts: Inter with tabular digits, Hack where columns must line up (see `assets/fonts/README.md`). egui's own are
//! left out of the program: they would be a tenth of the installer.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily};

const REGULAR: &str = "inter";
const SEMIBOLD: &str = "inter-semibold";
const SCRIPTS: &str = "inter-scripts";
const MONOSPACE: &str = "hack";

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
    ] {
        let data = Arc::new(FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    // What the first one lacks is looked for in those after it.
    for (family, order) in [
        (FontFamily::Proportional, [REGULAR, SCRIPTS, MONOSPACE]),
        (strong(), [SEMIBOLD, SCRIPTS, MONOSPACE]),
        (FontFamily::Monospace, [MONOSPACE, REGULAR, SCRIPTS]),
    ] {
        let order = order.map(str::to_owned).to_vec();
        fonts.families.insert(family, order);
    }
    fonts
}
