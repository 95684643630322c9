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

#[test]
fn the_news_calendar_pauses_entries_in_a_replay_too() {
    let rules = json!({
        "entry": { "logic": "AND", "conditions": [
            { "indicator": "price", "condition": "crosses_above", "value": 1.1, "description": "BUY" }
        ] },
        "exit": plain_exit(),
        "riskManagement": { "lotSize": 0.1 },
        "newsFilter": { "enabled": true, "pauseBeforeMinutes": 30, "pauseAfterMinutes": 30, "highImpactOnly": true },
    });
    let verdicts = |news_at: &str| {
        let plan = plan(&PlanRequest {
            rules: &rules,
            settings: &Value::Null,
            options: &Value::Null,
            symbol: "EURUSD",
            timeframe: "M15",
            local_direction: None,
            allowances: crate::strategy::Allowances {
                news_calendar: true,
                ..Default::default()
            },
        })
        .unwrap();
        let text = format!(
            "time,currency,impact,title\n2026-03-01 00:00,USD,low,x\n{news_at},USD,high,CPI\n2026-03-03 00:00,USD,low,x\n"
        );
        let calendar = crate::strategy::NewsCalendar::parse(&text).unwrap();
        let settings = Settings {
            news: Some(std::sync::Arc::new(calendar)),
            ..settings()
        };
        let kept = after_a_cross(plan, settings, &[[1.1005, 1.1010, 1.1000, 1.1005]]);
        let all = kept.verdicts.iter().map(|(_, verdict)| verdict);
        all.filter(|one| matches!(one, Verdict::Filtered(..) | Verdict::Opened(..)))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        verdicts("2026-03-02 09:00"),
        [Verdict::Filtered(Side::Buy, 0)]
    );
    assert!(matches!(
        verdicts("2026-03-02 18:00")[..],
        [Verdict::Opened(Side::Buy, _)]
    ));
}

/// Reads no findings.
struct Blind(Kept);

impl Sink for Blind {
    fn traded(&mut self, trade: &Trade) -> io::Result<()> {
        self.0.traded(trade)
    }

    fn reads_findings(&self) -> bool {
        false
    }

    fn decided(&mut self, decided: &Decided<'_>) -> io::Result<()> {
        self.0.decided(decided)
    }
}

#[test]
fn what_nobody_reads_changes_nothing() {
    let mut replays = [(); 2].map(|()| Replay::new(scalper(), settings()));
    let (mut kept, mut blind) = (Kept::default(), Blind(Kept::default()));
    let [seen, unseen] = &mut replays;
    for read in wavy(3_000) {
        seen.push(&read, &mut kept).unwrap();
        unseen.push(&read, &mut blind).unwrap();
    }
    assert!(seen.tally.bars > 0);
    assert_eq!(seen.tally.bars, unseen.tally.bars);
    assert_eq!(seen.tally.conditions(), unseen.tally.conditions());
    assert_eq!(seen.verdicts, unseen.verdicts);
    assert_eq!(kept.trades, blind.0.trades);
    assert_eq!(kept.verdicts, blind.0.verdicts);
}
