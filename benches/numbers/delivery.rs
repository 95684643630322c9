//! Events from one server to both clients: how soon one is handled, and how fast many are.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::measure::nanos;
use crate::process::{Kind, Process, client};
use crate::server::{CHANNEL, Peer, Server, frame};
use crate::table::{Row, ratio, shown};

const PATIENCE: Duration = Duration::from_secs(60);

/// A command as the platform sends it, about half a kilobyte. The moment is a text: it does not fit a JavaScript number.
fn command(number: usize) -> Value {
    json!({
        "n": number,
        "t": nanos().to_string(),
        "id": format!("cm{number:023}"),
        "command": "START_STRATEGY",
        "priority": "NORMAL",
        "parameters": {
            "strategyId": "cm00000000000000000000001",
            "strategyName": "Fast averages",
            "symbol": "EURUSD",
            "timeframe": "M15",
            "rules": {"entry": {"logic": "AND", "conditions": [
                {"indicator": "ema_9", "condition": "crosses_above", "value": "ema_21", "description": "BUY: turns up"},
            ]}, "exit": {"stopLoss": {"type": "pips", "value": 12}}},
        },
    })
}

async fn connected(kind: Kind, server: &Server, count: usize, warm: usize) -> (Process, Peer) {
    let port = server.address.port().to_string();
    let arguments = [
        "listen",
        "127.0.0.1",
        &port,
        &count.to_string(),
        &warm.to_string(),
    ];
    let mut process = client(kind, None, &arguments);
    let peer = server.subscribed().await;
    process.json(PATIENCE).await.expect("the client subscribes");
    (process, peer)
}

pub async fn latency(quick: bool) -> Vec<Row> {
    const WARM: usize = 200;
    let count = WARM + if quick { 500 } else { 2_000 };
    let server = Server::on_loopback();
    let (mut ours, mut to_ours) = connected(Kind::Ours, &server, count, WARM).await;
    let (mut theirs, mut to_theirs) = connected(Kind::PusherJs, &server, count, WARM).await;
    for number in 0..count {
        for peer in [&mut to_ours, &mut to_theirs] {
            peer.write(&frame(CHANNEL, "COMMAND", &command(number)))
                .await;
            sleep(Duration::from_millis(1)).await;
        }
    }
    let ours = ours.json(PATIENCE).await.expect("every event arrives");
    let theirs = theirs.json(PATIENCE).await.expect("every event arrives");
    assert_eq!(
        (&ours["disorder"], &theirs["disorder"]),
        (&json!(0), &json!(0))
    );
    ["p50", "p99"]
        .map(|share| {
            let [ours, theirs] =
                [&ours, &theirs].map(|side| Duration::from_nanos(side[share].as_f64().unwrap() as u64));
            let ratio = ratio(ours, theirs);
            Row {
                what: format!("server send → handler, {share}"),
                must_be: "≤ ½ of pusher-js".to_owned(),
                ours: shown(ours),
                theirs: shown(theirs),
                ratio: format!("{ratio:.2}"),
                holds: ratio <= 0.5,
                how: format!(
                    "{} events of {} bytes to each, in turn, 1 ms apart, after {WARM} to warm up; both handlers hold the parsed JSON.",
                    count - WARM,
                    frame(CHANNEL, "COMMAND", &command(0)).len(),
                ),
            }
        })
        .into()
}

struct Burst {
    rate: f64,
    disorder: u64,
    rss: f64,
    peak: f64,
}

/// All frames are made before; the first carries the moment at which the writing starts.
async fn burst_of(kind: Kind, count: usize) -> Burst {
    let server = Server::on_loopback();
    let (mut process, mut peer) = connected(kind, &server, count, 0).await;
    let mut frames: Vec<u8> = Vec::new();
    for number in 0..count {
        frames.extend(frame(CHANNEL, "COMMAND", &command(number)));
    }
    let started = nanos();
    peer.write(&frames).await;
    let said = process.json(PATIENCE).await.expect("every event arrives");
    let number = |key: &str| said[key].as_f64().unwrap();
    Burst {
        rate: count as f64 / ((number("finished") - started as f64) / 1e9),
        disorder: said["disorder"].as_u64().unwrap(),
        rss: number("rss"),
        peak: number("peak"),
    }
}

pub async fn burst(quick: bool) -> Row {
    /// Far above what the client's own limits allow for events of this size, far below the burst's 60 MB.
    const BOUND: f64 = 16.0;
    let count = if quick { 20_000 } else { 100_000 };
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push((
            burst_of(Kind::Ours, count).await,
            burst_of(Kind::PusherJs, count).await,
        ));
    }
    // The middle one of three runs, by ratio.
    pairs.sort_by(|a, b| (a.0.rate / a.1.rate).total_cmp(&(b.0.rate / b.1.rate)));
    let disorder: u64 = pairs.iter().map(|(ours, _)| ours.disorder).sum();
    let (ours, theirs) = &pairs[1];
    let ratio = ours.rate / theirs.rate;
    let grown = ours.peak - ours.rss;
    Row {
        what: format!("burst of {count} events"),
        must_be: "≥ 2 × pusher-js, none lost, none reordered, memory bounded".to_owned(),
        ours: format!(
            "{:.0}/s, {disorder} lost or reordered, peak {:.1} MiB (+{grown:.1})",
            ours.rate, ours.peak
        ),
        theirs: format!(
            "{:.0}/s, {} lost or reordered, peak {:.1} MiB (+{:.1})",
            theirs.rate,
            theirs.disorder,
            theirs.peak,
            theirs.peak - theirs.rss
        ),
        ratio: format!("{ratio:.2}"),
        holds: ratio >= 2.0 && disorder == 0 && grown <= BOUND,
        how: format!(
            "Frames made beforehand, written as fast as the client takes them, each client alone; from the first write to the last handler; the middle of 3 runs; bounded means at most {BOUND} MiB above the memory before the burst."
        ),
    }
}
