//! Sends command statuses to the platform, a few at a time, and tells the core what came of each.

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::failpoint;
use super::network::{Shared, later};
use crate::core::{Event, ReportOutcome};
use crate::platform::{CallError, CallErrorKind, Report, ReportStatus};

pub(super) struct Job {
    pub id: String,
    pub executed: bool,
    pub result: Value,
    /// An acknowledgement of a command that is still being worked on.
    pub interim: bool,
}

pub(super) async fn run(shared: Shared, executor_id: String, mut queue: mpsc::Receiver<Job>) {
    let mut sending = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.cancel.cancelled() => break,
            Some(job) = queue.recv() => {
                sending.spawn(send(shared.clone(), executor_id.clone(), job));
            }
            Some(ended) = sending.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(target: "platform", "A report ended in a panic: {error}");
                }
            }
        }
    }
    // What is on its way may finish; the engine bounds the time.
    while sending.join_next().await.is_some() {}
}

async fn send(shared: Shared, executor_id: String, job: Job) {
    let status = match (job.interim, job.executed) {
        (true, _) => ReportStatus::Executing,
        (false, true) => ReportStatus::Executed,
        (false, false) => ReportStatus::Failed,
    };
    let report = Report {
        command_id: job.id.clone(),
        status,
        result: job.result,
    };
    let answer = shared.client.report(&executor_id, &report).await;
    if !job.interim {
        failpoint::reached("after-report");
    }
    let outcome = match answer {
        Ok(answer) => ReportOutcome::Accepted {
            user_id: answer.user_id,
            given_at: answer.created_at,
        },
        Err(CallError {
            kind: CallErrorKind::NotFound,
            ..
        }) => ReportOutcome::NoSuchCommand,
        Err(error) => ReportOutcome::Failed {
            retry_at: error
                .retry_after()
                .and_then(|pause| later(shared.clock.now().utc, pause)),
            reason: error.to_string(),
        },
    };
    shared
        .tell(Event::ReportAnswered {
            id: job.id,
            interim: job.interim,
            outcome,
        })
        .await;
}
