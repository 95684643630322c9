//! Times, ages, prices and money as text. Prices keep a point and the symbol's digits, as MetaTrader shows them.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// `14:03:07`, in the window's zone.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%H:%M:%S")
        .to_string()
}

/// `14:03:07.412`.
pub fn clock_ms(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%H:%M:%S.%3f")
        .to_string()
}

/// `24 Nov 14:03:07`, shortened to the clock on the same day.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (
        at.to_zoned_datetime(zone.clone()),
        now.to_zoned_datetime(zone.clone()),
    );
    if at.date() == now.date() {
        at.strftime("%H:%M:%S").to_string()
    } else {
        at.strftime("%d %b %H:%M:%S").to_string()
    }
}

/// A moment within the coming week: `Mon 00:05`.
pub fn weekday(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%a %H:%M")
        .to_string()
}

/// The whole moment with its zone, for hovering: `2026-11-24 14:03:07 +07`.
pub fn full(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

/// `3 s`, `4 min`, `2 h 05 min`, `3 d 4 h`; negative spans count as none.
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min", seconds / 60),
        3_600..=86_399 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `412 ms`, `3.2 s`, `4 min`.
pub fn milliseconds(ms: u64) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min", ms / 60_000),
    }
}

/// Two decimals, thousands apart by a thin blank, a real minus: `12 345.60`.
pub fn money(amount: Decimal) -> String {
    let text = format!("{:.2}", amount.abs());
    let (whole, rest) = text.split_at(text.len() - 3);
    let sign = if amount.is_sign_negative() && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        "-"
    } else {
        ""
    };
    format!("{sign}{}{rest}", grouped(whole))
}

/// Like [`money`], with a plus for gains: a profit's sign is never left to its colour.
pub fn profit(amount: Decimal) -> String {
    let text = money(amount);
    if amount.round_dp(2) > Decimal::ZERO {
        format!("+{text}")
    } else {
        text
    }
}

pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A number for a place of four characters.
pub fn short_count(number: u64) -> String {
    match number {
        0..=9_999 => number.to_string(),
        10_000..=999_999 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(digit);
    }
    out
}

/// The digits that a set of prices of one symbol is shown with: the most that any of them carries.
pub fn digits<'a>(prices: impl IntoIterator<Item = &'a Decimal>) -> u32 {
    prices.into_iter().map(Decimal::scale).max().unwrap_or(0)
}

pub fn price(value: Decimal, digits: u32) -> String {
    format!("{value:.0$}", digits as usize)
}

pub fn optional_price(value: Option<Decimal>, digits: u32) -> String {
    value.map_or_else(|| "–".to_owned(), |value| price(value, digits))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;

    #[test]
    fn spans_read_like_speech() {
        let span = |seconds| span(SignedDuration::from_secs(seconds));
        assert_eq!(span(-5), "0 s");
        assert_eq!(span(59), "59 s");
        assert_eq!(span(61), "1 min");
        assert_eq!(span(7_500), "2 h 05 min");
        assert_eq!(span(90_000), "1 d 1 h");
    }

    #[test]
    fn money_shows_its_sign_and_groups() {
        assert_eq!(
            money(Decimal::new(1_234_567_891, 2)),
            "12\u{2009}345\u{2009}678.91"
        );
        assert_eq!(money(Decimal::new(-5, 1)), "-0.50");
        assert_eq!(money(Decimal::new(-1, 3)), "0.00");
        assert_eq!(profit(Decimal::new(125, 1)), "+12.50");
        assert_eq!(profit(Decimal::ZERO), "0.00");
    }

    #[test]
    fn prices_keep_the_symbols_digits() {
        let prices = [Decimal::new(10_845, 4), Decimal::new(108_412, 5)];
        let digits = digits(&prices);
        assert_eq!(digits, 5);
        assert_eq!(price(prices[0], digits), "1.08450");
        assert_eq!(optional_price(None, digits), "–");
    }

    #[test]
    fn moments_of_other_days_carry_their_date() {
        let now: Timestamp = "2026-11-24T14:03:07Z".parse().expect("a time");
        let zone = TimeZone::UTC;
        assert_eq!(moment(now, now, &zone), "14:03:07");
        let yesterday = now - SignedDuration::from_hours(24);
        assert_eq!(moment(yesterday, now, &zone), "23 Nov 14:03:07");
        assert_eq!(milliseconds(3_250), "3.2 s");
    }
}
