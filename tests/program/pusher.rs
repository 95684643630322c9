//! Everything a Pusher server can do wrongly: the command arrives by the heartbeat meanwhile, and the link comes back.

use std::time::{Duration, Instant};

use fx_executor::practice::{PusherFault, Server};
use serde_json::json;
use tokio::task::JoinSet;

use super::executor::until;
use super::rig::{LONG, Rig, small_buy};

/// More than the rest between two heartbeats, a minute and a tenth.
const A_BEAT: Duration = Duration::from_secs(75);

#[derive(Clone, Debug)]
enum Trouble {
    Standing(PusherFault),
    Once(PusherFault),
    Frozen,
    Refusing,
}

fn close(code: u16) -> Trouble {
    let reason = "as told".to_owned();
    Trouble::Once(PusherFault::Close { code, reason })
}

fn troubles() -> Vec<Trouble> {
    let mut all = vec![
        Trouble::Once(PusherFault::Drop),
        Trouble::Standing(PusherFault::Drop),
        Trouble::Standing(PusherFault::Delay { ms: 2_000 }),
        Trouble::Standing(PusherFault::LoseEvent),
        Trouble::Standing(PusherFault::RejectSignature),
        Trouble::Frozen,
        Trouble::Refusing,
    ];
    all.extend([1000, 1001, 1006, 1011, 1012, 4100, 4200, 4201, 4202, 4300].map(close));
    all
}

/// Switches it on, and puts the link to the test by closing it where the trouble is one of connecting.
fn begin(rig: &Rig, trouble: &Trouble) {
    let faults = &rig.world.faults;
    match trouble {
        Trouble::Standing(fault) => {
            faults.pusher(fault.clone(), None).unwrap();
            if matches!(fault, PusherFault::RejectSignature) {
                rig.world.close_pusher(4200, "connect again");
            }
        }
        Trouble::Once(fault) => {
            faults.pusher(fault.clone(), Some(1)).unwrap();
        }
        Trouble::Frozen => faults.freeze(Server::Pusher, true),
        Trouble::Refusing => {
            faults.refuse(Server::Pusher, true);
            rig.world.close_pusher(1012, "restarting");
        }
    }
}

async fn survive(trouble: Trouble) -> (Trouble, Duration, Duration) {
    let rig = Rig::new().await;
    let _executor = rig.subscribed().await;
    rig.is_quiet().await;
    begin(&rig, &trouble);
    let sent = Instant::now();
    let id = rig.row_or_event(&trouble).await;
    rig.is_executed(&id, A_BEAT).await;
    let meanwhile = sent.elapsed();
    rig.world.faults.clear();
    let healed = Instant::now();
    if matches!(trouble, Trouble::Standing(PusherFault::RejectSignature)) {
        // A signature that was refused again and again is looked at every five minutes; the heartbeat goes on, and RESTART
        // asks at once.
        let id = rig.send("RESTART", json!({})).await;
        rig.is_executed(&id, A_BEAT).await;
    }
    // Events arrive again: a command is executed at once, not at the next resting heartbeat.
    loop {
        let sent = Instant::now();
        let id = rig.send("GET_STATUS", json!({})).await;
        rig.is_executed(&id, A_BEAT).await;
        let by_event = sent.elapsed() < Duration::from_millis(800);
        if by_event && rig.world.executor_is_subscribed() {
            break;
        }
        assert!(healed.elapsed() < A_BEAT, "{trouble:?}: no events again");
    }
    assert_eq!(rig.ledger().entries().len(), 1, "{trouble:?}");
    (trouble, meanwhile, healed.elapsed())
}

impl Rig {
    /// Waits until the beats that follow a subscription are over, so that only what comes next brings a command.
    async fn is_quiet(&self) {
        let (mut count, mut since) = (0, Instant::now());
        let quiet = until(LONG, || {
            let now = self.world.executor_row().heartbeats;
            if now != count {
                (count, since) = (now, Instant::now());
            }
            (since.elapsed() > Duration::from_millis(2_500)).then_some(())
        });
        assert!(quiet.await.is_some(), "the heartbeats do not rest");
    }

    /// A frozen server cannot be published through; there the row stands alone, as on a platform that lost its Pusher.
    async fn row_or_event(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Frozen | Trouble::Refusing => self.row_only("OPEN_POSITION", small_buy()),
            _ => self.send("OPEN_POSITION", small_buy()).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trouble_at_pusher_is_survived() {
    let mut running = JoinSet::new();
    for trouble in troubles() {
        running.spawn(survive(trouble));
    }
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((trouble, meanwhile, healed)) => println!(
                "{trouble:?}: executed after {:.1} s, events again after {:.1} s",
                meanwhile.as_secs_f64(),
                healed.as_secs_f64()
            ),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Codes that mean "do not come back": the heartbeat carries on alone, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_final_refusal_leaves_the_heartbeat() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    rig.is_quiet().await;
    let reason = "disabled".to_owned();
    let fault = PusherFault::Close { code: 4003, reason };
    rig.world.faults.pusher(fault, None).unwrap();
    executor
        .says("the Pusher application is disabled", LONG)
        .await;
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, A_BEAT).await;
    assert_eq!(rig.ledger().entries().len(), 1);
}
