//! This program's Pusher client in a process of its own, doing what `pusher_js.cjs` does with the other, on a runtime
//! like the engine's.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use fx_executor::net::{proxy::ProxySetting, tls};
use fx_executor::pusher::{
    self, Authorization, AuthorizeError, Authorizer, Client, ConnectionState, Endpoint, Event,
    Timing,
};
use serde_json::{Value, json};

use crate::measure::{memory, nanos, percentile};
use crate::server::{CHANNEL, KEY};

/// The channel is public, so nobody asks.
struct Nobody;

impl Authorizer for Nobody {
    fn authorize(
        &self,
        _: String,
        _: String,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizeError>> {
        std::future::pending().boxed()
    }
}

fn say(line: &Value) {
    println!("{line}");
}

fn connect(host: &str, port: &str) -> Client {
    let endpoint = Endpoint {
        key: KEY.to_owned(),
        host: host.to_owned(),
        port: port.parse().unwrap(),
        tls: false,
        path: String::new(),
        proxy: ProxySetting::None,
    };
    pusher::spawn(
        endpoint,
        Timing::default(),
        Arc::new(Nobody),
        tls::client_config().unwrap(),
        vec![CHANNEL.to_owned()],
    )
}

pub fn run(arguments: &[String]) {
    let [mode, host, port, count, warm] = arguments else {
        panic!("client MODE HOST PORT COUNT WARM, not {arguments:?}");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let count = count.parse().unwrap();
        match mode.as_str() {
            // A task of its own, as the engine's listener is.
            "listen" => tokio::spawn(listen(connect(host, port), count, warm.parse().unwrap()))
                .await
                .unwrap(),
            _ => links(host, port, count).await,
        }
    });
}

async fn listen(mut client: Client, count: usize, warm: usize) {
    let mut took = Vec::with_capacity(count);
    let mut disorder = 0;
    let mut rss = 0.0;
    let mut finished = 0;
    while took.len() < count {
        match client.events.recv().await.unwrap() {
            Event::Subscribed { .. } => {
                rss = memory(std::process::id(), "VmRSS");
                say(&json!({"subscribed": nanos()}));
            }
            // pusher-js hands its handler the parsed object, so ours is timed with it in hand too.
            Event::Message { data, .. } => {
                let command: Value = serde_json::from_str(&data).unwrap();
                finished = nanos();
                disorder += u64::from(command["n"] != took.len());
                let sent: u64 = command["t"].as_str().unwrap().parse().unwrap();
                took.push(Duration::from_nanos(finished.saturating_sub(sent)));
            }
            Event::Dropped { messages } => disorder += messages,
            _ => {}
        }
    }
    let nanos_at = |share| percentile(&took[warm..], share).as_nanos() as u64;
    say(&json!({
        "p50": nanos_at(0.5), "p99": nanos_at(0.99), "disorder": disorder, "finished": finished,
        "rss": rss, "peak": memory(std::process::id(), "VmHWM"),
    }));
}

async fn links(host: &str, port: &str, count: usize) {
    let mut watchers = tokio::task::JoinSet::new();
    for number in 0..count {
        watchers.spawn(watch(number, connect(host, port)));
    }
    watchers.join_all().await;
}

async fn watch(number: usize, mut client: Client) {
    let mut connected = false;
    while let Some(event) = client.events.recv().await {
        match event {
            Event::Subscribed { .. } => say(&json!({"client": number, "subscribed": nanos()})),
            Event::State(change) => {
                let now_connected = change.state == ConnectionState::Connected;
                if connected && !now_connected {
                    say(&json!({"client": number, "lost": nanos()}));
                }
                connected = now_connected;
            }
            _ => {}
        }
    }
}
