//! Notifications of a running executor with a window: what happened, for a trader who looks elsewhere.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::session::Session;
use super::settings_home::SettingsHome;
use crate::alerts::{Alert, AlertKinds, AlertWatch, Place};
use crate::core::snapshot::Snapshot;
use crate::os::{Toast, Toasts};
use crate::ui::{Page, Waker};

/// How often is looked for news.
const LOOK: Duration = Duration::from_secs(1);

/// Shows what happens as notifications, where the system has them, until the engine ends.
pub(super) fn start(session: &Session) {
    let ended = session.engine.shutdown_token();
    let snapshot = session.engine.snapshot.clone();
    let home = Arc::clone(&session.settings);
    let waker = session.waker.clone();
    let spawned = std::thread::Builder::new()
        .name("toasts".to_owned())
        .spawn(move || follow(&snapshot, &home, &waker, &ended));
    if let Err(error) = spawned {
        tracing::warn!(target: "ui", "There are no notifications: {error}");
    }
}

fn follow(
    snapshot: &watch::Receiver<Arc<Snapshot>>,
    home: &SettingsHome,
    waker: &Waker,
    ended: &CancellationToken,
) {
    let toasts = match Toasts::open() {
        Ok(toasts) => toasts,
        Err(error) => {
            if cfg!(windows) {
                tracing::warn!(target: "ui", "There are no notifications: {error}");
            }
            return;
        }
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    else {
        return;
    };
    let began = Instant::now();
    let mut watch = AlertWatch::new(&snapshot.borrow());
    let mut teller = Teller::default();
    runtime.block_on(async {
        loop {
            tokio::select! {
                () = ended.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let picture = Arc::clone(&snapshot.borrow());
            let alerts = watch.look(&picture, began.elapsed());
            let wanted = home
                .toasts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            teller.tell(&alerts, &wanted, |toast, place| {
                let waker = waker.clone();
                let clicked = move || {
                    waker.show_page(page_of(place));
                };
                toasts
                    .show(toast, Arc::new(clicked))
                    .map_err(|error| error.to_string())
            });
        }
    });
}

/// Says why nothing is shown, once for each reason.
#[derive(Debug, Default)]
struct Teller {
    trouble: Option<String>,
}

impl Teller {
    fn tell(
        &mut self,
        alerts: &[Alert],
        wanted: &AlertKinds,
        mut show: impl FnMut(&Toast, Place) -> Result<(), String>,
    ) {
        for alert in alerts.iter().filter(|alert| wanted.has(alert.kind)) {
            let toast = Toast {
                title: alert.title.clone(),
                text: alert.text.clone(),
            };
            let trouble = show(&toast, alert.place).err();
            if let Some(reason) = trouble.as_ref().filter(|_| trouble != self.trouble) {
                tracing::warn!(target: "ui", "A notification could not be shown ({alert}): {reason}");
            }
            self.trouble = trouble;
        }
    }
}

const fn page_of(place: Place) -> Page {
    match place {
        Place::Overview => Page::Overview,
        Place::Commands => Page::Commands,
        Place::Positions => Page::Positions,
        Place::MetaTrader => Page::MetaTrader,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::alerts::AlertKind;

    fn alert(kind: AlertKind) -> Alert {
        Alert {
            kind,
            title: kind.name().to_owned(),
            text: "text".to_owned(),
            place: Place::Commands,
        }
    }

    #[test]
    fn only_what_is_wanted_is_shown() {
        let mut shown = Vec::new();
        let alerts = [alert(AlertKind::Stop), alert(AlertKind::Filled)];
        let mut teller = Teller::default();
        teller.tell(&alerts, &"stop".parse().unwrap(), |toast, place| {
            shown.push((toast.title.clone(), page_of(place)));
            Ok(())
        });
        assert_eq!(shown, [("stop".to_owned(), Page::Commands)]);
    }

    #[test]
    fn a_reason_is_kept_until_something_is_shown_again() {
        let mut teller = Teller::default();
        let one = [alert(AlertKind::Stop)];
        let wanted = AlertKinds::default();
        teller.tell(&one, &wanted, |_, _| Err("off".to_owned()));
        assert_eq!(teller.trouble.as_deref(), Some("off"));
        teller.tell(&one, &wanted, |_, _| Ok(()));
        assert_eq!(teller.trouble, None);
    }
}
