//! Everything a platform can answer wrongly, in every call, for a while: a command sent meanwhile is executed exactly once.
//!
//! Each fault has a world of its own, and the worlds of one call run side by side, because what is measured is patience.

use std::time::{Duration, Instant};

use fx_executor::practice::{Call, HttpFault};
use serde_json::json;
use tokio::task::JoinSet;

use super::executor::until;
use super::rig::{LONG, Rig, small_buy};

/// Longer than a minute: the configuration is asked for no more often than that.
const PATIENCE: Duration = Duration::from_secs(110);

fn faults() -> Vec<(&'static str, HttpFault)> {
    let status = |status| HttpFault::Status {
        status,
        retry_after: None,
    };
    vec![
        ("401", status(401)),
        ("403", status(403)),
        ("404", status(404)),
        ("429", status(429)),
        ("500", status(500)),
        ("HTML", HttpFault::Html),
        ("empty", HttpFault::Empty),
        ("slow", HttpFault::Slow { ms: 4_000 }),
        ("reset", HttpFault::Reset),
        ("lost answer", HttpFault::LostAnswer),
    ]
}

/// Runs one scenario for every fault, side by side.
async fn for_every_fault<F, S>(call: &str, scenario: S)
where
    S: Fn(&'static str, HttpFault) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for (name, fault) in faults() {
        let scenario = scenario(name, fault);
        running.spawn(async move {
            let began = Instant::now();
            scenario.await;
            (name, began.elapsed())
        });
    }
    let mut times = Vec::new();
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((name, took)) => times.push(format!("{name} {:.1} s", took.as_secs_f64())),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    println!(
        "{call}: executed exactly once under each of: {}",
        times.join(", ")
    );
}

/// Waits until the fault was met so often.
async fn is_met(rig: &Rig, name: &str, times: u32) {
    let met = until(PATIENCE, || {
        let faults = rig.world.faults.list();
        let used = faults.first().map_or(0, |fault| fault.used);
        (used >= times).then_some(())
    });
    assert!(met.await.is_some(), "{name} was not met {times} times");
}

fn entries_are(rig: &Rig, name: &str, wanted: usize) {
    assert_eq!(rig.ledger().entries().len(), wanted, "{name}: entry deals");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_in_the_configuration_call() {
    for_every_fault("GET config", |name, fault| async move {
        // The very first start: nothing is known yet but address and key.
        let rig = Rig::new().await;
        rig.world.faults.http(Call::Config, fault, None).unwrap();
        let _executor = rig.headless();
        let id = rig.send("OPEN_POSITION", small_buy()).await;
        is_met(&rig, name, 1).await;
        rig.world.faults.clear();
        rig.is_executed(&id, PATIENCE).await;
        entries_are(&rig, name, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_in_the_channel_authorization() {
    for_every_fault("POST pusher/auth", |name, fault| async move {
        let rig = Rig::new().await;
        let _executor = rig.subscribed().await;
        rig.world
            .faults
            .http(Call::PusherAuth, fault, None)
            .unwrap();
        rig.world.close_pusher(4200, "connect again");
        is_met(&rig, name, 1).await;
        // While the channel is refused, the heartbeat brings the command.
        let id = rig.send("OPEN_POSITION", small_buy()).await;
        rig.is_executed(&id, PATIENCE).await;
        rig.world.faults.clear();
        let status = rig.send("GET_STATUS", json!({})).await;
        rig.is_executed(&status, PATIENCE).await;
        entries_are(&rig, name, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_in_the_heartbeat() {
    for_every_fault("POST heartbeat", |name, fault| async move {
        let rig = Rig::new().await;
        let _executor = rig.subscribed().await;
        let first = rig.send("OPEN_POSITION", small_buy()).await;
        rig.is_executed(&first, LONG).await;
        rig.world.faults.http(Call::Heartbeat, fault, None).unwrap();
        let wake = rig.send("GET_STATUS", json!({})).await;
        is_met(&rig, name, 1).await;
        rig.is_executed(&wake, LONG).await;
        let hidden = rig.row_only("OPEN_POSITION", small_buy());
        // A slow answer is an answer, and 429 names its own wait of a minute.
        let times = if matches!(name, "slow" | "429") { 1 } else { 2 };
        is_met(&rig, name, times).await;
        rig.world.faults.clear();
        rig.is_executed(&hidden, PATIENCE).await;
        entries_are(&rig, name, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_in_the_report() {
    for_every_fault("PATCH command", |name, fault| async move {
        let rig = Rig::new().await;
        let _executor = rig.subscribed().await;
        rig.world
            .faults
            .http(Call::CommandReport, fault, None)
            .unwrap();
        let id = rig.send("OPEN_POSITION", small_buy()).await;
        // A slow answer is an answer, 429 names its own wait of a minute, and 404 is final by the contract: it is not asked again until the platform hands
        // the row out again.
        let times = if matches!(name, "404" | "429" | "slow") {
            1
        } else {
            2
        };
        is_met(&rig, name, times).await;
        rig.world.faults.clear();
        rig.is_executed(&id, PATIENCE).await;
        entries_are(&rig, name, 1);
    })
    .await;
}

/// The configuration is still answered: that the platform wants this executor, only a heartbeat tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_is_refused_stays_so_until_a_heartbeat_is_answered() {
    let rig = Rig::new().await;
    let gone = HttpFault::Status {
        status: 404,
        retry_after: None,
    };
    rig.world.faults.http(Call::Heartbeat, gone, None).unwrap();
    let mut executor = rig.headless();
    executor
        .says("The platform refuses this executor", PATIENCE)
        .await;
    let again = rig
        .world
        .faults
        .http(Call::Config, HttpFault::Slow { ms: 1 }, None);
    let again = again.unwrap();
    let answered = until(PATIENCE, || {
        let faults = rig.world.faults.list();
        let asked = faults.iter().find(|fault| fault.id == again)?;
        (asked.used >= 1).then_some(())
    });
    assert!(answered.await.is_some(), "the configuration was not asked");
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    assert_eq!(rig.ledger().entries().len(), 0);
    // Another way to say so.
    rig.world.faults.clear();
    let forbidden = HttpFault::Status {
        status: 403,
        retry_after: None,
    };
    rig.world
        .faults
        .http(Call::Heartbeat, forbidden, None)
        .unwrap();
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    rig.world.faults.clear();
    executor.says("accepts this executor again", PATIENCE).await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    executor.end_cleanly().await;
}

/// A server that fails in between says nothing for the key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_with_failures_between_them_count() {
    let rig = Rig::new().await;
    let status = |status| HttpFault::Status {
        status,
        retry_after: None,
    };
    let mut executor = rig.subscribed().await;
    for fault in [403, 500, 403, 500, 403, 500] {
        let faults = &rig.world.faults;
        faults
            .http(Call::Heartbeat, status(fault), Some(1))
            .unwrap();
    }
    rig.world
        .faults
        .http(Call::Heartbeat, status(500), None)
        .unwrap();
    executor
        .says("The platform refuses this executor", PATIENCE)
        .await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&id, LONG).await, "failed");
    assert_eq!(rig.ledger().entries().len(), 0);
    rig.world.faults.clear();
    executor.says("accepts this executor again", PATIENCE).await;
    executor.end_cleanly().await;
}

/// The loops were begun for who this executor was when the platform was last asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_the_platform_renamed_listens_under_its_new_id() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    executor.end_cleanly().await;
    let kept = rig.data().join("platform-config.json");
    let text = std::fs::read_to_string(&kept).unwrap();
    let own = &rig.world.executor_id;
    assert!(text.contains(own.as_str()), "{text}");
    std::fs::write(
        &kept,
        text.replace(own.as_str(), "cm0000000000000000formerly"),
    )
    .unwrap();
    let _executor = rig.subscribed().await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    entries_are(&rig, "renamed", 1);
}
