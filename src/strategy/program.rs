//! A plan made ready for a panel: flat tests with the places of their values, so that a decision neither searches nor
//! allocates.

use std::ops::Range;
use std::sync::Arc;

use super::condition::{BareNumber, Comparison, Condition, Operand, Pair, truth};
use super::entry::Trigger;
use super::indicator::{Series, Source};
use super::language::Language;
use super::panel::Panel;
use super::panel::Place;
use super::plan::Plan;
use crate::market::Side;

#[derive(Clone, Copy, Debug)]
enum Right {
    Pair(f64, f64),
    Sample {
        at: Place,
        times: f64,
        plus_pips: f64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Test {
    left: Place,
    comparison: Comparison,
    right: Right,
    bare_number: BareNumber,
}

/// Bound to the panel it was made for.
#[derive(Clone, Debug)]
pub struct Program {
    tests: Vec<Test>,
    /// Direction, alternative and words of each test.
    words: Vec<(Side, usize, Arc<str>)>,
    buys: Vec<Range<usize>>,
    sells: Vec<Range<usize>>,
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
        self.walk(panel, pip, |_| {})
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

    /// Every condition once, in their order, which is that of the alternatives.
    #[inline]
    fn walk(&self, panel: &Panel, pip: f64, mut told: impl FnMut(Finding)) -> Signal {
        let close = panel.pair(self.close).1;
        let mut any_of = |terms: &[Range<usize>]| {
            let mut any = Known::No;
            for term in terms {
                let mut all = Known::Yes;
                for test in self.tests.get(term.clone()).unwrap_or_default() {
                    let finding = find(test, panel, pip, close);
                    all = all.min(Known::of(finding.truth));
                    told(finding);
                }
                any = any.max(all);
            }
            any.truth()
        };
        Signal {
            buys: any_of(&self.buys),
            sells: any_of(&self.sells),
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

/// The three values of truth in their order: conditions that must all hold come to the least of theirs, alternatives to the
/// greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    No,
    Unknown,
    Yes,
}

impl Known {
    const fn of(truth: Option<bool>) -> Self {
        match truth {
            Some(false) => Self::No,
            None => Self::Unknown,
            Some(true) => Self::Yes,
        }
    }

    const fn truth(self) -> Option<bool> {
        match self {
            Self::No => Some(false),
            Self::Unknown => None,
            Self::Yes => Some(true),
        }
    }
}

/// `close` is the last one.
#[inline(always)]
fn find(test: &Test, panel: &Panel, pip: f64, close: f64) -> Finding {
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
    Finding {
        truth: truth(
            test.comparison,
            left,
            right,
            test.bare_number.plausible(close),
        ),
        left: left.1,
        right: right.1,
    }
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
        comparison: Comparison::of(condition.operator),
        right,
        bare_number: condition.bare_number(),
    }
}
