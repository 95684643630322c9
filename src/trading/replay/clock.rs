//! The clock of a history's times: MetaTrader writes its server's, which is some hours off UTC and may know summer time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

/// Server times to UTC. The offset is looked up once and kept until it changes.
#[derive(Clone, Debug)]
pub struct ServerClock {
    name: String,
    zone: TimeZone,
    /// Added to the zone's own offset; the clock that most brokers keep is New York's plus seven hours.
    ahead_s: i64,
    offset_s: i64,
    /// Server seconds between which the offset holds.
    from: i64,
    until: i64,
}

impl ServerClock {
    /// History in UTC.
    pub fn utc() -> Self {
        Self::fixed("UTC".to_owned(), 0)
    }

    const fn fixed(name: String, offset_s: i64) -> Self {
        Self {
            name,
            zone: TimeZone::UTC,
            ahead_s: offset_s,
            offset_s,
            from: i64::MIN,
            until: i64::MAX,
        }
    }

    fn zoned(name: &str, zone: TimeZone, ahead_s: i64) -> Self {
        Self {
            name: name.to_owned(),
            zone,
            ahead_s,
            offset_s: 0,
            from: i64::MAX,
            until: i64::MIN,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server's clock minus UTC at the last converted moment, in seconds.
    pub const fn offset_s(&self) -> i64 {
        self.offset_s
    }

    /// The UTC second of a server second (both counted as if since 1970). An hour that comes twice is first the earlier one,
    /// then, once `last` has passed that, the later one. `None`: no calendar has it.
    pub fn to_utc(&mut self, server: i64, last: i64) -> Option<i64> {
        if server < self.from || server >= self.until {
            self.look_up(server, last)?;
        }
        Some(server - self.offset_s)
    }

    /// What the server's clock shows at a moment that is told in UTC. `None`: no calendar has it.
    pub fn at_utc(&mut self, utc: i64) -> Option<()> {
        let server = utc.checked_add(self.offset_s)?;
        if server < self.from || server >= self.until {
            let moment = Timestamp::from_second(utc).ok()?;
            self.offset_s = i64::from(self.zone.to_offset(moment).seconds()) + self.ahead_s;
            self.hold_around(moment);
        }
        Some(())
    }

    fn look_up(&mut self, server: i64, last: i64) -> Option<()> {
        let local = civil(server.checked_sub(self.ahead_s)?)?;
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let mut moment = ambiguous.compatible().ok()?;
        if moment.as_second() <= last {
            moment = ambiguous.later().ok()?;
        }
        self.offset_s = server - moment.as_second();
        self.hold_around(moment);
        Some(())
    }

    /// The offset of this moment holds until the zone's next change.
    fn hold_around(&mut self, moment: Timestamp) {
        let next = self.zone.following(moment).next();
        let before = self.zone.preceding(moment).next();
        // An hour on both sides of a change is looked up anew: it may come twice or not at all.
        self.from = before.map_or(i64::MIN, |change| {
            change.timestamp().as_second() + self.offset_s + 7_200
        });
        self.until = next.map_or(i64::MAX, |change| {
            change.timestamp().as_second() + self.offset_s - 7_200
        });
    }
}

fn civil(second: i64) -> Option<DateTime> {
    let moment = Timestamp::from_second(second).ok()?;
    Some(Offset::UTC.to_datetime(moment))
}

impl std::str::FromStr for ServerClock {
    type Err = String;

    /// `UTC`, `+2`, `+02:00`, `NY+7`, or a name of the time zone database (`Europe/Athens`).
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let zone = |name: &str| {
            TimeZone::get(name).map_err(|_| {
                format!("\"{text}\" is no time zone; UTC, +2, +02:00, NY+7 and Europe/Athens are")
            })
        };
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") {
            return Ok(Self::utc());
        }
        if let Some(offset) = hours(text) {
            return Ok(Self::fixed(text.to_owned(), offset));
        }
        let ahead = text
            .get(..2)
            .filter(|place| place.eq_ignore_ascii_case("ny"));
        if ahead.is_some()
            && let Some(offset) = text.get(2..).and_then(hours)
        {
            return Ok(Self::zoned(text, zone("America/New_York")?, offset));
        }
        Ok(Self::zoned(text, zone(text)?, 0))
    }
}

/// `+2`, `-3`, `+05:30`, in seconds.
fn hours(text: &str) -> Option<i64> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':').unwrap_or((&text[1..], "0"));
    let hours: i64 = hours
        .parse()
        .ok()
        .filter(|hours| (0..=14).contains(hours))?;
    let minutes: i64 = minutes.parse().ok().filter(|own| (0..=59).contains(own))?;
    Some(sign * (hours * 3_600 + minutes * 60))
}
