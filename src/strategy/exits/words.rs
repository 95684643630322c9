//! The exits in plain words, one clause each.

use super::closing::{Closing, MinuteOfWeek, VOLATILITY_ATR, held_words};
use super::following::{Start, Trailing};
use super::level::{PartialLevel, Parts, When};
use super::stop::{StopAt, StopLoss};
use super::target::Target;
use super::{Distance, Exits};

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(in crate::strategy) fn words(exits: &Exits) -> Vec<String> {
    let mut all = vec![format!("Stop {}", stop(&exits.stop_loss))];
    all.extend(parts(&exits.parts));
    if exits.parts.last_at_broker {
        let last = exits.parts.levels.last();
        all.extend(last.map(|last| format!("the rest at {}", when(&last.when))));
    } else {
        all.push(target(exits));
    }
    all.extend(exits.trailing.iter().map(trailing));
    all.extend(closing(&exits.closing));
    all
}

fn stop(stop: &StopLoss) -> String {
    let at = match stop.at {
        StopAt::Distance(away) => distance(away),
        StopAt::Average {
            period,
            beyond_pips,
        } => format!("{beyond_pips} pips beyond EMA {period}"),
        StopAt::Swing { bars, beyond_pips } if beyond_pips.is_zero() => {
            format!("at the lowest low (for a sell the highest high) of {bars} bars")
        }
        StopAt::Swing { bars, beyond_pips } => format!(
            "{beyond_pips} pips beyond the lowest low (for a sell the highest high) of {bars} bars"
        ),
    };
    let bounds = match (stop.min_pips, stop.max_pips) {
        (Some(min), Some(max)) => format!(", between {min} and {max} pips"),
        (Some(min), None) => format!(", at least {min} pips"),
        (None, Some(max)) => format!(", at most {max} pips"),
        (None, None) => String::new(),
    };
    let follows = if stop.follows {
        ", moved after it at the close of each bar and never back"
    } else {
        ""
    };
    format!("{at}{bounds}{follows}")
}

fn distance(distance: Distance) -> String {
    match distance {
        Distance::Pips(pips) => format!("{pips} pips"),
        Distance::Percent(percent) => format!("{percent} % of the price"),
        Distance::Atr { period, multiplier } => format!("{multiplier} times ATR {period}"),
    }
}

impl When {
    /// Where a part is taken: "takes 30 % at …".
    pub(in crate::strategy) fn words(&self) -> String {
        when(self)
    }
}

fn when(when: &When) -> String {
    match when {
        When::Pips(pips) => format!("{pips} pips"),
        When::Percent(percent) => format!("{percent} % of the price"),
        When::Ratio(ratio) => format!("{ratio} times the stop"),
        When::Amount(amount) => format!("a profit of {amount} in account currency"),
        When::Atr {
            period,
            multiplier,
            against,
        } => {
            let kind = if *against { "a loss" } else { "a profit" };
            format!("{kind} of {multiplier} times ATR {period}")
        }
        When::Price(price) => format!("the price {price}"),
        When::Resistance { bars } => format!("the highest high of {bars} bars"),
        When::Support { bars } => format!("the lowest low of {bars} bars"),
        When::After { minutes } => format!("{} after opening", held_words(*minutes)),
        When::TimeOfDay { minute } => format!("{} UTC", clock(*minute)),
        When::SessionEnd(session) => {
            let (_, end) = session.hours();
            format!("the end of {} ({end:02}:00 UTC)", session.name())
        }
    }
}

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn parts(parts: &Parts) -> Vec<String> {
    let part = |level: &PartialLevel| {
        let breakeven = if level.breakeven {
            " and moves the stop to the open price"
        } else {
            ""
        };
        format!(
            "takes {} % at {}{breakeven}",
            level.percent,
            when(&level.when)
        )
    };
    let mut all: Vec<String> = parts.own().iter().map(part).collect();
    if let Some(percent) = parts.least_left_percent {
        all.push(format!("no part leaves less than {percent} %"));
    }
    all
}

fn target(exits: &Exits) -> String {
    match exits.target {
        Some(Target::Distance(away)) => format!("target {}", distance(away)),
        Some(Target::Ratio(ratio)) => format!("target {ratio} times the stop"),
        Some(Target::Level { bars }) => format!(
            "target at the highest high (for a sell the lowest low) of {bars} bars, and no entry while that is nearer than the stop"
        ),
        None => "no target".to_owned(),
    }
}

fn trailing(trailing: &Trailing) -> String {
    let least = trailing
        .min_pips
        .map(|pips| format!(", at least {pips} pips,"))
        .unwrap_or_default();
    let starts = match trailing.start {
        Start::AtOnce => "from the opening on".to_owned(),
        Start::AtDistance => match (trailing.distance, trailing.min_pips) {
            (Distance::Pips(pips), None) => format!("once the profit is {pips} pips"),
            _ => "once the profit is as much".to_owned(),
        },
        Start::AtRatio(ratio) => format!("once the profit is {ratio} times the stop"),
        Start::AfterParts => "once the parts are taken".to_owned(),
        Start::AfterPartsAtRatio(ratio) => {
            format!("once the parts are taken and the profit is {ratio} times the stop")
        }
        Start::AfterPartsAtProfit(profit) => format!(
            "once the parts are taken and the profit is {}",
            distance(profit)
        ),
    };
    format!("trails by {}{least} {starts}", distance(trailing.distance))
}

fn closing(closing: &Closing) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(minutes) = closing.most_minutes {
        all.push(format!("closes after {}", held_words(minutes)));
    }
    if let Some(check) = closing.no_progress {
        let every = match check.every_minutes {
            0 => "at the close of each bar".to_owned(),
            minutes => format!("at the first close of a bar after every {minutes} minutes"),
        };
        all.push(format!(
            "closes what has not gained {} pips {every}",
            check.least_pips
        ));
    }
    for MinuteOfWeek { day, minute } in &closing.weekly {
        let day = usize::try_from(*day).ok().and_then(|day| DAYS.get(day));
        all.push(format!(
            "closes on {} at {} UTC",
            day.copied().unwrap_or_default(),
            clock(*minute)
        ));
    }
    if closing.no_friday_entry {
        all.push("opens nothing on a Friday (UTC)".to_owned());
    }
    if let Some(percent) = closing.above_volatility_percent {
        all.push(format!(
            "closes when ATR {VOLATILITY_ATR} is over {percent} % of the price at the close of a bar"
        ));
    }
    if closing.on_reverse_signal {
        all.push("closes when the conditions of the other direction hold".to_owned());
    }
    all
}

impl Trailing {
    /// What it trails by.
    pub(in crate::strategy) fn words(&self) -> String {
        distance(self.distance)
    }
}
