//! The window's fonts: Inter with tabular digits (see `assets/fonts/README.md`), then egui's own for the rest.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily};

/// The semibold cut.
pub fn strong() -> FontFamily {
    FontFamily::Name("semibold".into())
}

pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = include_bytes!("../../assets/fonts/Inter-Regular.otf");
    let semibold = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");
    fonts
        .font_data
        .insert("inter".to_owned(), Arc::new(FontData::from_static(regular)));
    fonts.font_data.insert(
        "inter-semibold".to_owned(),
        Arc::new(FontData::from_static(semibold)),
    );
    let fallback = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let with_first = |first: &str| {
        std::iter::once(first.to_owned())
            .chain(fallback.iter().cloned())
            .collect::<Vec<_>>()
    };
    fonts
        .families
        .insert(FontFamily::Proportional, with_first("inter"));
    fonts
        .families
        .insert(strong(), with_first("inter-semibold"));
    fonts
}
