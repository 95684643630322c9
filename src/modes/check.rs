//! `practice --check`: the way of a command, from "Activate" to a running strategy, walked without a person.
//!
//! Every line is something observed at the place it names: the platform's rows and log, the Pusher server's events,
//! the executor's log lines and its snapshot.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use super::session::Session;
use crate::cli::exit;
use crate::core::health::{Leg, Light};
use crate::core::snapshot::{Snapshot, StrategyState, UiCommand};
use crate::logs::LogLine;
use crate::os::say;
use crate::practice::{PracticeWorld, SCALPER};

/// Longest wait for one step.
const STEP_LIMIT: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(5);

/// One walk, step after step.
struct Walk<'a> {
    runtime: &'a tokio::runtime::Runtime,
    world: &'a PracticeWorld,
    session: &'a Session,
    since: Instant,
    passed: usize,
    failed: usize,
}

pub(super) fn run(
    runtime: &tokio::runtime::Runtime,
    world: &PracticeWorld,
    session: Session,
) -> ExitCode {
    let started = Instant::now();
    // The walk before in this folder ended with a stop.
    for command in [UiCommand::LiftStop, UiCommand::ResumeTrading] {
        if session.engine.commands.blocking_send(command).is_err() {
            break;
        }
    }
    let mut walk = Walk {
        runtime,
        world,
        session: &session,
        since: started,
        passed: 0,
        failed: 0,
    };
    walk.all();
    let (passed, failed) = (walk.passed, walk.failed);
    session.end();
    say("");
    say(format!("{passed} passed, {failed} failed"));
    say(format!(
        "The whole walk took {:.2} s.",
        started.elapsed().as_secs_f64()
    ));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::FAILED)
    }
}

impl Walk<'_> {
    fn all(&mut self) {
        let channel = format!("private-executor-{}", self.world.executor_id);
        say("Expected flow");
        let line = format!("Successfully subscribed to channel: {channel}");
        self.step(&format!("Executor log: [INFO] {line}"), |walk| {
            walk.logged(&line)
        });
        self.step("All links are up, with proof", Self::all_green);
        let mut activated = None;
        self.step(
            "1-2. \"Activate\" is clicked: POST /api/strategy/{id}/activate answers 200",
            |walk| {
                activated = walk.runtime.block_on(walk.world.activate(SCALPER)).ok();
                activated.is_some()
            },
        );
        let id = activated.unwrap_or_default();
        self.step("3. The command is in the platform's database", |walk| {
            walk.world.command_row(&id).is_some()
        });
        let sent = format!("✅ Command sent to executor {}", self.world.executor_id);
        self.step(&format!("4-5. Platform log: {sent}"), |walk| {
            walk.world
                .platform_log()
                .iter()
                .any(|line| line.contains(&sent) && line.contains(&id))
        });
        self.step(
            "6. Pusher saw the event command-received on our channel",
            |walk| {
                walk.world.pusher_events().iter().any(|event| {
                    event.channel == channel
                        && event.event == "command-received"
                        && event.data.contains(&id)
                })
            },
        );
        self.step(
            "7. Executor log: [INFO] Command received: START_STRATEGY",
            |walk| walk.logged("Command received: START_STRATEGY"),
        );
        self.step("8. The executor finished the command", |walk| {
            walk.command_final(&id)
        });
        self.step(
            "9. Command status on the platform: pending → executed",
            |walk| {
                walk.world
                    .command_row(&id)
                    .is_some_and(|row| row.status == "executed")
            },
        );
        self.step("10. The strategy is running on the executor", |walk| {
            walk.snapshot()
                .strategies
                .iter()
                .any(|strategy| strategy.state == StrategyState::Running)
        });
        self.manual_event(&channel);
        self.stop_everything();
    }

    /// The seed's manual test from the Pusher dashboard: it arrives, and it must not trade.
    fn manual_event(&mut self, channel: &str) {
        say("");
        say("Manual trigger from the Pusher dashboard (no rules, months old)");
        // One of its own for each walk: the journal of this folder remembers.
        let id = format!("test-manual-{}", Timestamp::now().as_millisecond());
        let data = json!({
            "id": id,
            "type": "START_STRATEGY",
            "executorId": self.world.executor_id,
            "payload": {
                "strategyId": "test",
                "strategyName": "Manual Test Strategy",
                "symbol": "EURUSD",
                "timeframe": "M15"
            },
            "timestamp": "2025-01-20T10:00:00Z"
        });
        self.step("The event is triggered through Pusher's REST API", |walk| {
            walk.runtime
                .block_on(walk.world.trigger(channel, "command-received", &data))
                .is_ok()
        });
        self.step(
            "Executor log has a second [INFO] Command received: START_STRATEGY",
            |walk| walk.count_logged("Command received: START_STRATEGY") >= 2,
        );
        self.step(
            "It is refused with a reason, and nothing runs by it",
            |walk| {
                let snapshot = walk.snapshot();
                let ended = snapshot
                    .commands
                    .iter()
                    .any(|row| row.id == id && row.state.is_final() && !row.message.is_empty());
                ended
                    && !snapshot.strategies.iter().any(|strategy| {
                        strategy.id == "test" && strategy.state == StrategyState::Running
                    })
            },
        );
        self.step(
            "The platform's 404 for its status ends the matter",
            |walk| walk.snapshot().counts.unreported == 0,
        );
    }

    fn stop_everything(&mut self) {
        say("");
        say("Emergency stop from the platform");
        self.step("The stop is ordered: row and public event", |walk| {
            walk.runtime
                .block_on(walk.world.emergency_stop("practice check"))
                .is_ok()
        });
        self.step("Entries are locked, nothing of ours is open", |walk| {
            matches!(
                walk.snapshot().trading,
                crate::core::snapshot::Trading::Stopped { complete: true, .. }
            )
        });
        self.step(
            "The platform has the status executed for every command but the manual one",
            |walk| walk.snapshot().counts.unreported == 0 && walk.world.pending_count() == 0,
        );
    }

    /// Waits until the step holds, prints it, and counts it.
    #[expect(
        clippy::disallowed_methods,
        reason = "a console command that watches other threads"
    )]
    fn step(&mut self, title: &str, mut holds: impl FnMut(&Self) -> bool) {
        let started = Instant::now();
        let mut held = holds(self);
        while !held && started.elapsed() < STEP_LIMIT {
            std::thread::sleep(LOOK);
            held = holds(self);
        }
        let total = self.since.elapsed();
        say(format!(
            "{} {title}  ({} ms, at {:.2} s)",
            if held { '✓' } else { '✗' },
            started.elapsed().as_millis(),
            total.as_secs_f64()
        ));
        if held {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.session.engine.snapshot.borrow())
    }

    fn logged(&self, text: &str) -> bool {
        self.count_logged(text) > 0
    }

    fn count_logged(&self, text: &str) -> usize {
        let (lines, _) = self.session.logs.feed().subscribe();
        lines
            .iter()
            .filter(|line: &&Arc<LogLine>| line.text.contains(text))
            .count()
    }

    fn all_green(&self) -> bool {
        let snapshot = self.snapshot();
        Leg::ALL
            .iter()
            .all(|leg| snapshot.link(*leg).light(*leg, snapshot.at) == Light::Good)
    }

    fn command_final(&self, id: &str) -> bool {
        self.snapshot()
            .commands
            .iter()
            .any(|row| row.id == id && row.state.is_final())
    }
}

/// Activates the first strategy as soon as the channel is subscribed, so that a newcomer sees the flow with no click.
pub(super) fn activate_when_ready(
    runtime: &tokio::runtime::Runtime,
    world: &Arc<PracticeWorld>,
    session: &Session,
) {
    let mut snapshot = session.engine.snapshot.clone();
    let world = Arc::clone(world);
    runtime.spawn(async move {
        let ready = snapshot.wait_for(|snapshot| snapshot.link(Leg::Channel).light(Leg::Channel, snapshot.at) == Light::Good);
        match tokio::time::timeout(Duration::from_secs(60), ready).await {
            Ok(Ok(_)) => {}
            // The program ends.
            Ok(Err(_)) => return,
            Err(_) => {
                tracing::warn!(target: "practice", "The executor did not subscribe within a minute; no strategy was activated.");
                return;
            }
        }
        if let Err(error) = world.activate(SCALPER).await {
            tracing::warn!(target: "practice", "The first strategy could not be activated: {error}");
        }
    });
}
