//! How much: lots, number of positions, risk a trade, limits on losses and trades. Of two limits on the same thing the
//! stricter counts; the START settings can only tighten what the rules say.

mod dynamic;
mod limits;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Serialize;

pub use limits::{Limits, Loss, LossLimit, Period, Recovery, TrackRecord};

pub(super) use limits::check_limits;

use dynamic::read_dynamic_risk;
use limits::{read_limits, read_recovery};

use super::evaluate::MarketView;
use super::filters::{Allowances, HighVolatility, day_and_minute};
use super::indicator::{Series, Source};
use super::language::{Language, tell};
use super::ledger::{Node, Reader};
use super::plan::Plan;
use super::reason::Rule;
use crate::market::{SymbolSpec, Timeframe, roughly};

/// More lots, or more positions, than this are a mistake.
const MOST_LOTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
const MOST_POSITIONS: u32 = 1_000;

/// So many average true ranges may cost at most this share of the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AtrRisk {
    pub percent: Decimal,
    pub multiplier: Decimal,
    pub period: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sizing {
    pub lots: Decimal,
    /// Of this strategy, both directions together; there is never more than one each way (R8).
    pub max_positions: u32,
    /// Most of the balance, in per cent, that the stop loss of one position may cost; it only makes `lots` smaller.
    pub risk_percent: Option<Decimal>,
    /// The same by the average true range in place of the stop.
    pub by_atr: Option<AtrRisk>,
    /// On the volume on Saturdays and Sundays (UTC); below 1.
    pub weekend_factor: Option<Decimal>,
    pub recovery: Option<Recovery>,
    pub limits: Limits,
}

impl Sizing {
    /// That of rules that open nothing.
    pub(super) fn nothing() -> Self {
        Self {
            lots: Decimal::ZERO,
            max_positions: 0,
            risk_percent: None,
            by_atr: None,
            weekend_factor: None,
            recovery: None,
            limits: Limits::default(),
        }
    }

    /// Everything it looks at, in a strategy of this timeframe.
    pub(super) fn source(&self, own: Timeframe) -> Option<Source> {
        self.by_atr
            .map(|risk| Source::new(Series::Atr(risk.period), own))
    }

    /// What it says beside the number of positions and lots.
    pub(super) fn words(&self, language: Language) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(AtrRisk {
            percent,
            multiplier,
            period,
        }) = self.by_atr
        {
            parts.push(tell!(language;
                "so few lots that {multiplier} times ATR {period} cost at most {percent} % of the balance";
                "lot dibatasi agar pergerakan {multiplier} kali ATR {period} merugikan maksimal {percent} % dari saldo"));
        }
        if let Some(factor) = self.weekend_factor {
            parts.push(tell!(language;
                "volume times {factor} on Saturday and Sunday (UTC)";
                "volume dikali {factor} pada hari Sabtu dan Minggu (UTC)"));
        }
        if let Some(Recovery {
            drawdown_percent: percent,
            factor,
            wins,
        }) = self.recovery
        {
            parts.push(tell!(language;
                "volume times {factor} once its results are {percent} % of the balance below their best, until {wins} profits in a row";
                "volume dikali {factor} begitu hasilnya {percent} % dari saldo di bawah hasil terbaiknya, sampai {wins} kali profit berturut-turut"));
        }
        parts.extend(self.limits.words(language));
        parts
    }
}

/// The lots of the rules, made smaller by the risk limits, the filters, the weekend and recovery, in whole steps; never
/// rounded up (R18). `stop` is the stop's distance in price, `factor` that of the filters.
pub(super) fn volume(
    plan: &Plan,
    view: &MarketView<'_>,
    stop: Decimal,
    factor: Decimal,
) -> Result<Decimal, String> {
    let (spec, sizing) = (view.spec, &plan.sizing);
    let mut lots = sizing.lots;
    if let Some(percent) = sizing.risk_percent {
        lots = lots_within(lots, view, percent, stop)?;
    }
    if let Some(risk) = sizing.by_atr {
        let atr = Decimal::from_f64(view.panel.own(Series::Atr(risk.period)));
        let distance = atr
            .and_then(|atr| atr.checked_mul(risk.multiplier))
            .ok_or("the average true range is not known, so the risk cannot be computed")?;
        lots = lots_within(lots, view, risk.percent, distance)?;
    }
    lots *= factor;
    let (today, _) = day_and_minute(view.market_time.as_second());
    if let Some(factor) = sizing.weekend_factor.filter(|_| today.is_weekend()) {
        lots *= factor;
    }
    if let Some(recovery) = sizing
        .recovery
        .filter(|recovery| recovery.is_on(&view.record, view.balance))
    {
        lots *= recovery.factor;
    }
    whole_steps(lots, spec)
}

/// At most the lots with which this distance costs so much of the balance, by the symbol's real tick value.
fn lots_within(
    lots: Decimal,
    view: &MarketView<'_>,
    percent: Decimal,
    distance: Decimal,
) -> Result<Decimal, String> {
    /// Far more than binary fractions lose on the way.
    const SLACK: f64 = 1e-9;
    /// Less than the largest decimal.
    const MOST: f64 = 1e28;
    let spec = view.spec;
    let balance = view.balance.max(Decimal::ZERO);
    distance
        .checked_div(spec.tick_size)
        .and_then(|ticks| ticks.checked_mul(spec.tick_value))
        .filter(|a_lot| *a_lot > Decimal::ZERO)
        .and_then(|a_lot| {
            // Where the risk allows more by far, how much more needs no division.
            let allowed = roughly(balance) * roughly(percent) / 100.0 / roughly(a_lot);
            if (roughly(lots) * (1.0 + SLACK)..MOST).contains(&allowed) {
                return Some(lots);
            }
            let at_risk = balance * percent / Decimal::ONE_HUNDRED;
            Some(lots.min(at_risk.checked_div(a_lot)?))
        })
        .ok_or_else(|| {
            "the symbol's tick value is not known, so the risk cannot be computed".to_owned()
        })
}

fn whole_steps(lots: Decimal, spec: &SymbolSpec) -> Result<Decimal, String> {
    let volume = spec.floor_volume(lots.min(spec.volume_max)).normalize();
    if volume < spec.volume_min || volume <= Decimal::ZERO {
        return Err(format!(
            "{} lots are below the smallest volume of {} lots; a volume is never rounded up (R18)",
            lots.round_dp(6).normalize(),
            spec.volume_min
        ));
    }
    Ok(volume)
}

pub(super) fn read_sizing(
    reader: &mut Reader,
    rules: &Node<'_>,
    settings: &Node<'_>,
    options: &Node<'_>,
    allowances: Allowances,
) -> (Option<Sizing>, Option<HighVolatility>) {
    let mut lots = Vec::new();
    let mut positions = Vec::new();
    let mut risk = Vec::new();
    let mut limits = Limits::default();
    let mut recovery = None;
    if let Some(node) = rules.child("riskManagement") {
        for key in ["lotSize", "baseLotSize", "maxLotSize"] {
            lots.extend(read_lots(reader, &node, key));
        }
        positions.extend(read_count(reader, &node, "maxPositions", POSITIONS));
        risk.extend(read_percent(reader, &node, "riskPercentage"));
        let grouped = node.child("baseLotSize").is_some();
        limits = read_limits(reader, &node, grouped, allowances);
        recovery = read_recovery(reader, &node);
    }
    // The AI writer's rules have their limits here. Beside a risk section they count too where that one is silent.
    if let Some(node) = rules.child("parameters") {
        positions.extend(read_count(reader, &node, "maxPositions", POSITIONS));
        risk.extend(read_percent(reader, &node, "riskPerTrade"));
        if limits.losses.is_empty() {
            refuse_share(reader, &node);
            limits.losses = read_limits(reader, &node, false, allowances).losses;
        }
    }
    let dynamic = read_dynamic_risk(reader, rules);
    lots.extend(dynamic.lots);
    risk.extend(dynamic.risk);
    lots.extend(read_lots(reader, settings, "lotSize"));
    positions.extend(read_count(reader, settings, "maxOpenTrades", POSITIONS));
    risk.extend(read_percent(reader, settings, "maxRisk"));
    let settings_loss = read_percent(reader, settings, "maxDailyLoss");
    limits.losses.extend(settings_loss.map(|percent| LossLimit {
        period: Period::Day,
        most: Loss::PercentOfBalance(percent),
    }));
    read_options(reader, options, &mut positions);

    let Some(lots) = lots.into_iter().min() else {
        if reader.reasons.is_empty() {
            reader.refuse(
                "riskManagement.lotSize",
                Rule::Volume,
                "neither the rules nor the START settings say how many lots to trade",
            );
        }
        return (None, dynamic.high_volatility);
    };
    let sizing = Sizing {
        lots,
        max_positions: positions.into_iter().min().unwrap_or(1),
        risk_percent: risk.into_iter().min(),
        by_atr: dynamic.by_atr,
        weekend_factor: dynamic.weekend_factor,
        recovery,
        limits,
    };
    (Some(sizing), dynamic.high_volatility)
}

/// Beside stops that are fractions of the price, a daily loss below 1 is hardly money, and nothing says of what it is a
/// part (R17).
fn refuse_share(reader: &mut Reader, parameters: &Node<'_>) {
    if let Some(limit) = parameters.child("maxDailyLoss")
        && limit.number().is_some_and(|most| most < Decimal::ONE)
    {
        reader.refuse(
            &limit.path,
            Rule::DailyLoss,
            "below 1 it doesn't say whether it is money or a part of the balance; use maxDailyLoss under riskManagement, in account currency",
        );
    }
}

const POSITIONS: &str =
    "most open positions, and never more than one each way; the smallest one counts";

/// The platform's own page sends no options; what another caller sends may only tighten.
fn read_options(reader: &mut Reader, options: &Node<'_>, positions: &mut Vec<u32>) {
    positions.extend(read_count(reader, options, "maxPositions", POSITIONS));
    if reader.flag(options, "paperTrading") {
        reader.refuse(
            &format!("{}.paperTrading", options.path),
            Rule::UnknownName,
            "paper trading is a switch of the whole program, not of one strategy",
        );
    }
    if let Some(limit) = options.child("maxDailyLoss") {
        reader.refuse(
            &limit.path,
            Rule::DailyLoss,
            "doesn't say whether it is money or per cent",
        );
    }
    if let Some(now) = options.child("startImmediately") {
        if now.flag() == Some(false) {
            reader.refuse(
                &now.path,
                Rule::UnknownName,
                "asks for a later start; a strategy starts at the next closed bar, so activate it when it is to trade",
            );
        } else if now.value.is_null() || reader.flag(options, "startImmediately") {
            reader.informational(&now, "every strategy starts at the next closed bar");
        }
    }
}

fn read_lots(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    let lots = reader.positive(node, key, Rule::Volume)?;
    if lots > MOST_LOTS {
        let path = format!("{}.{key}", node.path);
        reader.refuse(&path, Rule::Volume, format!("{lots} lots are too many"));
        return None;
    }
    used(reader, node, key, "lots; the smallest one counts");
    Some(lots)
}

fn read_count(reader: &mut Reader, node: &Node<'_>, key: &str, text: &str) -> Option<u32> {
    let number = reader.positive(node, key, Rule::Volume)?;
    let count = u32::try_from(number)
        .ok()
        .filter(|count| number.is_integer() && *count <= MOST_POSITIONS);
    if count.is_none() {
        let path = format!("{}.{key}", node.path);
        reader.refuse(&path, Rule::NotANumber, "is not a whole number");
        return None;
    }
    used(reader, node, key, text);
    count
}

fn read_percent(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    let percent = reader.positive(node, key, Rule::DailyLoss)?;
    if percent > Decimal::ONE_HUNDRED {
        let path = format!("{}.{key}", node.path);
        reader.refuse(&path, Rule::DailyLoss, format!("{percent} % is too much"));
        return None;
    }
    used(
        reader,
        node,
        key,
        "per cent of the balance; the smallest one counts",
    );
    Some(percent)
}

fn used(reader: &mut Reader, node: &Node<'_>, key: &str, text: &str) {
    if let Some(child) = node.child(key) {
        reader.used(&child, text);
    }
}
