//! What comes before the link is up, in this order: account, switches and time, symbols, the book, the deals since the last
//! one that is known. Only then is anything said to the core.

use super::active::{Active, Asked};
use super::{Context, End, words};
use crate::market::{SymbolSpec, TerminalEvent};
use crate::terminal::metatrader::message::EndLine;
use crate::terminal::metatrader::request;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Facts,
    Symbols,
    Snapshot,
    Deals,
    Up,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Facts => "account, switches and time",
            Self::Symbols => "symbols",
            Self::Snapshot => "positions",
            Self::Deals => "deals",
            Self::Up => "",
        }
    }
}

impl Active {
    /// Account, switches or time were told.
    pub(super) fn opening_told(&mut self, c: &mut Context<'_>) {
        let all = self.money.is_some() && self.time.is_some() && self.flags_told;
        if self.stage == Stage::Facts && all {
            self.ask_symbols(c);
        }
    }

    fn ask_symbols(&mut self, c: &mut Context<'_>) {
        self.enter(Stage::Symbols, c);
        let asked = Asked::Symbols {
            specs: Vec::new(),
            odd: Vec::new(),
        };
        let id = self.ask(asked, c);
        self.send(request::symbols(id), c);
    }

    /// Begins the opening anew after damage.
    pub(super) fn open_again(&mut self, c: &mut Context<'_>) {
        if self.stage != Stage::Facts {
            self.ask_symbols(c);
        }
    }

    fn enter(&mut self, stage: Stage, c: &Context<'_>) {
        self.stage = stage;
        self.stage_since = c.now.mono;
    }

    pub(super) fn opening_tick(&mut self, c: &mut Context<'_>) -> Result<(), End> {
        let limit = c.setup.limits.opening;
        if c.now.mono.saturating_sub(self.stage_since) < limit {
            return Ok(());
        }
        Err(End::new(
            Some("shutdown"),
            words::opening_slow(self.stage.name(), limit.as_secs()),
        ))
    }

    pub(super) fn symbols_told(
        &mut self,
        specs: Vec<SymbolSpec>,
        odd: &[String],
        end: EndLine,
        c: &mut Context<'_>,
    ) -> Result<(), End> {
        let lines = specs.len() + odd.len();
        if lines != end.n {
            return self.damaged(&format!("{lines} symbols came and {} were sent", end.n), c);
        }
        if let Some(first) = odd.first() {
            c.log(
                true,
                format!("{} symbols are left out, for example: {first}.", odd.len()),
            );
        }
        self.symbols = specs
            .into_iter()
            .map(|spec| (spec.name.clone(), spec))
            .collect();
        if self.stage == Stage::Symbols {
            self.enter(Stage::Snapshot, c);
            self.ask_snapshot(c);
        }
        Ok(())
    }

    /// The first book is complete.
    pub(super) fn opening_snapshot(&mut self, c: &mut Context<'_>) {
        self.enter(Stage::Deals, c);
        self.ask_deals(c);
    }

    /// Everything is known: tells it.
    pub(super) fn come_up(&mut self, c: &mut Context<'_>) {
        self.enter(Stage::Up, c);
        c.emit(TerminalEvent::Up {
            account: self.account(),
            permissions: self.permissions(),
            symbols: self.symbols.values().cloned().collect(),
        });
        self.tell_facts(c);
        if let Some(missing) = self.permissions().missing() {
            c.log(true, format!("No orders can pass: {missing}."));
        }
    }
}
