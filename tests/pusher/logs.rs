//! The log lines that people and guides rely on, word for word.

use std::{
    io,
    sync::{Arc, Mutex},
};

use fx_executor::pusher::{AuthorizeError, Event, Options, Timing};
use tracing_subscriber::fmt::MakeWriter;

use crate::script::{Auth, CHANNEL_DATA, PRIVATE, SECRET, Server, User};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Everything this thread logs until the guard goes. `current_thread` runtimes run the client on it too.
fn listen() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .without_time()
        .finish();
    (lines.clone(), tracing::subscriber::set_default(subscriber))
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn has(&self, level: &str, message: &str) -> bool {
        let line = format!("{level} pusher: {message}");
        self.text().lines().any(|logged| logged.trim() == line)
    }
}

#[tokio::test]
async fn subscription_is_logged_and_no_signature() {
    let (lines, _guard) = listen();
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut peer = server.serve("1.1").await;
    user.subscribed().await;
    peer.publish(PRIVATE, "command-received", "the-body").await;
    user.message().await;
    let message = format!("Successfully subscribed to channel: {PRIVATE}");
    assert!(lines.has("INFO", &message), "{}", lines.text());
    let signature = fx_executor::pusher::auth::sign(SECRET, "1.1", PRIVATE, Some(CHANNEL_DATA));
    let all = lines.text();
    assert!(
        !all.contains(&signature) && !all.contains("the-body"),
        "{all}"
    );
}

#[tokio::test]
async fn refusal_is_logged_with_its_status() {
    let (lines, _guard) = listen();
    let server = Server::start().await;
    let auth = Auth::default();
    for _ in 0..2 {
        auth.then(Err(AuthorizeError::Denied {
            status: 403,
            reason: "not your channel".to_owned(),
        }));
    }
    let mut user = User::with(
        server.endpoint(),
        &[PRIVATE],
        Timing::default(),
        Options::default(),
        auth,
    );
    let _peer = server.greet("1.1").await;
    user.until("the refusal", |event| {
        matches!(
            event,
            Event::SubscriptionFailed {
                permanent: true,
                ..
            }
        )
        .then_some(())
    })
    .await;
    assert!(
        lines.has("ERROR", "Channel subscription error"),
        "{}",
        lines.text()
    );
    assert!(
        lines.has("ERROR", "pusher:subscription_error: Status 403"),
        "{}",
        lines.text()
    );
}
