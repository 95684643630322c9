//! The account, the switches and the clock of the terminal, and what is told of them.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::active::Active;
use super::{Context, End, words};
use crate::market::{Account, LinkFacts, MarginMode, Permissions, TerminalEvent};
use crate::terminal::metatrader::message::{AccountLine, FlagsLine, ResultLine, Stage, TimeLine};
use crate::terminal::retcode;

impl Active {
    pub(super) fn clock(&mut self, time: TimeLine, c: &mut Context<'_>) {
        let moved = self
            .time
            .is_some_and(|(before, _)| before.offset_s != time.offset_s);
        self.time = Some((time, c.now.mono));
        if moved && self.is_up() {
            c.log(
                false,
                format!(
                    "The broker's clock is now {} s ahead of UTC.",
                    time.offset_s
                ),
            );
            self.collect_again(c);
            self.tell_facts(c);
        }
        self.opening_told(c);
    }

    pub(super) fn switches(&mut self, flags: FlagsLine, c: &mut Context<'_>) -> Result<(), End> {
        if flags.login != self.hello.login {
            return Err(End::new(Some("account"), words::goodbye("account")));
        }
        let changed = flags != self.flags;
        if flags.permissions.connected && !self.flags.permissions.connected {
            self.regained = Some(c.now.mono);
            self.hinted = true;
        }
        self.flags = flags;
        self.flags_told = true;
        if !flags.permissions.connected {
            // What is not found while the broker is away proves nothing.
            c.memory.looks.clear();
        }
        if changed && self.is_up() {
            if let Some(missing) = flags.permissions.missing() {
                c.log(true, format!("No orders can pass: {missing}"));
            }
            self.tell_alive(c);
            self.tell_facts(c);
        }
        self.opening_told(c);
        Ok(())
    }

    /// An order's answer tells whether the EA could write its journal.
    pub(super) fn heard_of_journal(&mut self, line: &ResultLine, c: &mut Context<'_>) {
        let refused = line.retcode == retcode::NOT_STORED;
        let known = refused || line.stage != Stage::Refused;
        let unwritten = refused || line.unwritten;
        if known && unwritten != self.unwritten {
            self.unwritten = unwritten;
            self.tell_facts(c);
        }
    }

    /// The broker's clock now, milliseconds; our own until it was told.
    pub(super) fn broker_ms(&self, c: &Context<'_>) -> i64 {
        self.time.map_or_else(
            || c.now.utc.as_millisecond(),
            |(time, at)| {
                let since = c.now.mono.saturating_sub(at).as_millis();
                time.server_ms
                    .saturating_add(i64::try_from(since).unwrap_or(i64::MAX))
            },
        )
    }

    pub(super) fn offset_s(&self) -> i32 {
        self.time.map_or(0, |(time, _)| time.offset_s)
    }

    /// A UTC moment by the broker's clock.
    pub(super) fn to_broker_ms(&self, utc: Timestamp) -> i64 {
        utc.as_millisecond() + i64::from(self.offset_s()) * 1_000
    }

    /// A broker that came back counts once the book was read again.
    pub(super) const fn permissions(&self) -> Permissions {
        Permissions {
            connected: self.flags.permissions.connected && self.regained.is_none(),
            ..self.flags.permissions
        }
    }

    pub(super) fn margin_mode(&self) -> MarginMode {
        if self.hello.margin == "hedging" {
            MarginMode::Hedging
        } else {
            MarginMode::Netting
        }
    }

    pub(super) fn account(&self) -> Account {
        let money = self.money.unwrap_or(AccountLine {
            balance: Decimal::ZERO,
            equity: Decimal::ZERO,
            margin: Decimal::ZERO,
            free: Decimal::ZERO,
        });
        Account {
            login: self.hello.login,
            server: self.hello.server.clone(),
            company: self.hello.company.clone(),
            currency: self.hello.currency.clone(),
            demo: self.hello.kind != "real",
            margin_mode: self.margin_mode(),
            balance: money.balance,
            equity: money.equity,
            margin: money.margin,
            margin_free: money.free,
        }
    }

    pub(super) fn tell_alive(&mut self, c: &mut Context<'_>) {
        let utc_ms = self.broker_ms(c) - i64::from(self.offset_s()) * 1_000;
        let event = TerminalEvent::Alive {
            account: self.account(),
            permissions: self.permissions(),
            market_time: Timestamp::from_millisecond(utc_ms).unwrap_or(c.now.utc),
            latency_ms: u32::try_from(self.latency.as_millis()).unwrap_or(u32::MAX),
        };
        c.emit(event);
    }

    pub(super) fn facts(&self) -> LinkFacts {
        LinkFacts {
            link: self.link.to_owned(),
            ea: self.hello.ea.clone(),
            build: self.hello.build,
            terminal_path: self.hello.path.clone(),
            leverage: self.hello.leverage,
            contest: self.hello.kind == "contest",
            dll_allowed: self.flags.dll,
            clock_offset_s: self.offset_s(),
            unwritten: self.unwritten,
            busy: self.busy.map(|(cid, _)| cid),
            waits_for: String::new(),
        }
    }

    pub(super) fn tell_facts(&self, c: &mut Context<'_>) {
        c.emit(TerminalEvent::Link(self.facts()));
    }
}
