//! A message of the system's own, when the window can show none.

/// Shows it without waiting for the person. Where a console is the place for such words, nothing is shown.
pub fn show_message(title: &str, text: &str) {
    if !cfg!(windows) {
        return;
    }
    let dialog = rfd::MessageDialog::new()
        .set_level(rfd::MessageLevel::Error)
        .set_title(title)
        .set_description(text);
    let shown = std::thread::Builder::new()
        .name("message".to_owned())
        .spawn(move || drop(dialog.show()));
    if let Err(error) = shown {
        tracing::warn!(target: "program", "A message cannot be shown: {error}");
    }
}
