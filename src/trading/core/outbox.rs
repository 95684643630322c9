//! Reports to the platform: kept in the journal until the platform has them, tried again with growing pauses.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::effect::{Effect, LogLevel};
use super::event::ReportOutcome;
use super::health::{Leg, LinkReport, Phase};
use super::record::Record;
use super::result;
use super::snapshot::CommandState;
use super::state::Delivery;
use super::step::Turn;

/// Reports on their way at one time.
const MOST_IN_FLIGHT: usize = 4;
/// A report without any answer after so long is tried again; the call's own limits are shorter.
const FLIGHT_LIMIT: Duration = Duration::from_secs(60);
const LONGEST_PAUSE_SECS: u64 = 60;
/// What a connection holds is read within this time.
const STILL_READ: Duration = Duration::from_secs(1);

impl Turn<'_> {
    pub fn want_interim(&mut self, id: &str, message: &str) {
        let Some(open) = self.durable().open.get(id) else {
            return;
        };
        if open.command.local || open.interim.is_some() || self.state.executor_id.is_none() {
            return;
        }
        let now = self.now.mono;
        let delivery = self.state.interims.entry(id.to_owned()).or_default();
        if now < delivery.not_before.max(self.state.reports_from) {
            return;
        }
        delivery.in_flight = true;
        delivery.not_before = now + FLIGHT_LIMIT;
        self.effect(Effect::ReportInterim {
            id: id.to_owned(),
            message: message.to_owned(),
        });
    }

    pub fn progress_reports(&mut self) {
        if self.durable().reports.is_empty()
            || self.state.executor_id.is_none()
            || self.state.journal_broken.is_some()
            || self.now.mono < self.state.reports_from
        {
            return;
        }
        let now = self.now.mono;
        for delivery in self.state.deliveries.values_mut() {
            if delivery.in_flight && now >= delivery.not_before {
                delivery.in_flight = false;
            }
        }
        let busy = self
            .state
            .deliveries
            .values()
            .filter(|delivery| delivery.in_flight)
            .count();
        let free = MOST_IN_FLIGHT.saturating_sub(busy);
        let due: Vec<(String, &'static str, Value)> = self
            .durable()
            .reports
            .iter()
            .filter(|(id, _)| {
                let delivery = self.state.deliveries.get(*id).copied().unwrap_or_default();
                // An interim report that arrives last would overwrite the final one.
                let interim = self.state.interims.get(*id);
                let overtakes =
                    interim.is_some_and(|interim| interim.in_flight && now < interim.not_before);
                !overtakes && !delivery.in_flight && now >= delivery.not_before
            })
            .take(free)
            .map(|(id, report)| {
                let status = if report.status == "executed" {
                    "executed"
                } else {
                    "failed"
                };
                (id.clone(), status, report.result.clone())
            })
            .collect();
        for (id, status, result) in due {
            let delivery = self.state.deliveries.entry(id.clone()).or_default();
            delivery.in_flight = true;
            delivery.outdated = false;
            delivery.not_before = now + FLIGHT_LIMIT;
            self.effect(Effect::Report { id, status, result });
        }
    }

    pub fn report_answered(&mut self, id: &str, interim: bool, outcome: ReportOutcome) {
        if interim {
            self.interim_answered(id, outcome);
        } else {
            self.final_answered(id, outcome);
        }
    }

    fn interim_answered(&mut self, id: &str, outcome: ReportOutcome) {
        self.drained(id);
        if !self.durable().open.contains_key(id) {
            self.state.interims.remove(id);
            return;
        }
        let issuer = match outcome {
            ReportOutcome::Accepted { user_id, given_at } => {
                self.learn_date(id, given_at);
                user_id
            }
            // Not in the platform's database (a manual test event): it never says who sent it.
            ReportOutcome::NoSuchCommand => None,
            ReportOutcome::Failed { .. } => {
                let now = self.now.mono;
                if let Some(delivery) = self.state.interims.get_mut(id) {
                    postpone(delivery, now);
                }
                return;
            }
        };
        self.state.interims.remove(id);
        self.record(Record::InterimReported {
            id: id.to_owned(),
            issuer,
            at: self.now.utc,
        });
    }

    /// What was said of a command's end turned out to be wrong or not all: it is said again.
    pub(super) fn amend(
        &mut self,
        id: &str,
        state: CommandState,
        message: &str,
        details: Map<String, Value>,
    ) {
        // Its end is still to come, and tells it as it is then.
        if !self.durable().finished.contains_key(id) {
            return;
        }
        let at = self.now.utc;
        self.record(Record::Moved {
            id: id.to_owned(),
            state,
            reason: message.to_owned(),
            at,
        });
        let success = state == CommandState::Executed;
        self.record(Record::ReportDue {
            id: id.to_owned(),
            status: if success { "executed" } else { "failed" }.to_owned(),
            result: result::body(success, message, details),
            at,
        });
        if let Some(delivery) = self.state.deliveries.get_mut(id) {
            delivery.outdated = delivery.in_flight;
        }
        self.change_row(id, |row| {
            row.state = state;
            message.clone_into(&mut row.message);
            row.reported = Some(false);
        });
    }

    fn final_answered(&mut self, id: &str, outcome: ReportOutcome) {
        if !self.durable().reports.contains_key(id) {
            return;
        }
        match outcome {
            ReportOutcome::Accepted { given_at, .. } => {
                self.learn_date(id, given_at);
                let outdated = self
                    .state
                    .deliveries
                    .get(id)
                    .is_some_and(|one| one.outdated);
                if outdated {
                    // What was accepted is not what is to be said now.
                    self.state.deliveries.remove(id);
                } else {
                    self.settle(id, true);
                }
            }
            ReportOutcome::NoSuchCommand => {
                self.log(
                    LogLevel::Info,
                    "platform",
                    format!("The platform knows no command {id}; its status is kept here only."),
                );
                self.settle(id, false);
            }
            ReportOutcome::Failed { reason, retry_at } => {
                let now = self.now.mono;
                let delivery = self.state.deliveries.entry(id.to_owned()).or_default();
                postpone(delivery, now);
                if let Some(retry_at) = retry_at {
                    let pause = retry_at.duration_since(self.now.utc);
                    let pause = Duration::try_from(pause).unwrap_or_default();
                    delivery.not_before = delivery
                        .not_before
                        .max(now + pause.min(Duration::from_secs(LONGEST_PAUSE_SECS)));
                }
                if delivery.attempts == 1 {
                    self.log(
                        LogLevel::Warning,
                        "platform",
                        format!("The status of {id} is not reported yet: {reason}. Trying again."),
                    );
                }
            }
        }
    }

    /// Some events tell no time of their own; the platform's record of the command does. One that is later than now is the
    /// platform's word all the same, as far as its clock may be ahead of what is known of it.
    pub fn learn_date(&mut self, id: &str, given_at: Option<Timestamp>) {
        let latest = self.state.latest_moment(self.now);
        let believed = |at: &Timestamp| latest.is_none_or(|latest| *at <= latest);
        if let Some(at) = given_at.filter(believed)
            && self.durable().lacks_date(id)
        {
            self.record(Record::Dated {
                id: id.to_owned(),
                at,
            });
        }
    }

    fn settle(&mut self, id: &str, accepted: bool) {
        self.state.deliveries.remove(id);
        self.state.interims.remove(id);
        self.record(Record::ReportSettled {
            id: id.to_owned(),
            accepted,
            at: self.now.utc,
        });
        self.change_row(id, |row| row.reported = accepted.then_some(true));
        self.drained(id);
    }

    /// When a full page is answered the next ten rows can come (contract C3).
    fn drained(&mut self, id: &str) {
        if self.state.draining.remove(id) && self.state.draining.is_empty() {
            self.effect(Effect::Beat(self.state.drained));
        }
    }

    /// A known command was handed out again: the platform gets the stored answer again.
    pub fn answer_again(&mut self, id: String, status: String, result: Value) {
        if self.durable().reports.contains_key(&id) {
            return;
        }
        self.change_row(&id, |row| row.reported = Some(false));
        self.record(Record::ReportDue {
            id,
            status,
            result,
            at: self.now.utc,
        });
    }

    /// Restarts the network loops. What they were sending is lost with them, so it is sent again soon after.
    pub fn restart_loops(&mut self) {
        const SETTLING: Duration = Duration::from_secs(1);
        self.effect(Effect::RestartLoops);
        // Their connections are cut, and nothing is heard of the new ones before the platform has answered.
        for leg in [Leg::Pusher, Leg::Channel] {
            if self.state.link_mut(leg).phase != Phase::Off {
                self.link(LinkReport {
                    leg,
                    phase: Phase::Connecting,
                    detail: "waits for the platform".to_owned(),
                    latency_ms: None,
                    retry_at: None,
                    attempts: 0,
                });
            }
        }
        self.state.deliveries.clear();
        self.state.interims.clear();
        self.state.reports_from = self.now.mono + SETTLING;
    }

    /// Nobody can tell which connections outlived a sleep, so all are made anew; the terminal goes on and is asked for what it
    /// has now. Until it has answered, nobody decides by positions.
    pub fn after_sleep(&mut self) {
        self.log(
            LogLevel::Info,
            "engine",
            "After the sleep: connecting anew, and asking the terminal for its positions."
                .to_owned(),
        );
        self.state.restart_at = Some(self.now.mono + STILL_READ);
        if self.state.terminal.up {
            self.ask_for_book();
        }
    }

    /// A stop may lie in the old connection: it is read to its end first.
    pub fn progress_restart(&mut self) {
        if self.state.restart_at.is_some_and(|at| self.now.mono >= at) {
            self.state.restart_at = None;
            self.restart_loops();
        }
    }

    /// After the journal came back: nothing that was held is on its way.
    pub fn forget_flights(&mut self) {
        self.state.deliveries.clear();
        self.state.interims.clear();
        self.state.looked_at.clear();
    }
}

/// 1 s, 2 s, 4 s … 5 min.
fn postpone(delivery: &mut Delivery, now: Duration) {
    delivery.in_flight = false;
    delivery.attempts += 1;
    let seconds = 1_u64 << (delivery.attempts - 1).min(9);
    delivery.not_before = now + Duration::from_secs(seconds.min(LONGEST_PAUSE_SECS));
}
