//! The program dies, at every named step and at random moments under load. Afterwards every command must have had exactly
//! one effect, and the platform must know its end.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use fx_executor::practice::SCALPER;
use serde_json::json;

use super::executor::until;
use super::ledger::{count_records, lives, lives_of_the_dead};
use super::rig::{LONG, Rig, is_final, small_buy};

const SIGABRT: i32 = 6;

/// The steps between receipt and reported status at which the program can be made to die.
const STEPS: [&str; 6] = [
    "before-journal",
    "after-journal",
    "before-send",
    "after-send",
    "before-report",
    "after-report",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn death_at_each_named_step_loses_and_doubles_nothing() {
    let mut deaths = 0;
    for step in STEPS {
        let rig = Rig::new().await;
        // The first run learns the owner and opens a position, so that the next one begins with nothing new to store.
        let mut first = rig.subscribed().await;
        let opened = rig.send("OPEN_POSITION", small_buy()).await;
        rig.is_executed(&opened, LONG).await;
        is_settled(&rig, &opened).await;
        first.end_cleanly().await;

        let open = die_at(&rig, step, "OPEN_POSITION").await;
        deaths += 1;
        let ledger = rig.ledger();
        assert_eq!(ledger.entries().len(), 2, "{step}: entries");
        assert_eq!(ledger.open().len(), 2, "{step}: open positions");

        let close = die_at(&rig, step, "CLOSE_ALL_POSITIONS").await;
        deaths += 1;
        let ledger = rig.ledger();
        let exits: BTreeSet<u64> = ledger.exits().into_iter().collect();
        assert_eq!(ledger.exits().len(), 2, "{step}: exits");
        assert_eq!(exits.len(), 2, "{step}: a position was closed twice");
        assert!(ledger.open().is_empty(), "{step}: still open");

        let mut ids = vec![opened, open, close];
        if !step.ends_with("-send") {
            ids.push(die_at(&rig, step, "START_STRATEGY").await);
            deaths += 1;
            let stored = count_records(&rig.data(), "strategy_stored");
            assert_eq!(stored, 1, "{step}: strategy stored");
        }
        let lives = lives(&rig.data());
        for id in &ids {
            let life = lives[id];
            assert_eq!((life.received, life.ended), (1, 1), "{step}: {id}");
            assert!(life.settled >= 1, "{step}: {id} was never settled");
        }
    }
    println!(
        "{deaths} deaths at {} named steps: lost 0, doubled 0, unreported 0",
        STEPS.len()
    );
}

/// Starts with the fail point, sends the command, sees the death, starts without it, and waits for the end.
async fn die_at(rig: &Rig, step: &str, command: &str) -> String {
    let mut doomed = rig
        .start(&["--headless"])
        .env("FX_EXECUTOR_FAILPOINT", step)
        .go();
    rig.is_subscribed().await;
    assert!(!doomed.has_ended(), "{step}: died before the command");
    let id = match command {
        "START_STRATEGY" => rig.world.activate(SCALPER).await.unwrap(),
        "OPEN_POSITION" => rig.send(command, small_buy()).await,
        _ => rig.send(command, json!({})).await,
    };
    let status = doomed.ends(LONG).await;
    assert_eq!(status.signal(), Some(SIGABRT), "{step}: {command}");
    let mut heir = rig.headless();
    rig.is_executed(&id, LONG).await;
    is_settled(rig, &id).await;
    heir.end_cleanly().await;
    id
}

/// Waits until the journal knows that the platform has the answer: a moment after the platform's row is final.
async fn is_settled(rig: &Rig, id: &str) {
    let settled = until(LONG, || {
        let lives = lives(&rig.data());
        lives.get(id).filter(|life| life.settled > 0).map(drop)
    });
    assert!(settled.await.is_some(), "{id} was never settled");
}

/// Sends one command after the other, of every kind, by Pusher and by rows alone.
async fn load(rig: &Rig, mut rng: fastrand::Rng, stop: &tokio_util::sync::CancellationToken) {
    let mut paused = false;
    while !stop.is_cancelled() {
        let (name, parameters) = match rng.u32(0..20) {
            _ if paused => {
                paused = false;
                ("RESUME", json!({}))
            }
            0..=11 => ("OPEN_POSITION", small_buy()),
            12..=13 => ("CLOSE_ALL_POSITIONS", json!({})),
            14..=17 => ("GET_STATUS", json!({})),
            _ => {
                paused = true;
                ("PAUSE", json!({}))
            }
        };
        if rng.bool() {
            rig.send(name, parameters).await;
        } else {
            rig.row_only(name, parameters);
        }
        tokio::time::sleep(Duration::from_millis(rng.u64(5..120))).await;
    }
    if paused {
        rig.send("RESUME", json!({})).await;
    }
}

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_kills_under_load_lose_and_double_nothing() {
    let kills = number_from("FX_EXECUTOR_KILLS", 200);
    let seed = number_from("FX_EXECUTOR_SEED", fastrand::u64(..));
    println!("{kills} kills, seed {seed} (FX_EXECUTOR_SEED repeats it)");
    let mut rng = fastrand::Rng::with_seed(seed);
    let began = Instant::now();
    let rig = Rig::new().await;
    let mut first = rig.subscribed().await;
    first.says("Successfully subscribed", LONG).await;
    first.kill();

    let stop = tokio_util::sync::CancellationToken::new();
    let mut interrupted = 0;
    let killing = async {
        for _ in 0..kills {
            let mut executor = rig.headless();
            tokio::time::sleep(Duration::from_millis(rng.u64(30..400))).await;
            assert!(
                !executor.has_ended(),
                "ended by itself:\n{}",
                executor.printed()
            );
            executor.kill();
            let begun = lives_of_the_dead(&rig.data(), &rig.prints());
            interrupted += usize::from(begun.values().any(|life| life.settled == 0));
        }
        stop.cancel();
    };
    tokio::join!(
        killing,
        load(&rig, fastrand::Rng::with_seed(seed ^ 1), &stop)
    );
    let killed_after = began.elapsed();

    let mut last = rig.headless();
    let settled = rig
        .world
        .wait_for(Duration::from_secs(120), |world| {
            let rows = world.command_rows();
            rows.iter().all(|row| is_final(&row.status)).then_some(())
        })
        .await;
    let close = rig.send("CLOSE_ALL_POSITIONS", json!({})).await;
    rig.is_executed(&close, LONG).await;
    last.end_cleanly().await;

    let rows = rig.world.command_rows();
    let unreported = rows.iter().filter(|row| !is_final(&row.status)).count();
    let lives = lives(&rig.data());
    let ledger = rig.ledger();
    let (mut lost, mut doubled) = (0, 0);
    for row in &rows {
        let life = lives.get(&row.id).copied().unwrap_or_default();
        lost += usize::from(life.received == 0 || life.ended == 0);
        doubled += usize::from(life.received > 1 || life.ended > 1);
    }
    let opened: Vec<u64> = rows
        .iter()
        .filter(|row| row.command == "OPEN_POSITION" && row.status == "executed")
        .map(|row| row.result.as_ref().unwrap()["ticket"].as_u64().unwrap())
        .collect();
    let (tickets, deals): (BTreeSet<u64>, BTreeSet<u64>) = (
        opened.iter().copied().collect(),
        ledger.entries().into_iter().collect(),
    );
    lost += tickets.difference(&deals).count();
    doubled += deals.difference(&tickets).count();
    doubled += opened.len() - tickets.len();
    doubled += ledger.entries().len() - deals.len();
    let exits: BTreeSet<u64> = ledger.exits().into_iter().collect();
    doubled += ledger.exits().len() - exits.len();
    lost += deals.difference(&exits).count();
    let refused = rows.iter().filter(|row| row.status == "failed");
    let mut reasons: BTreeSet<String> = BTreeSet::new();
    let refused = refused
        .inspect(|row| {
            reasons.insert(format!("{}: {}", row.command, rig.message(&row.id)));
        })
        .count();
    println!(
        "{kills} kills in {:.1} s (seed {seed}), {interrupted} of them between a command's receipt and its settled answer: {} commands, {} deals in, {} deals out, {refused} failed with a reason; lost {lost}, doubled {doubled}, unreported {unreported}",
        killed_after.as_secs_f64(),
        rows.len(),
        deals.len(),
        exits.len(),
    );
    for reason in reasons.iter().take(12) {
        println!("  {reason}");
    }
    assert!(settled.is_some(), "not all rows became final");
    assert_eq!((lost, doubled, unreported), (0, 0, 0));
    assert!(ledger.open().is_empty());
    assert!(deals.len() * 4 > rows.len(), "too few orders to prove much");
    assert!(
        interrupted as u64 * 20 >= kills,
        "too few kills met a command under way to prove much"
    );
}
