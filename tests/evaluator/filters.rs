//! What the program's filters say at a bar beside what the other evaluator found.

use fx_executor::market::{Side, SymbolSpec, SymbolTerms, TradeMode};
use fx_executor::strategy::{Filter, Filters, Look, Panel, Plan, Verdict};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::case::Case;

/// Factors are products of a few decimals; as binary fractions they may differ by this.
const NEAR: f64 = 1e-12;
const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// Filters of strategies that both follow.
    pub filters: usize,
    /// What one of them says about an entry in one direction at one bar.
    pub verdicts: usize,
    /// Verdicts that hold back, and those that let pass with a smaller volume.
    pub blocks: usize,
    pub reductions: usize,
    /// Factors of all filters together.
    pub factors: usize,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.filters += other.filters;
        self.verdicts += other.verdicts;
        self.blocks += other.blocks;
        self.reductions += other.reductions;
        self.factors += other.factors;
    }
}

/// The filters of one strategy in both evaluators.
pub struct Comparison<'a> {
    case: &'a Case,
    filters: &'a Filters,
    spec: SymbolSpec,
    /// The other evaluator's place of each filter.
    places: Vec<usize>,
    theirs: Vec<f64>,
    named: Vec<bool>,
    pub counts: Counts,
    pub differences: Vec<String>,
}

impl<'a> Comparison<'a> {
    pub fn new(case: &'a Case, plan: &'a Plan) -> Self {
        let filters = plan.filters();
        let mut new = Self {
            case,
            filters,
            spec: spec(case),
            places: Vec::new(),
            theirs: Vec::new(),
            named: vec![false; filters.all.len() + 1],
            counts: Counts::default(),
            differences: Vec::new(),
        };
        let kinds = filters.all.iter().map(kind);
        let places: Option<Vec<usize>> = kinds
            .map(|kind| case.filters.iter().position(|other| other == kind))
            .collect();
        match places {
            Some(places) if places.len() == case.filters.len() => {
                new.places = places;
                if !new.places.is_empty() {
                    new.theirs = case.filter_factors();
                    new.counts.filters = new.places.len();
                }
            }
            _ => new.differences.push(format!(
                "{}: the filters are {:?} here, {:?} there",
                case.name, filters.all, case.filters
            )),
        }
        new
    }

    /// The panel's last bar is the one with this number.
    pub fn compare(&mut self, at: usize, panel: &Panel) {
        let filters = self.places.len();
        if filters == 0 {
            return;
        }
        let (second, points) = self.case.market.quotes[at];
        let spread = points.map(|points| Decimal::from(points) * self.spec.point);
        let look = Look {
            panel,
            second,
            spread_pips: spread
                .and_then(|spread| spread.to_f64())
                .map_or(f64::NAN, |spread| spread / self.case.pip),
            pip: self.case.pip,
            side: Side::Buy,
            spec: &self.spec,
            news: self.case.market.news.as_ref(),
            peers: &[],
        };
        let row = at * 2 * (filters + 1);
        let mut factors = [1.0, 1.0];
        for (number, filter) in self.filters.all.iter().enumerate() {
            let first = filter.verdict(&look);
            let second = if filter.is_directed() {
                filter.verdict(&Look {
                    side: Side::Sell,
                    ..look
                })
            } else {
                first
            };
            for (side, verdict) in [first, second].into_iter().enumerate() {
                self.counts.verdicts += 1;
                self.counts.blocks += usize::from(verdict == Verdict::Blocks);
                self.counts.reductions += usize::from(matches!(verdict, Verdict::Reduces(_)));
                let here = factor_of(verdict);
                factors[side] *= here;
                let there = self.theirs[row + 2 * self.places[number] + side];
                if !is_near(here, there) && !std::mem::replace(&mut self.named[number], true) {
                    let look = Look {
                        side: SIDES[side],
                        ..look
                    };
                    self.differences.push(format!(
                        "{}, bar {at} at {second:?}, {} of {}: {here} here ({}), {there} there",
                        self.case.name,
                        kind(filter),
                        SIDES[side].name(),
                        filter.verdict_words(&look)
                    ));
                }
            }
        }
        for (side, here) in factors.into_iter().enumerate() {
            self.counts.factors += 1;
            let there = self.theirs[row + 2 * filters + side];
            if !is_near(here, there) && !std::mem::replace(&mut self.named[filters], true) {
                self.differences.push(format!(
                    "{}, bar {at}: all filters together {here} here, {there} there",
                    self.case.name
                ));
            }
        }
    }
}

/// Decimals are slow, and only a reduction needs one.
fn factor_of(verdict: Verdict) -> f64 {
    match verdict {
        Verdict::Passes => 1.0,
        Verdict::Blocks => 0.0,
        Verdict::Reduces(factor) => factor.to_f64().unwrap(),
    }
}

fn is_near(here: f64, there: f64) -> bool {
    (here - there).abs() <= NEAR
}

const fn kind(filter: &Filter) -> &'static str {
    match filter {
        Filter::Session(_) => "session",
        Filter::Days(_) => "days",
        Filter::Hours(_) => "hours",
        Filter::Spread(_) => "spread",
        Filter::Volatility(_) => "volatility",
        Filter::Spike(_) => "spike",
        Filter::HighVolatility(_) => "high volatility",
        Filter::Volume(_) => "volume",
        Filter::Regime(_) => "regime",
        Filter::Trend(_) => "trend",
        Filter::News(_) => "news",
        Filter::Correlation(_) => "correlation",
    }
}

/// A symbol whose point is a tenth of its pip.
fn spec(case: &Case) -> SymbolSpec {
    let point = Decimal::try_from(case.pip).unwrap() / Decimal::TEN;
    let [base, profit] = case.currencies.clone();
    SymbolSpec {
        name: case.symbol.clone(),
        digits: point.scale(),
        point,
        tick_size: point,
        tick_value: Decimal::ONE,
        contract_size: Decimal::ONE_HUNDRED,
        volume_min: Decimal::new(1, 2),
        volume_max: Decimal::ONE_HUNDRED,
        volume_step: Decimal::new(1, 2),
        stops_level: 0,
        trade_mode: TradeMode::Full,
        currency_base: base,
        currency_profit: profit,
        margin_per_lot: Decimal::ZERO,
        terms: SymbolTerms::default(),
    }
}
