//! Scenarios in the words of a trader: what comes in, what the platform and the terminal get, what survives.
//!
//! Every scenario runs in a [`world::World`], which plays the platform and the terminal and checks after each step what
//! must hold always (see [`world::World::step`]).
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod chaos;
mod clock_back;
mod clock_set;
mod closings;
mod commands;
mod correlated;
mod delivery;
mod elsewhere;
mod emergency;
mod ending;
mod envelopes;
mod exits;
mod failures;
mod guards;
mod hours;
mod late_orders;
mod ledger;
mod limits;
mod long_memory;
mod netting;
mod netting_late;
mod orders;
mod outbox;
mod public_stops;
mod same_ids;
mod shadow;
mod standstill;
mod starts;
mod stops;
mod strategies;
mod terminal;
mod traps;
mod traps_of_meaning;
mod world;

use serde_json::{Value, json};

use crate::core::rules::first_number;
use crate::market::Cid;
use world::{EXECUTOR, OWNER, World};

/// The arguments of an order to buy.
fn buy() -> Value {
    json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.09, "takeProfit": 1.12 })
}

/// A client id of this strategy.
fn cid_of(strategy: &str, counter: u64) -> Cid {
    Cid::new(first_number(strategy), counter)
}

/// Rules that buy at every bar of a rising market.
fn buying_rules() -> Value {
    json!({
        "entry": { "logic": "AND", "conditions": [
            { "indicator": "price", "condition": "greater_than", "value": "ema_3", "description": "BUY above the average" },
        ] },
        "exit": { "stopLoss": { "type": "pips", "value": 20 }, "takeProfit": { "type": "pips", "value": 30 } },
        "riskManagement": { "lotSize": 0.1, "maxPositions": 2 },
    })
}

/// The arguments of a START of strategy `id` with these rules.
fn start_args(id: &str, rules: &Value) -> Value {
    json!({
        "strategyId": id, "strategyName": format!("Strategy {id}"), "symbol": "EURUSD", "timeframe": "M15",
        "rules": rules, "enabled": true, "options": {}, "settings": {},
    })
}

impl World {
    /// A strategy activated through Pusher by the owner, running.
    fn with_strategy(id: &str) -> Self {
        let mut world = Self::ready();
        world.pusher("start", "START_STRATEGY", &start_args(id, &buying_rules()));
        world.assert_executed("start");
        world
    }

    /// A Pusher command as the activation route sends it, by the owner, made now.
    fn pusher(&mut self, id: &str, name: &str, args: &Value) {
        self.pusher_made(id, name, args, 0);
    }

    /// The same, made so many seconds ago.
    fn pusher_made(&mut self, id: &str, name: &str, args: &Value, ago: i64) {
        let envelope = self.envelope(id, name, args, ago, OWNER);
        self.platform_knows(id, OWNER);
        self.pusher_raw(&envelope.to_string());
    }

    fn envelope(&self, id: &str, name: &str, args: &Value, ago: i64, user: &str) -> Value {
        let (made, until) = (self.ago(ago), self.ago(ago - 300));
        json!({
            "id": id, "command": name, "type": name, "priority": "HIGH", "executorId": EXECUTOR,
            "parameters": args, "payload": args,
            "metadata": { "source": "web_platform", "userId": user, "assignmentId": "assignment" },
            "createdAt": made, "timestamp": made, "expiresAt": until,
        })
    }

    /// One row of a heartbeat, made so many seconds ago.
    fn row(&self, id: &str, name: &str, args: &Value, ago: i64) -> String {
        json!({ "id": id, "command": name, "parameters": args, "priority": "NORMAL", "createdAt": self.ago(ago) }).to_string()
    }

    /// Rows of the owner's commands in one heartbeat.
    fn heartbeat(&mut self, rows: &[(&str, &str, Value, i64)]) {
        let mut raw = Vec::new();
        for (id, name, args, ago) in rows {
            self.platform_knows(id, OWNER);
            raw.push(self.row(id, name, args, *ago));
        }
        self.heartbeat_raw(raw);
    }
}
