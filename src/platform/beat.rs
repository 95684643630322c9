//! When the next heartbeat is due. Pure: the monotonic time and the jitter come in as arguments.
//!
//! The heartbeat is the only dependable way by which commands arrive (contract T4), so it follows every start,
//! subscription and event at once, and otherwise never rests longer than a minute. Reasons that come in a burst are
//! answered by one beat now and one after [`COALESCE`].

use std::time::Duration;

/// The shortest time between two heartbeats that events asked for.
pub const COALESCE: Duration = Duration::from_secs(1);
/// The shortest time between two heartbeats while a full queue is drained.
pub const DRAIN: Duration = Duration::from_millis(20);
/// Bounds of the resting interval; the platform advertises 60 s.
pub const INTERVAL: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(60));
/// Bounds of the wait after failures (contract T3).
pub const BACK_OFF: (Duration, Duration) = (Duration::from_secs(2), INTERVAL.1);

/// Times are `Now::mono`; a jitter is a number from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct BeatSchedule {
    interval: Duration,
    due: Duration,
    last_sent: Option<Duration>,
    in_flight: bool,
    /// Something happened after the last beat was sent.
    asked: bool,
    failures: u32,
    /// After a failure nothing but a regained link goes out before this.
    not_before: Duration,
    /// The platform named this wait itself; nothing goes out before it.
    ordered_wait: Duration,
}

impl BeatSchedule {
    /// The first beat is due at once.
    pub fn new(now: Duration, advertised: Option<Duration>) -> Self {
        let mut schedule = Self {
            interval: INTERVAL.1,
            due: now,
            last_sent: None,
            in_flight: false,
            asked: false,
            failures: 0,
            not_before: Duration::ZERO,
            ordered_wait: Duration::ZERO,
        };
        schedule.set_interval(advertised);
        schedule
    }

    /// Takes the interval that the platform advertises, within [`INTERVAL`].
    pub fn set_interval(&mut self, advertised: Option<Duration>) {
        self.interval = advertised
            .unwrap_or(INTERVAL.1)
            .clamp(INTERVAL.0, INTERVAL.1);
    }

    /// When to send; `None` while an answer is awaited.
    pub fn due(&self) -> Option<Duration> {
        (!self.in_flight).then(|| self.due.max(self.not_before).max(self.ordered_wait))
    }

    pub fn is_due(&self, now: Duration) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// Failed beats since the last answered one.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// An event arrived, or anything else that commands may hide behind.
    pub fn ask(&mut self, now: Duration) {
        if self.in_flight {
            self.asked = true;
        } else {
            self.due = self.due.min(self.soonest(now, COALESCE));
        }
    }

    /// A link came back (subscription, network, a person's "reconnect"): a running back-off is forgotten, a wait that
    /// the platform ordered is not.
    pub fn link_regained(&mut self, now: Duration) {
        self.not_before = Duration::ZERO;
        self.ask(now);
    }

    /// Every row of a full page has been reported: the next page may come.
    pub fn drain(&mut self, now: Duration) {
        if self.in_flight {
            self.asked = true;
        } else {
            self.due = self.due.min(self.soonest(now, DRAIN));
        }
    }

    pub const fn sent(&mut self, now: Duration) {
        self.in_flight = true;
        self.asked = false;
        self.last_sent = Some(now);
    }

    pub fn answered(&mut self, now: Duration, jitter: f64) {
        self.in_flight = false;
        self.failures = 0;
        self.not_before = Duration::ZERO;
        self.ordered_wait = Duration::ZERO;
        self.due = now + spread(self.interval, jitter);
        self.ask_again(now);
    }

    pub fn failed(&mut self, now: Duration, retry_after: Option<Duration>, jitter: f64) {
        self.in_flight = false;
        self.failures = self.failures.saturating_add(1);
        let doublings = (self.failures - 1).min(16);
        let wait = BACK_OFF.0.saturating_mul(1 << doublings).min(BACK_OFF.1);
        self.not_before = now + spread(wait, jitter);
        self.ordered_wait = now + retry_after.unwrap_or_default().min(BACK_OFF.1);
        self.due = self.not_before;
        self.ask_again(now);
    }

    fn ask_again(&mut self, now: Duration) {
        if std::mem::take(&mut self.asked) {
            self.due = self.due.min(self.soonest(now, COALESCE));
        }
    }

    fn soonest(&self, now: Duration, gap: Duration) -> Duration {
        self.last_sent.map_or(now, |sent| now.max(sent + gap))
    }
}

/// Ten per cent around `wait`, so that many executors do not beat together.
fn spread(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const MIDDLE: f64 = 0.5;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn beating() -> BeatSchedule {
        let mut beats = BeatSchedule::new(at(0), Some(at(60_000)));
        beats.sent(at(0));
        beats.answered(at(100), MIDDLE);
        beats
    }

    #[test]
    fn the_first_beat_is_due_at_once() {
        let beats = BeatSchedule::new(at(7), None);
        assert!(beats.is_due(at(7)));
    }

    #[test]
    fn a_quiet_executor_beats_within_ten_per_cent_of_the_interval() {
        for (advertised, jitter, rest) in [
            (Some(60), 0.0, 54_000),
            (Some(60), 1.0, 66_000),
            (Some(45), 0.5, 45_000),
            (Some(5), 0.5, 30_000),
            (Some(600), 0.5, 60_000),
            (None, 0.5, 60_000),
        ] {
            let mut beats = BeatSchedule::new(at(0), advertised.map(Duration::from_secs));
            beats.sent(at(0));
            beats.answered(at(100), jitter);
            assert_eq!(beats.due(), Some(at(100 + rest)), "{advertised:?} {jitter}");
        }
    }

    #[test]
    fn an_event_brings_a_beat_at_once() {
        let mut beats = beating();
        beats.ask(at(20_000));
        assert_eq!(beats.due(), Some(at(20_000)));
    }

    #[test]
    fn a_burst_of_events_costs_one_beat_now_and_one_a_second_later() {
        let mut beats = beating();
        let mut sent = Vec::new();
        for now in (20_000..20_900).step_by(10).map(at) {
            beats.ask(now);
            if beats.is_due(now) {
                beats.sent(now);
                sent.push(now);
                beats.answered(now, MIDDLE);
            }
        }
        assert_eq!(sent, [at(20_000)]);
        assert_eq!(beats.due(), Some(at(21_000)));
    }

    #[test]
    fn an_event_during_a_beat_is_not_forgotten() {
        let mut beats = beating();
        beats.ask(at(20_000));
        beats.sent(at(20_000));
        beats.ask(at(20_050));
        assert_eq!(beats.due(), None);
        beats.answered(at(20_100), MIDDLE);
        assert_eq!(beats.due(), Some(at(21_000)));
    }

    #[test]
    fn a_full_page_is_followed_without_the_usual_second() {
        let mut beats = beating();
        beats.ask(at(20_000));
        beats.sent(at(20_000));
        beats.answered(at(20_030), MIDDLE);
        beats.drain(at(20_040));
        assert_eq!(beats.due(), Some(at(20_040)));
    }

    #[test]
    fn failures_back_off_from_two_seconds_to_a_minute() {
        let mut beats = beating();
        let mut waits = Vec::new();
        for _ in 0..10 {
            beats.sent(at(0));
            beats.failed(at(0), None, MIDDLE);
            waits.push(beats.due().unwrap().as_secs());
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
        beats.sent(at(0));
        beats.answered(at(0), MIDDLE);
        assert_eq!(beats.failures(), 0);
        assert_eq!(beats.due(), Some(at(60_000)));
    }

    #[test]
    fn events_do_not_break_a_back_off_and_a_regained_link_does() {
        let mut beats = beating();
        for _ in 0..6 {
            beats.sent(at(100_000));
            beats.failed(at(100_500), None, MIDDLE);
        }
        beats.ask(at(110_000));
        assert_eq!(beats.due(), Some(at(160_500)));
        assert!(!beats.is_due(at(112_000)));
        beats.link_regained(at(112_000));
        assert!(beats.is_due(at(112_000)));
    }

    #[test]
    fn nothing_breaks_a_wait_that_the_platform_ordered() {
        let mut beats = beating();
        beats.sent(at(1_000));
        beats.failed(at(1_000), Some(at(50_000)), MIDDLE);
        beats.ask(at(5_000));
        beats.link_regained(at(6_000));
        beats.drain(at(7_000));
        assert_eq!(beats.due(), Some(at(51_000)));
    }

    /// Commands may wait behind it, an emergency stop among them.
    #[test]
    fn no_platform_orders_a_wait_of_more_than_a_minute() {
        let mut beats = beating();
        beats.sent(at(1_000));
        beats.failed(at(1_000), Some(at(3_000_000)), MIDDLE);
        assert_eq!(beats.due(), Some(at(61_000)));
    }

    proptest! {
        /// Whatever happens in whatever order: never two beats within a drain's gap, never a rest beyond the longest wait.
        #[test]
        fn beats_are_never_too_dense_and_never_cease(
            steps in proptest::collection::vec((0u8..6, 0u64..90_000, 0.0f64..=1.0), 1..80)
        ) {
            let mut beats = BeatSchedule::new(at(0), None);
            let mut now = at(0);
            let mut last: Option<Duration> = None;
            for (what, passed, jitter) in steps {
                now += at(passed);
                match what {
                    0 => beats.ask(now),
                    1 => beats.drain(now),
                    2 => beats.link_regained(now),
                    3 if beats.is_due(now) => {
                        if let Some(last) = last {
                            prop_assert!(now - last >= DRAIN);
                        }
                        last = Some(now);
                        beats.sent(now);
                    }
                    4 if beats.due().is_none() => beats.answered(now, jitter),
                    5 if beats.due().is_none() => beats.failed(now, Some(at(passed * 10)), jitter),
                    _ => {}
                }
                if let Some(due) = beats.due() {
                    prop_assert!(due <= now + BACK_OFF.1.mul_f64(1.1));
                }
            }
        }
    }
}
