//! Plans of every kind, also such as no stored rules have: each part by itself, put together at random.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::strategy::{
    AtrRisk, Band, Closing, Condition, Distance, Exits, Ichimoku, Limits, Loss, LossLimit,
    MinuteOfWeek, NoProgress, Operand, Operator, PartialLevel, Parts, Period, Recovery, Series,
    Session, Sizing, Source, Start, StopAt, StopLoss, Target, Trailing, When,
};

pub(super) fn count() -> impl Strategy<Value = u32> {
    1_u32..2_000
}

pub(super) fn amount() -> impl Strategy<Value = Decimal> {
    (1_i64..100_000, 0_u32..4).prop_map(|(number, scale)| Decimal::new(number, scale).normalize())
}

pub(super) fn minute() -> impl Strategy<Value = i64> {
    0_i64..1_440
}

pub(super) fn timeframe() -> impl Strategy<Value = Timeframe> {
    select(Timeframe::ALL.to_vec())
}

pub(super) fn timeframes() -> impl Strategy<Value = Vec<Timeframe>> {
    subsequence(Timeframe::ALL.to_vec(), 1..4)
}

pub(super) fn session() -> impl Strategy<Value = Session> {
    select(vec![
        Session::Sydney,
        Session::Tokyo,
        Session::London,
        Session::NewYork,
    ])
}

fn series() -> impl Strategy<Value = Series> {
    let plain = select(vec![
        Series::Open,
        Series::High,
        Series::Low,
        Series::Price,
        Series::Volume,
        Series::Sar,
        Series::Vwap,
        Series::Ichimoku(Ichimoku::Tenkan),
        Series::Ichimoku(Ichimoku::Kijun),
        Series::Ichimoku(Ichimoku::SpanA),
        Series::Ichimoku(Ichimoku::SpanB),
    ]);
    let bands = vec![
        Band::Upper,
        Band::Middle,
        Band::Lower,
        Band::Width,
        Band::SinceNarrowest,
    ];
    let lengths = (count(), count(), count());
    let long = (0_usize..17, lengths, select(bands)).prop_map(|(kind, (a, b, c), band)| {
        let (fast, slow, signal) = (a, b, c);
        match kind {
            0 => Series::Ema(a),
            1 => Series::Sma(a),
            2 => Series::VolumeSma(a),
            3 => Series::Rsi(a),
            4 => Series::Macd { fast, slow, signal },
            5 => Series::MacdSignal { fast, slow, signal },
            6 => Series::MacdHistogram { fast, slow, signal },
            7 => Series::Atr(a),
            8 => Series::Adx(a),
            9 => Series::Cci(a),
            10 => Series::WilliamsR(a),
            11 => Series::StochasticK {
                k: a,
                slowing: b,
                d: c,
            },
            12 => Series::StochasticD {
                k: a,
                slowing: b,
                d: c,
            },
            13 => Series::Resistance(a),
            14 => Series::Support(a),
            15 => Series::SinceSpike {
                period: a,
                thousandths: b,
                most: c,
            },
            _ => Series::Bollinger {
                period: a,
                deviations: b,
                band,
            },
        }
    });
    prop_oneof![1 => plain, 2 => long]
}

pub(super) fn condition() -> impl Strategy<Value = Condition> {
    let operators = vec![
        Operator::Greater,
        Operator::GreaterOrEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::NotEqual,
        Operator::CrossesAbove,
        Operator::CrossesBelow,
        Operator::WasAbove,
        Operator::WasBelow,
        Operator::Inside,
        Operator::Outside,
        Operator::Rises,
    ];
    let source = || {
        (series(), timeframe(), any::<bool>()).prop_map(|(series, timeframe, earlier)| Source {
            series,
            timeframe,
            earlier,
        })
    };
    let number = || (-20_000_i32..20_000).prop_map(|number| f64::from(number) / 8.0);
    let right = prop_oneof![
        number().prop_map(Operand::Number),
        (number(), number()).prop_map(|(low, high)| Operand::Range { low, high }),
        (
            source(),
            select(vec![1.0, 1.5]),
            select(vec![-2.5, 0.0, 3.0])
        )
            .prop_map(|(source, times, plus_pips)| Operand::Series {
                source,
                times,
                plus_pips
            }),
    ];
    (source(), select(operators), right).prop_map(|(left, operator, right)| Condition {
        left,
        operator,
        right,
    })
}

fn distance() -> impl Strategy<Value = Distance> {
    prop_oneof![
        amount().prop_map(Distance::Pips),
        amount().prop_map(Distance::Percent),
        (count(), amount()).prop_map(|(period, multiplier)| Distance::Atr { period, multiplier }),
    ]
}

fn stop() -> impl Strategy<Value = StopLoss> {
    let at = prop_oneof![
        distance().prop_map(StopAt::Distance),
        (count(), amount()).prop_map(|(period, beyond_pips)| StopAt::Average {
            period,
            beyond_pips
        }),
        (count(), prop_oneof![Just(Decimal::ZERO), amount()])
            .prop_map(|(bars, beyond_pips)| StopAt::Swing { bars, beyond_pips }),
    ];
    (at, of(amount()), of(amount()), any::<bool>()).prop_map(|(at, min_pips, max_pips, follows)| {
        StopLoss {
            at,
            min_pips,
            max_pips,
            follows,
        }
    })
}

fn parts() -> impl Strategy<Value = Parts> {
    let atr = (count(), amount(), any::<bool>());
    let when = prop_oneof![
        amount().prop_map(When::Pips),
        amount().prop_map(When::Percent),
        amount().prop_map(When::Ratio),
        amount().prop_map(When::Amount),
        atr.prop_map(|(period, multiplier, against)| When::Atr {
            period,
            multiplier,
            against
        }),
        amount().prop_map(When::Price),
        count().prop_map(|bars| When::Resistance { bars }),
        count().prop_map(|bars| When::Support { bars }),
        (1_i64..5_000).prop_map(|minutes| When::After { minutes }),
        minute().prop_map(|minute| When::TimeOfDay { minute }),
        session().prop_map(When::SessionEnd),
    ];
    let level =
        (amount(), when, any::<bool>()).prop_map(|(percent, when, breakeven)| PartialLevel {
            percent,
            when,
            breakeven,
        });
    (vec(level, 0..5), any::<bool>(), of(amount())).prop_map(
        |(levels, last_at_broker, least_left_percent)| Parts {
            last_at_broker: last_at_broker && !levels.is_empty(),
            levels,
            least_left_percent,
        },
    )
}

fn trailing() -> impl Strategy<Value = Trailing> {
    let start = prop_oneof![
        Just(Start::AtOnce),
        Just(Start::AtDistance),
        amount().prop_map(Start::AtRatio),
        Just(Start::AfterParts),
        amount().prop_map(Start::AfterPartsAtRatio),
        distance().prop_map(Start::AfterPartsAtProfit),
    ];
    (distance(), of(amount()), start).prop_map(|(distance, min_pips, start)| Trailing {
        distance,
        min_pips,
        step_pips: Decimal::ONE,
        start,
    })
}

fn closing() -> impl Strategy<Value = Closing> {
    let progress = (amount(), prop_oneof![Just(0), 1_i64..500]);
    let progress = progress.prop_map(|(least_pips, every_minutes)| NoProgress {
        least_pips,
        every_minutes,
    });
    let weekly = (0_i64..7, minute()).prop_map(|(day, minute)| MinuteOfWeek { day, minute });
    (
        of(1_i64..5_000),
        of(progress),
        vec(weekly, 0..3),
        any::<bool>(),
        of(amount()),
        any::<bool>(),
    )
        .prop_map(
            |(most, no_progress, weekly, friday, volatility, reverse)| Closing {
                most_minutes: most,
                no_progress,
                weekly,
                no_friday_entry: friday,
                above_volatility_percent: volatility,
                on_reverse_signal: reverse,
            },
        )
}

pub(super) fn exits() -> impl Strategy<Value = Exits> {
    let target = prop_oneof![
        distance().prop_map(Target::Distance),
        amount().prop_map(Target::Ratio),
        count().prop_map(|bars| Target::Level { bars }),
    ];
    let all = (
        stop(),
        of(target),
        parts(),
        vec(trailing(), 0..3),
        closing(),
    );
    all.prop_map(|(stop_loss, target, parts, trailing, closing)| Exits {
        stop_loss,
        target,
        parts,
        trailing,
        closing,
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let period = select(vec![Period::Day, Period::Week, Period::Month]);
    let most = prop_oneof![
        amount().prop_map(Loss::Money),
        amount().prop_map(Loss::PercentOfBalance)
    ];
    let loss = (period, most).prop_map(|(period, most)| LossLimit { period, most });
    let counts = [(); 4].map(|()| of(count()));
    (vec(loss, 0..4), counts).prop_map(|(losses, counts)| {
        let [daily_trades, losses_in_row, in_symbol, at_all] = counts;
        Limits {
            losses,
            daily_trades,
            losses_in_row,
            in_symbol,
            at_all,
        }
    })
}

pub(super) fn sizing() -> impl Strategy<Value = Sizing> {
    let by_atr = (amount(), amount(), count());
    let by_atr = by_atr.prop_map(|(percent, multiplier, period)| AtrRisk {
        percent,
        multiplier,
        period,
    });
    let recovery = (amount(), amount(), count());
    let recovery = recovery.prop_map(|(drawdown_percent, factor, wins)| Recovery {
        drawdown_percent,
        factor,
        wins,
    });
    let volume = (amount(), 1_u32..4, of(amount()));
    (volume, of(by_atr), of(amount()), of(recovery), limits()).prop_map(
        |((lots, max_positions, risk_percent), by_atr, weekend_factor, recovery, limits)| Sizing {
            lots,
            max_positions,
            risk_percent,
            by_atr,
            weekend_factor,
            recovery,
            limits,
        },
    )
}
