//! The Settings page's slow work, each piece on a short-lived thread of its own, so that no frame ever waits for a
//! disk, a dialog or a network.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::sync::mpsc;

use crate::ui::settings_port::{SaveEnd, SecretText, SettingsForm, SettingsPort, TestStep};

pub enum Job {
    Load,
    Undo,
    Reveal,
    /// What the page had loaded, and what it shows now.
    Save(Box<(SettingsForm, SettingsForm)>),
    Test(Box<SettingsForm>),
    Import,
    Export {
        with_secret: bool,
    },
}

pub enum Done {
    Loaded(Result<SettingsForm, String>),
    Undone(Result<SettingsForm, String>),
    Revealed(Result<SecretText, String>),
    Saved(Result<SaveEnd, String>),
    Testing(mpsc::Receiver<TestStep>),
    /// `None` when the dialog was cancelled.
    Imported(Option<Result<SettingsForm, String>>),
    Exported(Option<Result<PathBuf, String>>),
}

/// Starts `job`; its answer comes through the receiver, and the window is asked to draw.
pub fn start(
    ctx: &egui::Context,
    port: &Arc<dyn SettingsPort>,
    job: Job,
) -> Result<Receiver<Done>, String> {
    let (sender, receiver) = sync_channel(1);
    let (ctx, port) = (ctx.clone(), Arc::clone(port));
    std::thread::Builder::new()
        .name("settings-page".to_owned())
        .spawn(move || {
            let done = work(port.as_ref(), job);
            if sender.send(done).is_ok() {
                ctx.request_repaint();
            }
        })
        .map_err(|error| error.to_string())?;
    Ok(receiver)
}

fn work(port: &dyn SettingsPort, job: Job) -> Done {
    match job {
        Job::Load => Done::Loaded(port.load()),
        Job::Undo => Done::Undone(port.undo()),
        Job::Reveal => Done::Revealed(port.reveal()),
        Job::Save(forms) => Done::Saved(port.save(&forms.0, &forms.1)),
        Job::Test(form) => Done::Testing(port.test(&form)),
        Job::Import => Done::Imported(dialog().pick_file().map(|path| port.import(&path))),
        Job::Export { with_secret } => {
            let chosen = dialog().set_file_name("executor-config.json").save_file();
            Done::Exported(chosen.map(|path| port.export(&path, with_secret).map(|()| path)))
        }
    }
}

fn dialog() -> rfd::FileDialog {
    rfd::FileDialog::new().add_filter("JSON", &["json"])
}
