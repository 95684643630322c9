//! The steps: settings, name, port, TLS, configuration, clock, signature, Pusher, subscription, heartbeat.

use std::time::Duration;

use rustls::pki_types::ServerName;
use secrecy::SecretString;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::subscription::subscribe;
use super::{Check, Patient};
use crate::logs::Redactor;
use crate::net::proxy::ProxySetting;
use crate::platform::{
    BeatMetadata, BeatStatus, CallError, ChannelAuth, FetchedConfig, PlatformClient, owner_of,
};
use crate::settings::{PusherTarget, Resolved, Settings};

/// Clocks may differ so much before it is worth a word.
const CLOCK_TOLERANCE_SECS: i64 = 2;
/// A socket id for signatures that nobody will use.
const SOCKET_ID: &str = "1.1";

/// What came of one step, before it is timed.
pub(super) struct Finding {
    ok: bool,
    detail: String,
    remedy: String,
}

pub(super) fn fine(detail: impl Into<String>) -> Finding {
    Finding {
        ok: true,
        detail: detail.into(),
        remedy: String::new(),
    }
}

pub(super) fn wrong(detail: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        ok: false,
        detail: detail.into(),
        remedy: remedy.into(),
    }
}

fn call_wrong(error: &CallError) -> Finding {
    wrong(error.to_string(), error.remedy())
}

/// One examination under way.
struct Walk<'a> {
    tell: &'a mut dyn FnMut(Check),
    limit: Duration,
    /// The step that failed and that others need.
    broken: Option<String>,
}

impl Walk<'_> {
    /// Runs a step within the limit and tells it. A failed step that others need keeps them from being tried.
    async fn step<T>(
        &mut self,
        title: &str,
        needed: bool,
        work: impl Future<Output = (Finding, Option<T>)>,
    ) -> Option<T> {
        if let Some(before) = &self.broken {
            let detail = format!("not tried, because \"{before}\" failed");
            (self.tell)(Check {
                title: title.to_owned(),
                ok: None,
                detail,
                remedy: String::new(),
                took: Duration::ZERO,
            });
            return None;
        }
        let started = Instant::now();
        let (finding, value) = timeout(self.limit, work).await.unwrap_or_else(|_| {
            let detail = format!("no answer within {} s", self.limit.as_secs());
            (
                wrong(
                    detail,
                    "Check the network, the firewall and the proxy setting.",
                ),
                None,
            )
        });
        if !finding.ok && needed {
            self.broken = Some(title.to_owned());
        }
        (self.tell)(Check {
            title: title.to_owned(),
            ok: Some(finding.ok),
            detail: finding.detail,
            remedy: finding.remedy,
            took: started.elapsed(),
        });
        value
    }
}

/// Runs all steps in the order in which a command needs them.
pub(super) async fn examine(patient: &Patient<'_>, limit: Duration, tell: &mut dyn FnMut(Check)) {
    let settings = &patient.settings;
    let redactor = redactor_of(settings);
    let mut tell = |check: Check| tell(without_secrets(&check, &redactor));
    let mut walk = Walk {
        tell: &mut tell,
        limit,
        broken: None,
    };
    let source = patient.source;
    walk.step("Settings", true, async {
        (settings_finding(settings, source), Some(()))
    })
    .await;
    let host = settings
        .platform_url
        .host_str()
        .unwrap_or_default()
        .to_owned();
    let port = settings.platform_url.port_or_known_default().unwrap_or(443);
    let tls = settings.platform_url.scheme() == "https";
    if is_direct(settings, tls, &host, port) {
        reach(&mut walk, "Platform", &host, port, tls).await;
    }
    let client = walk
        .step("HTTP client", true, async { client_of(settings) })
        .await;
    let fetched = walk
        .step("Platform: configuration call", true, fetch(client.as_ref()))
        .await;
    walk.step("Clock", false, async {
        (clock_finding(fetched.as_ref()), Some(()))
    })
    .await;
    let resolved = settings.resolve(fetched.as_ref());
    walk.step("Executor id", true, async {
        (id_finding(&resolved, fetched.as_ref()), Some(()))
    })
    .await;
    walk.step(
        "Platform: channel signature",
        true,
        sign(client.as_ref(), &resolved),
    )
    .await;
    walk.step(
        "Platform: heartbeat",
        false,
        beat(client.as_ref(), &resolved),
    )
    .await;
    let target = walk
        .step("Pusher: address", true, async { target_of(&resolved) })
        .await;
    if let Some(target) = &target
        && is_direct(settings, target.tls, &target.host, target.port)
    {
        reach(&mut walk, "Pusher", &target.host, target.port, target.tls).await;
    }
    walk.step(
        "Pusher: subscription",
        true,
        subscribe(client, settings, &resolved, target),
    )
    .await;
}

/// Behind a proxy, name and port are the proxy's business; a wrong proxy is told by the HTTP client's own step.
fn is_direct(settings: &Settings, tls: bool, host: &str, port: u16) -> bool {
    matches!(settings.proxy.resolve(tls, host, port), Ok(None))
}

pub(super) fn redactor_of(settings: &Settings) -> Redactor {
    let redactor = Redactor::default();
    redactor.register(&settings.credentials.api_key);
    redactor.register(&settings.credentials.api_secret);
    if let ProxySetting::Address(address) = &settings.proxy {
        redactor.register(&SecretString::from(address.as_str()));
    }
    redactor
}

/// What the other side says may hold what it was sent.
pub(super) fn without_secrets(check: &Check, redactor: &Redactor) -> Check {
    let clean = |text: &str| redactor.clean(text).into_owned();
    Check {
        title: clean(&check.title),
        detail: clean(&check.detail),
        remedy: clean(&check.remedy),
        ..*check
    }
}

fn settings_finding(settings: &Settings, source: &str) -> Finding {
    fine(format!(
        "{source}: complete; the platform is {}",
        settings.platform_url
    ))
}

/// Name, port and TLS of one server, each on its own, so that the first cause is named.
async fn reach(walk: &mut Walk<'_>, whose: &str, host: &str, port: u16, tls: bool) {
    let addresses = walk
        .step(&format!("{whose}: name {host}"), true, async {
            match tokio::net::lookup_host((host, port))
                .await
                .map(Iterator::collect::<Vec<_>>)
            {
                Ok(found) if !found.is_empty() => {
                    let words: Vec<String> = found
                        .iter()
                        .map(|address| address.ip().to_string())
                        .collect();
                    (fine(words.join(", ")), Some(found))
                }
                Ok(_) => (
                    wrong(
                        "the name has no address",
                        "Check the spelling of the address.",
                    ),
                    None,
                ),
                Err(error) => (
                    wrong(
                        format!("the name cannot be resolved: {error}"),
                        "Check the spelling of the address, and the network's DNS.",
                    ),
                    None,
                ),
            }
        })
        .await
        .unwrap_or_default();
    let stream = walk
        .step(&format!("{whose}: port {port}"), true, async {
            match TcpStream::connect(&addresses[..]).await {
                Ok(stream) => (fine("open"), Some(stream)),
                Err(error) => (
                    wrong(
                        format!("no connection to {host}:{port}: {error}"),
                        "Check that the server runs, and that no firewall blocks this port.",
                    ),
                    None,
                ),
            }
        })
        .await;
    if tls {
        walk.step(&format!("{whose}: TLS"), true, handshake(host, stream))
            .await;
    }
}

async fn handshake(host: &str, stream: Option<TcpStream>) -> (Finding, Option<()>) {
    const REMEDY: &str = "Check this computer's clock and its trusted certificates; a virus scanner or company proxy may be intercepting the connection.";
    let Some(stream) = stream else {
        return (wrong("no connection", REMEDY), None);
    };
    let config = match crate::net::tls::client_config() {
        Ok(config) => config,
        Err(error) => return (wrong(error.to_string(), REMEDY), None),
    };
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return (
            wrong(
                format!("{host} is not a name that TLS knows"),
                "Correct the address.",
            ),
            None,
        );
    };
    match tokio_rustls::TlsConnector::from(config)
        .connect(name, stream)
        .await
    {
        Ok(_) => (fine("the certificate is trusted"), Some(())),
        Err(error) => (
            wrong(format!("the secure connection fails: {error}"), REMEDY),
            None,
        ),
    }
}

fn client_of(settings: &Settings) -> (Finding, Option<PlatformClient>) {
    let made = crate::net::tls::client_config()
        .map_err(|error| error.to_string())
        .and_then(|tls| {
            PlatformClient::new(
                &settings.platform_url,
                &settings.credentials,
                &tls,
                &settings.proxy,
            )
            .map_err(|error| error.to_string())
        });
    match made {
        Ok(client) => (fine("ready"), Some(client)),
        Err(error) => (
            wrong(error, "Correct the address or the proxy in Settings."),
            None,
        ),
    }
}

async fn fetch(client: Option<&PlatformClient>) -> (Finding, Option<FetchedConfig>) {
    let Some(client) = client else {
        return (wrong("no client", ""), None);
    };
    match client.config().await {
        Ok(fetched) => {
            let words = format!(
                "this is executor \"{}\" ({}); answered in {} ms",
                fetched.config.executor_name,
                fetched.config.executor_id,
                fetched.latency.as_millis()
            );
            (fine(words), Some(fetched))
        }
        Err(error) => (call_wrong(&error), None),
    }
}

fn clock_finding(fetched: Option<&FetchedConfig>) -> Finding {
    let Some(offset) = fetched.and_then(|fetched| fetched.clock_offset) else {
        return wrong(
            "the platform does not tell its time",
            "Nothing to do here; expiry is judged by this computer's clock.",
        );
    };
    let text = format!(
        "the platform is {:.1} s {}",
        offset.as_secs_f64().abs(),
        if offset.is_negative() {
            "behind"
        } else {
            "ahead"
        }
    );
    if offset.as_secs().abs() <= CLOCK_TOLERANCE_SECS {
        fine(text)
    } else {
        wrong(text, "Switch on automatic time in the system's settings.")
    }
}

fn id_finding(resolved: &Resolved, fetched: Option<&FetchedConfig>) -> Finding {
    let told = fetched.map(|fetched| fetched.config.executor_id.as_str());
    match (resolved.executor_id.as_deref(), told) {
        (Some(id), Some(told)) if id != told => wrong(
            format!("the file says {id}, but this key belongs to {told}"),
            "Clear executorId in Settings; the platform tells it by itself.",
        ),
        (Some(id), _) => fine(id),
        (None, _) => wrong("unknown", "Check the API key; the platform tells the id."),
    }
}

pub(super) fn channel(resolved: &Resolved) -> String {
    format!(
        "private-executor-{}",
        resolved.executor_id.as_deref().unwrap_or_default()
    )
}

async fn sign(client: Option<&PlatformClient>, resolved: &Resolved) -> (Finding, Option<()>) {
    let Some(client) = client else {
        return (wrong("no client", ""), None);
    };
    match client.authorize(SOCKET_ID, &channel(resolved)).await {
        Ok(auth) => (signature_finding(&auth, resolved), Some(())),
        Err(error) => (call_wrong(&error), None),
    }
}

/// `key:hex`, with our Pusher key and 64 hex digits (Pusher: authentication signatures).
fn signature_finding(auth: &ChannelAuth, resolved: &Resolved) -> Finding {
    const REMEDY: &str =
        "Check pusherKey in Settings, and the platform's own Pusher settings (its administrator).";
    let Some((key, digest)) = auth.auth.split_once(':') else {
        return wrong("the signature is not of the form key:digest", REMEDY);
    };
    if let Some(target) = &resolved.pusher
        && key != target.key
    {
        return wrong(
            format!(
                "the platform signs for Pusher app {key}, the settings name {}",
                target.key
            ),
            REMEDY,
        );
    }
    if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return wrong("the signature's digest is not 64 hex digits", REMEDY);
    }
    let owner = auth.channel_data.as_deref().and_then(owner_of);
    fine(owner.map_or_else(
        || "given".to_owned(),
        |owner| format!("given; the owner is {owner}"),
    ))
}

async fn beat(client: Option<&PlatformClient>, resolved: &Resolved) -> (Finding, Option<()>) {
    let (Some(client), Some(id)) = (client, resolved.executor_id.as_deref()) else {
        return (wrong("no executor id", ""), None);
    };
    match client
        .heartbeat(id, BeatStatus::Online, &BeatMetadata::default())
        .await
    {
        Ok(answer) => (
            fine(format!(
                "answered in {} ms; {} commands waiting{}",
                answer.latency.as_millis(),
                answer.rows.len(),
                if answer.more_waiting() {
                    " (and more)"
                } else {
                    ""
                }
            )),
            Some(()),
        ),
        Err(error) => (call_wrong(&error), None),
    }
}

fn target_of(resolved: &Resolved) -> (Finding, Option<PusherTarget>) {
    match &resolved.pusher {
        Some(target) => {
            let scheme = if target.tls { "wss" } else { "ws" };
            (
                fine(format!(
                    "{scheme}://{}:{}{}",
                    target.host, target.port, target.path
                )),
                Some(target.clone()),
            )
        }
        None => (
            wrong(
                "neither the settings nor the platform name a Pusher key and cluster",
                "Ask the platform's administrator; or fill in pusherKey and pusherCluster.",
            ),
            None,
        ),
    }
}
