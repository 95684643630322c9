//! A position with what its exits are measured by.

use rust_decimal::Decimal;

use super::PositionView;
use crate::market::{Bar, Side, SymbolSpec};
use crate::strategy::evaluate::check_bars_for_exits;
use crate::strategy::exits::{Distance, MinuteOfWeek, When, along, highest, lowest};
use crate::strategy::plan::Plan;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

pub(super) struct Holding<'a> {
    pub plan: &'a Plan,
    pub view: &'a PositionView<'a>,
    /// In price: what the stop would have cost at opening; `None` when that stop was not a loss.
    pub risk: Option<Decimal>,
    /// One pip of the symbol, in price.
    pub pip: Decimal,
}

/// When something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The profit in price has risen to this.
    AtLeast(Decimal),
    /// It has fallen to this.
    AtMost(Decimal),
    /// This second since 1970 UTC has come.
    At(i64),
    /// Not before another bar closes.
    Unknown,
}

impl Reach {
    pub fn is_reached(self, gain: Decimal, now: i64) -> bool {
        match self {
            Self::AtLeast(level) => gain >= level,
            Self::AtMost(level) => gain <= level,
            Self::At(second) => now >= second,
            Self::Unknown => false,
        }
    }
}

impl<'a> Holding<'a> {
    pub fn of(plan: &'a Plan, view: &'a PositionView<'a>) -> Self {
        let position = view.position;
        let risk = along(position.side, position.open_price - view.opened.stop_loss);
        Self {
            plan,
            view,
            risk: (risk > Decimal::ZERO).then_some(risk),
            pip: view.spec.pip(),
        }
    }

    /// The profit at this price, in price.
    pub fn gain(&self, price: Decimal) -> Decimal {
        self.along(price - self.view.position.open_price)
    }

    /// A distance in price the way that the position gains, and back.
    pub fn along(&self, distance: Decimal) -> Decimal {
        along(self.view.position.side, distance)
    }

    pub const fn spec(&self) -> &SymbolSpec {
        self.view.spec
    }

    /// The broker's least distance between a stop and the price.
    pub fn least_distance(&self) -> Decimal {
        match self.spec().stops_level {
            0 => Decimal::ZERO,
            level => Decimal::from(level) * self.spec().point,
        }
    }

    pub fn in_price(&self, distance: Distance) -> Option<Decimal> {
        let view = self.view;
        match distance {
            Distance::Pips(pips) => pips.checked_mul(self.pip),
            other => other.in_price(view.position.open_price, view.spec, view.panel),
        }
    }

    pub fn opened_second(&self) -> i64 {
        self.view.position.opened_at.as_second()
    }

    /// The last bar, when it closed after the opening and decisions may rest on it.
    pub fn bar(&self, now: i64) -> Option<&'a Bar> {
        let panel = self.view.panel;
        let bar = panel.last_bar()?;
        let closed = bar.time.as_second() + self.plan.timeframe().seconds();
        let after = closed > self.opened_second();
        (after && check_bars_for_exits(self.plan, panel, now).is_ok()).then_some(bar)
    }

    pub fn reach(&self, when: &When) -> Reach {
        let view = self.view;
        let open_price = view.position.open_price;
        let opened = self.opened_second();
        let fixed = when.fixed_gain(open_price, self.risk, view.opened.volume, view.spec);
        if let Some(gain) = fixed {
            return Reach::AtLeast(gain);
        }
        let at = |level: Option<Decimal>, rising: bool| match level {
            None => Reach::Unknown,
            Some(level) if rising == (view.position.side == Side::Buy) => {
                Reach::AtLeast(self.gain(level))
            }
            Some(level) => Reach::AtMost(self.gain(level)),
        };
        match *when {
            When::Atr {
                period,
                multiplier,
                against,
            } => match self.in_price(Distance::Atr { period, multiplier }) {
                None => Reach::Unknown,
                Some(distance) if against => Reach::AtMost(-distance),
                Some(distance) => Reach::AtLeast(distance),
            },
            When::Price(price) => at(Some(price), price >= open_price),
            When::Resistance { bars } => at(highest(view.panel, bars), true),
            When::Support { bars } => at(lowest(view.panel, bars), false),
            When::After { minutes } => Reach::At(opened + minutes * 60),
            When::TimeOfDay { minute } => Reach::At(next_after(opened, minute * 60, DAY)),
            When::SessionEnd(session) => {
                Reach::At(next_after(opened, session.hours().1 * 3_600, DAY))
            }
            When::Pips(_) | When::Percent(_) | When::Ratio(_) | When::Amount(_) => Reach::Unknown,
        }
    }

    /// The first of this moment of the week after the opening, or that of its day: what was filled a moment late is not held
    /// for another week.
    pub fn first_of(&self, moment: MinuteOfWeek) -> i64 {
        // 1 January 1970 was a Thursday, day 4.
        let day = (moment.day - 4).rem_euclid(7);
        let opened = self.opened_second();
        next_after(
            opened - opened.rem_euclid(DAY) - 1,
            day * DAY + moment.minute * 60,
            WEEK,
        )
    }
}

/// The first second after this one that lies `offset` after a multiple of the period.
const fn next_after(second: i64, offset: i64, period: i64) -> i64 {
    second - (second - offset).rem_euclid(period) + period
}
