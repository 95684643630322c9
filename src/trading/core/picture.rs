//! Draws the snapshot for the window from the state.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::handle::strategy_of;
use super::rules::StrategyEntry;
use super::snapshot::{Counts, PositionRow, Snapshot, StrategyRow, StrategyState, Trading};
use super::trading::closing_price;
use super::{Now, State};
use crate::market::Position;

impl State {
    /// The picture of this moment. The rows are shared until one of them changes.
    pub fn snapshot(&mut self, now: Now) -> Snapshot {
        if self.rows_shared.is_none() {
            self.rows_shared = Some(Arc::new(self.rows.iter().cloned().collect()));
        }
        let view = &self.terminal;
        Snapshot {
            at: now.utc,
            mode: self.config.mode,
            practice_page: self.config.practice_page.clone(),
            executor_id: self.executor_id.clone(),
            executor_name: self.executor_name.clone(),
            platform_url: self.platform_url.clone(),
            links: self.links.clone(),
            trading: self.trading(now),
            clock_offset_ms: self
                .clock_within_ms
                .map(|_| i64::try_from(self.clock_offset.as_millis()).unwrap_or(i64::MAX)),
            account: view.account.clone(),
            permissions: view.permissions,
            terminal: view.facts.clone(),
            account_confirmed: view.account.is_some() && self.unconfirmed_account().is_none(),
            market_time: view.market_time,
            hours: self.market_hours(),
            commands: self.rows_shared.clone().unwrap_or_default(),
            counts: Counts {
                unreported: self.durable.reports.len() as u64,
                ..self.counts
            },
            strategies: self
                .durable
                .strategies
                .values()
                .map(|strategy| self.strategy_row(strategy))
                .collect(),
            book_known: view.book.is_some(),
            positions: view
                .book
                .iter()
                .flat_map(|book| &book.positions)
                .map(|position| self.position_row(position))
                .collect(),
            orders: view
                .book
                .iter()
                .flat_map(|book| &book.orders)
                .cloned()
                .collect(),
            accounts_away: self.accounts_away(),
            notices: self
                .untold_doubts()
                .chain(self.notices.iter().cloned())
                .collect(),
            settings: self.config.settings.clone(),
            can_end: self.ends_soon && self.durable.intents.is_empty(),
        }
    }

    fn trading(&self, now: Now) -> Trading {
        if let Some(stop) = &self.durable.stop {
            return Trading::Stopped {
                since: stop.since,
                reason: stop.reason.clone(),
                // Complete and not empty: what was opened after an old stop was given.
                remaining: match stop.completed_at {
                    Some(_) if self.terminal.book.is_none() => self.forgotten(|_| true),
                    Some(_) => [self.remaining(), self.forgotten(|_| true)].concat(),
                    None => self.remaining(),
                },
                complete: stop.completed_at.is_some(),
            };
        }
        if let Some(pause) = &self.durable.pause {
            return Trading::Paused {
                since: pause.since,
                reason: pause.reason.clone(),
            };
        }
        match (&self.blocked_since, self.entry_block(now)) {
            (_, None) => Trading::On,
            (Some((since, known)), Some(reason)) if *known == reason => Trading::Blocked {
                since: *since,
                reason,
            },
            (_, Some(reason)) => Trading::Blocked {
                since: now.utc,
                reason,
            },
        }
    }

    /// What the emergency stop has not closed yet.
    pub(super) fn remaining(&self) -> Vec<String> {
        let mut left = self.remaining_here();
        left.extend(self.left_elsewhere().lines);
        left
    }

    fn remaining_here(&self) -> Vec<String> {
        if self.terminal.book.is_none() {
            return vec![
                "the terminal is away; positions are closed as soon as it is back".to_owned(),
            ];
        }
        let troubles = self.emergency.troubles();
        if !troubles.is_empty() {
            return troubles;
        }
        self.own_positions()
            .map(|position| {
                format!(
                    "{} {} {} {}",
                    position.ticket,
                    position.side.name(),
                    position.volume,
                    position.symbol
                )
            })
            .collect()
    }

    fn strategy_row(&self, strategy: &StrategyEntry) -> StrategyRow {
        let runtime = self.runtimes.get(&strategy.id);
        let own: Vec<&Position> = self
            .own_positions()
            .filter(|position| strategy_of(position) == strategy.number)
            .collect();
        let direction = self.durable.directions.get(&strategy.id).copied();
        let refused = strategy.state == StrategyState::Refused;
        StrategyRow {
            id: strategy.id.clone(),
            name: strategy.name.clone(),
            symbol: strategy.symbol.clone(),
            timeframe: strategy.timeframe.parse().ok(),
            state: strategy.state,
            sentence: match runtime {
                Some(runtime) if !refused => runtime.plan.sentence(),
                _ => strategy.reason.clone(),
            },
            last_decision: runtime
                .map(|runtime| runtime.last_decision.clone())
                .unwrap_or_default(),
            decided: runtime.and_then(|runtime| runtime.decided.clone()),
            shadow: self.durable.shadows.contains(&strategy.id).then(|| {
                runtime.map_or((0, Decimal::ZERO), |runtime| {
                    (runtime.shadow.trades, runtime.shadow.profit)
                })
            }),
            warmup: runtime.map_or((0, 0), |runtime| {
                let missing = self.missing_bars(&runtime.plan);
                let needed = runtime.plan.warmup_bars();
                missing.map_or((needed, needed), |(_, have, needed)| (have, needed))
            }),
            positions: own.len(),
            profit: own.iter().map(|position| position.profit).sum(),
            direction,
            needs_direction: refused
                && direction.is_none()
                && strategy.reason.contains(crate::strategy::NO_DIRECTION),
            needs_reading: refused
                && !self.durable.averages.contains(&strategy.id)
                && strategy.reason.contains(crate::strategy::AVERAGE_OR_PRICE),
            averages: self.durable.averages.contains(&strategy.id),
            skipped: runtime
                .map(|runtime| {
                    runtime
                        .plan
                        .skipped()
                        .iter()
                        .map(ToString::to_string)
                        .collect()
                })
                .unwrap_or_default(),
        }
    }

    fn position_row(&self, position: &Position) -> PositionRow {
        let own = self.own_position(position.ticket);
        PositionRow {
            position: position.clone(),
            own: own.is_some(),
            part: own
                .map(|own| own.volume)
                .filter(|part| *part != position.volume),
            strategy: own
                .and_then(|own| self.durable.strategy_by_number(strategy_of(own)))
                .map(|strategy| strategy.name.clone()),
            // The price of the shown profit, so that the two never contradict each other.
            current_price: Some(position.price)
                .filter(|price| !price.is_zero())
                .or_else(|| {
                    let quote = self.terminal.quotes.get(&position.symbol)?;
                    Some(closing_price(position.side, *quote))
                }),
        }
    }
}
