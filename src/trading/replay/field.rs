//! The fields of a line of history: dates, times and numbers from bytes, without a detour through text.

/// A moment as a field tells it, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// By the server's clock.
    Server(i64),
    Utc(i64),
}

/// Prices with so many digits are exact in binary after one division.
const EXACT: u64 = 1 << 53;
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// The nearest f64, as the standard library gives it.
pub(super) fn number(field: &[u8]) -> Option<f64> {
    let mut mantissa: u64 = 0;
    let mut decimals = None;
    for (at, byte) in field.iter().enumerate() {
        match byte {
            b'0'..=b'9' if mantissa < EXACT / 10 => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
            }
            b'.' if decimals.is_none() => decimals = Some(field.len() - at - 1),
            _ => return spelled(field),
        }
    }
    let decimals = decimals.unwrap_or(0);
    if field.len() <= usize::from(decimals > 0) {
        return None;
    }
    POWERS
        .get(decimals)
        .map_or_else(|| spelled(field), |power| Some(mantissa as f64 / power))
}

fn spelled(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?;
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(number)
}

/// A whole number that is not negative; a fraction is cut off, as some exports write volumes as `12.0`.
pub(super) fn count(field: &[u8]) -> Option<u64> {
    let number = number(field)?;
    (0.0..1e18).contains(&number).then_some(number as u64)
}

/// `2024.01.02`, `2024-01-02`, `2024/01/02` or `20240102`, as seconds since 1970.
pub(super) fn date(field: &[u8]) -> Option<i64> {
    let (year, month, day) = match field {
        [
            y @ ..,
            b'.' | b'-' | b'/',
            m1,
            m2,
            b'.' | b'-' | b'/',
            d1,
            d2,
        ] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        [y @ .., m1, m2, d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        _ => return None,
    };
    let (year, month, day) = (digits(year)?, digits(&month)?, digits(&day)?);
    let lengths = [
        31,
        28 + i64::from(is_leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if !(1970..=2200).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    Some(days(year, month, day) * 86_400)
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days since 1970 by the proleptic Gregorian calendar; the year begins with March so that the leap day comes last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year - era * 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// `08:15`, `08:15:00` or `08:15:00.000`, as seconds of the day.
pub(super) fn time(field: &[u8]) -> Option<i64> {
    let (h, m, rest) = match field {
        [h1, h2, b':', m1, m2, rest @ ..] => ([*h1, *h2], [*m1, *m2], rest),
        [h, b':', m1, m2, rest @ ..] => ([b'0', *h], [*m1, *m2], rest),
        _ => return None,
    };
    let second = match rest {
        [] => 0,
        [b':', s1, s2] => digits(&[*s1, *s2])?,
        [b':', s1, s2, b'.', fraction @ ..] if digits(fraction).is_some() => digits(&[*s1, *s2])?,
        _ => return None,
    };
    let (hour, minute) = (digits(&h)?, digits(&m)?);
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// Date and time in one field, or seconds or milliseconds since 1970, which are UTC.
pub(super) fn moment(field: &[u8]) -> Option<Moment> {
    if field.len() >= 9 && field.iter().all(u8::is_ascii_digit) {
        let number = digits(field)?;
        let second = if number >= 100_000_000_000 {
            number / 1_000
        } else {
            number
        };
        return (second < 7_258_118_400).then_some(Moment::Utc(second));
    }
    let Some(at) = field.iter().position(|byte| matches!(byte, b' ' | b'T')) else {
        return Some(Moment::Server(date(field)?));
    };
    let day = date(&field[..at])?;
    let clock = &field[at + 1..];
    for zero in [&b"Z"[..], b"+00:00", b"+0000", b" UTC"] {
        if let Some(clock) = clock.strip_suffix(zero) {
            return Some(Moment::Utc(day + time(clock)?));
        }
    }
    Some(Moment::Server(day + time(clock)?))
}

fn digits(field: &[u8]) -> Option<i64> {
    if field.is_empty() || field.len() > 16 {
        return None;
    }
    field.iter().try_fold(0_i64, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}
