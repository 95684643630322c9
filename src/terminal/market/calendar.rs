//! When a market trades, and how lively each hour is. Daylight saving is left out: hours are UTC all year.

use crate::market::Session;

const MINUTES_OF_HOUR: i64 = 60;
const HOURS_OF_DAY: i64 = 24;

/// Trading hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Sunday 22:00 to Friday 22:00.
    Week,
    Always,
}

/// Share of a day's movement by hour: Asia calm, London's opening lively, London with New York liveliest.
const WEEK_RHYTHM: [f64; 24] = [
    0.6, 0.7, 0.6, 0.5, 0.4, 0.5, 0.9, 1.5, 1.8, 1.5, 1.2, 1.1, 1.6, 2.0, 2.1, 1.8, 1.3, 0.9, 0.7,
    0.6, 0.5, 0.35, 0.3, 0.4,
];
const ALWAYS_RHYTHM: [f64; 24] = [
    1.0, 1.0, 0.9, 0.8, 0.8, 0.8, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0, 1.1, 1.4, 1.6, 1.6, 1.4, 1.2, 1.1,
    1.0, 1.0, 0.9, 0.9, 0.9,
];

/// Sunday is 0; the epoch's first day was a Thursday.
const fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7)
}

impl Hours {
    /// Whether the hour number `hour` (hours since the epoch) trades.
    pub const fn open_hour(self, hour: i64) -> bool {
        match self {
            Self::Always => true,
            Self::Week => {
                let of_day = hour.rem_euclid(HOURS_OF_DAY);
                match weekday(hour.div_euclid(HOURS_OF_DAY)) {
                    0 => of_day >= 22,
                    5 => of_day < 22,
                    6 => false,
                    _ => true,
                }
            }
        }
    }

    /// The same hours as a terminal tells them; `None` is always.
    pub fn sessions(self) -> Option<Vec<Session>> {
        let Self::Week = self else {
            return None;
        };
        let day = |day, from, to| Session { day, from, to };
        let mut week = vec![day(0, 22 * 60, 24 * 60)];
        week.extend((1..=4).map(|number| day(number, 0, 24 * 60)));
        week.push(day(5, 0, 22 * 60));
        Some(week)
    }

    pub const fn open_minute(self, minute: i64) -> bool {
        self.open_hour(minute.div_euclid(MINUTES_OF_HOUR))
    }

    const fn rhythm(self) -> &'static [f64; 24] {
        match self {
            Self::Week => &WEEK_RHYTHM,
            Self::Always => &ALWAYS_RHYTHM,
        }
    }

    /// How lively an hour of the day is; 1 is average.
    pub fn liveliness(self, hour: i64) -> f64 {
        self.rhythm()[hour.rem_euclid(HOURS_OF_DAY) as usize]
    }

    /// Liveliness times open minutes over `length` minutes from `minute`; 0 when all of it is closed.
    pub fn weight(self, minute: i64, length: i64) -> f64 {
        let first = minute.div_euclid(MINUTES_OF_HOUR);
        if length < MINUTES_OF_HOUR {
            return if self.open_hour(first) {
                self.liveliness(first) * length as f64
            } else {
                0.0
            };
        }
        (first..first + length / MINUTES_OF_HOUR)
            .filter(|hour| self.open_hour(*hour))
            .map(|hour| self.liveliness(hour) * MINUTES_OF_HOUR as f64)
            .sum()
    }

    pub fn open_minutes(self, minute: i64, length: i64) -> u64 {
        let first = minute.div_euclid(MINUTES_OF_HOUR);
        if length < MINUTES_OF_HOUR {
            return if self.open_hour(first) {
                length.unsigned_abs()
            } else {
                0
            };
        }
        (first..first + length / MINUTES_OF_HOUR)
            .filter(|hour| self.open_hour(*hour))
            .count() as u64
            * MINUTES_OF_HOUR.unsigned_abs()
    }

    /// The market's own time at the start of `day`, in days of movement. A weekend passes as 0.15 of a day, which is
    /// what makes the gap between Friday's close and Sunday's opening.
    pub fn movement_time(self, day: i64) -> f64 {
        const STARTS: [f64; 7] = [-0.1, 0.0, 1.0, 2.0, 3.0, 4.0, 4.9];
        const WEEK: f64 = 5.15;
        match self {
            Self::Always => day as f64,
            Self::Week => {
                let of_week = weekday(day);
                let week = (day - of_week).div_euclid(7);
                week as f64 * WEEK + STARTS[of_week as usize]
            }
        }
    }
}

/// Where the clock of a market that never rests stands after `passed_ms` of open time (all in milliseconds since the
/// epoch): the weekends of [`Hours::Week`] take no time. A start in a weekend counts as its end.
pub const fn after_open_time(start_ms: i64, passed_ms: i64) -> i64 {
    const HOUR_MS: i64 = 3_600_000;
    const WEEK_MS: i64 = 7 * 24 * HOUR_MS;
    const OPEN_MS: i64 = 5 * 24 * HOUR_MS;
    /// A Sunday at 22:00.
    const OPENING: i64 = (3 * 24 + 22) * HOUR_MS;
    let since = start_ms - OPENING;
    let week = since.div_euclid(WEEK_MS);
    let of_week = since.rem_euclid(WEEK_MS);
    let of_week = if of_week < OPEN_MS { of_week } else { OPEN_MS };
    let open = week * OPEN_MS + of_week + passed_ms;
    open.div_euclid(OPEN_MS) * WEEK_MS + open.rem_euclid(OPEN_MS) + OPENING
}
