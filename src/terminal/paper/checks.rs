//! The checks of a trade server that need only the order, the symbol's terms and the price.

use rust_decimal::Decimal;

use super::exchange::closing_price;
use super::faults::Fate;
use super::retcode::{self, refusal};
use crate::market::{Quote, Refusal, Side, SymbolSpec};

pub(super) fn check_fate(fate: Fate, quote: Quote) -> Result<(), Refusal> {
    match fate {
        Fate::Requoted => Err(refusal(
            retcode::REQUOTE,
            format!("requote: {} / {}", quote.bid, quote.ask),
        )),
        Fate::Rejected(code) => Err(refusal(code, "the broker rejected the order")),
        Fate::Delivered | Fate::LostBefore | Fate::LostAfter => Ok(()),
    }
}

pub(super) fn check_volume(spec: &SymbolSpec, volume: Decimal) -> Result<(), Refusal> {
    let problem = if volume < spec.volume_min {
        format!(
            "{volume} lots is below the least volume {}",
            spec.volume_min
        )
    } else if volume > spec.volume_max {
        format!(
            "{volume} lots is above the greatest volume {}",
            spec.volume_max
        )
    } else if spec.floor_volume(volume) != volume {
        format!("{volume} lots is not a multiple of {}", spec.volume_step)
    } else {
        return Ok(());
    };
    Err(refusal(
        retcode::INVALID_VOLUME,
        format!("{}: {problem}", spec.name),
    ))
}

/// Levels lie on the tick grid, on the proper side of the price they are triggered by, and not too near to it.
pub(super) fn check_levels(
    spec: &SymbolSpec,
    side: Side,
    quote: Quote,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
) -> Result<(), Refusal> {
    let price = closing_price(side, quote);
    let least = spec.point * Decimal::from(spec.stops_level);
    for (name, level, below) in [
        ("stop loss", stop_loss, side == Side::Buy),
        ("take profit", take_profit, side == Side::Sell),
    ] {
        let Some(level) = level else { continue };
        if level <= Decimal::ZERO || spec.round_price(level) != level {
            return Err(refusal(
                retcode::INVALID_PRICE,
                format!(
                    "{name} {level} is not a multiple of {}'s tick size {}",
                    spec.name, spec.tick_size
                ),
            ));
        }
        let distance = if below { price - level } else { level - price };
        if distance < least || distance <= Decimal::ZERO {
            return Err(refusal(
                retcode::INVALID_STOPS,
                format!(
                    "{name} {level} of a {} must be at least {} points {} {price}",
                    side.name(),
                    spec.stops_level,
                    if below { "below" } else { "above" }
                ),
            ));
        }
    }
    Ok(())
}
