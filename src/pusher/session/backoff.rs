//! When to try again. Pure: chance comes in as an argument.

use std::time::Duration;

use crate::pusher::{Timing, closing::Pace};

/// No delay but the first may be shorter, so that luck never makes a tight loop.
const FLOOR: Duration = Duration::from_millis(50);
/// "At once" still spreads a thousand clients over a moment.
const AT_ONCE: Duration = Duration::from_millis(80);
/// The longest `Retry-After` that is obeyed.
const LONGEST_AFTER: Duration = Duration::from_secs(600);

/// Doubling delays with full jitter: uniform between nothing and a ceiling that doubles, chosen *after* the cap.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    ceiling: Option<Duration>,
    went_at_once: bool,
}

impl Backoff {
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The delay before the next attempt, after an outage of this age.
    pub fn next(
        &mut self,
        pace: Pace,
        outage: Duration,
        timing: &Timing,
        rng: &mut fastrand::Rng,
    ) -> Duration {
        match pace {
            Pace::AtOnce if !self.went_at_once => {
                self.went_at_once = true;
                between(rng, Duration::ZERO, AT_ONCE)
            }
            // Told again and again: at least half of the ceiling each time, so attempts spread out for certain.
            Pace::AtOnce => {
                let ceiling = self.grow(timing.first_retry, timing.longest_retry);
                between(rng, ceiling / 2, ceiling)
            }
            Pace::NotBefore(floor) => {
                let ceiling = self.grow(floor * 2, timing.longest_retry.max(floor * 2));
                between(rng, (ceiling / 2).max(floor), ceiling)
            }
            Pace::After(told) => told.min(LONGEST_AFTER) + self.jittered(outage, timing, rng),
            Pace::Slow => between(rng, timing.slow_retry, timing.slow_retry * 2),
            Pace::Stop => between(rng, timing.probe_every, timing.probe_every * 5 / 4),
            Pace::OverTls => between(rng, Duration::ZERO, AT_ONCE),
            Pace::Renew | Pace::Backoff => self.jittered(outage, timing, rng),
        }
    }

    /// The delay before a refusal is looked at again: somebody may have to change something, or the platform only
    /// stumbled.
    pub fn probe(&mut self, timing: &Timing, rng: &mut fastrand::Rng) -> Duration {
        let ceiling = self.grow(timing.first_probe * 2, timing.probe_every);
        between(rng, (ceiling / 2).max(timing.first_probe), ceiling)
    }

    fn jittered(&mut self, outage: Duration, timing: &Timing, rng: &mut fastrand::Rng) -> Duration {
        let first = self.ceiling.is_none();
        let cap = if outage < timing.young_outage {
            timing.young_retry
        } else {
            timing.longest_retry
        };
        let ceiling = self.grow(timing.first_retry, cap);
        between(
            rng,
            if first {
                Duration::ZERO
            } else {
                FLOOR.min(ceiling)
            },
            ceiling,
        )
    }

    /// At least `least`, doubled each time up to `cap`; a ceiling already above the cap stays.
    fn grow(&mut self, least: Duration, cap: Duration) -> Duration {
        let next = self.ceiling.map_or(least, |ceiling| {
            (ceiling * 2).max(least).min(cap.max(ceiling))
        });
        self.ceiling = Some(next);
        next
    }
}

fn between(rng: &mut fastrand::Rng, low: Duration, high: Duration) -> Duration {
    low + high.saturating_sub(low).mul_f64(rng.f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_62_a_refusal_is_looked_at_soon_and_then_ever_more_seldom_but_never_given_up() {
        let timing = Timing::default();
        for seed in 0..200 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut backoff = Backoff::default();
            let probes: Vec<Duration> = (0..12).map(|_| backoff.probe(&timing, &mut rng)).collect();
            assert!((timing.first_probe..=timing.first_probe * 2).contains(&probes[0]));
            assert!(
                probes[9..]
                    .iter()
                    .all(|probe| *probe >= timing.probe_every / 2)
            );
            assert!(probes.iter().all(|probe| *probe <= timing.probe_every));
        }
    }
}
