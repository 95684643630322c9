//! The plan: everything a strategy will do, typed and complete. It exists only with a direction, a condition that can be
//! evaluated, a stop loss and a volume; anything less is a refusal.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::clause::Context;
use super::condition::Condition;
use super::entry::{Trigger, read_entry};
use super::exits::{Distance, Exits, StopAt, read_exits};
use super::filters::{
    Allowances, CorrelationFilter, Filter, Filters, Setting, read_filters, volume_factor,
};
use super::indicator::Source;
use super::language::Language;
use super::ledger::{Key, Node, Reader};
use super::reason::{PlanRefusal, Reason, Rule, Skipped};
use super::risk::{Sizing, read_sizing};
use super::sentence;
use crate::market::{Side, SymbolSpec, Timeframe};

/// No terminal is asked for more closed bars than this. Only averages of Wilder's kind over more than 238 bars, or
/// plain exponential ones over more than 454, would want more; they are then exact to about 1e-4 instead of 1e-9.
const MOST_WARMUP_BARS: usize = 5_000;

/// What a START command brings.
#[derive(Clone, Copy, Debug)]
pub struct PlanRequest<'a> {
    /// The stored rules.
    pub rules: &'a Value,
    /// The activation dialog's `settings`; null when absent.
    pub settings: &'a Value,
    /// The caller's `options`; null when absent.
    pub options: &'a Value,
    pub symbol: &'a str,
    pub timeframe: &'a str,
    /// The direction that the trader chose at this machine for a strategy whose rules have none (R1).
    pub local_direction: Option<Side>,
    /// What this computer has and allows where a filter cannot be computed (R15).
    pub allowances: Allowances,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    pub(super) symbol: String,
    pub(super) timeframe: Timeframe,
    pub(super) buys: Option<Trigger>,
    pub(super) sells: Option<Trigger>,
    pub(super) exits: Exits,
    pub(super) sizing: Sizing,
    pub(super) filters: Filters,
    rules: usize,
    skipped: Vec<Skipped>,
    keys: Vec<Key>,
    #[serde(skip)]
    warmup: Vec<(Timeframe, usize)>,
}

impl Plan {
    /// As the command named it; the broker's name may differ.
    pub fn symbol(&self) -> &str {
        &self.symbol
    }

    pub const fn timeframe(&self) -> Timeframe {
        self.timeframe
    }

    /// What opens a position in this direction.
    pub const fn trigger(&self, side: Side) -> Option<&Trigger> {
        match side {
            Side::Buy => self.buys.as_ref(),
            Side::Sell => self.sells.as_ref(),
        }
    }

    pub const fn exits(&self) -> &Exits {
        &self.exits
    }

    pub const fn sizing(&self) -> &Sizing {
        &self.sizing
    }

    pub const fn filters(&self) -> &Filters {
        &self.filters
    }

    /// The filter that looks at other symbols.
    pub fn correlation(&self) -> Option<&CorrelationFilter> {
        self.filters.all.iter().find_map(|filter| match filter {
            Filter::Correlation(correlation) => Some(correlation),
            _ => None,
        })
    }

    /// Entry conditions, as listed in the rules, that are followed.
    pub const fn rule_count(&self) -> usize {
        self.rules
    }

    /// What the rules ask for and the plan does not do.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// What every key of the rules, the settings and the options became.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The whole plan in one plain English sentence or a few, as logs and the platform have it.
    pub fn sentence(&self) -> String {
        self.sentence_in(Language::English)
    }

    /// The same in the trader's language.
    pub fn sentence_in(&self, language: Language) -> String {
        sentence::of(self, language)
    }

    /// Every condition with its direction; those with the same direction and alternative must hold together.
    pub fn conditions(&self) -> impl Iterator<Item = (Side, usize, &Condition)> {
        [Side::Buy, Side::Sell].into_iter().flat_map(|side| {
            let terms = self.trigger(side).map_or(&[][..], Trigger::terms);
            terms.iter().enumerate().flat_map(move |(at, term)| {
                term.conditions()
                    .iter()
                    .map(move |condition| (side, at, condition))
            })
        })
    }

    /// Closed bars of each timeframe needed before the first decision, the own one first.
    pub fn warmup(&self) -> &[(Timeframe, usize)] {
        &self.warmup
    }

    fn with_warmup(mut self) -> Self {
        let mut needed = vec![(self.timeframe, 2)];
        for source in self.sources() {
            // A level of an earlier bar is looked at one bar further back.
            let warmup = source.series.warmup(source.timeframe);
            let bars = (warmup + usize::from(source.earlier)).min(MOST_WARMUP_BARS);
            match needed.iter_mut().find(|(own, _)| *own == source.timeframe) {
                Some((_, known)) => *known = bars.max(*known),
                None => needed.push((source.timeframe, bars)),
            }
        }
        self.warmup = needed;
        self
    }

    /// Closed bars of the own timeframe needed before the first decision.
    pub fn warmup_bars(&self) -> usize {
        self.warmup.first().map_or(0, |(_, bars)| *bars)
    }

    /// What is known once the broker's terms for the symbol are known: the price distances (R9) and parts too small to close
    /// (R11). Told to the trader before the first trade.
    ///
    /// # Errors
    /// The volume is below the broker's smallest one (R18): then the strategy could never open anything.
    pub fn fit(&self, spec: &SymbolSpec) -> Result<Vec<String>, PlanRefusal> {
        let lots = spec.floor_volume(self.sizing.lots).min(spec.volume_max);
        if lots < spec.volume_min || lots <= Decimal::ZERO {
            let text = format!(
                "{} lots are below the smallest volume of {} ({} lots); a volume is never rounded up",
                self.sizing.lots, spec.name, spec.volume_min
            );
            return Err(PlanRefusal {
                reasons: vec![Reason::new(Rule::Volume, "lotSize", text)],
                needs_direction: false,
                needs_reading: false,
                keys: Vec::new(),
            });
        }
        let mut notes = Vec::new();
        if self.sizing.lots > spec.volume_max {
            notes.push(format!(
                "{} lots are more than one order of {} may have, so {} are ordered",
                self.sizing.lots.normalize(),
                spec.name,
                lots.normalize()
            ));
        }
        if let StopAt::Distance(Distance::Pips(pips)) = self.exits.stop_loss.at {
            let distance = self.exits.stop_loss.bounded(pips * spec.pip(), spec);
            notes.push(format!(
                "a stop of {} pips is {} in the price of {}",
                (distance / spec.pip()).normalize(),
                distance.normalize(),
                spec.name
            ));
        }
        for (level, cut) in self.exits.parts.cuts(lots, spec) {
            if cut.is_none() {
                notes.push(format!(
                    "{} % of {} lots is too small to close alone at {}, so it is left for the next level",
                    level.percent,
                    lots.normalize(),
                    level.when.words(Language::English)
                ));
            }
        }
        Ok(notes)
    }

    /// What is known once the terminal's symbols are known: those that the correlation filter looks at and that are not
    /// there, each told in a sentence. What is not followed for that comes back, to be told to the trader.
    ///
    /// # Errors
    /// Rules that may not run without them (R15).
    pub fn fit_symbols(&self, missing: &[String]) -> Result<Vec<Skipped>, PlanRefusal> {
        let Some(filter) = self.correlation().filter(|_| !missing.is_empty()) else {
            return Ok(Vec::new());
        };
        let reasons = filter.without(missing);
        if filter.without_missing {
            return Ok(reasons.into_iter().map(Skipped).collect());
        }
        Err(PlanRefusal {
            reasons,
            needs_direction: false,
            needs_reading: false,
            keys: Vec::new(),
        })
    }

    /// Everything that a decision looks at, each once.
    pub(super) fn sources(&self) -> Vec<Source> {
        let own = |series| Source::new(series, self.timeframe);
        let conditions = self
            .conditions()
            .flat_map(|(_, _, condition)| condition.sources());
        let exits = self.exits.series().into_iter().map(own);
        let filters = self.filters.all.iter();
        let filters = filters.flat_map(|filter| filter.sources(self.timeframe));
        let sizing = self.sizing.source(self.timeframe);
        let mut all: Vec<Source> = Vec::new();
        for source in conditions.chain(exits).chain(sizing).chain(filters) {
            if !all.contains(&source) {
                all.push(source);
            }
        }
        all
    }
}

/// Top-level keys that say something about the rules and ask for nothing.
const NOTES: [&str; 14] = [
    "name",
    "description",
    "version",
    "id",
    "notes",
    "tags",
    "author",
    "category",
    "metadata",
    "createdAt",
    "updatedAt",
    "aiOptimization",
    "scoring",
    "backtestResults",
];

/// Reads rules into a plan, or says why they will not run.
///
/// # Errors
/// Every reason found, by rule number and key. Nothing of refused rules runs.
pub fn plan(request: &PlanRequest<'_>) -> Result<Plan, PlanRefusal> {
    let rules = Node::root("", request.rules);
    let settings = Node::root("(settings)", request.settings);
    let options = Node::root("(options)", request.options);
    let mut reader = Reader::new(&[&rules, &settings, &options]);
    if !request.rules.is_object() {
        reader.refuse("", Rule::Conditions, "there are no rules");
    }
    if request.symbol.trim().is_empty() {
        reader.refuse("symbol", Rule::UnknownName, "no symbol is named");
    }
    let timeframe = match request.timeframe.parse::<Timeframe>() {
        Ok(timeframe) => timeframe,
        Err(error) => {
            reader.refuse("timeframe", Rule::UnknownName, error.to_string());
            return Err(refusal(reader));
        }
    };
    let context = context(request, &rules, timeframe);
    let entry = read_entry(&mut reader, &rules, context, request.local_direction);
    let exits = read_exits(&mut reader, &rules);
    let setting = Setting {
        symbol: request.symbol,
        timeframe,
        allowances: request.allowances,
    };
    let mut filters = read_filters(&mut reader, &rules, setting);
    let (sizing, high_volatility) =
        read_sizing(&mut reader, &rules, &settings, &options, request.allowances);
    filters
        .all
        .extend(high_volatility.map(Filter::HighVolatility));
    reader.child_informational(&rules, &NOTES, "a note that asks for nothing");
    if let Some(adjustments) = rules.child("dynamicAdjustments")
        && reader.first_unread(&adjustments, &[]).is_some()
    {
        reader.skip(Reason::new(
            Rule::NotComputable,
            &adjustments.path,
            "changes of volume and levels by session, volatility and regime are not followed; volume and levels are those of the other sections",
        ));
    }
    if rules.child("exit").is_some() {
        let text = "the exit and risk sections count";
        reader.child_informational(&rules, &["parameters"], text);
    }
    reader.close();

    let (Some(exits), Some(sizing), true) = (exits, sizing, reader.reasons.is_empty()) else {
        return Err(refusal(reader));
    };
    if entry.buys.is_none() && entry.sells.is_none() {
        reader.refuse(
            "entry",
            Rule::Conditions,
            "no condition is left to evaluate",
        );
        return Err(refusal(reader));
    }
    let mut exits = exits;
    // Without conditions of the other direction there is no signal to close at.
    exits.closing.on_reverse_signal &= entry.buys.is_some() && entry.sells.is_some();
    let skipped = std::mem::take(&mut reader.skipped);
    Ok(Plan {
        symbol: request.symbol.trim().to_owned(),
        timeframe,
        buys: entry.buys,
        sells: entry.sells,
        exits,
        sizing,
        filters,
        rules: entry.rules,
        skipped,
        keys: reader.into_keys(),
        warmup: Vec::new(),
    }
    .with_warmup())
}

/// What gets open positions out by rules that may open nothing now: a direction, a calendar or an allowance is gone that
/// was there when they were opened. Entry conditions count where they can be read, for a signal the other way.
///
/// # Errors
/// The exits themselves cannot be read.
pub fn plan_exits(request: &PlanRequest<'_>) -> Result<Plan, PlanRefusal> {
    let rules = Node::root("", request.rules);
    let settings = Node::root("(settings)", request.settings);
    let options = Node::root("(options)", request.options);
    let aside = || Reader::new(&[&rules, &settings, &options]);
    let mut reader = aside();
    let Ok(timeframe) = request.timeframe.parse::<Timeframe>() else {
        reader.refuse("timeframe", Rule::UnknownName, "no timeframe");
        return Err(refusal(reader));
    };
    let Some(mut exits) = read_exits(&mut reader, &rules) else {
        return Err(refusal(reader));
    };
    let mut conditions = aside();
    let local = request.local_direction;
    let mut entry = read_entry(
        &mut conditions,
        &rules,
        context(request, &rules, timeframe),
        local,
    );
    if !conditions.reasons.is_empty() {
        (entry.buys, entry.sells) = (None, None);
    }
    exits.closing.on_reverse_signal &= entry.buys.is_some() && entry.sells.is_some();
    let sizing = read_sizing(
        &mut aside(),
        &rules,
        &settings,
        &options,
        request.allowances,
    )
    .0;
    Ok(Plan {
        symbol: request.symbol.trim().to_owned(),
        timeframe,
        buys: entry.buys,
        sells: entry.sells,
        exits,
        sizing: sizing.unwrap_or_else(Sizing::nothing),
        filters: Filters { all: Vec::new() },
        rules: 0,
        skipped: Vec::new(),
        keys: Vec::new(),
        warmup: Vec::new(),
    }
    .with_warmup())
}

fn context(request: &PlanRequest<'_>, rules: &Node<'_>, timeframe: Timeframe) -> Context {
    Context {
        timeframe,
        on: timeframe,
        numbers_are_averages: request.allowances.numbers_are_averages,
        volume_factor: volume_factor(rules),
    }
}

fn refusal(mut reader: Reader) -> PlanRefusal {
    if reader.reasons.is_empty() {
        reader.refuse("", Rule::Conditions, "the rules are not complete");
    }
    let reasons = std::mem::take(&mut reader.reasons);
    PlanRefusal {
        needs_direction: reasons.iter().any(|reason| reason.rule == Rule::Direction),
        needs_reading: reasons
            .iter()
            .any(|reason| reason.rule == Rule::AverageOrPrice),
        reasons,
        keys: reader.into_keys(),
    }
}
