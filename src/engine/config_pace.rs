//! How often the platform is asked for the configuration: once a minute at most, however often the loops start anew.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Settings;

/// The platform counts ten calls a minute and key; one leaves room for the other calls.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// Remembers the last call that reached the platform; shared by all loops that ever run.
#[derive(Clone, Debug, Default)]
pub(super) struct ConfigPace(Arc<Mutex<Option<(Settings, Instant)>>>);

impl ConfigPace {
    /// How long the next call with these settings has to wait. Another platform or key is another matter.
    pub fn wait(&self, settings: &Settings) -> Duration {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .filter(|(before, _)| !settings.changed_from(before).platform)
            .map_or(Duration::ZERO, |(_, at)| PAUSE.saturating_sub(at.elapsed()))
    }

    /// A call was made now.
    pub fn called(&self, settings: &Settings) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((settings.clone(), Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::settings::{Draft, Field};

    fn settings(key: &str, port: &str) -> Settings {
        let mut draft = Draft::default();
        draft.set(Field::PlatformUrl, "https://fx.example.com");
        draft.set(Field::ApiKey, key);
        draft.set_secret(&"5".repeat(64));
        draft.set(Field::PusherPort, port);
        draft.settings().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_waits_out_the_minute_of_the_last_one_for_the_same_key() {
        let pace = ConfigPace::default();
        let first = settings("exe_one", "443");
        assert_eq!(pace.wait(&first), Duration::ZERO);
        pace.called(&first);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(
            pace.wait(&settings("exe_one", "6001")),
            PAUSE - Duration::from_secs(20)
        );
        assert_eq!(pace.wait(&settings("exe_two", "443")), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(41)).await;
        assert_eq!(pace.wait(&first), Duration::ZERO);
    }
}
