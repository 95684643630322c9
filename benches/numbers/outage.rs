//! Connections that fail: how soon they are back, and how soon a dead one is noticed.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::measure::{nanos, percentile};
use crate::process::{Kind, Process, client};
use crate::server::Server;
use crate::table::{Row, ratio, shown};

/// The moments after `start` at which clients say `what`, each client once; fewer when `within` is over first. What was said
/// earlier and only read now does not count.
async fn moments(
    process: &mut Process,
    what: &str,
    start: u64,
    clients: usize,
    within: Duration,
) -> Vec<u64> {
    let deadline = Instant::now() + within;
    let mut heard = std::collections::BTreeMap::new();
    while heard.len() < clients {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(line) = process.json(left).await else {
            break;
        };
        if let Some(at) = line[what].as_u64().filter(|at| *at >= start) {
            heard.entry(line["client"].as_u64()).or_insert(at);
        }
    }
    heard.into_values().collect()
}

fn after(start: u64, moments: &[u64]) -> Vec<Duration> {
    moments
        .iter()
        .map(|at| Duration::from_nanos(at.saturating_sub(start)))
        .collect()
}

/// `clients` of one kind, subscribed at a server that goes away for three seconds; how long after its return each is subscribed.
async fn return_of(kind: Kind, clients: usize) -> Vec<Duration> {
    const AWAY: Duration = Duration::from_secs(3);
    const PATIENCE: Duration = Duration::from_secs(60);
    let server = Server::on_loopback();
    let address = server.address;
    let serving = tokio::spawn(server.serve_all());
    let port = address.port().to_string();
    let mut process = client(
        kind,
        None,
        &["links", "127.0.0.1", &port, &clients.to_string(), "0"],
    );
    let subscribed = moments(&mut process, "subscribed", 0, clients, PATIENCE).await;
    assert_eq!(subscribed.len(), clients, "everyone subscribes at first");
    // Everyone's connection has been up long enough to count as stable.
    sleep(Duration::from_secs(11)).await;
    serving.abort();
    sleep(AWAY).await;
    let back = nanos();
    let serving = tokio::spawn(Server::start(address).serve_all());
    let subscribed = moments(&mut process, "subscribed", back, clients, PATIENCE).await;
    serving.abort();
    let mut took = after(back, &subscribed);
    took.resize(clients, PATIENCE);
    took
}

pub async fn back() -> Row {
    const CLIENTS: usize = 30;
    const GOAL: Duration = Duration::from_secs(2);
    let (ours, theirs) = tokio::join!(
        return_of(Kind::Ours, CLIENTS),
        return_of(Kind::PusherJs, CLIENTS)
    );
    let [ours_p95, theirs_p95] = [&ours, &theirs].map(|took| percentile(took, 0.95));
    Row {
        what: format!("server back after 3 s → subscribed again, p95 of {CLIENTS}"),
        must_be: "≤ 2 s".to_owned(),
        ours: format!(
            "{} (p50 {})",
            shown(ours_p95),
            shown(percentile(&ours, 0.5))
        ),
        theirs: format!(
            "{} (p50 {})",
            shown(theirs_p95),
            shown(percentile(&theirs, 0.5))
        ),
        ratio: format!("{:.2}", ratio(ours_p95, theirs_p95)),
        holds: ours_p95 <= GOAL,
        how: format!(
            "{CLIENTS} independent clients at one server whose connections are cut and whose port is closed for 3 s; from the reopened port to the confirmed subscription."
        ),
    }
}

/// A network namespace joined to this one by a virtual cable that can be made to swallow everything.
struct Island;

impl Island {
    const NAME: &str = "fx-numbers";
    const HERE: &str = "10.213.77.1";
    const THERE: &str = "10.213.77.2";
    const NOBODY: &str = "02:00:00:00:00:99";

    fn build() -> Result<Self, String> {
        ip(&["netns", "add", Self::NAME])?;
        let island = Self;
        let inside = ["-n", Self::NAME];
        ip(&[
            "link",
            "add",
            "fxn-here",
            "type",
            "veth",
            "peer",
            "name",
            "fxn-there",
            "netns",
            Self::NAME,
        ])?;
        ip(&[
            "addr",
            "add",
            &format!("{}/30", Self::HERE),
            "dev",
            "fxn-here",
        ])?;
        ip(&["link", "set", "fxn-here", "up"])?;
        ip(&[
            &inside[..],
            &[
                "addr",
                "add",
                &format!("{}/30", Self::THERE),
                "dev",
                "fxn-there",
            ],
        ]
        .concat())?;
        ip(&[&inside[..], &["link", "set", "fxn-there", "up"]].concat())?;
        Ok(island)
    }

    /// From now on every packet goes to a network card that nobody has: sent, and silently lost, both ways.
    fn swallow(&self) -> Result<(), String> {
        let lost = |to, cable| {
            [
                "neigh",
                "replace",
                to,
                "lladdr",
                Self::NOBODY,
                "dev",
                cable,
                "nud",
                "permanent",
            ]
        };
        ip(&lost(Self::THERE, "fxn-here"))?;
        ip(&[&["-n", Self::NAME][..], &lost(Self::HERE, "fxn-there")].concat())
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        if let Err(error) = ip(&["netns", "del", Self::NAME]) {
            eprintln!("{error}");
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), said.trim()))
}

pub async fn half_open(quick: bool) -> Row {
    const CLIENTS: usize = 20;
    const GOAL: Duration = Duration::from_secs(25);
    let what = "half-open (packets silently dropped) → noticed, slowest".to_owned();
    let must_be = "≤ 25 s".to_owned();
    let island = match Island::build() {
        Ok(island) => island,
        Err(error) => {
            return Row {
                what,
                must_be,
                ours: "not measured".to_owned(),
                theirs: String::new(),
                ratio: String::new(),
                holds: false,
                how: format!("It needs a network namespace (root and iproute2): {error}"),
            };
        }
    };
    let here: SocketAddr = format!("{}:0", Island::HERE).parse().unwrap();
    let server = Server::start(here);
    let port = server.address.port().to_string();
    let serving = tokio::spawn(server.serve_all());
    let count = CLIENTS.to_string();
    let arguments = ["links", Island::HERE, &port, &count, "0"];
    let mut processes = Vec::new();
    for kind in [Kind::Ours, Kind::PusherJs] {
        let mut process = client(kind, Some(Island::NAME), &arguments);
        let subscribed = moments(
            &mut process,
            "subscribed",
            0,
            CLIENTS,
            Duration::from_secs(20),
        )
        .await;
        assert_eq!(subscribed.len(), CLIENTS, "everyone subscribes at first");
        processes.push(process);
    }
    sleep(Duration::from_secs(2)).await;
    island.swallow().unwrap();
    let cut = nanos();
    let mut ours = after(
        cut,
        &moments(
            &mut processes[0],
            "lost",
            cut,
            CLIENTS,
            Duration::from_secs(40),
        )
        .await,
    );
    let patience = Duration::from_secs(if quick { 1 } else { 130 });
    let mut theirs = after(
        cut,
        &moments(&mut processes[1], "lost", cut, CLIENTS, patience).await,
    );
    serving.abort();
    let waited = Duration::from_nanos(nanos() - cut);
    let shown_slowest = |took: &[Duration]| {
        if took.len() == CLIENTS {
            shown(percentile(took, 1.0))
        } else {
            format!("not within {}", shown(waited))
        }
    };
    let (ours_shown, theirs_shown) = (shown_slowest(&ours), shown_slowest(&theirs));
    ours.resize(CLIENTS, waited);
    theirs.resize(CLIENTS, waited);
    let slowest = percentile(&ours, 1.0);
    Row {
        what,
        must_be,
        ours: ours_shown,
        theirs: theirs_shown,
        ratio: format!("{:.2}", ratio(slowest, percentile(&theirs, 1.0))),
        holds: slowest <= GOAL,
        how: format!(
            "{CLIENTS} clients of each kind in a network namespace; the neighbour entries on both ends of the cable are turned to a card that does not exist, so packets leave and nothing ever answers or refuses."
        ),
    }
}
