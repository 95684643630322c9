//! The exits in plain words, one clause each.

use rust_decimal::Decimal;

use super::closing::{Closing, MinuteOfWeek, VOLATILITY_ATR, held_words};
use super::following::{Start, Trailing};
use super::level::{PartialLevel, Parts, When};
use super::stop::{StopAt, StopLoss};
use super::target::Target;
use super::{Distance, Exits};
use crate::strategy::filters::Day;
use crate::strategy::language::{Language, tell};

pub(in crate::strategy) fn words(exits: &Exits, language: Language) -> Vec<String> {
    let stop = stop(&exits.stop_loss, language);
    let mut all = vec![tell!(language; "Stop {stop}"; "Stop loss {stop}")];
    all.extend(parts(&exits.parts, language));
    if exits.parts.last_at_broker {
        let last = exits.parts.levels.last();
        all.extend(last.map(|last| {
            let when = when(&last.when, language);
            tell!(language; "the rest at {when}"; "sisanya ditutup {when}")
        }));
    } else {
        all.push(target(exits, language));
    }
    all.extend(exits.trailing.iter().map(|one| trailing(one, language)));
    all.extend(closing(&exits.closing, language));
    all
}

fn stop(stop: &StopLoss, language: Language) -> String {
    let at = match stop.at {
        StopAt::Distance(away) => distance(away, language),
        StopAt::Average {
            period,
            beyond_pips,
        } => tell!(language;
            "{beyond_pips} pips beyond EMA {period}";
            "{beyond_pips} pip di balik EMA {period}"),
        StopAt::Swing { bars, beyond_pips } if beyond_pips.is_zero() => tell!(language;
            "at the lowest low (for a sell the highest high) of {bars} bars";
            "di titik terendah (untuk posisi jual titik tertinggi) dari {bars} bar"),
        StopAt::Swing { bars, beyond_pips } => tell!(language;
            "{beyond_pips} pips beyond the lowest low (for a sell the highest high) of {bars} bars";
            "{beyond_pips} pip di balik titik terendah (untuk posisi jual titik tertinggi) dari {bars} bar"),
    };
    let bounds = match (stop.min_pips, stop.max_pips) {
        (Some(min), Some(max)) => {
            tell!(language; ", between {min} and {max} pips"; ", antara {min} dan {max} pip")
        }
        (Some(min), None) => tell!(language; ", at least {min} pips"; ", minimal {min} pip"),
        (None, Some(max)) => tell!(language; ", at most {max} pips"; ", maksimal {max} pip"),
        (None, None) => String::new(),
    };
    let follows = if stop.follows {
        language.pick(
            ", moved after it at the close of each bar and never back",
            ", digeser mengikutinya pada setiap penutupan bar dan tidak pernah mundur",
        )
    } else {
        ""
    };
    format!("{at}{bounds}{follows}")
}

fn distance(distance: Distance, language: Language) -> String {
    match distance {
        Distance::Pips(pips) => tell!(language; "{pips} pips"; "{pips} pip"),
        Distance::Percent(percent) => {
            tell!(language; "{percent} % of the price"; "{percent} % dari harga")
        }
        Distance::Atr { period, multiplier } => {
            tell!(language; "{multiplier} times ATR {period}"; "{multiplier} kali ATR {period}")
        }
    }
}

impl When {
    /// Where a part is taken: "takes 30 % at …". Indonesian has no one word for "at", so there it is part of these words.
    pub(in crate::strategy) fn words(&self, language: Language) -> String {
        when(self, language)
    }
}

fn when(when: &When, language: Language) -> String {
    match when {
        When::Pips(pips) => tell!(language; "{pips} pips"; "saat profit mencapai {pips} pip"),
        When::Percent(percent) => tell!(language;
            "{percent} % of the price";
            "saat profit mencapai {percent} % dari harga"),
        When::Ratio(ratio) => tell!(language;
            "{ratio} times the stop";
            "saat profit mencapai {ratio} kali stop loss"),
        When::Amount(amount) => tell!(language;
            "a profit of {amount} in account currency";
            "saat profit mencapai {amount} dalam mata uang akun"),
        When::Atr {
            period,
            multiplier,
            against,
        } => {
            let kind = if *against {
                language.pick("a loss", "rugi")
            } else {
                language.pick("a profit", "profit")
            };
            tell!(language;
                "{kind} of {multiplier} times ATR {period}";
                "saat {kind} mencapai {multiplier} kali ATR {period}")
        }
        When::Price(price) => tell!(language; "the price {price}"; "saat harga mencapai {price}"),
        When::Resistance { bars } => tell!(language;
            "the highest high of {bars} bars";
            "saat harga mencapai titik tertinggi dari {bars} bar"),
        When::Support { bars } => tell!(language;
            "the lowest low of {bars} bars";
            "saat harga mencapai titik terendah dari {bars} bar"),
        When::After { minutes } => {
            let held = held_words(*minutes, language);
            tell!(language; "{held} after opening"; "{held} setelah posisi dibuka")
        }
        When::TimeOfDay { minute } => {
            let time = clock(*minute);
            tell!(language; "{time} UTC"; "pada pukul {time} UTC")
        }
        When::SessionEnd(session) => {
            let ((_, end), name) = (session.hours(), session.name());
            tell!(language;
                "the end of {name} ({end:02}:00 UTC)";
                "di akhir sesi {name} ({end:02}:00 UTC)")
        }
    }
}

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn parts(parts: &Parts, language: Language) -> Vec<String> {
    let own = parts.own();
    let part = |(at, level): (usize, &PartialLevel)| {
        let before = at.checked_sub(1).and_then(|before| own.get(before));
        let waits = before.is_some_and(|before| !before.when.is_nearer_than(&level.when));
        let breakeven = if level.breakeven {
            language.pick(
                " and moves the stop to the open price",
                " dan geser stop loss ke harga buka (breakeven)",
            )
        } else {
            ""
        };
        let (percent, when) = (level.percent, when(&level.when, language));
        if waits {
            return tell!(language;
                "after that takes {percent} % at {when}{breakeven}";
                "setelah itu tutup {percent} % posisi {when}{breakeven}");
        }
        tell!(language;
            "takes {percent} % at {when}{breakeven}";
            "tutup {percent} % posisi {when}{breakeven}")
    };
    let mut all: Vec<String> = own.iter().enumerate().map(part).collect();
    if let Some(percent) = parts.least_left_percent {
        all.push(tell!(language;
            "no part leaves less than {percent} %";
            "penutupan sebagian tidak pernah menyisakan kurang dari {percent} %"));
    }
    all
}

fn target(exits: &Exits, language: Language) -> String {
    match exits.target {
        Some(Target::Distance(away)) => {
            let away = distance(away, language);
            tell!(language; "target {away}"; "take profit {away}")
        }
        Some(Target::Ratio(ratio)) => tell!(language;
            "target {ratio} times the stop";
            "take profit {ratio} kali stop loss"),
        Some(Target::Level { bars }) => tell!(language;
            "target at the highest high (for a sell the lowest low) of {bars} bars, and no entry while that is nearer than the stop";
            "take profit di titik tertinggi (untuk posisi jual titik terendah) dari {bars} bar, dan tidak membuka posisi selama titik itu lebih dekat daripada stop loss"),
        None => language.pick("no target", "tanpa take profit").to_owned(),
    }
}

fn trailing(trailing: &Trailing, language: Language) -> String {
    let least = trailing
        .min_pips
        .map(|pips| tell!(language; ", at least {pips} pips,"; ", minimal {pips} pip,"))
        .unwrap_or_default();
    let starts = match trailing.start {
        Start::AtOnce => language
            .pick("from the opening on", "sejak posisi dibuka")
            .to_owned(),
        Start::AtDistance => match (trailing.distance, trailing.min_pips) {
            (Distance::Pips(pips), None) => tell!(language;
                "once the profit is {pips} pips";
                "begitu profit mencapai {pips} pip"),
            _ => language
                .pick(
                    "once the profit is as much",
                    "begitu profit mencapai jarak itu",
                )
                .to_owned(),
        },
        Start::AtRatio(ratio) => tell!(language;
            "once the profit is {ratio} times the stop";
            "begitu profit mencapai {ratio} kali stop loss"),
        Start::AfterParts => language
            .pick(
                "once the parts are taken",
                "setelah semua penutupan sebagian selesai",
            )
            .to_owned(),
        Start::AfterPartsAtRatio(ratio) => tell!(language;
            "once the parts are taken and the profit is {ratio} times the stop";
            "setelah semua penutupan sebagian selesai dan profit mencapai {ratio} kali stop loss"),
        Start::AfterPartsAtProfit(profit) => {
            let profit = distance(profit, language);
            tell!(language;
                "once the parts are taken and the profit is {profit}";
                "setelah semua penutupan sebagian selesai dan profit mencapai {profit}")
        }
    };
    let step = Some(trailing.step_pips)
        .filter(|pips| *pips != Decimal::ONE)
        .map(|pips| tell!(language; ", in steps of {pips} pips"; ", dengan langkah {pips} pip"))
        .unwrap_or_default();
    let away = trailing.words(language);
    tell!(language; "trails by {away}{least} {starts}{step}"; "trailing stop {away}{least} {starts}{step}")
}

fn closing(closing: &Closing, language: Language) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(minutes) = closing.most_minutes {
        let held = held_words(minutes, language);
        all.push(tell!(language; "closes after {held}"; "tutup posisi setelah {held}"));
    }
    if let Some(check) = closing.no_progress {
        let every = match check.every_minutes {
            0 => language
                .pick("at the close of each bar", "pada setiap penutupan bar")
                .to_owned(),
            minutes => tell!(language;
                "at the first close of a bar after every {minutes} minutes";
                "pada penutupan bar pertama setelah setiap {minutes} menit"),
        };
        let least = check.least_pips;
        all.push(tell!(language;
            "closes what has not gained {least} pips {every}";
            "tutup posisi yang profitnya belum mencapai {least} pip {every}"));
    }
    for MinuteOfWeek { day, minute } in &closing.weekly {
        let (day, time) = (Day::from_sunday(*day).words(language), clock(*minute));
        all.push(tell!(language;
            "closes on {day} at {time} UTC and opens nothing more on that day";
            "tutup posisi pada hari {day} pukul {time} UTC dan tidak membuka posisi lagi pada hari itu"));
    }
    if closing.no_friday_entry {
        let words = language.pick(
            "opens nothing on a Friday (UTC)",
            "tidak membuka posisi pada hari Jumat (UTC)",
        );
        all.push(words.to_owned());
    }
    if let Some(percent) = closing.above_volatility_percent {
        all.push(tell!(language;
            "closes when ATR {VOLATILITY_ATR} is over {percent} % of the price at the close of a bar";
            "tutup posisi jika ATR {VOLATILITY_ATR} di atas {percent} % dari harga saat penutupan bar"));
    }
    if closing.on_reverse_signal {
        let words = language.pick(
            "closes when the conditions of the other direction hold",
            "tutup posisi jika kondisi arah sebaliknya terpenuhi",
        );
        all.push(words.to_owned());
    }
    all
}

impl Trailing {
    /// What it trails by.
    pub(in crate::strategy) fn words(&self, language: Language) -> String {
        distance(self.distance, language)
    }
}
