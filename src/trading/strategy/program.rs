//! A plan made ready for a panel: flat tests with the places of their values, so that a decision neither searches nor
//! allocates.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::condition::{BareNumber, Comparison, Condition, Operand, Pair, truth};
use super::entry::Trigger;
use super::glance::Glance;
use super::indicator::{Series, Source};
use super::language::Language;
use super::panel::Panel;
use super::panel::Place;
use super::plan::Plan;
use crate::market::Side;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Right {
    Numbers(Pair, BareNumber),
    Sample {
        at: Place,
        times: f64,
        plus_pips: f64,
    },
}

/// What a condition compares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sides {
    left: Place,
    right: Right,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    pub sides: Sides,
    pub comparison: Comparison,
    /// The last one of its alternative.
    pub is_last: bool,
}

/// Bound to the panel it was made for.
#[derive(Clone, Debug)]
pub struct Program {
    /// Those for buying first.
    tests: Vec<Test>,
    /// How many of them those are.
    buying: usize,
    /// All of them at once; `None` where they are too many.
    glance: Option<Glance>,
    /// Direction, alternative and words of each test.
    words: Vec<(Side, usize, Arc<str>)>,
    close: Place,
}

/// What the entry conditions say at a bar; `None` where it cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    pub buys: Option<bool>,
    pub sells: Option<bool>,
}

/// One condition at a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// `None`: it cannot be known.
    pub truth: Option<bool>,
    pub left: f64,
    pub right: f64,
}

impl Finding {
    const UNKNOWN: Self = Self {
        truth: None,
        left: f64::NAN,
        right: f64::NAN,
    };
}

impl Program {
    /// Registers everything that the plan looks at with the panel.
    pub fn new(plan: &Plan, panel: &mut Panel) -> Self {
        for source in plan.sources() {
            panel.require(source);
        }
        let mut tests = Vec::new();
        let mut buying = 0;
        for side in [Side::Buy, Side::Sell] {
            for term in plan.trigger(side).into_iter().flat_map(Trigger::terms) {
                tests.extend(term.conditions().iter().map(|one| test(one, panel)));
                if let Some(last) = tests.last_mut() {
                    last.is_last = true;
                }
            }
            if side == Side::Buy {
                buying = tests.len();
            }
        }
        let close = panel.require(Source::new(Series::Price, panel.timeframe()));
        let words = plan
            .conditions()
            .map(|(side, at, one)| {
                let words = one.words(plan.timeframe(), Language::English);
                (side, at, Arc::from(words))
            })
            .collect();
        Self {
            glance: Glance::new(tests.split_at(buying)),
            tests,
            buying,
            words,
            close,
        }
    }

    /// What the conditions say at the panel's last bar. `pip` is the symbol's, in price.
    pub fn signal(&self, panel: &Panel, pip: f64) -> Signal {
        self.glance(panel, pip)
            .map_or_else(|| self.walk(panel, pip, |_| {}), |(signal, _)| signal)
    }

    /// The same, with every condition by itself as [`Self::findings`] gives them, put into `findings`.
    pub fn observe(&self, panel: &Panel, pip: f64, findings: &mut Vec<Finding>) -> Signal {
        findings.resize(self.tests.len(), Finding::UNKNOWN);
        let mut places = findings.iter_mut();
        self.walk(panel, pip, |finding| {
            if let Some(place) = places.next() {
                *place = finding;
            }
        })
    }

    /// The same with a bit for each condition that holds, the first one lowest, where nobody asks for their numbers. `None`:
    /// one of them cannot be known, or they are more than the bits.
    pub fn glance(&self, panel: &Panel, pip: f64) -> Option<(Signal, u64)> {
        let close = panel.pair(self.close).1;
        self.glance.as_ref()?.take(panel, pip, close)
    }

    /// Every condition once, in their order, which is that of the alternatives.
    #[inline]
    fn walk(&self, panel: &Panel, pip: f64, mut told: impl FnMut(Finding)) -> Signal {
        let close = panel.pair(self.close).1;
        let (buys, sells) = self.tests.split_at(self.buying);
        let mut any_of = |tests: &[Test]| {
            let (mut any, mut all) = (Known::NO, Known::YES);
            for test in tests {
                let finding = find(test, panel, pip, close);
                all = all.and(Known::of(finding.truth));
                if test.is_last {
                    any = any.or(all);
                    all = Known::YES;
                }
                told(finding);
            }
            any.truth()
        };
        Signal {
            buys: any_of(buys),
            sells: any_of(sells),
        }
    }

    /// Every condition by itself, in the order of [`Plan::conditions`].
    pub fn findings(&self, panel: &Panel, pip: f64) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.observe(panel, pip, &mut findings);
        findings
    }

    /// Direction, alternative and words of each of them.
    pub fn words(&self) -> &[(Side, usize, Arc<str>)] {
        &self.words
    }
}

/// A truth of three values as the two that it can come to: conditions that must all hold and alternatives are then plain
/// conjunctions and disjunctions, without a branch that a processor would have to guess.
#[derive(Clone, Copy)]
struct Known {
    is_true: bool,
    can_be_true: bool,
}

impl Known {
    const NO: Self = Self {
        is_true: false,
        can_be_true: false,
    };
    const YES: Self = Self {
        is_true: true,
        can_be_true: true,
    };

    #[inline(always)]
    fn of(truth: Option<bool>) -> Self {
        Self {
            is_true: truth == Some(true),
            can_be_true: truth != Some(false),
        }
    }

    const fn and(self, other: Self) -> Self {
        Self {
            is_true: self.is_true & other.is_true,
            can_be_true: self.can_be_true & other.can_be_true,
        }
    }

    const fn or(self, other: Self) -> Self {
        Self {
            is_true: self.is_true | other.is_true,
            can_be_true: self.can_be_true | other.can_be_true,
        }
    }

    const fn truth(self) -> Option<bool> {
        match (self.is_true, self.can_be_true) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }
}

impl Sides {
    /// Two series of the last closes, compared as they are.
    pub fn plain_series(&self) -> Option<(Place, Place)> {
        match self.right {
            Right::Sample {
                at,
                times: 1.0,
                plus_pips: 0.0,
            } if !self.left.is_earlier() && !at.is_earlier() => Some((self.left, at)),
            _ => None,
        }
    }

    /// A series of the last closes and numbers that can be any.
    pub fn plain_level(&self) -> Option<(Place, Pair)> {
        match self.right {
            Right::Numbers(numbers, BareNumber::Any) if !self.left.is_earlier() => {
                Some((self.left, numbers))
            }
            _ => None,
        }
    }

    /// Their values, and which numbers the right ones can be (`None`: any). `close` is the last one.
    #[inline(always)]
    pub fn values(
        &self,
        panel: &Panel,
        pip: f64,
        close: f64,
    ) -> (Pair, Pair, Option<RangeInclusive<f64>>) {
        let left = panel.pair(self.left);
        match self.right {
            Right::Numbers(numbers, bare_number) => (left, numbers, bare_number.plausible(close)),
            Right::Sample {
                at,
                times,
                plus_pips,
            } => {
                let (previous, last) = panel.pair(at);
                let plus = plus_pips * pip;
                (left, (previous * times + plus, last * times + plus), None)
            }
        }
    }
}

/// `close` is the last one.
#[inline(always)]
pub(super) fn find(test: &Test, panel: &Panel, pip: f64, close: f64) -> Finding {
    let (left, right, plausible) = test.sides.values(panel, pip, close);
    Finding {
        truth: truth(test.comparison, left, right, plausible),
        left: left.1,
        right: right.1,
    }
}

fn test(condition: &Condition, panel: &mut Panel) -> Test {
    let bare_number = condition.bare_number();
    let right = match condition.right {
        Operand::Number(number) => Right::Numbers((number, number), bare_number),
        Operand::Range { low, high } => Right::Numbers((low, high), bare_number),
        Operand::Series {
            source,
            times,
            plus_pips,
        } => Right::Sample {
            at: panel.require(source),
            times,
            plus_pips,
        },
    };
    Test {
        sides: Sides {
            left: panel.require(condition.left),
            right,
        },
        comparison: Comparison::of(condition.operator),
        is_last: false,
    }
}
