//! Single orders by command: OPEN_POSITION and MODIFY_POSITION.

use rust_decimal::Decimal;

use super::command::{ArgumentError, Command};
use super::durable::{OpenCommand, Progress, Purpose};
use super::handle::{Verdict, count, not_begun, ticket_of};
use super::step::Turn;
use crate::market::{IntentAction, LevelChange, Side, SymbolSpec};

/// Points of slippage accepted when the command names none.
const DEFAULT_DEVIATION: u32 = 20;

struct OpenOrder {
    symbol: String,
    side: Side,
    volume: Decimal,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
    deviation: u32,
}

impl Turn<'_> {
    pub fn open_position(&mut self, open: &OpenCommand) -> Verdict {
        let id = open.command.id.clone();
        if !not_begun(open.state) {
            return Verdict::Busy {
                what: "the order is at the terminal".to_owned(),
            };
        }
        let order = match read_open(&open.command) {
            Ok(order) => order,
            Err(error) => return Verdict::failed(error.to_string()),
        };
        if !self.state.terminal.up && self.durable().stop.is_none() {
            return Verdict::Wait {
                reason: "waiting for the terminal".to_owned(),
            };
        }
        if let Some(block) = self.state.standing_block(self.now) {
            return Verdict::failed(format!("not opened: {block}"));
        }
        if self.was_given_in_pause(&open.command) {
            return Verdict::failed("not opened: trading was paused when this was given");
        }
        let spec = match self.state.symbol(&order.symbol) {
            Ok(spec) => spec,
            Err(reason) => return Verdict::failed(reason),
        };
        if let Err(reason) = check_volume(order.volume, spec) {
            return Verdict::failed(reason);
        }
        if let Some(search) = self.state.search_block(self.now) {
            return Verdict::Wait {
                reason: search.to_owned(),
            };
        }
        // Its limits count positions; an order that has just been filled may not be among them yet.
        if self.state.fresh_book().is_none() {
            return Verdict::Wait {
                reason: "waiting for the terminal's list of positions".to_owned(),
            };
        }
        if let Some(reason) = self.entry_refusal(&spec.name, order.volume) {
            return Verdict::failed(format!("not opened: {reason}"));
        }
        // Whether the one before became a position is about to be known; until then it may be one too many.
        if self.has_doubtful_opening(&spec.name) {
            return Verdict::Wait {
                reason: format!(
                    "an earlier order of {} has no certain outcome yet",
                    spec.name
                ),
            };
        }
        let action = IntentAction::Open {
            symbol: spec.name.clone(),
            side: order.side,
            volume: order.volume,
            stop_loss: order.stop_loss.map(|price| spec.round_price(price)),
            take_profit: order.take_profit.map(|price| spec.round_price(price)),
            deviation: order.deviation,
        };
        self.submit(action, Purpose::Command { id });
        Verdict::Busy {
            what: "the order is at the terminal".to_owned(),
        }
    }

    fn has_doubtful_opening(&self, traded: &str) -> bool {
        let orders = self.durable().intents.values();
        orders
            .filter(|entry| entry.progress == Progress::Unknown && self.is_here(entry))
            .any(|entry| match &entry.intent.action {
                IntentAction::Open { symbol, .. } => symbol == traded,
                _ => false,
            })
    }

    /// Why one more position of `volume` lots in `symbol` is not opened.
    pub fn entry_refusal(&self, symbol: &str, volume: Decimal) -> Option<String> {
        self.limit_reached(volume)
            .or_else(|| self.state.netting_conflict(symbol))
    }

    /// A local limit that one more position of `volume` lots would break.
    fn limit_reached(&self, volume: Decimal) -> Option<String> {
        let limits = &self.state.config.limits;
        if let Some(most) = limits.max_lots.filter(|most| volume > *most) {
            return Some(format!("{volume} lots are over the local limit of {most}"));
        }
        let open = self.state.own_positions().count();
        let opening = self
            .durable()
            .intents
            .values()
            .filter(|entry| matches!(entry.intent.action, IntentAction::Open { .. }))
            .count();
        if let Some(most) = limits.max_positions.filter(|most| open + opening >= *most) {
            let on_the_way = if opening == 0 { "" } else { " or on the way" };
            return Some(format!(
                "{} open{on_the_way} and the local limit is {most}",
                count(open + opening, "position is", "positions are")
            ));
        }
        None
    }

    pub fn modify_position(&mut self, open: &OpenCommand) -> Verdict {
        if !not_begun(open.state) {
            return Verdict::Busy {
                what: "the change is at the terminal".to_owned(),
            };
        }
        let command = &open.command;
        let ticket = match ticket_of(command) {
            Ok(ticket) => ticket,
            Err(error) => return Verdict::failed(error),
        };
        let levels = level(command, &["stopLoss", "sl"])
            .and_then(|stop| Ok((stop, level(command, &["takeProfit", "tp"])?)));
        let (stop_loss, take_profit) = match levels {
            Ok((None, None)) => {
                return Verdict::failed("neither \"stopLoss\" nor \"takeProfit\" is given");
            }
            Ok((Some(stop), _)) if stop.is_zero() => {
                return Verdict::failed(
                    "\"stopLoss\" is 0, which would take the position's protection away; it is left as it is. Close the position, or name a price",
                );
            }
            Ok(levels) => levels,
            Err(error) => return Verdict::failed(error.to_string()),
        };
        // A later order's word on a level stands, also when this one names the other level besides.
        let (later_stop, later_target) = self.levels_set_later(command);
        let stop_loss = stop_loss.filter(|_| !later_stop);
        let take_profit = take_profit.filter(|_| !later_target);
        let Some(book) = self.state.fresh_book() else {
            return Verdict::Wait {
                reason: "waiting for the terminal".to_owned(),
            };
        };
        let ticket = book.known_as(ticket);
        if self.position_has_order(ticket) {
            return Verdict::Wait {
                reason: format!("waiting for the order on position {ticket} before it"),
            };
        }
        if let Some(wait) = self.wait_for_account(command, ticket) {
            return wait;
        }
        let Some(position) = book
            .positions
            .iter()
            .find(|position| position.ticket == ticket)
        else {
            return Verdict::failed(format!("position {ticket} is not open"));
        };
        if self.state.own_position(ticket).is_none() {
            return Verdict::failed(format!(
                "position {ticket} was not opened by this executor; it is left alone"
            ));
        }
        if let Some(contradiction) = self.names_another_symbol(command, position) {
            return Verdict::failed(format!("{contradiction}; nothing was changed"));
        }
        let spec = self.state.terminal.symbols.get(&position.symbol);
        let round = |price: Decimal| spec.map_or(price, |spec| spec.round_price(price));
        let change = |named: Option<Decimal>| match named.map(positive) {
            None => LevelChange::Keep,
            Some(level) => LevelChange::exactly(level.map(round)),
        };
        let action = IntentAction::Modify {
            ticket,
            stop_loss: change(stop_loss),
            take_profit: change(take_profit),
        };
        let id = command.id.clone();
        self.submit(action, Purpose::Command { id });
        Verdict::Busy {
            what: "the change is at the terminal".to_owned(),
        }
    }
}

fn read_open(command: &Command) -> Result<OpenOrder, ArgumentError> {
    // A position of no strategy: what stops or closes a strategy would leave it open.
    for key in ["strategyId", "strategyName"] {
        if command.args.get(key).is_some_and(|value| !value.is_null()) {
            return Err(ArgumentError::OfAStrategy(key));
        }
    }
    let symbol = command.text("symbol")?.trim().to_owned();
    let side = match command.one_of(&["type", "action", "side"])? {
        None => return Err(ArgumentError::Missing("type")),
        Some((key, value)) => match value.as_str().map(str::to_ascii_uppercase).as_deref() {
            Some("BUY" | "LONG") => Side::Buy,
            Some("SELL" | "SHORT") => Side::Sell,
            _ => {
                return Err(ArgumentError::Wrong {
                    key: key.to_owned(),
                    expected: "BUY or SELL",
                    found: value.to_string(),
                });
            }
        },
    };
    let volume = command
        .decimal(&["volume", "lots", "lotSize"])?
        .ok_or(ArgumentError::Missing("volume"))?;
    let stop_loss = level(command, &["stopLoss", "sl"])?;
    if stop_loss.is_some_and(|price| price.is_zero()) {
        return Err(ArgumentError::StopOfZero);
    }
    Ok(OpenOrder {
        symbol,
        side,
        volume,
        stop_loss,
        take_profit: level(command, &["takeProfit", "tp"])?.and_then(positive),
        deviation: deviation_of(command)?,
    })
}

fn deviation_of(command: &Command) -> Result<u32, ArgumentError> {
    let Some(points) = command.decimal(&["deviation", "slippage"])? else {
        return Ok(DEFAULT_DEVIATION);
    };
    let whole = Some(points).filter(Decimal::is_integer);
    whole
        .and_then(|points| u32::try_from(points).ok())
        .ok_or_else(|| ArgumentError::Wrong {
            key: "deviation".to_owned(),
            expected: "a whole number of points",
            found: points.to_string(),
        })
}

/// MetaTrader's habit: a level of 0 means none.
fn positive(level: Decimal) -> Option<Decimal> {
    (level > Decimal::ZERO).then_some(level)
}

/// A price level; a negative one is refused rather than taken for "none".
fn level(command: &Command, keys: &[&'static str]) -> Result<Option<Decimal>, ArgumentError> {
    match command.decimal(keys)? {
        Some(level) if level < Decimal::ZERO => Err(ArgumentError::Wrong {
            key: keys
                .first()
                .map_or_else(String::new, |key| (*key).to_owned()),
            expected: "a price",
            found: level.to_string(),
        }),
        level => Ok(level),
    }
}

/// Volumes are refused, never rounded up (contract R18).
fn check_volume(volume: Decimal, spec: &SymbolSpec) -> Result<(), String> {
    if volume < spec.volume_min {
        return Err(format!(
            "{volume} lots are below the broker's minimum of {} for {}",
            spec.volume_min, spec.name
        ));
    }
    if volume > spec.volume_max {
        return Err(format!(
            "{volume} lots are above the broker's maximum of {} for {}",
            spec.volume_max, spec.name
        ));
    }
    if spec.floor_volume(volume) != volume {
        return Err(format!(
            "{volume} lots are not a multiple of {}'s step of {}",
            spec.name, spec.volume_step
        ));
    }
    Ok(())
}
