//! What closes the whole position.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::Adjustment;
use super::holding::Holding;
use crate::market::{Bar, Quote, Side};
use crate::strategy::evaluate::pip_of;
use crate::strategy::exits::VOLATILITY_ATR;
use crate::strategy::indicator::Series;
use crate::strategy::program::Signal;

pub(super) fn due(holding: &Holding<'_>, quote: Quote, now: i64) -> Option<Adjustment> {
    by_time(holding, now)
        .or_else(|| by_bar(holding, Some(quote), now))
        .map(|why| Adjustment::Close { volume: None, why })
}

fn by_time(holding: &Holding<'_>, now: i64) -> Option<String> {
    let closing = &holding.plan.exits.closing;
    if let Some(most) = closing.most_minutes {
        let held = (now - holding.opened_second()) / 60;
        if held >= most {
            return Some(format!("held for {held} minutes, at most {most}"));
        }
    }
    let passed = |moment| now >= holding.first_of(moment);
    let weekly = closing.weekly.iter().any(|moment| passed(*moment));
    weekly.then(|| "the closing time of the week has come".to_owned())
}

/// The second at which time alone closes the position.
pub(super) fn closing_second(holding: &Holding<'_>) -> Option<i64> {
    let closing = &holding.plan.exits.closing;
    let held = closing
        .most_minutes
        .map(|most| holding.opened_second() + most * 60);
    let weekly = closing.weekly.iter().map(|one| holding.first_of(*one));
    weekly.chain(held).min()
}

/// What the last closed bar says; nothing changes in it before another one closes. Without a quote: what it says whatever the
/// spread is.
pub(super) fn by_bar(holding: &Holding<'_>, quote: Option<Quote>, now: i64) -> Option<String> {
    let closing = &holding.plan.exits.closing;
    let any = closing.no_progress.is_some()
        || closing.above_volatility_percent.is_some()
        || closing.on_reverse_signal;
    if !any {
        return None;
    }
    let bar = holding.bar(now)?;
    no_progress(holding, bar, quote, now)
        .or_else(|| volatility(holding, bar))
        .or_else(|| reverse_signal(holding))
}

/// Whether what the last closed bar says depends on the spread at its close.
pub(super) fn needs_the_ask(holding: &Holding<'_>, closed: i64) -> bool {
    let is_sold = holding.view.position.side == Side::Sell;
    is_sold
        && holding
            .bar(closed)
            .is_some_and(|bar| check_after(holding, bar).is_some())
}

/// Bars are those of the bid; what was sold is bought back at the ask, which is known at the close of the bar alone. A spread
/// that widens later says nothing of it.
fn no_progress(holding: &Holding<'_>, bar: &Bar, quote: Option<Quote>, now: i64) -> Option<String> {
    /// The quote is that of the close for so many seconds.
    const AT_THE_CLOSE: i64 = 60;
    let (least, after) = check_after(holding, bar)?;
    let spec = holding.spec();
    let close = spec.round_price(Decimal::from_f64(bar.close)?);
    let closed = bar.time.as_second() + holding.plan.timeframe().seconds();
    let spread = quote
        .filter(|_| holding.view.position.side == Side::Sell && now - closed < AT_THE_CLOSE)
        .map_or(Decimal::ZERO, |quote| quote.ask - quote.bid);
    let too_little = holding.gain(close + spread) < least.checked_mul(spec.pip())?;
    too_little.then(|| {
        format!(
            "it has gained less than {least} pips after {} minutes",
            after / 60
        )
    })
}

/// The pips that must have been gained when this bar closes, and how many seconds the position is open then.
fn check_after(holding: &Holding<'_>, bar: &Bar) -> Option<(Decimal, i64)> {
    let check = holding.plan.exits.closing.no_progress?;
    let length = holding.plan.timeframe().seconds();
    let after = bar.time.as_second() + length - holding.opened_second();
    let every = check.every_minutes * 60;
    let is_due = every == 0 || after / every > (after - length).max(0) / every;
    is_due.then_some((check.least_pips, after))
}

fn volatility(holding: &Holding<'_>, bar: &Bar) -> Option<String> {
    let most = holding.plan.exits.closing.above_volatility_percent?;
    let atr = holding.view.panel.own(Series::Atr(VOLATILITY_ATR));
    let percent = atr / bar.close * 100.0;
    (percent > most.to_f64()?)
        .then(|| format!("ATR {VOLATILITY_ATR} is {percent:.4} % of the price, over {most} %"))
}

fn reverse_signal(holding: &Holding<'_>) -> Option<String> {
    if !holding.plan.exits.closing.on_reverse_signal {
        return None;
    }
    let view = holding.view;
    let Signal { buys, sells } = view.program.signal(view.panel, pip_of(view.spec));
    let (own, other, name) = match view.position.side {
        Side::Buy => (buys, sells, Side::Sell.name()),
        Side::Sell => (sells, buys, Side::Buy.name()),
    };
    // Both at once are no signal.
    (other == Some(true) && own == Some(false)).then(|| format!("{name} signal"))
}
