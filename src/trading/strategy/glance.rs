//! All conditions of a plan at once, where nobody asks for their numbers. Conditions compare the same two values again and
//! again (a cross either way, above and below), so their order is looked at once, and a table says which of them hold.

use super::condition::{Comparison, ORDERS, are_known, place};
use super::panel::Panel;
use super::program::{Sides, Signal, Test, find};

/// Two values that conditions compare by nothing but their order.
#[derive(Clone, Debug)]
struct Compared {
    sides: Sides,
    /// The conditions that hold, a bit for each, by the order's [`place`].
    holding: [u64; ORDERS],
}

#[derive(Clone, Debug)]
pub(super) struct Glance {
    compared: Vec<Compared>,
    /// Conditions that go by more than an order, each with its bit.
    others: Vec<(u64, Test)>,
    /// The conditions of each alternative, a bit for each.
    buys: Vec<u64>,
    sells: Vec<u64>,
}

impl Glance {
    /// Of the tests for buying and for selling; `None` when they are more than the bits.
    pub fn new((buying, selling): (&[Test], &[Test])) -> Option<Self> {
        if buying.len() + selling.len() > u64::BITS as usize {
            return None;
        }
        let mut glance = Self {
            compared: Vec::new(),
            others: Vec::new(),
            buys: alternatives(buying, 0),
            sells: alternatives(selling, buying.len()),
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
        let mut known = self.compared.iter();
        let at = known
            .position(|one| one.sides == test.sides)
            .unwrap_or_else(|| {
                self.compared.push(Compared {
                    sides: test.sides,
                    holding: [0; ORDERS],
                });
                self.compared.len() - 1
            });
        for (order, holding) in self.compared[at].holding.iter_mut().enumerate() {
            *holding |= bit * u64::from(orders >> order & 1);
        }
    }

    /// What the conditions say, with a bit for each that holds, the first one lowest; `None` when one of them cannot be known.
    /// `pip` and `close`, the last one, are prices.
    pub fn take(&self, panel: &Panel, pip: f64, close: f64) -> Option<(Signal, u64)> {
        let (mut held, mut known) = (0, true);
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
        // Every one of them, as which it is would have to be guessed by a processor that stops at the first.
        let any_of = |terms: &[u64]| {
            let held = terms.iter().map(|term| held & term == *term);
            Some(held.fold(false, |any, one| any | one))
        };
        known.then(|| {
            let signal = Signal {
                buys: any_of(&self.buys),
                sells: any_of(&self.sells),
            };
            (signal, held)
        })
    }
}

/// The bits of each alternative's tests, of which the first one has the bit at this place.
fn alternatives(tests: &[Test], first: usize) -> Vec<u64> {
    let (mut terms, mut term) = (Vec::new(), 0);
    for (at, test) in (first..).zip(tests) {
        term |= 1 << at;
        if test.is_last {
            terms.push(std::mem::take(&mut term));
        }
    }
    terms
}
