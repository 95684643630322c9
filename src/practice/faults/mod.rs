//! Faults that can be switched on: what goes wrong, where, and how often.
//!
//! The servers ask "is there a fault for this call?" at their own door; nothing here touches a socket.
//! At most [`MAX_FAULTS`] stand at a time.

mod http;
mod request;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub(super) use http::apply as apply_http;

use super::gate::Gate;

/// Standing faults at a time; one more is refused.
pub const MAX_FAULTS: usize = 64;

/// The longest that any fault holds a connection; longer wishes are cut to this.
pub(super) const LONGEST: Duration = Duration::from_secs(600);

/// The calls that a fault can be put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// `GET /api/executor/config`
    Config,
    /// `POST /api/pusher/auth`
    PusherAuth,
    /// `POST /api/executor/{id}/heartbeat`
    Heartbeat,
    /// `PATCH /api/executor/{id}/command`
    CommandReport,
    /// `GET /api/executor/{id}/active-strategies`
    ActiveStrategies,
    /// `GET /api/health`
    Health,
    /// `GET /api/market/…`
    Market,
    /// The Pusher server's REST API, which the platform publishes through.
    PusherRest,
    /// Each of the platform's calls above (not the Pusher server's REST API).
    Any,
}

/// What goes wrong with an HTTP call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "fault",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum HttpFault {
    /// Answers this status with a JSON error, and `Retry-After` in seconds if asked; nothing is processed.
    Status {
        status: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// Answers 200 with an HTML page, as a captive portal does; nothing is processed.
    Html,
    /// Answers 200 with an empty body; nothing is processed.
    Empty,
    /// Waits first, then processes and answers as always.
    Slow { ms: u64 },
    /// Resets the TCP connection; nothing is processed.
    Reset,
    /// Processes the call, then resets the connection instead of answering.
    LostAnswer,
    /// Takes the request and never answers; nothing is processed.
    Hang,
}

/// What goes wrong at the Pusher server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "fault",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum PusherFault {
    /// Resets a connection without a close frame: open ones at once, else the next to open.
    Drop,
    /// Closes a connection with this code: open ones at once, else the next to open.
    Close {
        code: u16,
        #[serde(default)]
        reason: String,
    },
    /// Answers a subscription of a private channel with Pusher's invalid-signature error.
    RejectSignature,
    /// Holds every event for a connection this long before it is sent.
    Delay { ms: u64 },
    /// Accepts an event from the publisher and delivers it to nobody.
    LoseEvent,
}

/// Which server's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    Platform,
    Pusher,
}

/// A fault and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fault {
    Http {
        on: Call,
        #[serde(flatten)]
        fault: HttpFault,
    },
    Pusher {
        on: Server,
        #[serde(flatten)]
        fault: PusherFault,
    },
}

/// A fault that is switched on. `left` = uses left, absent = until cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StandingFault {
    pub id: u64,
    #[serde(flatten)]
    pub fault: Fault,
    pub left: Option<u32>,
    pub used: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("{MAX_FAULTS} faults are switched on already; clear some first")]
    TooMany,
    #[error("this fault cannot be read: {0}")]
    Unreadable(String),
}

/// The handle on all faults of one practice world. Clones are the same world.
#[derive(Clone, Debug)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    standing: Mutex<Vec<StandingFault>>,
    platform: Gate,
    pusher: Gate,
    /// How wrong the platform's clock is, in milliseconds; positive = fast.
    clock_error_ms: AtomicI64,
    /// Counts changes, so that open Pusher connections notice a new fault.
    changed: watch::Sender<u64>,
    /// The world's own count, for whoever waits for anything to change.
    world: watch::Sender<u64>,
}

impl Faults {
    pub(super) fn new(platform: Gate, pusher: Gate, world: watch::Sender<u64>) -> Self {
        Self {
            shared: Arc::new(Shared {
                standing: Mutex::new(Vec::new()),
                platform,
                pusher,
                clock_error_ms: AtomicI64::new(0),
                changed: watch::Sender::new(0),
                world,
            }),
        }
    }

    /// Puts a fault on a platform call: for `times` calls, or until cleared.
    pub fn http(&self, on: Call, fault: HttpFault, times: Option<u32>) -> Result<u64, FaultError> {
        self.add(Fault::Http { on, fault }, times)
    }

    /// Puts a fault on the Pusher server: for `times` connections, subscriptions or events, or until cleared.
    pub fn pusher(&self, fault: PusherFault, times: Option<u32>) -> Result<u64, FaultError> {
        self.add(
            Fault::Pusher {
                on: Server::Pusher,
                fault,
            },
            times,
        )
    }

    /// Closes a server's port (connection refused) or opens it again. Open connections stay.
    pub fn refuse(&self, server: Server, on: bool) {
        self.gate(server).refuse(on);
        self.bump();
    }

    /// A frozen server accepts bytes and answers nothing, on open connections and new ones.
    pub fn freeze(&self, server: Server, on: bool) {
        self.gate(server).freeze(on);
        self.bump();
    }

    /// Sets the platform's clock wrong: every time it writes is off by this much. Positive = fast.
    pub fn set_clock_error(&self, milliseconds: i64) {
        self.shared
            .clock_error_ms
            .store(milliseconds, Ordering::Relaxed);
        self.bump();
    }

    pub fn clock_error(&self) -> SignedDuration {
        SignedDuration::from_millis(self.shared.clock_error_ms.load(Ordering::Relaxed))
    }

    /// Switches everything off, opens both doors and sets the clock right.
    pub fn clear(&self) {
        self.set_clock_error(0);
        self.standing().clear();
        for server in [Server::Platform, Server::Pusher] {
            self.gate(server).refuse(false);
            self.gate(server).freeze(false);
        }
        self.bump();
    }

    /// Switches one fault off; `false` if there is none with this id.
    pub fn clear_one(&self, id: u64) -> bool {
        let mut standing = self.standing();
        let before = standing.len();
        standing.retain(|fault| fault.id != id);
        let found = standing.len() < before;
        drop(standing);
        self.bump();
        found
    }

    pub fn list(&self) -> Vec<StandingFault> {
        self.standing().clone()
    }

    /// `(refusing, frozen)` of a server.
    pub fn door(&self, server: Server) -> (bool, bool) {
        self.gate(server).state()
    }

    pub(super) fn gate(&self, server: Server) -> &Gate {
        match server {
            Server::Platform => &self.shared.platform,
            Server::Pusher => &self.shared.pusher,
        }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    pub(super) fn take_http(&self, call: Call) -> Option<HttpFault> {
        self.take(|fault| match fault {
            Fault::Http { on, fault } => (*on == call
                || (*on == Call::Any && call != Call::PusherRest))
                .then(|| fault.clone()),
            Fault::Pusher { .. } => None,
        })
    }

    pub(super) fn take_pusher<T>(&self, wanted: impl Fn(&PusherFault) -> Option<T>) -> Option<T> {
        self.take(|fault| match fault {
            Fault::Pusher { fault, .. } => wanted(fault),
            Fault::Http { .. } => None,
        })
    }

    /// The oldest fault that `wanted` recognises, with one use taken off.
    fn take<T>(&self, wanted: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut standing = self.standing();
        let (index, found) = standing
            .iter()
            .enumerate()
            .find_map(|(index, entry)| wanted(&entry.fault).map(|found| (index, found)))?;
        let entry = standing.get_mut(index)?;
        entry.used = entry.used.saturating_add(1);
        if let Some(left) = &mut entry.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                standing.remove(index);
            }
        }
        Some(found)
    }

    fn add(&self, fault: Fault, times: Option<u32>) -> Result<u64, FaultError> {
        if times == Some(0) {
            return Err(FaultError::Unreadable("times is 0".to_owned()));
        }
        let mut standing = self.standing();
        if standing.len() >= MAX_FAULTS {
            return Err(FaultError::TooMany);
        }
        let id = self.shared.changed.borrow().saturating_add(1);
        standing.push(StandingFault {
            id,
            fault,
            left: times,
            used: 0,
        });
        self.bump();
        Ok(id)
    }

    fn bump(&self) {
        self.shared.changed.send_modify(|count| *count += 1);
        self.shared.world.send_modify(|count| *count += 1);
    }

    fn standing(&self) -> MutexGuard<'_, Vec<StandingFault>> {
        self.shared
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn faults() -> Faults {
        Faults::new(
            Gate::new(CancellationToken::new()),
            Gate::new(CancellationToken::new()),
            watch::Sender::new(0),
        )
    }

    #[test]
    fn a_counted_fault_ends_after_its_uses() {
        let faults = faults();
        faults
            .http(Call::Heartbeat, HttpFault::Html, Some(2))
            .unwrap();
        assert_eq!(faults.take_http(Call::Config), None);
        assert_eq!(faults.take_http(Call::Heartbeat), Some(HttpFault::Html));
        assert_eq!(faults.take_http(Call::Heartbeat), Some(HttpFault::Html));
        assert_eq!(faults.take_http(Call::Heartbeat), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn any_covers_the_platform_but_not_the_publishing_side_of_pusher() {
        let faults = faults();
        faults.http(Call::Any, HttpFault::Reset, None).unwrap();
        assert_eq!(faults.take_http(Call::PusherAuth), Some(HttpFault::Reset));
        assert_eq!(faults.take_http(Call::PusherRest), None);
        faults.clear();
        assert_eq!(faults.take_http(Call::PusherAuth), None);
    }

    #[test]
    fn the_control_api_reads_every_fault() {
        let faults = faults();
        for request in [
            json!({"on":"config","fault":"status","status":503,"times":1}),
            json!({"on":"pusher-auth","fault":"html"}),
            json!({"on":"heartbeat","fault":"empty"}),
            json!({"on":"command-report","fault":"slow","ms":20}),
            json!({"on":"any","fault":"reset"}),
            json!({"on":"command-report","fault":"lost-answer"}),
            json!({"on":"pusher-rest","fault":"hang"}),
            json!({"on":"pusher","fault":"drop"}),
            json!({"on":"pusher","fault":"close","code":4200}),
            json!({"on":"pusher","fault":"reject-signature","times":3}),
            json!({"on":"pusher","fault":"delay","ms":5}),
            json!({"on":"pusher","fault":"lose-event"}),
        ] {
            faults.read(&request).unwrap();
        }
        assert_eq!(faults.list().len(), 12);
        faults
            .read(&json!({"on":"pusher","fault":"refuse"}))
            .unwrap();
        assert_eq!(faults.door(Server::Pusher), (true, false));
        for wrong in [
            json!({}),
            json!({"on":"nowhere","fault":"html"}),
            json!({"on":"config","fault":"explode"}),
            json!({"on":"config","fault":"html","times":0}),
            json!({"on":"platform","fault":"html"}),
        ] {
            assert!(faults.read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn faults_are_bounded() {
        let faults = faults();
        for _ in 0..MAX_FAULTS {
            faults.http(Call::Any, HttpFault::Html, None).unwrap();
        }
        assert_eq!(
            faults.http(Call::Any, HttpFault::Html, None),
            Err(FaultError::TooMany)
        );
    }
}
