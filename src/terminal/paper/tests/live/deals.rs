//! Decisions and deals in a form that a live run and a replay share.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::program::Dealt;
use crate::core::Decided;
use crate::market::{Deal, DealReason, Side};
use crate::replay::{ExitReason, Replay, Trade, Verdict};

/// A deal that closes a position or a part of it, as both tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// Beginning of the bar in which it was opened.
    pub opened: Timestamp,
    pub by: &'static str,
    pub volume: Decimal,
    pub price: Decimal,
    pub why: String,
}

/// A deal that opens one, with the levels that it gets.
#[derive(Debug, PartialEq)]
pub struct Entry {
    pub side: Side,
    pub volume: Decimal,
    pub price: Decimal,
    pub stop_loss: Decimal,
    pub take_profit: Option<Decimal>,
}

impl Exit {
    pub fn lived(dealt: &Dealt) -> Self {
        let (deal, position) = (&dealt.deal, dealt.position.as_ref().unwrap());
        let by = match deal.reason {
            DealReason::StopLoss => "stop",
            DealReason::TakeProfit => "target",
            _ if deal.volume < position.volume => "part",
            _ => "rules",
        };
        Self {
            opened: position.opened_at,
            by,
            volume: deal.volume,
            price: deal.price,
            why: dealt.why.clone(),
        }
    }

    pub fn replayed(trade: &Trade) -> Self {
        let (by, why) = match trade.reason {
            ExitReason::StopLoss | ExitReason::TrailingStop => ("stop", ""),
            ExitReason::TakeProfit => ("target", ""),
            ExitReason::Part => ("part", trade.note.as_str()),
            ExitReason::Rules => ("rules", trade.note.as_str()),
            ExitReason::Ruin => ("ruin", ""),
            ExitReason::End => ("end", ""),
        };
        Self {
            opened: trade.opened_at,
            by,
            volume: trade.volume,
            price: trade.close_price,
            why: why.to_owned(),
        }
    }
}

impl Entry {
    pub fn lived(
        deal: &Deal,
        (stop_loss, take_profit): (Option<Decimal>, Option<Decimal>),
    ) -> Self {
        Self {
            side: deal.side,
            volume: deal.volume,
            price: deal.price,
            stop_loss: stop_loss.unwrap(),
            take_profit,
        }
    }

    /// What was opened at this moment: it is open still, or was closed within its bar.
    pub fn replayed(
        (side, volume): (Side, Decimal),
        at: Timestamp,
        replay: &Replay,
        trades: &[Trade],
    ) -> Self {
        let mut closed = trades.iter().filter(|one| one.opened_at == at);
        let (price, stop_loss, take_profit) = replay
            .open_positions()
            .find(|(position, _)| position.opened_at == at)
            .map(|(position, stop)| (position.open_price, stop, position.take_profit))
            .or_else(|| {
                let one = closed.next()?;
                Some((one.open_price, one.stop_loss, one.take_profit))
            })
            .unwrap();
        Self {
            side,
            volume,
            price,
            stop_loss,
            take_profit,
        }
    }
}

/// Whether both came to the same at a bar, the live program in words.
pub fn is_same(live: &Decided, replayed: &Verdict) -> bool {
    let said = live.verdict.as_str();
    let opened = match replayed {
        Verdict::Opened(side, volume) => {
            return live.entered && said == format!("{} {volume} {}", side.name(), live.symbol);
        }
        _ => live.entered,
    };
    !opened
        && match replayed {
            Verdict::NoCondition => said == "no entry condition holds",
            Verdict::BothWays => said == "buying and selling conditions hold at the same bar",
            Verdict::Unknown => said.contains("cannot be known"),
            Verdict::AlreadyOpen(side) => {
                said.starts_with(&format!("already has a {} position open", side.name()))
            }
            Verdict::MostOpen(_) => said.starts_with("has ") && said.ends_with("positions open"),
            Verdict::Filtered(_, at) => {
                let mut stopping = live.filters.iter().enumerate();
                let first = stopping.find(|(_, one)| !one.passes);
                first.is_some_and(|(place, one)| place == *at && one.text == said)
            }
            Verdict::Refused(_, why) => said == why,
            Verdict::WarmingUp | Verdict::Opened(..) | Verdict::Ended(_) => false,
        }
}
