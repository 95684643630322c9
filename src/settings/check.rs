//! What a setting's value may look like, judged as it is typed.

use std::collections::BTreeMap;

use jiff::tz::{Offset, TimeZone};
use rust_decimal::Decimal;
use url::{Host, Url};

use super::field::Field;
use crate::alerts::AlertKinds;
use crate::core::{Allowances, Amount, Side};
use crate::net::http::is_loopback;
use crate::update::Address;

/// Clusters of Pusher Channels, from its documentation ("Clusters").
const CLUSTERS: [&str; 9] = ["mt1", "us2", "us3", "eu", "ap1", "ap2", "ap3", "ap4", "sa1"];

/// Whether a text can be this field's value, judged alone; empty is always fine here. The error says what to change.
pub fn check_field(field: Field, text: &str) -> Result<(), String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(());
    }
    match field {
        Field::PlatformUrl => platform_url(text).map(drop),
        Field::ApiKey => {
            no_blanks(text)?;
            if is_hex(text, 64) {
                return Err(
                    "This is the API secret. The API key begins with exe_; the two may be swapped."
                        .to_owned(),
                );
            }
            Ok(())
        }
        Field::ApiSecret => {
            no_blanks(text)?;
            if text.starts_with("exe_") {
                return Err(
                    "This is an API key. The secret is the other value; the two may be swapped."
                        .to_owned(),
                );
            }
            Ok(())
        }
        Field::ExecutorId | Field::PusherKey => {
            no_blanks(text)?;
            only(text, "letters, digits, - and _", |c| {
                c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
            })
        }
        Field::PusherCluster => only(text, "small letters, digits and -, like ap1", |c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
        }),
        Field::PusherHost => Host::parse(text)
            .map(drop)
            .map_err(|_| "Only a host name or an IP address: no https://, no port.".to_owned()),
        Field::PusherPort => match text.parse::<u16>() {
            Ok(1..) => Ok(()),
            _ => Err("A port is a whole number from 1 to 65535.".to_owned()),
        },
        Field::PusherTls
        | Field::ResumeLiftsStop
        | Field::Autostart
        | Field::KeepAwake
        | Field::RestartWhenHung => switch(text).map(drop),
        Field::SymbolMap => symbol_map(text).map(drop),
        Field::DefaultDirection => default_direction(text).map(drop),
        Field::GuardDailyLoss
        | Field::GuardDailyWarning
        | Field::GuardTotalLoss
        | Field::GuardTotalWarning => text.parse::<Amount>().map(drop),
        Field::GuardTimeZone => time_zone(text).map(drop),
        Field::RunWithout => Allowances::without(text)
            .map(drop)
            .map_err(|what| format!("{what}; more than one with commas between them.")),
        Field::NewsCalendar if std::path::Path::new(text).is_absolute() => Ok(()),
        Field::NewsCalendar => {
            Err("The whole path of the file, from the drive or root on.".to_owned())
        }
        Field::CommonFiles if std::path::Path::new(text).is_absolute() => Ok(()),
        Field::CommonFiles => {
            Err("The whole path of the folder, from the drive or root on.".to_owned())
        }
        Field::PusherPath => {
            no_blanks(text)?;
            if text.starts_with('/') {
                Ok(())
            } else {
                Err("A path begins with /.".to_owned())
            }
        }
        Field::Proxy => proxy(text),
        Field::UpdateUrl => text.parse::<Address>().map(drop),
        Field::Toasts => text.parse::<AlertKinds>().map(drop),
        Field::CloseButton => only_words(text, &["ask", "tray", "end"]),
        Field::Terminal => only_words(text, &["paper", "metatrader"]),
        Field::MaxLots | Field::MaxDailyLoss | Field::GuardStartBalance => positive(text).map(drop),
        Field::MaxPositions => text
            .parse::<u32>()
            .map(drop)
            .map_err(|_| "A whole number, 0 or more.".to_owned()),
    }
}

/// Something about a possible value that deserves a second look, in words.
pub fn doubt_field(field: Field, text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match field {
        Field::PlatformUrl => {
            let url = platform_url(text).ok()?;
            if url.scheme() == "http" && !is_loopback(&url) {
                Some("Without https anybody on the way can read the API secret.")
            } else if url.path() != "/" {
                Some("The platform's address has no path as a rule; calls will go to this one.")
            } else {
                None
            }
        }
        Field::ApiKey => {
            let usual = text
                .strip_prefix("exe_")
                .is_some_and(|digits| is_hex(digits, 32));
            (!usual).then_some("An API key is exe_ and 32 digits or letters a-f as a rule.")
        }
        Field::ApiSecret => {
            (!is_hex(text, 64)).then_some("An API secret is 64 digits or letters a-f as a rule.")
        }
        Field::ExecutorId => {
            let usual = text.len() == 25 && text.starts_with('c');
            (!usual).then_some("An executor id is 25 characters and begins with c as a rule.")
        }
        Field::PusherKey => {
            (!is_hex(text, 20)).then_some("A Pusher key is 20 digits or letters a-f as a rule.")
        }
        Field::PusherCluster => (!CLUSTERS.contains(&text))
            .then_some("Pusher's clusters are mt1, us2, us3, eu, ap1, ap2, ap3, ap4 and sa1."),
        Field::PusherTls => (switch(text) == Ok(false))
            .then_some("Without TLS anybody on the way can read and forge commands."),
        Field::ResumeLiftsStop => (switch(text) == Ok(true)).then_some(
            "Whoever can send commands from the platform can then lift an emergency stop.",
        ),
        _ => None,
    }
}

/// The trader's own names for the broker's symbols: `XAUUSD=GOLD, US30=DJ30.c`.
pub(super) fn symbol_map(text: &str) -> Result<BTreeMap<String, String>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((plain, broker)) if !plain.trim().is_empty() && !broker.trim().is_empty() => {
                Ok((plain.trim().to_ascii_uppercase(), broker.trim().to_owned()))
            }
            _ => Err(format!("\"{pair}\" is no pair; XAUUSD=GOLD is one.")),
        })
        .collect()
}

/// The platform's address without a trailing slash, query or fragment.
pub(super) fn platform_url(text: &str) -> Result<Url, String> {
    no_blanks(text)?;
    let lower = text.to_ascii_lowercase();
    if !lower.starts_with("http://") && !lower.starts_with("https://") {
        let scheme = if lower.starts_with("localhost") || lower.starts_with("127.") {
            "http"
        } else {
            "https"
        };
        return Err(if lower.contains("://") {
            "The address must begin with https:// or http://.".to_owned()
        } else {
            format!("The address must begin with {scheme}://, as in {scheme}://{text}.")
        });
    }
    let mut url =
        Url::parse(text).map_err(|_| "This is not a web address that can be called.".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("No user name or password in the address.".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    if url.path() != "/" {
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
    }
    Ok(url)
}

/// The direction of strategies whose rules have none; `None` refuses them (R1).
pub(super) fn default_direction(text: &str) -> Result<Option<Side>, String> {
    match text.to_ascii_lowercase().as_str() {
        "refuse" => Ok(None),
        "buy" => Ok(Some(Side::Buy)),
        "sell" => Ok(Some(Side::Sell)),
        _ => Err("One of refuse, buy and sell.".to_owned()),
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false.".to_owned()),
    }
}

/// A decimal above zero, with a point.
pub(super) fn positive(text: &str) -> Result<Decimal, String> {
    if text.contains(',') {
        return Err("Write decimals with a point: 0.5.".to_owned());
    }
    match Decimal::from_str_exact(text) {
        Ok(value) if value > Decimal::ZERO => Ok(value),
        Ok(_) => Err("More than 0; leave it empty for no limit.".to_owned()),
        Err(_) => Err("A number, such as 0.5.".to_owned()),
    }
}

/// A name of the time zone database, or a fixed offset from UTC.
pub(super) fn time_zone(text: &str) -> Result<TimeZone, String> {
    let offset = |text: &str| {
        let (sign, rest) = match text.as_bytes().first()? {
            b'+' => (1, text.get(1..)?),
            b'-' => (-1, text.get(1..)?),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
        let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
        let seconds = sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60);
        let sound = hours <= 14 && minutes < 60;
        sound
            .then(|| Offset::from_seconds(seconds).ok())?
            .map(TimeZone::fixed)
    };
    let text = text.trim();
    let zone = match text.strip_prefix("UTC").unwrap_or(text) {
        "" => Some(TimeZone::UTC),
        rest => offset(rest),
    };
    zone.or_else(|| TimeZone::get(text).ok())
        .ok_or_else(|| "A time zone like Europe/Prague, or an offset like +02:00.".to_owned())
}

fn proxy(text: &str) -> Result<(), String> {
    if matches!(text, "system" | "none") {
        return Ok(());
    }
    no_blanks(text)?;
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.host().is_some() => Ok(()),
        Ok(url) if matches!(url.scheme(), "https" | "socks5" | "socks5h" | "socks4") => {
            Err("Only HTTP proxies can be used: http://host:port.".to_owned())
        }
        _ => Err(
            "none, or an address like http://host:port; empty for this computer's own settings."
                .to_owned(),
        ),
    }
}

fn no_blanks(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        Some(_) => Err("There is a blank or a line break inside; copy the value again.".to_owned()),
        None => Ok(()),
    }
}

fn only(text: &str, allowed: &str, fits: impl Fn(char) -> bool) -> Result<(), String> {
    if text.chars().all(fits) {
        Ok(())
    } else {
        Err(format!("Only {allowed}."))
    }
}

fn only_words(text: &str, words: &[&str]) -> Result<(), String> {
    if words.contains(&text) {
        Ok(())
    } else {
        Err(format!("One of: {}.", words.join(", ")))
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn what_may_stand_in_each_field() {
        let key = format!("exe_{HEX}");
        let secret = format!("{HEX}{HEX}");
        for (field, good, bad) in [
            (
                Field::PlatformUrl,
                vec![
                    "http://localhost:3000",
                    "https://fx.example.com/",
                    " https://x ",
                    "HTTPS://x",
                ],
                vec![
                    "localhost:3000",
                    "fx.example.com",
                    "ftp://x",
                    "https://",
                    "https://a b",
                    "http://u:p@x",
                ],
            ),
            (
                Field::ApiKey,
                vec![&key, "API_KEY_1"],
                vec![&secret, "exe_ 12"],
            ),
            (Field::ApiSecret, vec![&secret, "yyy"], vec![&key, "a b"]),
            (
                Field::ExecutorId,
                vec!["cmh4h3aqj0001py6nb05dvjpk"],
                vec!["a/b", "a b"],
            ),
            (Field::PusherKey, vec!["appkey0123456789abcd"], vec!["a:b"]),
            (
                Field::PusherCluster,
                vec!["ap1", "my-own"],
                vec!["AP1", "ap 1", "ws-ap1.pusher.com"],
            ),
            (
                Field::PusherHost,
                vec!["ws.example.com", "127.0.0.1", "[::1]"],
                vec!["https://x", "x:6001", "a/b"],
            ),
            (
                Field::PusherPort,
                vec!["443"],
                vec!["0", "65536", "-1", "x"],
            ),
            (Field::PusherTls, vec!["true", "false"], vec!["yes", "1"]),
            (Field::PusherPath, vec!["/ws"], vec!["ws", "/w s"]),
            (
                Field::Proxy,
                vec![
                    "none",
                    "system",
                    "http://proxy:8080",
                    "http://u:p@proxy:8080",
                ],
                vec!["proxy:8080", "socks5://x:1", "https://x:1", "nothing"],
            ),
            (Field::Terminal, vec!["paper", "metatrader"], vec!["mt5"]),
            (
                Field::MaxLots,
                vec!["0.01", "5"],
                vec!["0", "-1", "0,5", "much"],
            ),
            (Field::MaxPositions, vec!["0", "3"], vec!["-1", "1.5"]),
            (Field::MaxDailyLoss, vec!["250.50"], vec!["0", "1e3"]),
            (Field::ResumeLiftsStop, vec!["true"], vec!["on"]),
            (
                Field::SymbolMap,
                vec!["XAUUSD=GOLD", "XAUUSD=GOLD, US30 = DJ30.c,"],
                vec!["XAUUSD", "=GOLD", "XAUUSD="],
            ),
        ] {
            for text in good {
                assert_eq!(check_field(field, text), Ok(()), "{field:?} {text}");
            }
            for text in bad {
                assert!(check_field(field, text).is_err(), "{field:?} {text}");
            }
            assert_eq!(check_field(field, " "), Ok(()));
        }
    }

    #[test]
    fn an_address_without_a_scheme_is_answered_with_the_right_one() {
        for (text, hint) in [
            ("localhost:3000", "http://localhost:3000"),
            ("fx.example.com", "https://fx.example.com"),
        ] {
            let told = check_field(Field::PlatformUrl, text)
                .err()
                .unwrap_or_default();
            assert!(told.contains(hint), "{told}");
        }
    }

    #[test]
    fn unusual_values_are_doubted_and_usual_ones_are_not() {
        let key = format!("exe_{HEX}");
        let secret = format!("{HEX}{HEX}");
        for (field, usual, odd) in [
            (
                Field::PlatformUrl,
                "http://localhost:3000",
                "http://fx.example.com",
            ),
            (
                Field::PlatformUrl,
                "https://fx.example.com",
                "https://fx.example.com/app",
            ),
            (Field::ApiKey, key.as_str(), "exe_xxx"),
            (Field::ApiSecret, secret.as_str(), "yyy"),
            (Field::ExecutorId, "cmh4h3aqj0001py6nb05dvjpk", "desk"),
            (
                Field::PusherKey,
                "00112233445566778899",
                "sama_dengan_NEXT_PUBLIC_PUSHER_KEY",
            ),
            (Field::PusherCluster, "ap1", "xx9"),
            (Field::PusherTls, "true", "false"),
            (Field::ResumeLiftsStop, "false", "true"),
        ] {
            assert_eq!(doubt_field(field, usual), None, "{field:?}");
            assert!(doubt_field(field, odd).is_some(), "{field:?} {odd}");
        }
    }

    #[test]
    fn a_platform_url_is_brought_to_one_form() {
        for (text, url) in [
            ("https://X.example.com", "https://x.example.com/"),
            ("https://x.example.com/", "https://x.example.com/"),
            (
                "https://x.example.com/app/?q=1#top",
                "https://x.example.com/app",
            ),
        ] {
            assert_eq!(platform_url(text).map(String::from), Ok(url.to_owned()));
        }
    }
}
