//! What HTTP and WebSocket share on the wire: one TLS configuration, one proxy choice, and one way to open a
//! connection. Knows nothing of Pusher or the platform; every step has a time limit and its own error.

pub mod connect;
pub mod http;
pub mod proxy;
pub mod race;
pub mod tls;
