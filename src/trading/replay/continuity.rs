//! What a history lacks: bars that are missing, bars that came twice.

use jiff::Timestamp;
use serde::Serialize;

/// Gaps told one by one; the rest is counted.
const TOLD: usize = 20;
const DAY: i64 = 86_400;

/// A span without bars, from the end of one to the beginning of the next, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub from: Timestamp,
    pub to: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Continuity {
    pub bars: u64,
    /// Bars with the time of the one before; the first one counts.
    pub duplicates: u64,
    /// Spans without bars over a weekend.
    pub weekends: u64,
    /// Other spans without bars: holidays, or bars that the history lacks.
    pub gaps: u64,
    /// The longest of those, in minutes.
    pub longest_gap_minutes: i64,
    /// The first of those.
    pub first_gaps: Vec<Gap>,
}

impl Continuity {
    /// Counts a bar at `second`, after one at `last` (`i64::MIN`: none) of so many seconds.
    pub(super) fn take(&mut self, last: i64, second: i64, step: Option<i64>) {
        self.bars += 1;
        let Some(step) = step else { return };
        if last == i64::MIN || second - last <= step {
            return;
        }
        let from = last + step;
        if holds_a_saturday_noon(from, second) {
            self.weekends += 1;
            return;
        }
        self.gaps += 1;
        self.longest_gap_minutes = self.longest_gap_minutes.max((second - from) / 60);
        if self.first_gaps.len() < TOLD
            && let (Ok(from), Ok(to)) =
                (Timestamp::from_second(from), Timestamp::from_second(second))
        {
            self.first_gaps.push(Gap { from, to });
        }
    }

    /// Together with another file's.
    pub(super) fn add(&mut self, other: &Self) {
        self.bars += other.bars;
        self.duplicates += other.duplicates;
        self.weekends += other.weekends;
        self.gaps += other.gaps;
        self.longest_gap_minutes = self.longest_gap_minutes.max(other.longest_gap_minutes);
        let room = TOLD - self.first_gaps.len().min(TOLD);
        self.first_gaps.extend(other.first_gaps.iter().take(room));
    }
}

/// 1 January 1970 was a Thursday; the first Saturday's noon is two and a half days later.
const fn holds_a_saturday_noon(from: i64, to: i64) -> bool {
    const NOON: i64 = 2 * DAY + DAY / 2;
    (to - NOON).div_euclid(7 * DAY) > (from - NOON).div_euclid(7 * DAY)
}
