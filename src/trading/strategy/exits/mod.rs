//! When to get out: the plan of stop loss, take profit, parts, following stops and everything that closes a position.

mod closing;
mod following;
mod level;
mod partial;
mod price;
mod raw;
mod read;
mod shape;
mod stop;
mod target;
mod words;

use rust_decimal::Decimal;
use serde::Serialize;

pub(super) use closing::VOLATILITY_ATR;
pub use closing::{Closing, MinuteOfWeek, NoProgress};
pub use following::{Start, Trailing};
pub use level::{PartialLevel, Parts, When};
pub(super) use price::{along, highest, lowest};
pub use stop::{StopAt, StopLoss};
pub use target::Target;
pub(super) use words::words;

use super::indicator::Series;
use super::ledger::{Node, Reader};
use super::reason::Rule;

/// A distance from the entry price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Distance {
    Pips(Decimal),
    /// Per cent of the entry price.
    Percent(Decimal),
    /// A multiple of the average true range at the last closed bar; for an entry that is the entry's bar.
    Atr {
        period: u32,
        multiplier: Decimal,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exits {
    pub stop_loss: StopLoss,
    /// The broker's take profit.
    pub target: Option<Target>,
    pub parts: Parts,
    /// Each moves the stop by itself; the one nearest to the price counts.
    pub trailing: Vec<Trailing>,
    pub closing: Closing,
}

impl Exits {
    /// Whether anything but the stop and the target at the broker gets a position out.
    pub fn need_care(&self) -> bool {
        self.closing.is_asked()
            || self.stop_loss.follows
            || !self.trailing.is_empty()
            || !self.parts.own().is_empty()
    }

    /// Whether what they ask of an open position can change because a bar closes.
    pub fn look_at_bars(&self) -> bool {
        let by_atr = |one: &Trailing| matches!(one.distance, Distance::Atr { .. });
        let closing = &self.closing;
        self.stop_loss.follows
            || closing.no_progress.is_some()
            || closing.above_volatility_percent.is_some()
            || closing.on_reverse_signal
            || self.trailing.iter().any(by_atr)
            || self
                .parts
                .levels
                .iter()
                .any(|one| !one.when.series().is_empty())
    }

    /// Whether what they ask of an open position changes with its price, volume, stop and age alone: neither with bars nor with
    /// what a tick is worth.
    pub fn stand_still(&self) -> bool {
        let by_worth = |one: &PartialLevel| matches!(one.when, When::Amount(_));
        !self.look_at_bars() && !self.parts.levels.iter().any(by_worth)
    }

    /// Everything of the own timeframe that the exits look at.
    pub(super) fn series(&self) -> Vec<Series> {
        let atr = |distance: &Distance| match distance {
            Distance::Atr { period, .. } => Some(Series::Atr(*period)),
            Distance::Pips(_) | Distance::Percent(_) => None,
        };
        let mut all = self.stop_loss.series();
        match &self.target {
            Some(Target::Distance(distance)) => all.extend(atr(distance)),
            Some(Target::Level { bars }) => all.extend(extremes(*bars)),
            Some(Target::Ratio(_)) | None => {}
        }
        all.extend(self.trailing.iter().filter_map(|one| atr(&one.distance)));
        all.extend(self.parts.levels.iter().flat_map(|one| one.when.series()));
        if self.closing.above_volatility_percent.is_some() {
            all.push(Series::Atr(closing::VOLATILITY_ATR));
        }
        all
    }
}

/// The series behind the lowest low and the highest high of so many closed bars, the last one included.
fn extremes(bars: u32) -> [Series; 4] {
    [
        Series::Low,
        Series::High,
        Series::Support(bars - 1),
        Series::Resistance(bars - 1),
    ]
}

pub(super) fn read_exits(reader: &mut Reader, rules: &Node<'_>) -> Option<Exits> {
    let Some(exit) = rules.child("exit") else {
        if let Some(parameters) = rules.child("parameters") {
            return raw::read_parameters(reader, &parameters);
        }
        reader.refuse("exit", Rule::Exits, "there is no stop loss");
        return None;
    };
    let enhanced = partial::read_enhanced(reader, rules, &exit);
    let smart = exit.child("smartExit").filter(|smart| {
        let on = smart.enabled();
        if !on {
            reader.informational(smart, "switched off");
        }
        on
    });
    let smart_stop = smart.as_ref().and_then(|smart| smart.child("stopLoss"));
    let smart_target = smart.as_ref().and_then(|smart| smart.child("takeProfit"));
    let closing = closing::read_closing(reader, smart.as_ref(), smart_stop.as_ref());
    let stop = stop::read_stop(reader, &exit, smart_stop.as_ref());
    let mut trailing: Vec<Trailing> = exit
        .child("trailing")
        .and_then(|trailing| following::read_trailing(reader, &trailing))
        .into_iter()
        .collect();
    let (target, parts) = match enhanced {
        Some(enhanced) => {
            trailing.extend(enhanced.trailing);
            let target = target::read_target_beside_parts(
                reader,
                &exit,
                smart_target.as_ref(),
                &enhanced.parts,
                enhanced.trailing.is_some(),
            );
            let mut parts = enhanced.parts;
            let fixed = stop.as_ref().and_then(|stop| stop.stop_loss.fixed_pips());
            target::leave_out_unreached(reader, &mut parts, &enhanced.paths, (target, fixed));
            (target, parts)
        }
        None => target::read_target(reader, &exit, smart_target.as_ref()),
    };
    if let Some(flag) = smart.as_ref().and_then(|smart| smart.child("enabled")) {
        reader.used(&flag, "smart exits are on");
    }
    let Some(stop) = stop else {
        if reader.reasons.is_empty() {
            reader.refuse("exit.stopLoss", Rule::Exits, "there is no stop loss");
        }
        return None;
    };
    trailing.extend(stop.trailing);
    Some(Exits {
        stop_loss: stop.stop_loss,
        target,
        parts,
        trailing,
        closing,
    })
}
