//! The port: 127.0.0.1 and nothing else.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::peer::{Arrival, Stream};

/// After an accept that failed (no file handles left).
const PAUSE: Duration = Duration::from_millis(200);

/// Begins to listen; the port that it got.
pub async fn listen(
    port: u16,
    immediate_ack: bool,
    arrivals: mpsc::Sender<Arrival>,
    end: CancellationToken,
) -> io::Result<u16> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let accepting = accept(listener, immediate_ack, arrivals);
        end.run_until_cancelled(accepting).await;
    });
    Ok(port)
}

async fn accept(listener: TcpListener, immediate_ack: bool, arrivals: mpsc::Sender<Arrival>) {
    loop {
        let arrived = listener.accept().await;
        let stream = match arrived {
            Ok((stream, from)) if from.ip().is_loopback() => stream,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(target: "terminal", "The link's port could not take a connection: {error}.");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if let Err(error) = prepare(&stream, immediate_ack) {
            tracing::warn!(target: "terminal", "The link's connection may be slow: {error}.");
        }
        let arrival = Arrival {
            link: "tcp",
            stream: Box::new(stream) as Box<dyn Stream>,
        };
        if arrivals.send(arrival).await.is_err() {
            return;
        }
    }
}

fn prepare(stream: &TcpStream, immediate_ack: bool) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(windows)]
    if immediate_ack {
        super::windows::acknowledge_at_once(stream)?;
    }
    #[cfg(not(windows))]
    let _only_windows_delays = immediate_ack;
    Ok(())
}
