//! The part of the state that survives a restart. It changes by [`Durable::apply`] alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::awaiting::Sign;
use super::command::Command;
use super::elsewhere::Held;
use super::guards::GuardDay;
use super::latched::EmergencyStop;
use super::ledger::DayLedger;
use super::opened::{Given, Opening};
use super::own_book::{Change, OwnBook};
use super::record::Record;
use super::rules::{FormerRules, StrategyEntry};
use super::snapshot::CommandState;
use super::superseding::PastOrder;
use crate::market::{AccountId, Cid, Deal, IntentAction, OrderIntent, Side, Ticket};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Durable {
    /// Commands without a final state.
    pub open: BTreeMap<String, OpenCommand>,
    /// Every command that ever reached a final state: what makes a redelivery harmless.
    pub finished: BTreeMap<String, CommandState>,
    /// What was carried out and undoes earlier orders that come in late: the latest of each kind for each strategy, symbol
    /// and position, whatever else was ordered since.
    pub past: Vec<PastOrder>,
    /// Final answers that the platform does not have yet.
    pub reports: BTreeMap<String, Report>,
    /// Orders whose outcome is not known to be final.
    pub intents: BTreeMap<Cid, IntentEntry>,
    /// How own positions were opened, by their client id; those of open ones for sure.
    pub openings: BTreeMap<Cid, Opening>,
    /// What answers said of positions and no list has shown yet.
    pub(super) unshown: Vec<Sign>,
    /// What closed something while an opening had no outcome.
    #[serde(default)]
    pub(super) early_exits: Vec<Deal>,
    /// Who ordered own positions, and when; those of open ones for sure.
    pub given: BTreeMap<Cid, Given>,
    /// Openings that are done and whose stop no list of positions has shown yet.
    pub unproven: BTreeMap<Cid, IntentEntry>,
    /// Orders that ended without a deal, as far as anybody knew; the latest of them.
    pub denied: BTreeMap<Cid, IntentEntry>,
    /// The order that failed last and its generation: a child is always made right after its parent failed.
    pub last_failed: Option<(Cid, u32)>,
    /// The client-id counter; never goes back.
    pub next_counter: u64,
    /// Number for ids made here.
    pub next_local: u64,
    pub strategies: BTreeMap<String, StrategyEntry>,
    /// What strategies ran on before: positions keep the exits that they were opened with. Newest last, a few for each.
    pub former: Vec<FormerRules>,
    /// Directions chosen by the trader; they outlive the strategy's start.
    pub directions: BTreeMap<String, Side>,
    /// Strategies that decide and order nothing.
    pub shadows: BTreeSet<String>,
    /// Strategies in which a bare number beside a moving average is the length of another one.
    pub averages: BTreeSet<String>,
    pub pause: Option<Pause>,
    /// When a person at this machine ended a pause last, by both clocks as far as they were known.
    pub resumed_at: Option<Timestamp>,
    pub resumed_by_platform: Option<Timestamp>,
    pub stop: Option<EmergencyStop>,
    /// When an emergency stop was last lifted; older stop events are past.
    pub lifted_at: Option<Timestamp>,
    /// Since when the stop was on that was lifted last: what names it, whatever clocks show.
    #[serde(default)]
    pub lifted_stop: Option<Timestamp>,
    /// The same moment by the platform's clock as it was known in that run, at the earliest. `None`: it was not, and no stop
    /// is taken for an older one.
    pub lifted_by_platform: Option<Timestamp>,
    /// The user id of the executor's owner.
    pub owner: Option<String>,
    pub day: DayLedger,
    /// Where the day of the account's guards began.
    #[serde(default)]
    pub guard_days: BTreeMap<AccountId, GuardDay>,
    /// The account of the terminal, as last seen.
    pub account: Option<AccountId>,
    /// Accounts with real money on which the trader allowed trading.
    pub confirmed: BTreeSet<AccountId>,
    /// What of the net positions is ours, on accounts that net them.
    pub own: BTreeMap<AccountId, OwnBook>,
    /// Own positions of each account, as its list showed them last.
    pub(super) held: BTreeMap<AccountId, Held>,
    /// Accounts that the trader said do not come back.
    #[serde(default)]
    pub forgotten: BTreeSet<AccountId>,
    /// Days of the accounts that the terminal was logged in to before.
    pub other_days: BTreeMap<AccountId, DayLedger>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCommand {
    pub command: Command,
    pub state: CommandState,
    /// What it waits for or does, in plain words.
    pub reason: String,
    /// Set once the platform confirmed the command by its interim report.
    pub interim: Option<Interim>,
    /// The positions a closing command works on.
    pub tickets: Option<Vec<Ticket>>,
    /// Orders that were on their way when the positions were chosen and may still become such positions.
    pub awaited: Vec<Cid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interim {
    pub issuer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub status: String,
    pub result: Value,
    pub due_at: Timestamp,
}

/// On whose behalf an order is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Purpose {
    /// Opens or changes a position for a command.
    Command { id: String },
    /// A strategy's entry.
    Entry { strategy: String },
    /// A strategy's change of an own position (trailing stop).
    Exit { strategy: String },
    /// Sets the stop that the broker left out of this opening.
    Stop { opening: Cid },
    /// Closes or cancels, for a command.
    Closing { id: String },
    /// Closes or cancels, for the emergency stop.
    Emergency,
}

impl Purpose {
    pub fn command_id(&self) -> Option<&str> {
        match self {
            Self::Command { id } | Self::Closing { id } => Some(id),
            Self::Entry { .. } | Self::Exit { .. } | Self::Stop { .. } | Self::Emergency => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentEntry {
    pub intent: OrderIntent,
    pub purpose: Purpose,
    pub progress: Progress,
    pub made_at: Timestamp,
    #[serde(default)]
    pub account: Option<AccountId>,
    /// 1 for a first order, one more for each order that follows it.
    pub generation: u32,
    /// What its deals did so far, on an account that nets positions.
    #[serde(default)]
    pub dealt: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Stored; sent, or about to be.
    Made,
    /// The answer was lost; being looked for.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub reason: String,
    /// Only a person at this machine ends it, no RESUME.
    #[serde(default)]
    pub by_hand_only: bool,
    pub since: Timestamp,
}

impl Durable {
    /// The only way this state changes.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Received { command } => self.receive(command),
            Record::Moved {
                id, state, reason, ..
            } => self.move_command(id, *state, reason),
            Record::IssuerNamed { id, issuer } => {
                if let Some(open) = self.open.get_mut(id) {
                    open.command.issuer = Some(issuer.clone());
                }
            }
            Record::ShadowSet { id, on, .. } => keep(&mut self.shadows, id, *on),
            Record::NumbersReadAsAverages { id, on, .. } => keep(&mut self.averages, id, *on),
            Record::Dated { id, at } => self.date(id, *at),
            Record::DatedByArrival { id, at } => self.date_by_arrival(id, *at),
            Record::Unshown { signs } => self.unshown.clone_from(signs),
            Record::ClockPutBack { after, by, all, .. } => self.put_back(*after, *by, *all),
            Record::PositionsForgotten { cids, former, .. } => self.forget(cids, former),
            Record::InterimReported { id, issuer, .. } => {
                if let Some(open) = self.open.get_mut(id) {
                    open.interim = Some(Interim {
                        issuer: issuer.clone(),
                    });
                }
            }
            Record::ClosingPlanned {
                id,
                tickets,
                awaited,
            } => {
                if let Some(open) = self.open.get_mut(id) {
                    open.tickets = Some(tickets.clone());
                    open.awaited.clone_from(awaited);
                }
            }
            Record::ReportDue {
                id,
                status,
                result,
                at,
            } => {
                let report = Report {
                    status: status.clone(),
                    result: result.clone(),
                    due_at: *at,
                };
                self.reports.insert(id.clone(), report);
            }
            Record::ReportSettled { id, .. } => {
                self.reports.remove(id);
            }
            Record::IntentMade {
                intent,
                purpose,
                account,
                platform_at,
                at,
            } => {
                self.next_counter = self.next_counter.max(intent.cid.counter() + 1);
                // Who waits for an order waits for the one that follows it too.
                for open in self.open.values_mut() {
                    if intent
                        .parent
                        .is_some_and(|parent| open.awaited.contains(&parent))
                    {
                        open.awaited.push(intent.cid);
                    }
                }
                let parent = self
                    .last_failed
                    .filter(|(failed, _)| intent.parent == Some(*failed));
                if let IntentAction::Open { .. } = intent.action
                    && let Some(given) = self.given_by(purpose, account.as_ref())
                {
                    let ordered_at = *platform_at;
                    self.given.insert(
                        intent.cid,
                        Given {
                            ordered_at,
                            ..given
                        },
                    );
                }
                let entry = IntentEntry {
                    generation: parent.map_or(0, |(_, generation)| generation) + 1,
                    intent: intent.clone(),
                    purpose: purpose.clone(),
                    progress: Progress::Made,
                    made_at: *at,
                    account: account.clone(),
                    dealt: Change::default(),
                };
                self.intents.insert(intent.cid, entry);
            }
            Record::IntentPriced { cid, price, .. } => {
                if let Some(entry) = self.intents.get_mut(cid) {
                    entry.intent.price = Some(*price);
                }
            }
            Record::IntentUnknown { cid, .. } => {
                if let Some(entry) = self.intents.get_mut(cid) {
                    entry.progress = Progress::Unknown;
                }
            }
            Record::StopDue { cid, .. } => {
                let entry = self.intents.get(cid).or_else(|| self.denied.get(cid));
                if let Some(entry) = entry.cloned() {
                    self.unproven.insert(*cid, entry);
                }
            }
            Record::StopSettled { cid, .. } => {
                self.unproven.remove(cid);
            }
            Record::IntentDone { cid, fill, .. } => self.intent_done(*cid, fill.volume),
            Record::IntentFailed { cid, .. } => {
                if let Some(entry) = self.intents.remove(cid) {
                    self.last_failed = Some((*cid, entry.generation));
                    self.deny(entry);
                }
            }
            Record::Dealt { deal, balance } => {
                self.note_early_exit(deal);
                self.day.count(deal, *balance);
            }
            Record::Netted { account, deal } => self.net(account, deal),
            Record::StrategyStored { strategy } => {
                self.keep_former(strategy);
                self.strategies
                    .insert(strategy.id.clone(), strategy.clone());
            }
            Record::StrategyMoved {
                id,
                state,
                reason,
                at,
            } => {
                if let Some(strategy) = self.strategies.get_mut(id) {
                    strategy.state = *state;
                    strategy.reason.clone_from(reason);
                    strategy.updated_at = *at;
                }
            }
            Record::DirectionChosen { id, side, .. } => match side {
                Some(side) => {
                    self.directions.insert(id.clone(), *side);
                }
                None => {
                    self.directions.remove(id);
                }
            },
            Record::Paused {
                reason,
                by_hand_only,
                at,
            } => {
                self.pause = Some(Pause {
                    reason: reason.clone(),
                    by_hand_only: *by_hand_only,
                    since: *at,
                });
            }
            Record::Unpaused {
                here,
                platform_at,
                at,
            } => {
                self.pause = None;
                if *here {
                    self.resumed_at = Some(*at);
                    self.resumed_by_platform = *platform_at;
                }
            }
            Record::ResumeDated { platform_at, .. } => {
                self.resumed_by_platform = Some(*platform_at);
            }
            Record::EmergencyStopped { stop } => self.stop = Some(stop.clone()),
            Record::EmergencyToldFailed { id, .. } => {
                if let Some(stop) = &mut self.stop {
                    stop.told_failed.push(id.clone());
                }
            }
            Record::EmergencyTicket { target, gone } => {
                if let Some(stop) = &mut self.stop {
                    stop.gone.retain(|known| known.target != *target);
                    stop.gone.extend(gone.clone());
                }
            }
            Record::EmergencyCompleted { at } => {
                if let Some(stop) = &mut self.stop {
                    stop.completed_at = Some(*at);
                    stop.told_failed.clear();
                }
            }
            Record::EmergencyLifted { platform_at, at } => {
                self.lifted_stop = self.stop.take().map(|stop| stop.since);
                self.lifted_at = Some(*at);
                self.lifted_by_platform = *platform_at;
            }
            Record::LiftDated { platform_at, .. } => self.lifted_by_platform = Some(*platform_at),
            Record::OwnerLearned { user_id } => self.owner = Some(user_id.clone()),
            Record::AccountSeen { account, .. } => self.see_account(account),
            Record::AccountForgotten { account, .. } => {
                self.forgotten.insert(account.clone());
            }
            Record::Held {
                account,
                shown,
                gone,
                ..
            } => self.hold(account, shown, gone),
            Record::GuardDayBegan { began, .. } => {
                self.guard_days.insert(began.account.clone(), began.clone());
            }
            Record::AccountConfirmed { account, .. } => {
                self.confirmed.insert(account.clone());
            }
        }
    }

    pub(super) fn remember(&mut self, order: PastOrder) {
        if self.past.iter().any(|later| later.replaces(&order)) {
            return;
        }
        self.past.retain(|earlier| !order.replaces(earlier));
        self.past.push(order);
    }

    fn receive(&mut self, command: &Command) {
        if command.local {
            self.next_local += 1;
        }
        let open = OpenCommand {
            command: command.clone(),
            state: CommandState::Received,
            reason: String::new(),
            interim: None,
            tickets: None,
            awaited: Vec::new(),
        };
        self.open.insert(command.id.clone(), open);
    }

    fn move_command(&mut self, id: &str, state: CommandState, reason: &str) {
        if state.is_final() {
            if let Some(open) = self.open.remove(id)
                && open.command.known().is_some_and(PastOrder::counts)
                && !matches!(state, CommandState::Refused | CommandState::Expired)
                && (state == CommandState::Executed || open.state == CommandState::Executing)
            {
                self.remember(PastOrder::of(&open.command));
            }
            self.finished.insert(id.to_owned(), state);
        } else if let Some(open) = self.open.get_mut(id) {
            open.state = state;
            reason.clone_into(&mut open.reason);
        }
    }

    pub fn knows(&self, id: &str) -> bool {
        self.open.contains_key(id) || self.finished.contains_key(id)
    }

    /// An id for a command that has none, after `skip` others.
    pub(super) fn local_id(&self, skip: usize) -> String {
        (self.next_local..)
            .map(|number| format!("local-{number}"))
            .filter(|id| !self.knows(id))
            .nth(skip)
            .unwrap_or_default()
    }

    pub fn strategy_by_number(&self, number: u16) -> Option<&StrategyEntry> {
        self.strategies
            .values()
            .find(|strategy| strategy.number == number)
    }
}

fn keep(set: &mut BTreeSet<String>, id: &str, on: bool) {
    if on {
        set.insert(id.to_owned());
    } else {
        set.remove(id);
    }
}
