//! Which filling mode an order asks for. The symbol's mask says what the broker takes; some brokers' masks are wrong, so a
//! refusal (10030) is remembered and the next order of the symbol uses another mode. The refused order itself is never
//! sent again under its id: its parameters are frozen with it.

use std::collections::BTreeMap;

use crate::market::{Execution, SymbolSpec, SymbolTerms};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FillMode {
    /// Fill or kill: all of it or nothing.
    Kill,
    /// Immediate or cancel: what is there, the rest is cancelled.
    Cancel,
    /// The rest stays as an order.
    Return,
}

impl FillMode {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "fok",
            Self::Cancel => "ioc",
            Self::Return => "return",
        }
    }

    const ALL: [Self; 3] = [Self::Kill, Self::Cancel, Self::Return];
}

/// The modes that were refused, by symbol.
#[derive(Clone, Debug, Default)]
pub struct Fillings {
    refused: BTreeMap<String, Vec<FillMode>>,
}

impl Fillings {
    /// The mode for the next order. Nothing is left after every mode was refused; then the first is tried again.
    pub fn choose(&self, spec: &SymbolSpec) -> FillMode {
        self.left(spec)
            .first()
            .or(order_of_trial(spec).first())
            .copied()
            .unwrap_or(FillMode::Kill)
    }

    /// Remembers a refusal. The mode that the next order will use, if one is left.
    pub fn refuse(&mut self, spec: &SymbolSpec, mode: FillMode) -> Option<FillMode> {
        let refused = self.refused.entry(spec.name.clone()).or_default();
        if !refused.contains(&mode) {
            refused.push(mode);
        }
        let left = self.left(spec).first().copied();
        if left.is_none() {
            // The mask may have changed meanwhile: begin anew with the next order, not with this one.
            self.refused.remove(&spec.name);
        }
        left
    }

    fn left(&self, spec: &SymbolSpec) -> Vec<FillMode> {
        let refused = self.refused.get(&spec.name);
        let mut modes = order_of_trial(spec);
        modes.retain(|mode| refused.is_none_or(|refused| !refused.contains(mode)));
        modes
    }
}

/// What the broker says it takes, then the rest, since some say it wrongly (MQL5, SYMBOL_FILLING_MODE).
fn order_of_trial(spec: &SymbolSpec) -> Vec<FillMode> {
    let terms = &spec.terms;
    let allowed = |mode| match mode {
        FillMode::Kill => {
            terms.filling & SymbolTerms::FILL_OR_KILL != 0
                || matches!(terms.execution, Execution::Request | Execution::Instant)
        }
        FillMode::Cancel => {
            terms.filling & SymbolTerms::IMMEDIATE_OR_CANCEL != 0
                || matches!(terms.execution, Execution::Request | Execution::Instant)
        }
        FillMode::Return => terms.execution != Execution::Market,
    };
    let (mut first, rest): (Vec<FillMode>, Vec<FillMode>) =
        FillMode::ALL.into_iter().partition(|mode| allowed(*mode));
    first.extend(rest);
    first
}
