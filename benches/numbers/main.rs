//! The numbers this program promises, measured beside pusher-js on the same server; `benches/run` prints the table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench ends at the first surprise and prints"
)]

use std::process::ExitCode;
mod client;
mod delivery;
mod durable;
mod measure;
mod outage;
mod peers;
mod process;
mod program;
mod replay;
mod server;
mod strategies;
mod table;

const ROWS: [&str; 10] = [
    "delivery",
    "burst",
    "durable",
    "outage",
    "half-open",
    "start",
    "drain",
    "strategies",
    "replay",
    "peers",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    if arguments.first().is_some_and(|word| word == "client") {
        client::run(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    let quick = arguments.iter().any(|word| word == "--quick");
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "--quick")
        .collect();
    if let Some(unknown) = wanted.iter().find(|word| !ROWS.contains(word)) {
        eprintln!("no row is called {unknown}; there are {}", ROWS.join(", "));
        return ExitCode::from(2);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let rows = runtime.block_on(measure_all(quick, &wanted));
    if quick {
        println!("Quick: smaller counts, the figures are only indications.\n");
    }
    table::print(&rows);
    ExitCode::from(u8::from(rows.iter().any(|row| !row.holds)))
}

async fn measure_all(quick: bool, wanted: &[&str]) -> Vec<table::Row> {
    let mut rows = Vec::new();
    for name in ROWS {
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        eprintln!("measuring {name} …");
        match name {
            "delivery" => rows.extend(delivery::latency(quick).await),
            "burst" => rows.push(delivery::burst(quick).await),
            "durable" => rows.push(durable::row(quick).await),
            "outage" => rows.push(outage::back().await),
            "half-open" => rows.push(outage::half_open(quick).await),
            "replay" => rows.extend(replay::rows(quick)),
            "peers" => rows.extend(peers::rows(quick)),
            "start" => rows.push(program::start(quick).await),
            "strategies" => rows.extend(strategies::rows(quick)),
            _ => rows.extend(program::drain(quick).await),
        }
    }
    rows
}
