//! What became of a closed bar.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::market::Side;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Too few bars so far.
    WarmingUp,
    NoCondition,
    /// A condition cannot be known.
    Unknown,
    BothWays,
    AlreadyOpen(Side),
    MostOpen(Side),
    /// The filter at this place of the plan's list does not let it pass.
    Filtered(Side, usize),
    /// Whatever else stood in the way, in words.
    Refused(Side, String),
    Opened(Side, Decimal),
    /// The history ended before a price to open at.
    Ended(Side),
}

impl Verdict {
    pub const fn side(&self) -> Option<Side> {
        match self {
            Self::WarmingUp | Self::NoCondition | Self::Unknown | Self::BothWays => None,
            Self::AlreadyOpen(side)
            | Self::MostOpen(side)
            | Self::Filtered(side, _)
            | Self::Refused(side, _)
            | Self::Opened(side, _)
            | Self::Ended(side) => Some(*side),
        }
    }
}

/// How often bars came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    pub warming_up: u64,
    pub no_condition: u64,
    pub unknown: u64,
    pub both_ways: u64,
    pub already_open: u64,
    pub most_open: u64,
    /// By the plan's filters, in their order.
    pub filtered: Vec<u64>,
    pub refused: u64,
    pub last_refusal: Option<String>,
    pub opened: u64,
    pub ended: u64,
}

impl Verdicts {
    pub(super) fn count(&mut self, verdict: &Verdict) {
        let counter = match verdict {
            Verdict::WarmingUp => &mut self.warming_up,
            Verdict::NoCondition => &mut self.no_condition,
            Verdict::Unknown => &mut self.unknown,
            Verdict::BothWays => &mut self.both_ways,
            Verdict::AlreadyOpen(_) => &mut self.already_open,
            Verdict::MostOpen(_) => &mut self.most_open,
            Verdict::Filtered(_, at) => {
                if let Some(counter) = self.filtered.get_mut(*at) {
                    *counter += 1;
                }
                return;
            }
            Verdict::Refused(_, why) => {
                if self.last_refusal.as_ref() != Some(why) {
                    self.last_refusal = Some(why.clone());
                }
                &mut self.refused
            }
            Verdict::Opened(..) => &mut self.opened,
            Verdict::Ended(_) => &mut self.ended,
        };
        *counter += 1;
    }
}
