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
            stream: served(stream, immediate_ack),
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
    let _served_otherwise = immediate_ack;
    Ok(())
}

#[cfg(target_os = "linux")]
fn served(stream: TcpStream, immediate_ack: bool) -> Box<dyn Stream> {
    if immediate_ack {
        Box::new(quick_ack::QuickAck(stream))
    } else {
        Box::new(stream)
    }
}

#[cfg(not(target_os = "linux"))]
fn served(stream: TcpStream, _immediate_ack: bool) -> Box<dyn Stream> {
    Box::new(stream)
}

/// Linux forgets the wish after some segments, so it is repeated after each read.
#[cfg(target_os = "linux")]
mod quick_ack {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use rustix::net::sockopt::set_tcp_quickack;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tokio::net::TcpStream;

    pub struct QuickAck(pub TcpStream);

    impl AsyncRead for QuickAck {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            ready!(Pin::new(&mut self.0).poll_read(context, buffer))?;
            // Slower without, not wrong.
            set_tcp_quickack(&self.0, true).ok();
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for QuickAck {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }
}
