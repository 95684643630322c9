//! A replay over the bars that a live run saw, held against what that run decided and dealt, bar by bar. What the two cannot
//! have in common is told apart and counted; after it the comparison goes on.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;

use super::deals::{Entry, Exit, is_same};
use super::found::{Compared, Why};
use super::program::{Dealt, Log, Looks, Setup};
use crate::core;
use crate::market::{Bar, DealEntry, Side, Ticket};
use crate::replay::{Decided, HistoryBar, Replay, Settings, Sink, Terms, Trade, Verdict};
use crate::strategy::{Allowances, Finding, Plan, PlanRequest, plan};

#[derive(Debug, Default)]
struct Kept {
    trades: Vec<Trade>,
    decided: Vec<(Timestamp, Verdict, Vec<Finding>)>,
}

impl Sink for Kept {
    fn traded(&mut self, trade: &Trade) -> io::Result<()> {
        self.trades.push(trade.clone());
        Ok(())
    }

    fn decided(&mut self, decided: &Decided<'_>) -> io::Result<()> {
        self.decided.push((
            decided.bar.time,
            decided.verdict.clone(),
            decided.findings.to_vec(),
        ));
        Ok(())
    }
}

struct Comparison<'a> {
    setup: &'a Setup<'a>,
    log: &'a Log,
    replay: Replay,
    live: BTreeMap<Timestamp, &'a core::Decided>,
    apart: bool,
    /// The money differs since both were flat.
    unsettled: bool,
    done: Compared,
}

fn plan_of(setup: &Setup<'_>) -> Plan {
    plan(&PlanRequest {
        rules: setup.rules,
        settings: &json!({}),
        options: &json!({}),
        symbol: setup.symbol,
        timeframe: &setup.timeframe.to_string(),
        local_direction: None,
        allowances: Allowances::default(),
    })
    .unwrap()
}

pub fn compare(setup: &Setup<'_>, log: &Log) -> Compared {
    let spec = setup.market.spec(setup.symbol).unwrap().clone();
    let settings = Settings {
        terms: Terms {
            spec,
            tick_in_profit_currency: None,
        },
        balance: setup.balance,
        spread_pips: None,
        commission: Decimal::ZERO,
        from: Some(setup.start.as_second()),
        to: None,
        news: None,
    };
    let mut comparison = Comparison {
        replay: Replay::new(plan_of(setup), settings),
        live: log.decided.iter().map(|one| (one.bar, &**one)).collect(),
        apart: false,
        unsettled: false,
        done: Compared::default(),
        setup,
        log,
    };
    assert_eq!(comparison.live.len(), log.decided.len(), "a bar twice");
    let mut series: BTreeMap<_, VecDeque<Bar>> = BTreeMap::new();
    for (timeframe, bars) in &log.histories {
        series.entry(*timeframe).or_default().extend(bars);
    }
    for (timeframe, bar) in &log.closed {
        series.entry(*timeframe).or_default().push_back(*bar);
    }
    let own = series.remove(&setup.timeframe).unwrap();
    for bar in &own {
        for (timeframe, bars) in &mut series {
            let length = SignedDuration::from_secs(timeframe.seconds());
            while let Some(ready) = bars.pop_front_if(|one| one.time + length <= bar.time) {
                comparison.replay.push_higher(*timeframe, &ready);
            }
        }
        comparison.bar(bar);
    }
    // The last bar may still wait for a price to open at.
    assert!(log.decided.len() - comparison.done.decisions <= 1);
    if comparison.done.differences.is_empty() {
        let ends = log.spreads.last_key_value().unwrap().0;
        let ends = *ends + SignedDuration::from_secs(setup.timeframe.seconds());
        let before = log.dealt.iter().filter(|one| one.deal.time < ends);
        let profits: Decimal = before.map(|one| one.deal.profit).sum();
        let balance = comparison.replay.balance();
        assert_eq!(balance, setup.balance + profits);
    }
    comparison.done
}

impl Comparison<'_> {
    fn bar(&mut self, bar: &Bar) {
        let read = HistoryBar {
            bar: *bar,
            spread_points: self.log.spreads.get(&bar.time).copied(),
            offset_s: 0,
        };
        let mut kept = Kept::default();
        self.replay.push(&read, &mut kept).unwrap();
        if bar.time < self.setup.start {
            assert!(kept.decided.is_empty() && kept.trades.is_empty());
            return;
        }
        for (time, verdict, findings) in &kept.decided {
            self.decision(*time, verdict, findings);
        }
        let until = bar.time + SignedDuration::from_secs(self.setup.timeframe.seconds());
        let live: Vec<&Dealt> = (self.log.dealt.iter())
            .filter(|one| one.deal.time >= bar.time && one.deal.time < until)
            .collect();
        if self.apart {
            self.done.apart += 1;
        } else {
            self.entry(bar, &kept, &live);
            self.exits(bar, &kept, &live);
        }
        self.settle(until);
    }

    /// The same truth and the same numbers of every condition, and the same verdict.
    fn decision(&mut self, time: Timestamp, verdict: &Verdict, findings: &[Finding]) {
        self.done.decisions += 1;
        let live = self
            .live
            .get(&time)
            .unwrap_or_else(|| panic!("live decided nothing at {time}"));
        let words = self.replay.condition_words();
        assert_eq!(live.conditions.len(), words.len(), "{time}: {live:?}");
        assert_eq!(words.len(), findings.len());
        let known = |value: f64| value.is_finite().then(|| value.to_bits());
        for ((one, finding), (side, alternative, text)) in
            live.conditions.iter().zip(findings).zip(words)
        {
            self.done.conditions += 1;
            assert_eq!(
                (&one.side, &one.alternative, &one.text, one.value),
                (side, alternative, text, finding.truth),
                "{time}"
            );
            assert_eq!(
                (one.left.map(f64::to_bits), one.right.map(f64::to_bits)),
                (known(finding.left), known(finding.right)),
                "{time}: {text}"
            );
        }
        if self.apart || is_same(live, verdict) {
            return;
        }
        // The order of such a decision was refused, if it came to one.
        let refused = self.log.refused.iter().any(|(at, _)| *at == live.at);
        let is_over = !self.setup.market.is_open(self.setup.symbol, live.at);
        assert!(
            is_over && !live.entered && live.verdict.contains("ordered, and refused") == refused,
            "{time}: live {live:?}, replay {verdict:?}"
        );
        self.differs(Why::WeekEnds);
    }

    /// Opened at the same price with the same levels.
    fn entry(&mut self, bar: &Bar, kept: &Kept, live: &[&Dealt]) {
        let mut ins = live.iter().filter(|one| one.deal.entry == DealEntry::In);
        let lived = ins.next().map(|one| {
            assert_eq!(one.deal.time, bar.time, "not at the open");
            Entry::lived(&one.deal, self.log.levels[&one.deal.magic])
        });
        assert!(ins.next().is_none(), "two entries in a bar");
        let mut verdicts = kept.decided.iter().map(|(_, verdict, _)| verdict);
        let replayed = verdicts.find_map(|verdict| match verdict {
            Verdict::Opened(side, volume) => {
                let opened = (*side, *volume);
                Some(Entry::replayed(
                    opened,
                    bar.time,
                    &self.replay,
                    &kept.trades,
                ))
            }
            _ => None,
        });
        assert_eq!(lived, replayed, "{}", bar.time);
        self.done.entries += usize::from(lived.is_some());
    }

    fn exits(&mut self, bar: &Bar, kept: &Kept, live: &[&Dealt]) {
        let mut lived: Vec<(Exit, &Dealt)> = live
            .iter()
            .filter(|one| one.deal.entry == DealEntry::Out)
            .map(|one| (Exit::lived(one), *one))
            .collect();
        let mut replayed: Vec<(Exit, &Trade)> = kept
            .trades
            .iter()
            .map(|one| (Exit::replayed(one), one))
            .collect();
        for (exit, _) in &lived {
            *self.done.exits_by.entry(exit.by).or_default() += 1;
        }
        self.done.exits += lived.len();
        lived.retain(|(exit, _)| {
            let same = replayed.iter().position(|(other, _)| other == exit);
            same.map(|at| replayed.remove(at)).is_none()
        });
        while let Some((exit, dealt)) = lived.pop() {
            let position = dealt.position.as_ref().unwrap();
            let alike = replayed.iter().position(|(other, _)| {
                (other.opened, other.by, other.volume) == (exit.opened, exit.by, exit.volume)
            });
            let Some(at) = alike else {
                self.parts(self.unlike(bar, &exit, position.side, None, kept));
                continue;
            };
            let (other, trade) = replayed.remove(at);
            let is_buy = position.side == Side::Buy;
            let better = (exit.price > other.price) == is_buy;
            let why = match exit.by {
                "stop" if !better && position.stop_loss == Some(other.price) => Why::StopJumped,
                "stop" if better && self.is_straight() && self.holds(bar, &other) => Why::StopFirst,
                "target" if !better && trade.note == "at the open" => Why::BeyondTarget,
                _ => Why::Way,
            };
            assert!(
                why != Why::Way || self.follows(),
                "{}: live {exit:?}, replay {other:?}",
                bar.time
            );
            if why == Why::StopJumped {
                self.done.jumped += (exit.price - other.price).abs();
            }
            self.differs(why);
        }
        while let Some((exit, trade)) = replayed.pop() {
            self.parts(self.unlike(bar, &exit, trade.side, Some(trade), kept));
        }
    }

    /// What explains that one of them closed something and the other did not, or not so.
    fn unlike(
        &self,
        bar: &Bar,
        exit: &Exit,
        side: Side,
        trade: Option<&Trade>,
        kept: &Kept,
    ) -> Why {
        let mut noted = kept
            .trades
            .iter()
            .filter(|one| one.opened_at == exit.opened);
        if noted.any(|one| one.note.contains("the bar reached more")) {
            return Why::StopFirst;
        }
        if self.follows() {
            return Why::Way;
        }
        // At the ask, which a bar does not have: no farther from it than spreads can be.
        assert!(
            side == Side::Sell && !self.is_straight() && self.holds(bar, exit),
            "{}: {exit:?}, {trade:?} is not explained",
            bar.time
        );
        Why::Spread
    }

    /// Whether the bar's prices reach so far, bid or ask, with the widest spread of its market.
    fn holds(&self, bar: &Bar, exit: &Exit) -> bool {
        let spec = self.setup.market.spec(self.setup.symbol).unwrap();
        let points = self.log.spreads[&bar.time] * 6 + 2;
        let price = |price: f64| Decimal::try_from(price).unwrap();
        let highest = price(bar.high) + spec.point * Decimal::from(points);
        (price(bar.low)..=highest).contains(&exit.price)
    }

    /// Every bar is walked as replay assumes it.
    const fn is_straight(&self) -> bool {
        matches!(self.setup.looks, Looks::AtTurns { .. })
    }

    fn follows(&self) -> bool {
        let exits = self.setup.rules["exit"].as_object().unwrap();
        let plain = |key: &String| key == "stopLoss" || key == "takeProfit";
        !self.is_straight() && !exits.keys().all(plain)
    }

    fn parts(&mut self, why: Why) {
        if !self.apart {
            self.differs(why);
        }
        self.apart = true;
    }

    fn differs(&mut self, why: Why) {
        *self.done.differences.entry(why).or_default() += 1;
        self.unsettled = true;
    }

    /// After a difference: the money at once, everything else when both have no position.
    fn settle(&mut self, until: Timestamp) {
        if !self.unsettled {
            return;
        }
        let deals: Vec<_> = self.log.dealt.iter().map(|one| &one.deal).collect();
        let before: Vec<_> = deals.into_iter().filter(|deal| deal.time < until).collect();
        let mut open: BTreeMap<Ticket, Decimal> = BTreeMap::new();
        let mut balance = self.setup.balance;
        for deal in &before {
            let held = open.entry(deal.position).or_default();
            match deal.entry {
                DealEntry::In => *held += deal.volume,
                _ => {
                    *held -= deal.volume;
                    balance += deal.profit;
                }
            }
        }
        open.retain(|_, volume| !volume.is_zero());
        if open.is_empty() && self.replay.open_positions().next().is_none() {
            self.replay.restate(self.setup.balance, &before);
            self.apart = false;
            self.unsettled = false;
        } else if !self.apart {
            let missing = balance - self.replay.balance();
            let at = until - SignedDuration::from_millis(1);
            self.replay.adjust(missing, at);
        }
    }
}
