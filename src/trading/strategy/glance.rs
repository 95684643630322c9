//! All conditions of a plan at once, where nobody asks for their numbers. Conditions compare the same two values again and
//! again (a cross either way, above and below), so their order is looked at once, and a table says which of them hold.

use super::condition::{Comparison, ORDERS, Pair, are_known, place};
use super::panel::{Panel, Place};
use super::program::{Sides, Signal, Test, find};

/// Two values that conditions compare by nothing but their order.
#[derive(Clone, Debug)]
struct Compared<S> {
    sides: S,
    /// The conditions that hold, a bit for each, by the order's [`place`].
    holding: [u64; ORDERS],
}

/// Most conditions compare series as they are with each other or with a number: those need no more than their values.
#[derive(Clone, Debug)]
pub(super) struct Glance {
    series: Vec<Compared<(Place, Place)>>,
    levels: Vec<Compared<(Place, Pair)>>,
    /// Everything else that goes by an order.
    compared: Vec<Compared<Sides>>,
    /// Conditions that go by more than an order, each with its bit.
    others: Vec<(u64, Test)>,
    alternatives: Alternatives,
    /// What follows from the conditions that hold; of more than [`MOST_IN_TABLE`] nothing stands here.
    signals: Vec<Signal>,
}

/// More conditions than this are not worth a table.
const MOST_IN_TABLE: usize = 10;

/// The conditions of each alternative, a bit for each.
#[derive(Clone, Debug)]
struct Alternatives {
    buys: Vec<u64>,
    sells: Vec<u64>,
}

impl Alternatives {
    fn signal(&self, held: u64) -> Signal {
        // Every one of them, as which it is would have to be guessed by a processor that stops at the first.
        let any_of = |terms: &[u64]| {
            let held = terms.iter().map(|term| held & term == *term);
            Some(held.fold(false, |any, one| any | one))
        };
        Signal {
            buys: any_of(&self.buys),
            sells: any_of(&self.sells),
        }
    }
}

impl Glance {
    /// Of the tests for buying and for selling; `None` when they are more than the bits.
    pub fn new((buying, selling): (&[Test], &[Test])) -> Option<Self> {
        let conditions = buying.len() + selling.len();
        if conditions > u64::BITS as usize {
            return None;
        }
        let alternatives = Alternatives {
            buys: terms(buying, 0),
            sells: terms(selling, buying.len()),
        };
        let patterns = if conditions <= MOST_IN_TABLE {
            0..1 << conditions
        } else {
            0..0
        };
        let mut glance = Self {
            series: Vec::new(),
            levels: Vec::new(),
            compared: Vec::new(),
            others: Vec::new(),
            signals: patterns.map(|held| alternatives.signal(held)).collect(),
            alternatives,
        };
        for (at, test) in buying.iter().chain(selling).enumerate() {
            glance.add(1 << at, test);
        }
        Some(glance)
    }

    fn add(&mut self, bit: u64, test: &Test) {
        let Comparison::Orders(orders) = test.comparison else {
            self.others.push((bit, *test));
            return;
        };
        if let Some(places) = test.sides.plain_series() {
            note(&mut self.series, places, bit, orders);
        } else if let Some(level) = test.sides.plain_level() {
            note(&mut self.levels, level, bit, orders);
        } else {
            note(&mut self.compared, test.sides, bit, orders);
        }
    }

    /// What the conditions say, with a bit for each that holds, the first one lowest; `None` when one of them cannot be known.
    /// `pip` and `close`, the last one, are prices.
    pub fn take(&self, panel: &Panel, pip: f64, close: f64) -> Option<(Signal, u64)> {
        let last = panel.last_pairs();
        // No number but a finite one leaves a sum finite; one too large for it is looked at by itself.
        let (mut held, mut sum) = (0, 0.0);
        for one in &self.series {
            let (left, right) = (last.pair(one.sides.0), last.pair(one.sides.1));
            sum += (left.0 + right.0) + (left.1 + right.1);
            held |= one.holding[usize::from(place(left, right))];
        }
        for one in &self.levels {
            let (left, right) = (last.pair(one.sides.0), one.sides.1);
            sum += (left.0 + right.0) + (left.1 + right.1);
            held |= one.holding[usize::from(place(left, right))];
        }
        let mut known = sum.is_finite();
        for one in &self.compared {
            let (left, right, plausible) = one.sides.values(panel, pip, close);
            known &= are_known(left, right, plausible);
            held |= one.holding[usize::from(place(left, right))];
        }
        for (bit, test) in &self.others {
            let truth = find(test, panel, pip, close).truth;
            known &= truth.is_some();
            held |= bit * u64::from(truth == Some(true));
        }
        known.then(|| (self.signal(held), held))
    }

    fn signal(&self, held: u64) -> Signal {
        let known = usize::try_from(held).ok();
        known
            .and_then(|held| self.signals.get(held).copied())
            .unwrap_or_else(|| self.alternatives.signal(held))
    }
}

/// Notes by which orders of these sides a condition holds.
fn note<S: PartialEq>(all: &mut Vec<Compared<S>>, sides: S, bit: u64, orders: u16) {
    let known = all.iter().position(|one| one.sides == sides);
    let at = known.unwrap_or_else(|| {
        all.push(Compared {
            sides,
            holding: [0; ORDERS],
        });
        all.len() - 1
    });
    for (order, holding) in all[at].holding.iter_mut().enumerate() {
        *holding |= bit * u64::from(orders >> order & 1);
    }
}

/// The bits of each alternative's tests, of which the first one has the bit at this place.
fn terms(tests: &[Test], first: usize) -> Vec<u64> {
    let (mut terms, mut term) = (Vec::new(), 0);
    for (at, test) in (first..).zip(tests) {
        term |= 1 << at;
        if test.is_last {
            terms.push(std::mem::take(&mut term));
        }
    }
    terms
}
