//! The shortcuts of a replay come to what the running program decides.

use super::outputs::{scalper, wavy};
use super::*;
use crate::market::{Position, Quote};
use crate::strategy::{Decision, MarketView, TrackRecord, decision};

/// What the program itself decides when this bar opens, with all that it looks at at hand.
fn program_decides(replay: &Replay, bar: &Bar, spread: Decimal) -> Decision {
    let mut twin = replay.clone();
    let bid = Decimal::try_from(bar.open).unwrap().round_dp(5);
    let ask = bid + spread;
    let mut kept = Kept::default();
    twin.open_beyond(bar, 0.00008, &mut kept).unwrap();
    let spec = twin.settings().terms.spec.clone();
    let positions: Vec<Position> = twin
        .holdings
        .iter()
        .map(|own| own.position.clone())
        .collect();
    let positions: Vec<&Position> = positions.iter().collect();
    let record = TrackRecord {
        open_in_symbol: twin.holdings.len(),
        open_at_all: twin.holdings.len(),
        ..twin.account.record(bar.time)
    };
    decision(
        twin.plan(),
        &MarketView {
            panel: &twin.panel,
            program: &twin.program,
            quote: Quote {
                bid,
                ask,
                time: bar.time,
            },
            spec: &spec,
            positions: &positions,
            market_time: bar.time,
            balance: twin.account.balance,
            record,
            news: None,
            peers: &[],
            entries_blocked: None,
        },
    )
}

#[test]
fn every_bar_is_decided_as_the_running_program_decides_it() {
    let settings = Settings {
        spread_pips: Some(decimal("0.8")),
        ..settings()
    };
    let mut replay = Replay::new(scalper(), settings);
    let mut kept = Kept::default();
    let mut opened = 0;
    for read in wavy(3_000) {
        let wanted = program_decides(&replay, &read.bar, decimal("0.00008"));
        let known = kept.verdicts.len();
        let waits = replay.panel.last_bar().map(|bar| bar.time);
        replay.push(&read, &mut kept).unwrap();
        // The verdict on the bar before is told now when it waited for a price, and was told at its close otherwise.
        let number = waits.map(|time| (time.as_second() - MONDAY) / QUARTER);
        let told = kept.verdicts[..kept.verdicts.len().min(known + 1)]
            .iter()
            .rev()
            .find(|(own, _)| Some(*own) == number)
            .map(|(_, verdict)| verdict);
        let entered = match told {
            Some(Verdict::Opened(side, lots)) => Some((*side, *lots)),
            _ => None,
        };
        match wanted {
            Decision::Enter { side, volume, .. } => {
                opened += 1;
                assert_eq!(entered, Some((side, volume)), "{:?}", read.bar);
            }
            Decision::Stay { why } => {
                assert_eq!(entered, None, "{:?}: {why}", read.bar);
                let said = why.starts_with("already has");
                let same = matches!(told, Some(Verdict::AlreadyOpen(_)));
                assert_eq!(said, same, "{:?}: {why}", read.bar);
            }
        }
    }
    assert!(opened > 20, "{opened}");
}
