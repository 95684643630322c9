//! Channel authorization (Pusher protocol, "Authenticating users"; platform contract, `POST /api/pusher/auth`).
//! Holds no secret: whoever implements [`Authorizer`] does.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What the authorization endpoint answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `key:signature`.
    pub auth: String,
    /// Part of the signed text, so it is forwarded byte for byte, for every kind of channel.
    pub channel_data: Option<String>,
}

/// The signature opens the channel: never shown.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizeError {
    /// 401 or 403.
    #[error("{reason}")]
    Denied { status: u16, reason: String },
    /// Away, overloaded or too slow: the same request may succeed later.
    #[error("{reason}")]
    Retry {
        reason: String,
        after: Option<Duration>,
    },
    /// An answer that is none: HTML, no `auth`, another application's key. The body is never part of the reason.
    #[error("{reason}")]
    Invalid { reason: String },
}

/// Gives signatures for `private-` and `presence-` channels.
pub trait Authorizer: Send + Sync + 'static {
    /// Asked anew for every socket id. The client gives up after [`super::Timing::authorize_within`].
    fn authorize(
        &self,
        socket_id: String,
        channel: String,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizeError>>;

    /// Called once after a refusal, before the one retry: the moment to read credentials again.
    fn refresh(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// The signature of a subscription: hex HMAC-SHA256 over `socket_id:channel` or, with `channel_data`,
/// `socket_id:channel:channel_data`. What a server computes; a client only forwards it.
pub fn sign(secret: &str, socket_id: &str, channel: &str, channel_data: Option<&str>) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(socket_id.as_bytes());
    mac.update(b":");
    mac.update(channel.as_bytes());
    if let Some(data) = channel_data {
        mac.update(b":");
        mac.update(data.as_bytes());
    }
    hex::encode(mac.finalize().into_bytes())
}
