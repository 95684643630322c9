//! The heartbeat loop: sends when the schedule says so, hands over the rows, says goodbye at the end.

use std::time::Duration;

use tokio::sync::mpsc;

use super::network::{Shared, clock_event};
use crate::core::health::{Leg, LinkReport, Phase};
use crate::core::snapshot::Source;
use crate::core::{BeatCause, Delivery, Event};
use crate::platform::beat::BeatSchedule;
use crate::platform::{BeatStatus, CallError, Class, HeartbeatAnswer};

/// Refusals with no accepted beat between, after which the key counts as revoked; one may be the platform's own trouble (contract T3).
const REFUSALS: u32 = 3;
const GOODBYE: Duration = Duration::from_millis(800);

pub(super) async fn run(
    shared: Shared,
    executor_id: String,
    advertised: Option<Duration>,
    mut causes: mpsc::Receiver<BeatCause>,
) {
    let mut schedule = BeatSchedule::new(shared.clock.now().mono, advertised);
    let mut refusals: u32 = 0;
    loop {
        let now = shared.clock.now().mono;
        let pause = schedule
            .due()
            .map_or(Duration::from_secs(60), |due| due.saturating_sub(now));
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            Some(cause) = causes.recv() => {
                let now = shared.clock.now().mono;
                match cause {
                    BeatCause::Event => schedule.ask(now),
                    BeatCause::Regained => schedule.link_regained(now),
                    BeatCause::Drained => schedule.drain(now),
                }
            }
            () = tokio::time::sleep(pause) => {}
        }
        if !schedule.is_due(shared.clock.now().mono) {
            continue;
        }
        schedule.sent(shared.clock.now().mono);
        let metadata = shared.metadata.borrow().clone();
        let beat = shared
            .client
            .heartbeat(&executor_id, BeatStatus::Online, &metadata);
        let Some(answer) = shared.cancel.run_until_cancelled(beat).await else {
            break;
        };
        let now = shared.clock.now().mono;
        match answer {
            Ok(answer) => {
                schedule.answered(now, fastrand::f64());
                refusals = 0;
                answered(&shared, answer).await;
            }
            Err(error) => {
                schedule.failed(now, error.retry_after(), fastrand::f64());
                let wait = schedule
                    .due()
                    .map_or(Duration::ZERO, |due| due.saturating_sub(now));
                // A server that fails says nothing about the key, neither for it nor against it.
                let refused = error.class() == Class::Revoked;
                refusals += u32::from(refused);
                failed(&shared, &error, wait, schedule.failures()).await;
                if refused && refusals >= REFUSALS {
                    let reason = error.to_string();
                    shared.tell(Event::KeyRefused { reason }).await;
                }
            }
        }
    }
    let metadata = shared.metadata.borrow().clone();
    let goodbye = shared
        .client
        .heartbeat(&executor_id, BeatStatus::Offline, &metadata);
    if !matches!(tokio::time::timeout(GOODBYE, goodbye).await, Ok(Ok(_))) {
        tracing::info!(target: "platform", "The platform could not be told that this executor is going offline.");
    }
}

async fn answered(shared: &Shared, answer: HeartbeatAnswer) {
    let report = LinkReport {
        leg: Leg::Platform,
        phase: Phase::Up,
        detail: String::new(),
        latency_ms: u32::try_from(answer.latency.as_millis()).ok(),
        retry_at: None,
        attempts: 0,
    };
    shared.tell(Event::Link(report)).await;
    shared.tell(Event::KeyAccepted).await;
    if let Some(offset) = answer.clock_offset {
        shared.tell(clock_event(offset, answer.latency)).await;
    }
    if !answer.rows.is_empty() {
        let rows = answer
            .rows
            .into_iter()
            .map(|row| Delivery {
                source: Source::Heartbeat,
                raw: shared.without_secret(row.raw),
            })
            .collect();
        shared.tell(Event::HeartbeatAnswered { rows }).await;
    }
}

async fn failed(shared: &Shared, error: &CallError, wait: Duration, failures: u32) {
    if failures == 1 {
        tracing::warn!(target: "platform", "{}", error.advice());
    }
    shared.call_failed(error, wait, failures).await;
    shared.refetch.notify_one();
}
