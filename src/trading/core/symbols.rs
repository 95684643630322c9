//! Which of the broker's symbols a command means, kept with both names.

use super::State;
use super::effect::LogLevel;
use super::record::Record;
use super::rules::StrategyEntry;
use super::snapshot::{Severity, StrategyState};
use super::step::Turn;
use crate::market::{SymbolSpec, resolve};

impl State {
    /// The broker's symbol for the platform's name, or why there is none, as a sentence.
    pub(super) fn symbol(&self, wanted: &str) -> Result<&SymbolSpec, String> {
        resolve(wanted, &self.terminal.symbols, &self.config.symbol_map)
            .map_err(|unresolved| unresolved.to_string())
    }

    /// Whether a position's symbol is what the platform calls `wanted`.
    pub(super) fn is_symbol(&self, wanted: &str, broker: &str) -> bool {
        broker.eq_ignore_ascii_case(wanted)
            || self.symbol(wanted).is_ok_and(|spec| spec.name == broker)
    }

    /// The same of a position at a broker whose list of symbols is not at hand: his name may begin or end in his own way.
    pub(super) fn may_be_symbol(&self, wanted: &str, broker: &str) -> bool {
        let (wanted, named) = (wanted.trim(), broker.to_ascii_uppercase());
        self.is_symbol(wanted, broker) || named.contains(&wanted.to_ascii_uppercase())
    }

    /// Whether two names of commands mean one symbol.
    pub(super) fn is_same_symbol(&self, one: &str, other: &str) -> bool {
        one.trim().eq_ignore_ascii_case(other.trim())
            || self
                .symbol(other)
                .is_ok_and(|spec| self.is_symbol(one, &spec.name))
    }
}

impl StrategyEntry {
    /// The symbol as the trader should read it: the broker's name, and the platform's where it differs.
    pub(super) fn symbol_words(&self) -> String {
        if self.ordered_symbol.is_empty() || self.ordered_symbol == self.symbol {
            self.symbol.clone()
        } else {
            format!("{} (the platform's {})", self.symbol, self.ordered_symbol)
        }
    }

    /// What the platform called it.
    pub(super) fn wanted_symbol(&self) -> &str {
        if self.ordered_symbol.is_empty() {
            &self.symbol
        } else {
            &self.ordered_symbol
        }
    }
}

impl Turn<'_> {
    /// The terminal came up, perhaps of another broker: strategies move to its name for their symbol.
    pub fn rename_symbols(&mut self) {
        let strategies: Vec<StrategyEntry> = self
            .durable()
            .strategies
            .values()
            .filter(|strategy| {
                matches!(
                    strategy.state,
                    StrategyState::Running | StrategyState::Paused
                )
            })
            .cloned()
            .collect();
        for strategy in strategies {
            let key = format!("symbol:{}", strategy.id);
            let found = self
                .state
                .symbol(strategy.wanted_symbol())
                .map(|spec| spec.name.clone());
            match found {
                Ok(name) if name == strategy.symbol => self.drop_notice(&key),
                Ok(name) => {
                    self.drop_notice(&key);
                    self.move_to_symbol(&strategy, name);
                }
                Err(reason) => self.notice(
                    &key,
                    Severity::Error,
                    &format!("\"{}\" opens nothing here: {reason}.", strategy.name),
                    "Name the broker's symbol in Settings, under Symbol map.",
                ),
            }
        }
    }

    fn move_to_symbol(&mut self, strategy: &StrategyEntry, name: String) {
        let moved = StrategyEntry {
            ordered_symbol: strategy.wanted_symbol().to_owned(),
            symbol: name,
            ..strategy.clone()
        };
        let Ok(plan) = self.plan(&moved) else {
            return;
        };
        self.log(
            LogLevel::Info,
            "strategy",
            format!("{}: trades {} here.", moved.name, moved.symbol_words()),
        );
        let runtime = self.runtime(plan);
        self.state.runtimes.insert(moved.id.clone(), runtime);
        self.record(Record::StrategyStored { strategy: moved });
        self.plan_former();
    }
}
