//! Whether the engine still speaks. It publishes a picture twice a second at least; one that is silent for long hangs, and with
//! it everything that should be closed.

use std::time::Duration;

const SILENT_AFTER: Duration = Duration::from_secs(30);

/// What changed since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SilenceNews {
    Silent,
    SpeaksAgain { after: Duration },
}

/// Moments are readings of a monotonic clock.
#[derive(Debug)]
pub(super) struct Silence {
    heard: Duration,
    told: bool,
}

impl Silence {
    pub const fn since(now: Duration) -> Self {
        Self {
            heard: now,
            told: false,
        }
    }

    /// `speaks`: it published something since the last look.
    pub fn look(&mut self, now: Duration, speaks: bool) -> Option<SilenceNews> {
        let after = now.saturating_sub(self.heard);
        if speaks {
            self.heard = now;
            return std::mem::take(&mut self.told).then_some(SilenceNews::SpeaksAgain { after });
        }
        let news = after >= SILENT_AFTER && !self.told;
        self.told |= news;
        news.then_some(SilenceNews::Silent)
    }

    /// The computer slept: nobody could speak.
    pub const fn begin_anew(&mut self, now: Duration) {
        self.heard = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let second = Duration::from_secs;
        let mut silence = Silence::since(second(0));
        let mut told = Vec::new();
        for now in 1..=100 {
            let speaks = !(10..80).contains(&now);
            told.extend(silence.look(second(now), speaks).map(|news| (now, news)));
        }
        let after = second(71);
        assert_eq!(
            told,
            [
                (39, SilenceNews::Silent),
                (80, SilenceNews::SpeaksAgain { after })
            ]
        );
        silence.begin_anew(second(500));
        assert_eq!(silence.look(second(501), false), None, "it slept");
    }
}
