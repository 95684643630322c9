//! A plan made ready for a panel: flat tests with the places of their values, so that a decision neither searches nor
//! allocates.

use std::ops::Range;
use std::sync::Arc;

use super::condition::{Condition, Operand, Operator, Pair, truth};
use super::entry::Trigger;
use super::indicator::{Series, Source};
use super::language::Language;
use super::panel::Panel;
use super::plan::Plan;
use crate::market::Side;

#[derive(Clone, Copy, Debug)]
enum Right {
    Pair(f64, f64),
    Sample {
        at: usize,
        times: f64,
        plus_pips: f64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Test {
    left: usize,
    operator: Operator,
    right: Right,
    names_a_price: bool,
}

/// Bound to the panel it was made for.
#[derive(Clone, Debug)]
pub struct Program {
    tests: Vec<Test>,
    /// Direction, alternative and words of each test.
    words: Vec<(Side, usize, Arc<str>)>,
    buys: Vec<Range<usize>>,
    sells: Vec<Range<usize>>,
    close: usize,
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

impl Program {
    /// Registers everything that the plan looks at with the panel.
    pub fn new(plan: &Plan, panel: &mut Panel) -> Self {
        for source in plan.sources() {
            panel.require(source);
        }
        let mut tests = Vec::new();
        let mut ranges = |trigger: Option<&Trigger>| -> Vec<Range<usize>> {
            trigger
                .into_iter()
                .flat_map(Trigger::terms)
                .map(|term| {
                    let from = tests.len();
                    tests.extend(term.conditions().iter().map(|one| test(one, panel)));
                    from..tests.len()
                })
                .collect()
        };
        let (buys, sells) = (
            ranges(plan.trigger(Side::Buy)),
            ranges(plan.trigger(Side::Sell)),
        );
        let close = panel.require(Source::new(Series::Price, panel.timeframe()));
        let words = plan
            .conditions()
            .map(|(side, at, one)| {
                let words = one.words(plan.timeframe(), Language::English);
                (side, at, Arc::from(words))
            })
            .collect();
        Self {
            tests,
            words,
            buys,
            sells,
            close,
        }
    }

    /// What the conditions say at the panel's last bar. `pip` is the symbol's, in price.
    pub fn signal(&self, panel: &Panel, pip: f64) -> Signal {
        self.signal_of(|at| self.find(&self.tests[at], panel, pip).truth)
    }

    /// The same, with every condition by itself as [`Self::findings`] gives them, put into `findings`.
    pub fn observe(&self, panel: &Panel, pip: f64, findings: &mut Vec<Finding>) -> Signal {
        findings.clear();
        findings.extend(self.tests.iter().map(|test| self.find(test, panel, pip)));
        self.signal_of(|at| findings.get(at)?.truth)
    }

    fn signal_of(&self, truth: impl Fn(usize) -> Option<bool>) -> Signal {
        Signal {
            buys: any_of(&self.buys, &truth),
            sells: any_of(&self.sells, &truth),
        }
    }

    fn find(&self, test: &Test, panel: &Panel, pip: f64) -> Finding {
        let left = panel.pair(test.left);
        let right: Pair = match test.right {
            Right::Pair(first, second) => (first, second),
            Right::Sample {
                at,
                times,
                plus_pips,
            } => {
                let (previous, last) = panel.pair(at);
                let plus = plus_pips * pip;
                (previous * times + plus, last * times + plus)
            }
        };
        let near = test.names_a_price.then(|| panel.pair(self.close).1);
        Finding {
            truth: truth(test.operator, left, right, near),
            left: left.1,
            right: right.1,
        }
    }

    /// Every condition by itself, in the order of [`Plan::conditions`].
    pub fn findings(&self, panel: &Panel, pip: f64) -> Vec<Finding> {
        self.tests
            .iter()
            .map(|test| self.find(test, panel, pip))
            .collect()
    }

    /// Direction, alternative and words of each of them.
    pub fn words(&self) -> &[(Side, usize, Arc<str>)] {
        &self.words
    }
}

/// Alternatives: true if one is known to hold, unknown if none is and one cannot be known.
fn any_of(terms: &[Range<usize>], truth: impl Fn(usize) -> Option<bool>) -> Option<bool> {
    let mut any = Some(false);
    for term in terms {
        match all_of(term.clone(), &truth) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => any = None,
        }
    }
    any
}

fn all_of(term: Range<usize>, truth: impl Fn(usize) -> Option<bool>) -> Option<bool> {
    let mut all = Some(true);
    for at in term {
        match truth(at) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

fn test(condition: &Condition, panel: &mut Panel) -> Test {
    let right = match condition.right {
        Operand::Number(number) => Right::Pair(number, number),
        Operand::Range { low, high } => Right::Pair(low, high),
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
        left: panel.require(condition.left),
        operator: condition.operator,
        right,
        names_a_price: condition.names_a_price(),
    }
}
