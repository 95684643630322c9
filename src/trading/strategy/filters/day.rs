//! Days of the week, in UTC.

use serde::Serialize;

use crate::strategy::language::Language;

const ENGLISH: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const INDONESIAN: [&str; 7] = [
    "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu",
];

/// A day of the week, 0 is Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Day(u8);

impl Day {
    pub const FRIDAY: Self = Self(4);
    pub const SATURDAY: Self = Self(5);
    pub const SUNDAY: Self = Self(6);

    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..7).map(Self)
    }

    /// So many days after a Monday.
    const fn from_monday(days: i64) -> Self {
        Self(days.rem_euclid(7) as u8)
    }

    /// So many days after a Sunday.
    pub(in crate::strategy) const fn from_sunday(days: i64) -> Self {
        Self::from_monday(days - 1)
    }

    /// A whole English name or its first three letters, in any case.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::all().zip(ENGLISH).find_map(|(day, own)| {
            let known = name.eq_ignore_ascii_case(own) || name.eq_ignore_ascii_case(&own[..3]);
            known.then_some(day)
        })
    }

    pub fn words(self, language: Language) -> &'static str {
        let day = usize::from(self.0);
        language.pick(ENGLISH[day], INDONESIAN[day])
    }

    pub const fn is_weekend(self) -> bool {
        self.0 >= Self::SATURDAY.0
    }
}

/// The day of the week and the minute of the day at a second since 1970 UTC.
pub fn day_and_minute(second: i64) -> (Day, u32) {
    // 1 January 1970 was a Thursday.
    let day = Day::from_monday(second.div_euclid(86_400) + 3);
    let minute = second.rem_euclid(86_400) / 60;
    (day, u32::try_from(minute).unwrap_or_default())
}
