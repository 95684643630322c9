//! Updates behind the window's Settings page.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::look::Look;
use super::{apply, megabytes};
use crate::modes::settings_home::SettingsHome;
use crate::os::own_signature;
use crate::ui::{Build, Installing, Newest, UpdatePort};
use crate::update::Verdict;

/// One for each percent is the most that is told.
const STEPS_WAITING: usize = 128;

pub struct UpdateDesk(pub Arc<SettingsHome>);

impl UpdateDesk {
    fn by_settings(home: &SettingsHome) -> Result<Look, String> {
        Look::by_settings(&home.path, home.store.as_ref(), &home.data_dir)
    }
}

impl UpdatePort for UpdateDesk {
    fn build(&self) -> Build {
        Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_signed: own_signature(),
        }
    }

    fn look(&self) -> Result<Newest, String> {
        let (verdict, _) = Self::by_settings(&self.0)?.ask()?;
        Ok(match verdict {
            Verdict::Same => Newest::Running,
            Verdict::Older(version) => Newest::Older {
                version: version.to_string(),
            },
            Verdict::Newer(offer) => Newest::Newer {
                version: offer.version.to_string(),
                size: format!("{:.1} MB", megabytes(offer.size)),
                changes: offer.changes,
            },
        })
    }

    fn install(&self, version: &str) -> mpsc::Receiver<Installing> {
        let (steps, out) = mpsc::channel(STEPS_WAITING);
        let (home, version, told) = (Arc::clone(&self.0), version.to_owned(), steps.clone());
        let spawned = std::thread::Builder::new()
            .name("update".to_owned())
            .spawn(move || {
                let end = match install(&home, &version, &steps) {
                    Ok(()) => Installing::Ending,
                    Err(reason) => {
                        tracing::error!(target: "program", "The update to {version} failed: {reason}");
                        Installing::Failed(reason)
                    }
                };
                // The page may be gone; the installation goes on all the same.
                drop(steps.blocking_send(end));
            });
        if let Err(error) = spawned {
            drop(told.try_send(Installing::Failed(error.to_string())));
        }
        out
    }
}

fn install(
    home: &SettingsHome,
    version: &str,
    steps: &mpsc::Sender<Installing>,
) -> Result<(), String> {
    let look = UpdateDesk::by_settings(home)?;
    let (verdict, text) = look.ask()?;
    let offer = match verdict {
        Verdict::Newer(offer) if offer.version.to_string() == version => offer,
        _ => return Err("another version is offered now; look again".to_owned()),
    };
    if !apply::can_install() {
        return Err(
            "it is an installer for Windows; on this system the program is built from its source"
                .to_owned(),
        );
    }
    let mut shown = 0;
    look.fetch(&offer, &text, |came, whole| {
        let percent = u8::try_from(came.saturating_mul(100) / whole.max(1)).unwrap_or(100);
        if percent > shown {
            shown = percent;
            // A page that does not look loses a step and nothing else.
            drop(steps.try_send(Installing::Fetching(percent)));
        }
    })?;
    tracing::info!(target: "program", "Version {version} is fetched and proved; it is installed as soon as no order is under way.");
    apply::begin(look.kept(), &home.data_dir, Some(&home.path), false)
}
