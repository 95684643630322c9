//! Filters of every kind, also such as no stored rules have.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::any_plan::{amount, count, minute, session, timeframe, timeframes};
use super::*;
use crate::strategy::{
    AllowedSession, CorrelationFilter, Day, DayFilter, DayTime, Filter, HighVolatility, HourFilter,
    Impact, Limit, Matter, NewsFilter, Pause, Regime, RegimeFilter, SessionFilter, SpreadFilter,
    TrendFilter, VolatilityFilter, VolumeFilter,
};

fn sessions() -> impl Strategy<Value = SessionFilter> {
    let allowed = (session(), prop_oneof![Just(Decimal::ONE), amount()]);
    let allowed = allowed.prop_map(|(session, factor)| AllowedSession { session, factor });
    vec(allowed, 1..4).prop_map(SessionFilter::new)
}

fn days() -> impl Strategy<Value = DayFilter> {
    let day = || (0_i64..7).prop_map(Day::from_sunday);
    let times = move || {
        let time = (day(), 0_u32..1_440, 0_u32..1_440);
        vec(
            time.prop_map(|(day, from, to)| DayTime { day, from, to }),
            0..3,
        )
    };
    let factor = || prop_oneof![Just(Decimal::ZERO), Just(Decimal::ONE), amount()];
    (vec(day(), 1..4), times(), times(), factor(), factor()).prop_map(
        |(days, avoid, optimal, optimal_factor, other_factor)| DayFilter {
            days,
            avoid,
            optimal,
            optimal_factor,
            other_factor,
        },
    )
}

fn hours() -> impl Strategy<Value = HourFilter> {
    let at = || 0_u32..1_440;
    (of((at(), at())), any::<bool>(), of(at()), of(at())).prop_map(
        |(hours, weekends, friday_from, sunday_until)| HourFilter {
            hours,
            weekends,
            friday_from,
            sunday_until,
        },
    )
}

fn regime() -> impl Strategy<Value = RegimeFilter> {
    let regimes = vec![
        Regime::TrendingUp,
        Regime::TrendingDown,
        Regime::Ranging,
        Regime::Volatile,
    ];
    let confidence = prop_oneof![Just(Decimal::ZERO), amount()];
    let confirming = prop_oneof![Just(Vec::new()), timeframes()];
    (
        timeframe(),
        confirming,
        subsequence(regimes, 1..=4),
        confidence,
    )
        .prop_map(
            |(primary, confirming, preferred, min_confidence)| RegimeFilter {
                primary,
                confirming,
                preferred,
                min_confidence,
            },
        )
}

fn news() -> impl Strategy<Value = NewsFilter> {
    let matter = select(vec![
        Matter::Impact(Impact::High),
        Matter::Impact(Impact::Medium),
        Matter::Impact(Impact::Low),
        Matter::Title("NFP".to_owned()),
        Matter::Title("CPI y/y".to_owned()),
    ]);
    let pause = (vec(matter, 1..4), minute(), minute());
    let pause = pause.prop_map(|(matters, before_minutes, after_minutes)| Pause {
        matters,
        before_minutes,
        after_minutes,
    });
    let currencies = subsequence(vec!["USD".to_owned(), "JPY".to_owned()], 0..=2);
    (vec(pause, 1..3), currencies)
        .prop_map(|(pauses, currencies)| NewsFilter { pauses, currencies })
}

fn correlation() -> impl Strategy<Value = CorrelationFilter> {
    let names = vec!["GBPUSD".to_owned(), "US30".to_owned(), "DXY".to_owned()];
    let limit = (1_i64..=100).prop_map(|hundredths| Decimal::new(hundredths, 2).normalize());
    (
        limit,
        subsequence(names, 0..=3),
        timeframe(),
        1_u32..366,
        4_u32..5_000,
        any::<bool>(),
    )
        .prop_map(
            |(limit, symbols, timeframe, days, least_pairs, without_missing)| CorrelationFilter {
                limit: Limit::from(limit),
                symbols,
                timeframe,
                days,
                least_pairs,
                without_missing,
            },
        )
}

pub(super) fn filter() -> impl Strategy<Value = Filter> {
    // Its pause in bars is counted where rules are read.
    let stored = planned(&fixture("bitcoin_on_weekends"), None).unwrap();
    let stored = stored.filters().all.iter().find_map(|filter| match filter {
        Filter::Spike(spike) => Some(*spike),
        _ => None,
    });
    let spike = (Just(stored.unwrap()), count(), amount(), minute());
    let spike = spike.prop_map(|(mut spike, period, times, resume_minutes)| {
        (spike.period, spike.times, spike.resume_minutes) = (period, times, resume_minutes);
        spike
    });
    let spread = (amount(), of(amount()));
    let band = (count(), of(amount()), of(amount()));
    prop_oneof![
        sessions().prop_map(Filter::Session),
        days().prop_map(Filter::Days),
        hours().prop_map(Filter::Hours),
        spread.prop_map(|(max_pips, reduce)| Filter::Spread(SpreadFilter {
            max_pips: max_pips.into(),
            reduce
        })),
        band.prop_map(
            |(period, min_pips, max_pips)| Filter::Volatility(VolatilityFilter {
                period,
                min_pips: min_pips.map(Into::into),
                max_pips: max_pips.map(Into::into),
            })
        ),
        spike.prop_map(Filter::Spike),
        amount().prop_map(|above_percent| Filter::HighVolatility(HighVolatility {
            above_percent: above_percent.into()
        })),
        amount().prop_map(|times| Filter::Volume(VolumeFilter { times })),
        regime().prop_map(Filter::Regime),
        (timeframes(), 1_usize..4)
            .prop_map(|(timeframes, least)| Filter::Trend(TrendFilter { timeframes, least })),
        news().prop_map(Filter::News),
        correlation().prop_map(Filter::Correlation),
    ]
}
