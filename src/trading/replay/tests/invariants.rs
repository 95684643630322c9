//! What holds for every deal of every market: it was made at a price that its bar had, and the sums agree.

use proptest::prelude::*;

use super::*;
use crate::replay::ExitReason;

/// Bars from moves in points: from the last close to the open, to the close, and beyond both.
fn market(moves: &[(i32, i32, u32, u32)]) -> Vec<[f64; 4]> {
    let mut last = 110_000_i32;
    let price = |points: i32| f64::from(points) / 1e5;
    moves
        .iter()
        .map(|(jump, rise, above, below)| {
            let open = (last + jump).clamp(100_000, 120_000);
            let close = (open + rise).clamp(100_000, 120_000);
            let high = open.max(close) + above.cast_signed();
            let low = open.min(close) - below.cast_signed();
            last = close;
            [price(open), price(high), price(low), price(close)]
        })
        .collect()
}

fn everything(side: Side) -> Plan {
    let exit = json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "trailing": { "enabled": true, "distance": 15 },
        "smartExit": { "enabled": true,
            "stopLoss": { "type": "fixed", "fixedPips": 20, "maxHoldingHours": 2 },
            "takeProfit": { "type": "partial", "partialExits": [
                { "percentage": 50, "atRR": 1 }, { "percentage": 30, "atRR": 1.55 }, { "percentage": 20, "atRR": 3 }
            ] } },
    });
    crossing(&exit, side)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_deal_is_at_a_price_that_its_bar_had(
        moves in proptest::collection::vec((-60..60_i32, -250..250_i32, 0..200_u32, 0..200_u32), 20..200),
        buys in any::<bool>(),
    ) {
        let side = if buys { Side::Buy } else { Side::Sell };
        let bars = market(&moves);
        let mut replay = Replay::new(everything(side), settings());
        let mut kept = Kept::default();
        for (number, prices) in (0..).zip(&bars) {
            replay.push(&bar(number, *prices), &mut kept).unwrap();
        }
        replay.finish(&mut kept).unwrap();
        // A sell is closed at the ask, one pip above.
        let spread = if buys { 0.0 } else { 0.0001 };
        let mut balance = decimal("10000");
        let mut left = std::collections::BTreeMap::new();
        for trade in &kept.trades {
            let at = |moment: Timestamp| ((moment.as_second() - MONDAY) / QUARTER) as usize;
            let open = bars[at(trade.opened_at)][0] + 0.0001 - spread;
            let price = |price: Decimal| price.to_string().parse::<f64>().unwrap();
            prop_assert!((price(trade.open_price) - open).abs() < 1e-9, "{trade:?}");
            let [_, high, low, close] = bars[at(trade.closed_at).min(bars.len() - 1)];
            let own = price(trade.close_price) - spread;
            prop_assert!(own <= high + 1e-9 && own >= low - 1e-9, "{trade:?}");
            if trade.reason == ExitReason::End {
                prop_assert!((own - close).abs() < 1e-9, "{trade:?}");
            }
            prop_assert!(trade.closed_at >= trade.opened_at);
            balance += trade.profit - trade.commission;
            prop_assert_eq!(trade.balance, balance);
            let volume = left.entry(trade.number).or_insert(decimal("0.1"));
            *volume -= trade.volume;
            prop_assert_eq!(trade.is_last, volume.is_zero(), "{:?}", trade);
        }
        prop_assert!(left.values().all(Decimal::is_zero), "nothing is left open");
    }
}
