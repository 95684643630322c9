//! Reads what the control API is sent and switches it on.

use std::time::Duration;

use serde_json::Value;

use super::{FaultError, Faults, LONGEST, Server};

impl Faults {
    /// Reads a request of the control API and switches its fault on:
    /// `{"on":"heartbeat","fault":"status","status":429,"times":2}`, `{"on":"pusher","fault":"close","code":4200}`,
    /// `{"on":"pusher","fault":"freeze","ms":3000}`, `{"on":"platform","fault":"clock","ms":-30000}`.
    pub(in crate::practice) fn read(&self, request: &Value) -> Result<(), FaultError> {
        let unreadable = |error: serde_json::Error| FaultError::Unreadable(error.to_string());
        let on = request.get("on").cloned().unwrap_or_default();
        let times = serde_json::from_value(request.get("times").cloned().unwrap_or_default())
            .map_err(unreadable)?;
        if let Ok(server) = serde_json::from_value::<Server>(on.clone()) {
            let ms = request.get("ms").and_then(Value::as_i64);
            match (request.get("fault").and_then(Value::as_str), server) {
                (Some("refuse"), _) => self.shut(server, Self::refuse, ms),
                (Some("freeze"), _) => self.shut(server, Self::freeze, ms),
                (Some("clock"), Server::Platform) => self.set_clock_error(ms.unwrap_or(0)),
                (_, Server::Pusher) => {
                    let fault = serde_json::from_value(request.clone()).map_err(unreadable)?;
                    self.pusher(fault, times)?;
                }
                (_, Server::Platform) => {
                    let text = "\"platform\" takes refuse, freeze and clock; others need a call or \"any\"";
                    return Err(FaultError::Unreadable(text.to_owned()));
                }
            }
            return Ok(());
        }
        let on = serde_json::from_value(on).map_err(unreadable)?;
        let fault = serde_json::from_value(request.clone()).map_err(unreadable)?;
        self.http(on, fault, times).map(|_| ())
    }

    /// Shuts a server's door, for a time if one is given.
    fn shut(&self, server: Server, how: fn(&Self, Server, bool), ms: Option<i64>) {
        how(self, server, true);
        let wait = match (ms.and_then(|ms| u64::try_from(ms).ok()), server) {
            (Some(ms), _) => Duration::from_millis(ms).min(LONGEST),
            // Whoever shuts the platform shuts out the control API too, so it opens again by itself.
            (None, Server::Platform) => Duration::from_secs(10),
            (None, _) => return,
        };
        let faults = self.clone();
        tokio::spawn(async move {
            faults.gate(server).pause(wait).await;
            how(&faults, server, false);
        });
    }
}
