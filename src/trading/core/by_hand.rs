//! Orders given at this machine: for a strategy, for a position, and a strategy's direction.

use serde_json::{Map, json};

use super::command::CommandName;
use super::effect::LogLevel;
use super::record::Record;
use super::snapshot::Source;
use super::step::Turn;
use crate::market::Side;

impl Turn<'_> {
    /// As a command, so that it is remembered by when it was given: an earlier RESUME of the platform must not end it.
    pub fn pause_by_hand(&mut self) {
        self.local_command(CommandName::Pause, Map::new(), Source::Local);
    }

    pub fn pause_strategy_by_hand(&mut self, id: &str) {
        self.strategy_by_hand(CommandName::PauseStrategy, id, false);
    }

    pub fn resume_strategy_by_hand(&mut self, id: &str) {
        self.strategy_by_hand(CommandName::ResumeStrategy, id, false);
    }

    pub fn stop_strategy_by_hand(&mut self, id: &str, close_positions: bool) {
        self.strategy_by_hand(CommandName::StopStrategy, id, close_positions);
    }

    fn strategy_by_hand(&mut self, name: CommandName, id: &str, close_positions: bool) {
        let mut args = Map::new();
        args.insert("strategyId".to_owned(), json!(id));
        if let Some(strategy) = self.durable().strategies.get(id) {
            args.insert("strategyName".to_owned(), json!(strategy.name));
        }
        if close_positions {
            args.insert("closePositions".to_owned(), json!(true));
        }
        self.local_command(name, args, Source::Local);
    }

    pub fn close_by_hand(&mut self, ticket: crate::market::Ticket) {
        let mut args = Map::new();
        args.insert("ticket".to_owned(), json!(ticket.0));
        self.local_command(CommandName::ClosePosition, args, Source::Local);
    }

    /// What would open waits for the next start; what is under way comes to its end.
    pub fn end_soon(&mut self, on: bool) {
        self.state.ends_soon = on;
        let text = if on {
            "Nothing is opened any more: an update is about to be installed"
        } else {
            "The update was given up; trading goes on"
        };
        self.log(LogLevel::Info, "engine", text.to_owned());
    }

    /// What a bare number beside a moving average means in this strategy (R6).
    pub fn read_numbers_as_averages(&mut self, id: &str, on: bool) {
        self.record(Record::NumbersReadAsAverages {
            id: id.to_owned(),
            on,
            at: self.now.utc,
        });
        let words = if on { "lengths of averages" } else { "refused" };
        let text = format!("{id}: numbers beside moving averages are {words}, chosen here");
        self.log(LogLevel::Info, "strategy", text);
        self.drop_notice(&format!("reading:{id}"));
    }

    pub fn choose_direction(&mut self, id: &str, side: Option<Side>) {
        self.record(Record::DirectionChosen {
            id: id.to_owned(),
            side,
            at: self.now.utc,
        });
        let words = side.map_or("refused (no direction)", Side::name);
        self.log(
            LogLevel::Info,
            "strategy",
            format!("{id}: direction chosen here: {words}"),
        );
        if side.is_some() {
            self.drop_notice(&format!("direction:{id}"));
        }
    }
}
