//! What can go wrong with a call, in types for the program and in words for the trader.
//!
//! An error holds a status, the platform's error code and our own words. It must never hold a header, a body, a query
//! or anything else that could carry a secret.

use std::fmt;
use std::time::Duration;

/// Which call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Config,
    Authorize,
    Heartbeat,
    Report,
    Health,
}

impl Call {
    pub const ALL: [Self; 5] = [
        Self::Config,
        Self::Authorize,
        Self::Heartbeat,
        Self::Report,
        Self::Health,
    ];

    /// The call's name in a sentence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "fetching the executor's configuration",
            Self::Authorize => "the channel authorization",
            Self::Heartbeat => "the heartbeat",
            Self::Report => "reporting a command's status",
            Self::Health => "the health check",
        }
    }
}

/// A call that got no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    pub call: Call,
    pub kind: CallErrorKind,
    /// The platform's error code (`INVALID_CREDENTIALS`), when it sent one.
    pub code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// 400 or 422.
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404 with a JSON body: the platform knows the call, but not the thing asked for.
    NotFound,
    /// 405: the address answers, but not to this call.
    MethodNotAllowed,
    /// 429
    RateLimited { retry_after: Option<Duration> },
    /// 5xx
    Server {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// Another status that the contract does not name.
    Unexpected { status: u16 },
    /// 3xx; `to` is origin and path without a query.
    Redirected { to: String },
    /// An answer without a JSON content type: a web page, an empty body, a gateway's text.
    NotJson {
        status: u16,
        content_type: Option<String>,
    },
    /// The body is larger than any honest answer.
    TooLarge { limit: usize },
    /// No complete answer in time.
    Timeout,
    /// No connection.
    Connect(ConnectProblem),
    /// The connection ended before the answer was complete.
    Interrupted,
    /// JSON, but not what the contract says; `what` names the missing or wrong part.
    InvalidAnswer { what: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectProblem {
    /// The host name has no address.
    Dns,
    /// Nobody listens there.
    Refused,
    /// The certificate or the handshake was not accepted; the reason in words.
    Tls(String),
    /// The proxy is away or refuses.
    Proxy,
    /// Any other reason.
    Other(String),
}

/// What a failure means for the one who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Try again later, with back-off.
    Retry,
    /// The key may have been revoked: go on trying, and once it repeats stop new entries and tell the trader.
    Revoked,
    /// Repeating the same call cannot help.
    Permanent,
}

impl CallError {
    pub(super) const fn new(call: Call, kind: CallErrorKind) -> Self {
        Self {
            call,
            kind,
            code: None,
        }
    }

    /// What the failure means (contract T3, T7, C8).
    pub const fn class(&self) -> Class {
        match (&self.kind, self.call) {
            (CallErrorKind::Unauthorized, Call::Report | Call::Health) => Class::Retry,
            (CallErrorKind::Unauthorized, _)
            | (CallErrorKind::NotFound, Call::Config | Call::Heartbeat)
            // Whoever stands before the platform and says so: without a heartbeat nobody there can hold this executor back.
            | (
                CallErrorKind::Forbidden
                | CallErrorKind::NotJson {
                    status: 401 | 403, ..
                },
                Call::Heartbeat,
            ) => Class::Revoked,
            (CallErrorKind::NotFound, Call::Report) | (CallErrorKind::BadRequest, _) => {
                Class::Permanent
            }
            _ => Class::Retry,
        }
    }

    /// How long the platform asked us to wait; a minute for a rate limit that names no time (the configuration call
    /// allows ten in a minute).
    pub const fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            CallErrorKind::RateLimited {
                retry_after: Some(wait),
            } => Some(*wait),
            CallErrorKind::RateLimited { retry_after: None } => Some(Duration::from_secs(60)),
            CallErrorKind::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the platform may have taken the call, though it gave no usable answer.
    pub const fn reached_the_platform(&self) -> bool {
        !matches!(self.kind, CallErrorKind::Connect(_))
    }

    /// The HTTP status, when there was an answer with one.
    pub const fn status(&self) -> Option<u16> {
        match &self.kind {
            CallErrorKind::BadRequest => Some(400),
            CallErrorKind::Unauthorized => Some(401),
            CallErrorKind::Forbidden => Some(403),
            CallErrorKind::NotFound => Some(404),
            CallErrorKind::MethodNotAllowed => Some(405),
            CallErrorKind::RateLimited { .. } => Some(429),
            CallErrorKind::Server { status, .. }
            | CallErrorKind::Unexpected { status }
            | CallErrorKind::NotJson { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// What happened, as the end of a sentence.
    fn happened(&self) -> String {
        let known = match (&self.kind, self.call) {
            (CallErrorKind::BadRequest, Call::Config) => {
                "the platform does not take the API key's format (400)"
            }
            (CallErrorKind::BadRequest, _) => "the platform did not understand the request (400)",
            (CallErrorKind::Unauthorized, _) => {
                "the platform does not accept the API key and secret (401)"
            }
            (CallErrorKind::Forbidden, Call::Authorize) => {
                "the platform refuses this channel to this API key (403)"
            }
            (CallErrorKind::Forbidden, _) => "the platform refuses this call (403)",
            (CallErrorKind::NotFound, Call::Report) => "the platform has no such command (404)",
            (CallErrorKind::NotFound, Call::Heartbeat) => {
                "the platform knows no executor with this id and API key (404)"
            }
            (CallErrorKind::NotFound, _) => "the platform does not know this API key (404)",
            (CallErrorKind::MethodNotAllowed, _) => {
                "the address answers, but not to this call (405)"
            }
            (CallErrorKind::RateLimited { .. }, _) => {
                "the platform wants fewer calls for a while (429)"
            }
            (CallErrorKind::Timeout, _) => "no complete answer in time",
            (CallErrorKind::Interrupted, _) => {
                "the connection ended before the answer was complete"
            }
            (CallErrorKind::Connect(ConnectProblem::Dns), _) => {
                "the platform's host name has no address"
            }
            (CallErrorKind::Connect(ConnectProblem::Refused), _) => {
                "nothing answers at the platform's address"
            }
            (CallErrorKind::Connect(ConnectProblem::Proxy), _) => {
                "the proxy does not let us through"
            }
            (kind, _) => return kind.detail(),
        };
        known.to_owned()
    }

    /// What happened and what to do about it, as sentences.
    pub fn advice(&self) -> String {
        let mut text = self.to_string();
        text[..1].make_ascii_uppercase();
        match self.remedy() {
            "" => text + ".",
            remedy => format!("{text}. {remedy}"),
        }
    }

    /// What a person can do about it; empty when waiting is all there is to do.
    pub const fn remedy(&self) -> &'static str {
        match (&self.kind, self.call) {
            (CallErrorKind::BadRequest, Call::Config) => {
                "Copy the API key again from the platform's executor page; it begins with exe_."
            }
            (CallErrorKind::Unauthorized, _) => {
                "Check apiKey and apiSecret in Settings. If the key was deleted on the platform, create a new one there."
            }
            (CallErrorKind::Forbidden, Call::Authorize) => {
                "Clear executorId in Settings, or set it to the id that belongs to this API key."
            }
            (CallErrorKind::NotFound, Call::Config | Call::Heartbeat | Call::Authorize) => {
                "Check apiKey and executorId in Settings. The executor may have been deleted on the platform."
            }
            (
                CallErrorKind::MethodNotAllowed
                | CallErrorKind::Redirected { .. }
                | CallErrorKind::NotJson { .. }
                | CallErrorKind::InvalidAnswer { .. },
                _,
            ) => {
                "Check platformUrl in Settings: it must be the platform's own address, with https and without a path."
            }
            (CallErrorKind::Connect(ConnectProblem::Dns), _) => {
                "Check platformUrl for a typing error, and this computer's internet connection."
            }
            (CallErrorKind::Connect(ConnectProblem::Refused), _) => {
                "Check platformUrl and its port. If the platform runs on this computer, start it."
            }
            (CallErrorKind::Connect(ConnectProblem::Tls(_)), _) => {
                "Check this computer's date and time, and whether a virus scanner or a company proxy replaces certificates."
            }
            (CallErrorKind::Connect(ConnectProblem::Proxy), _) => {
                "Check the proxy in Settings, its user name and password."
            }
            (CallErrorKind::Connect(ConnectProblem::Other(_)) | CallErrorKind::Timeout, _) => {
                "Check this computer's internet connection and firewall."
            }
            (CallErrorKind::RateLimited { .. }, _) => {
                "Wait a few minutes. If it stays so, another program uses this key, or the platform's administrator must raise the limit."
            }
            (CallErrorKind::Server { .. }, _) => {
                "Nothing to do here: the platform has to recover. If it stays so, tell its administrator."
            }
            (CallErrorKind::Interrupted, _) => {
                "Try again; if it stays so, check the connection, the firewall and any proxy on the way."
            }
            _ => "",
        }
    }
}

impl CallErrorKind {
    fn detail(&self) -> String {
        match self {
            Self::Server { status, .. } => {
                format!("the platform has a fault of its own ({status})")
            }
            Self::Unexpected { status } => format!("the platform answered {status}"),
            Self::Redirected { to } => format!("the platform sends the call elsewhere ({to})"),
            Self::NotJson {
                status,
                content_type: Some(content_type),
            } => format!("the answer is {content_type} instead of JSON (status {status})"),
            Self::NotJson {
                status,
                content_type: None,
            } => format!("the answer is empty or of no stated kind (status {status})"),
            Self::TooLarge { limit } => format!("the answer is larger than {} kB", limit / 1024),
            Self::Connect(ConnectProblem::Tls(reason)) => {
                format!("the secure connection failed: {reason}")
            }
            Self::Connect(ConnectProblem::Other(reason)) => {
                format!("no connection to the platform: {reason}")
            }
            Self::InvalidAnswer { what } => format!("the answer is not as agreed: {what}"),
            other => format!("{other:?}"),
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.call.name(), self.happened())?;
        if let Some(code) = &self.code {
            write!(f, " [{code}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}

/// Finds the reason of a failed request in the chain of its causes, without its address.
pub(super) fn from_transport(error: &reqwest::Error, through_proxy: bool) -> CallErrorKind {
    let mut tls = None;
    let mut tunnel = false;
    let mut io = None;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<rustls::Error>() {
            tls = Some(tls_words(found));
        }
        tunnel |= current.to_string().contains("tunnel");
        cause = match current.downcast_ref::<std::io::Error>() {
            Some(found) => {
                io = Some(found.kind());
                // An I/O error's `source` leaves out the error that it wraps.
                found
                    .get_ref()
                    .map(|inner| inner as &(dyn std::error::Error + 'static))
            }
            None => current.source(),
        };
    }

    if let Some(reason) = tls {
        return CallErrorKind::Connect(ConnectProblem::Tls(reason));
    }
    if error.is_timeout() {
        return CallErrorKind::Timeout;
    }
    if error.is_connect() {
        return CallErrorKind::Connect(if tunnel || through_proxy {
            ConnectProblem::Proxy
        } else if error.is_dns() {
            ConnectProblem::Dns
        } else {
            match io {
                Some(std::io::ErrorKind::ConnectionRefused) => ConnectProblem::Refused,
                Some(kind) => ConnectProblem::Other(kind.to_string()),
                None => ConnectProblem::Other("the connection could not be made".to_owned()),
            }
        });
    }
    CallErrorKind::Interrupted
}

fn tls_words(error: &rustls::Error) -> String {
    use rustls::CertificateError as Cert;
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            Cert::Expired | Cert::ExpiredContext { .. } => "the certificate has expired".to_owned(),
            Cert::NotValidYet | Cert::NotValidYetContext { .. } => {
                "the certificate is not valid yet".to_owned()
            }
            Cert::NotValidForName | Cert::NotValidForNameContext { .. } => {
                "the certificate is for another host name".to_owned()
            }
            Cert::UnknownIssuer => {
                "the certificate's issuer is not trusted by this computer".to_owned()
            }
            Cert::Revoked => "the certificate has been revoked".to_owned(),
            other => format!("the certificate is not accepted ({other:?})")
                .chars()
                .take(160)
                .collect(),
        },
        rustls::Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        other => other.to_string().chars().take(160).collect(),
    }
}
