//! A bar's way through an open position: what it fills, what the exits ask for on the way (see [`super::run`]).

use std::io;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::profit;
use super::holding::Holding;
use super::run::{Replay, Sink};
use super::trade::{ExitReason, Trade};
use crate::market::{Bar, Deal, DealEntry, DealReason, Side, Ticket, number_of};
use crate::strategy::{Adjustment, PositionView, manage, next_touch};

/// Changes of one position at one price; more than rules can ask for.
const MOST_CHANGES: usize = 16;

impl Replay {
    /// Stops and targets that the bar opened beyond.
    pub(super) fn open_beyond<S: Sink>(
        &mut self,
        bar: &Bar,
        spread: f64,
        sink: &mut S,
    ) -> io::Result<()> {
        for at in (0..self.holdings.len()).rev() {
            let price = self.closing_f(at, bar.open, spread);
            let holding = &self.holdings[at];
            let reason = if holding.is_stopped_at(price, self.slack) {
                stop_reason(holding)
            } else if holding.reaches_target(price, self.slack) {
                ExitReason::TakeProfit
            } else {
                continue;
            };
            self.tally.opened_beyond += 1;
            let price = self.price(price);
            self.close(at, price, None, bar.time, reason, "at the open", sink)?;
        }
        Ok(())
    }

    pub(super) fn walk<S: Sink>(&mut self, bar: &Bar, spread: f64, sink: &mut S) -> io::Result<()> {
        for at in (0..self.holdings.len()).rev() {
            self.walk_one(at, bar, spread, sink)?;
        }
        Ok(())
    }

    /// The bar for one position, from its open on.
    fn walk_one<S: Sink>(
        &mut self,
        at: usize,
        bar: &Bar,
        spread: f64,
        sink: &mut S,
    ) -> io::Result<()> {
        let slack = self.slack;
        let length = self.plan.timeframe().seconds();
        let holding = &self.holdings[at];
        let (worst, best) = if holding.sign > 0.0 {
            (bar.low, bar.high)
        } else {
            (bar.high + spread, bar.low + spread)
        };
        // Most bars: every price and moment on the way lies between these.
        if holding.is_quiet((worst, best), bar.time.as_second() + length, slack) {
            return Ok(());
        }
        let opening = self.closing_f(at, bar.open, spread);
        if self.must_ask(at, opening, bar.time)
            && self.care(at, bar.open, spread, bar.time, sink)?
        {
            return Ok(());
        }
        let holding = &mut self.holdings[at];
        if holding.is_stopped_at(worst, slack) {
            let spec = &self.settings.terms.spec;
            let both = holding.reaches_target(best, slack)
                || holding.part_reached(best, slack, spec).is_some();
            self.tally.both_in_one_bar += u64::from(both);
            let note = if both {
                "the bar reached more; the stop counts first"
            } else {
                ""
            };
            return self.stop_out(at, bar.time, note, sink);
        }
        let further_low = (bar.open - bar.low) - (bar.high - bar.open);
        let nearer_low = further_low < -slack || (further_low <= slack && bar.close >= bar.open);
        let (first, second) = if nearer_low {
            (bar.low, bar.high)
        } else {
            (bar.high, bar.low)
        };
        let mut from = bar.open;
        for (bid, part) in [
            (first, length / 3),
            (second, 2 * length / 3),
            (bar.close, length - 1),
        ] {
            let time = Timestamp::from_second(bar.time.as_second() + part).unwrap_or(bar.time);
            if self.go(at, (from, bid), spread, time, sink)? {
                return Ok(());
            }
            from = bid;
        }
        Ok(())
    }

    /// The way from one bid to another. `true` when the position is closed.
    fn go<S: Sink>(
        &mut self,
        at: usize,
        (from, to): (f64, f64),
        spread: f64,
        time: Timestamp,
        sink: &mut S,
    ) -> io::Result<bool> {
        let slack = self.slack;
        let price = self.closing_f(at, to, spread);
        let rises = (to - from) * self.holdings[at].sign > 0.0;
        if !rises && self.holdings[at].moved && self.holdings[at].is_stopped_at(price, slack) {
            self.stop_out(at, time, "", sink)?;
            return Ok(true);
        }
        let (mut here, mut asked) = (from, None);
        // Once at each: a part too small to close is left for the next one.
        while let Some(level) = self
            .part_reached(at, price, rises)
            .filter(|level| asked != Some(*level))
        {
            asked = Some(level);
            let offset = if self.holdings[at].sign > 0.0 {
                0.0
            } else {
                spread
            };
            // One that is due only now, after the one before it, may lie behind.
            let bid = number_of(level) - offset;
            here = if to > from {
                bid.max(here)
            } else {
                bid.min(here)
            };
            if self.must_ask(at, self.closing_f(at, here, spread), time)
                && self.care(at, here, spread, time, sink)?
            {
                return Ok(true);
            }
        }
        if rises && self.holdings[at].reaches_target(price, slack) {
            let target = self.holdings[at].position.take_profit.unwrap_or_default();
            self.close(at, target, None, time, ExitReason::TakeProfit, "", sink)?;
            return Ok(true);
        }
        if self.must_ask(at, price, time) {
            return self.care(at, to, spread, time, sink);
        }
        Ok(false)
    }

    fn part_reached(&mut self, at: usize, price: f64, rises: bool) -> Option<Decimal> {
        let (slack, spec) = (self.slack, &self.settings.terms.spec);
        let holding = &mut self.holdings[at];
        if rises {
            holding.part_reached(price, slack, spec)
        } else {
            holding.lost_part_reached(price, slack, spec)
        }
    }

    /// Whether the exits could ask for anything at this price.
    fn must_ask(&self, at: usize, price: f64, time: Timestamp) -> bool {
        self.holdings[at].must_ask(price, time.as_second())
    }

    /// Until when and where the exits of a position have nothing to ask for from now on.
    pub(super) fn look_ahead(&mut self, at: usize) {
        let holding = &self.holdings[at];
        let view = PositionView {
            position: &holding.position,
            opened: holding.opened,
            spec: &self.settings.terms.spec,
            panel: &self.panel,
            program: &self.program,
        };
        let touch = next_touch(&self.plan, &view);
        self.holdings[at].look_ahead(touch);
    }

    /// Does what the exits ask for. `true` when the position is closed.
    fn care<S: Sink>(
        &mut self,
        at: usize,
        bid: f64,
        spread: f64,
        time: Timestamp,
        sink: &mut S,
    ) -> io::Result<bool> {
        let quote = self.quote(bid, spread, time);
        let mut only_moved = false;
        for change in 0..MOST_CHANGES {
            let holding = &self.holdings[at];
            let view = PositionView {
                position: &holding.position,
                opened: holding.opened,
                spec: &self.settings.terms.spec,
                panel: &self.panel,
                program: &self.program,
            };
            let adjustment = manage(&self.plan, &view, quote, time);
            let holding = &mut self.holdings[at];
            match adjustment {
                None => break,
                // Of all that could move it this one is the nearest to the price: nothing more is asked for.
                Some(Adjustment::MoveStop { stop_loss, .. }) => {
                    holding.move_stop(stop_loss);
                    only_moved = change == 0;
                    break;
                }
                Some(Adjustment::Close { volume, why }) => {
                    let price = match holding.position.side {
                        Side::Buy => quote.bid,
                        Side::Sell => quote.ask,
                    };
                    let reason = if volume.is_some() {
                        ExitReason::Part
                    } else {
                        ExitReason::Rules
                    };
                    if self.close(at, price, volume, time, reason, &why, sink)? {
                        return Ok(true);
                    }
                }
            }
        }
        let spec = &self.settings.terms.spec;
        let looked = only_moved && self.stands_still && self.holdings[at].look_on(spec);
        if !looked {
            self.look_ahead(at);
        }
        Ok(false)
    }

    fn stop_out<S: Sink>(
        &mut self,
        at: usize,
        time: Timestamp,
        note: &str,
        sink: &mut S,
    ) -> io::Result<()> {
        let holding = &self.holdings[at];
        let reason = stop_reason(holding);
        let price = holding.position.stop_loss.unwrap_or_default();
        self.close(at, price, None, time, reason, note, sink)?;
        Ok(())
    }

    /// Closes a position, or `volume` of it. `true` when nothing is left.
    #[expect(clippy::too_many_arguments, reason = "a deal is all of these")]
    pub(super) fn close<S: Sink>(
        &mut self,
        at: usize,
        price: Decimal,
        volume: Option<Decimal>,
        time: Timestamp,
        reason: ExitReason,
        note: &str,
        sink: &mut S,
    ) -> io::Result<bool> {
        self.settings.terms.follow(price);
        let spec = &self.settings.terms.spec;
        let holding = &mut self.holdings[at];
        let position = &mut holding.position;
        let volume = volume.map_or(position.volume, |part| part.min(position.volume));
        position.volume -= volume;
        let is_last = position.volume <= Decimal::ZERO;
        let profit = profit(position.side, position.open_price, price, volume, spec);
        let commission = (self.settings.commission * volume).round_dp(2);
        let net = profit - commission;
        self.account.book(net, time);
        let deal = Deal {
            ticket: Ticket(0),
            position: Ticket(holding.number),
            symbol: String::new(),
            side: holding.position.side.opposite(),
            entry: DealEntry::Out,
            reason: DealReason::Order,
            volume,
            price,
            profit: net,
            magic: 0,
            time,
        };
        self.count(&deal);
        let spec = &self.settings.terms.spec;
        let holding = &mut self.holdings[at];
        holding.net += net;
        let trade = Trade {
            number: holding.number,
            side: holding.position.side,
            opened_at: holding.position.opened_at,
            open_price: holding.position.open_price,
            volume,
            stop_loss: holding.opened.stop_loss,
            take_profit: holding.position.take_profit,
            closed_at: time,
            close_price: price,
            profit,
            commission,
            balance: self.account.balance,
            reason,
            note: note.to_owned(),
            is_last,
        };
        let net = holding.net;
        self.tally.take(&trade, net);
        if is_last {
            self.overview.close(&trade, net);
            self.holdings.remove(at);
        } else {
            holding.weigh(spec);
        }
        sink.traded(&trade)?;
        Ok(is_last)
    }
}

fn stop_reason(holding: &Holding) -> ExitReason {
    if holding.moved {
        ExitReason::TrailingStop
    } else {
        ExitReason::StopLoss
    }
}
