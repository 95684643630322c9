//! One connection: a reader that never waits for anybody and a writer with a limit. An EA that stalls, or that sends
//! faster than it can be understood, is dropped; it comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::line::Splitter;
use super::session::{Input, PeerId};

/// Bytes of one peer that may wait to be understood.
const MOST_WAITING: usize = 1 << 20;
/// Lines that may wait to be written.
const LINES_OUT: usize = 4_096;
const READ: usize = 64 * 1_024;
/// A peer that does not take its lines for so long blocks the link.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// After the last line the peer may close first: a pipe that is closed under it loses what it has not read.
const LINGER: Duration = Duration::from_secs(1);

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Somebody connected.
pub struct Arrival {
    pub link: &'static str,
    pub stream: Box<dyn Stream>,
}

/// What a connection has to say, with the room it takes.
pub struct Said {
    pub input: Input,
    size: usize,
    waiting: Arc<AtomicUsize>,
}

impl Said {
    /// Takes it out of the queue.
    pub fn take(self) -> Input {
        self.waiting.fetch_sub(self.size, Ordering::Relaxed);
        self.input
    }
}

/// The server's end of a connection. Dropping it closes the connection once its lines are written.
#[derive(Debug)]
pub struct Peer {
    lines: mpsc::Sender<String>,
}

impl Peer {
    /// False when the peer does not read.
    pub fn send(&self, line: String) -> bool {
        self.lines.try_send(line).is_ok()
    }
}

/// Serves a connection; what it says goes to `said`, at last that it closed.
pub fn serve(id: PeerId, stream: Box<dyn Stream>, said: mpsc::Sender<Said>) -> Peer {
    let (lines, queue) = mpsc::channel(LINES_OUT);
    let (reading, writing) = tokio::io::split(stream);
    let closed = CancellationToken::new();
    let writer_ended = closed.clone();
    tokio::spawn(async move {
        let why = write(writing, queue).await;
        if why.is_none() {
            timeout(LINGER, writer_ended.cancelled()).await.ok();
        }
        writer_ended.cancel();
        why
    });
    tokio::spawn(async move {
        let waiting = Arc::new(AtomicUsize::new(0));
        let reader = read(id, reading, &said, &waiting);
        let why = closed
            .run_until_cancelled(reader)
            .await
            .unwrap_or_else(|| "closed".to_owned());
        closed.cancel();
        // The last word must arrive, so this one waits.
        let last = Said {
            input: Input::Closed { peer: id, why },
            size: 0,
            waiting,
        };
        drop(said.send(last).await);
    });
    Peer { lines }
}

/// Reads until the end; why it ended.
async fn read(
    id: PeerId,
    mut reading: impl AsyncRead + Unpin,
    said: &mpsc::Sender<Said>,
    waiting: &Arc<AtomicUsize>,
) -> String {
    let mut splitter = Splitter::default();
    let mut buffer = vec![0; READ];
    loop {
        let count = match reading.read(&mut buffer).await {
            Ok(0) => return "it closed the connection".to_owned(),
            Ok(count) => count,
            Err(error) => return error.to_string(),
        };
        splitter.push(buffer.get(..count).unwrap_or_default());
        while let Some(line) = splitter.next_line() {
            let (input, size) = match line {
                Ok(bytes) => {
                    let size = bytes.len() + 1;
                    (Input::Line { peer: id, bytes }, size)
                }
                Err(error) => (Input::Damaged { peer: id, error }, 0),
            };
            let damaged = size == 0;
            if waiting.fetch_add(size, Ordering::Relaxed) + size > MOST_WAITING {
                return "it sent faster than the program could follow".to_owned();
            }
            let one = Said {
                input,
                size,
                waiting: Arc::clone(waiting),
            };
            if said.try_send(one).is_err() {
                return "it sent faster than the program could follow".to_owned();
            }
            if damaged {
                return "its lines are too long".to_owned();
            }
        }
    }
}

/// Writes until the queue is closed and empty; why it ended earlier.
async fn write(
    mut writing: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<String>,
) -> Option<String> {
    while let Some(mut text) = queue.recv().await {
        // What has gathered goes out in one piece.
        while let Ok(more) = queue.try_recv() {
            text.push_str(&more);
        }
        match timeout(WRITE_WITHIN, writing.write_all(text.as_bytes())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(error.to_string()),
            Err(_elapsed) => return Some("it does not read".to_owned()),
        }
    }
    None
}
