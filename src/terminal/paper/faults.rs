//! Seeded misfortune: how often the paper terminal requotes, rejects, loses answers and its connection.

use std::time::Duration;

use crate::market::Cid;
use crate::terminal::market::Noise;

/// How often things go wrong: shares between 0 (never) and 1 (always).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultRates {
    /// Orders answered with a requote (10004).
    pub requote: f64,
    /// Orders rejected by the broker (10006).
    pub reject: f64,
    /// Orders that are executed, but whose answer never comes.
    pub lost_after: f64,
    /// Orders that are lost before they reach the broker.
    pub lost_before: f64,
    /// Chance of losing the connection in any one second.
    pub disconnect: f64,
    /// Shortest and longest way of a request to the broker.
    pub latency: (Duration, Duration),
}

/// What happens to one order on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Requoted,
    Rejected(i32),
    LostBefore,
    LostAfter,
}

impl FaultRates {
    /// The fate of an order, the same for the same seed and client id.
    pub fn fate(&self, noise: Noise, cid: Cid) -> Fate {
        let mut draw = noise.with(cid.0).with(1).unit();
        for (rate, fate) in [
            (self.lost_before, Fate::LostBefore),
            (self.lost_after, Fate::LostAfter),
            (self.requote, Fate::Requoted),
            (self.reject, Fate::Rejected(super::retcode::REJECT)),
        ] {
            if draw < rate {
                return fate;
            }
            draw -= rate;
        }
        Fate::Delivered
    }

    /// How long the `count`-th request takes to the broker.
    pub fn latency(&self, noise: Noise, count: u64) -> Duration {
        let (least, most) = self.latency;
        least
            + most
                .saturating_sub(least)
                .mul_f64(noise.with(2).with(count).unit())
    }

    /// Whether the connection is lost in this second, and for how long.
    pub fn outage(&self, noise: Noise, second: u64) -> Option<Duration> {
        let noise = noise.with(3).with(second);
        (noise.unit() < self.disconnect)
            .then(|| Duration::from_secs(2) + Duration::from_secs(8).mul_f64(noise.with(1).unit()))
    }
}
