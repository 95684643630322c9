//! How own positions were opened, on whose word, and under which rules: known as long as they are open.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::durable::{Durable, Purpose};
use super::record::Record;
use super::rules::FormerRules;
use super::step::Turn;
use crate::market::{AccountId, Cid, IntentAction};

/// Closed positions are forgotten when so many are known, down to the newest [`KEPT`].
const MOST: usize = 100;
const KEPT: usize = 50;
/// The same for what one strategy ran on before.
const MOST_FORMER: usize = 20;

/// A position's first size and stop; multiples of the risk are counted from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    pub volume: Decimal,
    pub stop_loss: Decimal,
    #[serde(default)]
    pub account: Option<AccountId>,
}

/// The platform's order behind a position: to open it, or to start its strategy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The command that opened it.
    pub command: Option<String>,
    /// By the platform's clock, where that is known.
    pub at: Option<Timestamp>,
    /// When this program ordered the position, by the platform's clock as it was known then.
    #[serde(default)]
    pub ordered_at: Option<Timestamp>,
    #[serde(default)]
    pub account: Option<AccountId>,
}

impl Durable {
    pub(super) fn forget(&mut self, cids: &[Cid], former: &[(String, u64)]) {
        for cid in cids {
            self.openings.remove(cid);
            self.given.remove(cid);
        }
        self.former.retain(|one| !former.contains(&one.key()));
    }

    pub(super) fn intent_done(&mut self, cid: Cid, volume: Decimal) {
        let denied = self.denied.remove(&cid);
        if let Some(entry) = self.intents.remove(&cid).or(denied)
            && let IntentAction::Open {
                stop_loss: Some(stop_loss),
                ..
            } = entry.intent.action
        {
            let opening = Opening {
                volume,
                stop_loss,
                account: entry.account,
            };
            self.openings.insert(cid, opening);
        }
    }

    /// Who ordered the position that an order opens.
    pub(super) fn given_by(&self, purpose: &Purpose, account: Option<&AccountId>) -> Option<Given> {
        match purpose {
            Purpose::Command { id } => Some(Given {
                command: Some(id.clone()),
                at: self.open.get(id)?.command.told_at(),
                ordered_at: None,
                account: account.cloned(),
            }),
            Purpose::Entry { strategy } => Some(Given {
                command: None,
                at: self.strategies.get(strategy)?.given_at,
                ordered_at: None,
                account: account.cloned(),
            }),
            Purpose::Exit { .. }
            | Purpose::Stop { .. }
            | Purpose::Closing { .. }
            | Purpose::Emergency => None,
        }
    }

    /// The former rules that count for a position, if those of today do not.
    pub(super) fn former_of(&self, strategy: &str, cid: Cid) -> Option<&FormerRules> {
        let later = |one: &&FormerRules| one.strategy.id == strategy && cid.counter() < one.before;
        self.former
            .iter()
            .filter(later)
            .min_by_key(|one| one.before)
    }
}

impl Turn<'_> {
    /// Forgets what belongs to positions that are closed, once that is much. Positions of another account are not seen
    /// here, so nothing of theirs goes.
    pub fn forget_closed(&mut self) {
        let durable = self.durable();
        let Some(book) = self.state.fresh_book() else {
            return;
        };
        let mut open: BTreeSet<Cid> = durable.intents.keys().copied().collect();
        open.extend(book.positions.iter().map(|position| Cid(position.magic)));
        let is_closed = |cid: Cid, account: &Option<AccountId>| {
            !open.contains(&cid) && (account.is_none() || *account == durable.account)
        };
        let openings = durable.openings.iter();
        let openings = openings.map(|(cid, opening)| (*cid, &opening.account));
        let given = durable.given.iter();
        let given = given.map(|(cid, given)| (*cid, &given.account));
        let mut cids = closed(openings.collect(), is_closed);
        let former = self.unneeded_former(&is_closed);
        cids.extend(closed(given.collect(), is_closed));
        if cids.is_empty() && former.is_empty() {
            return;
        }
        let at = self.now.utc;
        self.record(Record::PositionsForgotten { cids, former, at });
        self.plan_former();
    }

    /// Former rules of no open position, where a strategy has many.
    fn unneeded_former(
        &self,
        is_closed: &impl Fn(Cid, &Option<AccountId>) -> bool,
    ) -> Vec<(String, u64)> {
        let durable = self.durable();
        let many = |one: &&FormerRules| {
            let id = &one.strategy.id;
            let all = durable
                .former
                .iter()
                .filter(|other| other.strategy.id == *id);
            all.count() > MOST_FORMER
        };
        let needed: BTreeSet<(String, u64)> = durable
            .openings
            .iter()
            .filter(|(cid, opening)| !is_closed(**cid, &opening.account))
            .filter_map(|(cid, _)| {
                let strategy = durable.strategy_by_number(cid.strategy())?;
                Some(durable.former_of(&strategy.id, *cid)?.key())
            })
            .collect();
        let former = durable.former.iter().filter(many);
        former
            .map(FormerRules::key)
            .filter(|key| !needed.contains(key))
            .collect()
    }
}

fn closed(
    mut known: Vec<(Cid, &Option<AccountId>)>,
    is_closed: impl Fn(Cid, &Option<AccountId>) -> bool,
) -> Vec<Cid> {
    if known.len() <= MOST {
        return Vec::new();
    }
    known.sort_by_key(|(cid, _)| cid.counter());
    known.truncate(known.len() - KEPT);
    known.retain(|(cid, account)| is_closed(*cid, account));
    known.into_iter().map(|(cid, _)| cid).collect()
}
