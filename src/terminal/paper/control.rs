//! The hands behind the paper terminal: faults and switches for practice and for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::exchange::Switches;
use super::faults::{Fate, FaultRates};
use super::retcode::{self, Class};
use crate::market::{PendingOrder, Permissions, TradeMode};

#[derive(Debug)]
pub(super) struct Outage {
    pub reason: String,
    /// `None`: until it is told to come back.
    pub until: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub outage: Option<Outage>,
    pub next_fates: VecDeque<Fate>,
    pub switches: Switches,
    pub placed: Vec<PendingOrder>,
    pub rates: FaultRates,
}

/// Steers a running paper terminal. What is asked for holds from the next request on.
#[derive(Clone, Debug)]
pub struct PaperControl {
    wishes: Arc<Mutex<Wishes>>,
    wake: Arc<Notify>,
}

impl PaperControl {
    pub(super) fn new(rates: FaultRates) -> Self {
        Self {
            wishes: Arc::new(Mutex::new(Wishes {
                rates,
                ..Wishes::default()
            })),
            wake: Arc::default(),
        }
    }

    /// Loses the connection until [`PaperControl::come_back`].
    pub fn go_down(&self, reason: impl Into<String>) {
        self.wish(|wishes| {
            wishes.outage = Some(Outage {
                reason: reason.into(),
                until: None,
            });
        });
    }

    pub fn come_back(&self) {
        self.wish(|wishes| wishes.outage = None);
    }

    /// The answer to the next order is lost; the order itself is executed, or lost too.
    pub fn lose_next_answer(&self, executed: bool) {
        self.wish(|wishes| {
            wishes.next_fates.push_back(if executed {
                Fate::LostAfter
            } else {
                Fate::LostBefore
            });
        });
    }

    /// The next order is refused with this code, unless its own checks refuse it first. It is never executed; a code that
    /// leaves that open (10012, timeout) makes the outcome unknown.
    pub fn reject_next(&self, retcode: i32) {
        let fate = if retcode::class_of(retcode) == Class::LookFirst {
            Fate::LostBefore
        } else {
            Fate::Rejected(retcode)
        };
        self.wish(|wishes| wishes.next_fates.push_back(fate));
    }

    /// Closes the trade session of all symbols; quotes and bars go on, stops wait.
    pub fn close_market(&self) {
        self.wish(|wishes| wishes.switches.halted = true);
    }

    pub fn open_market(&self) {
        self.wish(|wishes| wishes.switches.halted = false);
    }

    pub fn set_permissions(&self, permissions: Permissions) {
        self.wish(|wishes| wishes.switches.permissions = permissions);
    }

    pub fn set_trade_mode(&self, symbol: impl Into<String>, mode: TradeMode) {
        self.wish(|wishes| {
            wishes.switches.trade_modes.insert(symbol.into(), mode);
        });
    }

    pub fn set_faults(&self, rates: FaultRates) {
        self.wish(|wishes| wishes.rates = rates);
    }

    /// Places a pending order at the terminal, as the trader's own hand would; its ticket and time are set there.
    pub fn place(&self, order: PendingOrder) {
        self.wish(|wishes| wishes.placed.push(order));
    }

    pub(super) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        change(&mut self.wishes());
        self.wake.notify_one();
    }
}
