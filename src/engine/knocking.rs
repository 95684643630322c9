//! After the server refused the connection for good: when the platform is asked for another key, and when the same one is
//! tried again. Another key may be waiting there, and a quota is over one day: nobody should have to start anew.

use std::time::Duration;

use tokio::time::Instant;

/// Between two looks for another key or cluster.
pub(super) const PAUSE: Duration = Duration::from_secs(60);
/// After so many of them the connection is tried as it is, because quotas end and applications are switched on again.
const BEFORE_CONNECT: u32 = 5;

#[derive(Debug, Default)]
pub(super) struct Knocking {
    at: Option<Instant>,
    count: u32,
}

impl Knocking {
    /// The next moment to knock; `None` while nothing is refused.
    pub const fn at(&self) -> Option<Instant> {
        self.at
    }

    /// The server refused; `true` when that is new, and the platform is to be asked at once.
    pub fn refused(&mut self) -> bool {
        let is_new = self.at.is_none();
        if is_new {
            self.at = Some(Instant::now() + PAUSE);
        }
        is_new
    }

    /// The moment has come, and the platform is asked; `true` when the connection itself is due to be tried, too.
    pub fn knock(&mut self) -> bool {
        self.at = Some(Instant::now() + PAUSE);
        self.count += 1;
        self.count.is_multiple_of(BEFORE_CONNECT)
    }

    pub fn connected(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_connection_asks_each_minute_and_tries_itself_each_fifth() {
        let mut knocking = Knocking::default();
        assert_eq!(knocking.at(), None);
        assert!(knocking.refused(), "the platform is asked at once");
        assert!(!knocking.refused(), "and not for each refusal");
        let begun = Instant::now();
        let mut tried = Vec::new();
        for minute in 1..=10 {
            tokio::time::sleep_until(knocking.at().unwrap_or_else(Instant::now)).await;
            assert_eq!(begun.elapsed(), minute * PAUSE);
            if knocking.knock() {
                tried.push(minute);
                knocking.refused();
            }
        }
        assert_eq!(tried, [5, 10]);
        knocking.connected();
        assert_eq!(knocking.at(), None);
        assert!(knocking.refused());
    }
}
