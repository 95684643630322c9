//! The door of a practice server: a loopback listener whose connections can be refused, cut and counted.
//!
//! It must never bind anything but 127.0.0.1, and it knows nothing of HTTP or Pusher.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Connections that a practice server holds at a time; further ones wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 512;

/// How long to wait before trying to take the port back after a refusal ended and somebody else holds it.
const REBIND_PAUSE: Duration = Duration::from_millis(50);

/// The two standing states of a door, shared with the faults.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    refusing: watch::Sender<bool>,
    frozen: watch::Sender<bool>,
    shutdown: CancellationToken,
}

impl Gate {
    pub(super) fn new(shutdown: CancellationToken) -> Self {
        Self {
            shutdown,
            refusing: watch::Sender::new(false),
            frozen: watch::Sender::new(false),
        }
    }

    /// While refusing, the port is closed: a connection attempt ends with "connection refused".
    pub(super) fn refuse(&self, on: bool) {
        self.refusing.send_replace(on);
    }

    /// While frozen, bytes are accepted by the kernel and nothing is answered.
    pub(super) fn freeze(&self, on: bool) {
        self.frozen.send_replace(on);
    }

    pub(super) fn state(&self) -> (bool, bool) {
        (*self.refusing.borrow(), *self.frozen.borrow())
    }

    pub(super) fn frozen(&self) -> watch::Receiver<bool> {
        self.frozen.subscribe()
    }

    /// Returns at once unless the door is frozen, else when it thaws or the world ends.
    pub(super) async fn thawed(&self) {
        let mut frozen = self.frozen.subscribe();
        tokio::select! {
            _ = frozen.wait_for(|frozen| !frozen) => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    /// Waits, but not over the end of the world.
    pub(super) async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}

/// Cuts one connection: the next write fails and the peer sees a TCP reset.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionSwitch(Arc<AtomicBool>);

impl ConnectionSwitch {
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, LoopbackListener>> for ConnectionSwitch {
    fn connect_info(stream: IncomingStream<'_, LoopbackListener>) -> Self {
        stream.io().switch.clone()
    }
}

#[derive(Debug)]
pub(super) struct LoopbackListener {
    address: SocketAddr,
    socket: Option<TcpListener>,
    refusing: watch::Receiver<bool>,
    slots: Arc<Semaphore>,
}

impl LoopbackListener {
    /// Port 0 takes any free port.
    pub(super) async fn bind(port: u16, gate: &Gate) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self {
            address: socket.local_addr()?,
            socket: Some(socket),
            refusing: gate.refusing.subscribe(),
            slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    async fn listening(&mut self) -> Option<(TcpStream, SocketAddr)> {
        if *self.refusing.borrow_and_update() {
            self.socket = None;
            if self.refusing.wait_for(|refusing| !refusing).await.is_err() {
                std::future::pending::<()>().await;
            }
            return None;
        }
        let Some(socket) = &self.socket else {
            match TcpListener::bind(self.address).await {
                Ok(socket) => self.socket = Some(socket),
                Err(error) => {
                    tracing::warn!(target: "practice", "port {} is not free yet: {error}", self.address.port());
                    tokio::time::sleep(REBIND_PAUSE).await;
                }
            }
            return None;
        };
        tokio::select! {
            _ = self.refusing.changed() => None,
            accepted = socket.accept() => match accepted {
                Ok(accepted) => Some(accepted),
                Err(error) => {
                    tracing::warn!(target: "practice", "a connection could not be accepted: {error}");
                    tokio::time::sleep(REBIND_PAUSE).await;
                    None
                }
            },
        }
    }
}

impl Listener for LoopbackListener {
    type Io = GuardedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
            return std::future::pending().await;
        };
        loop {
            if let Some((inner, address)) = self.listening().await {
                if let Err(error) = inner.set_nodelay(true) {
                    tracing::debug!(target: "practice", "TCP_NODELAY: {error}");
                }
                let stream = GuardedStream {
                    inner,
                    switch: ConnectionSwitch::default(),
                    _slot: slot,
                };
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// A TCP stream that its switch can cut.
#[derive(Debug)]
pub(super) struct GuardedStream {
    inner: TcpStream,
    switch: ConnectionSwitch,
    _slot: OwnedSemaphorePermit,
}

impl GuardedStream {
    fn check(&self) -> io::Result<()> {
        if self.switch.is_cut() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

impl Drop for GuardedStream {
    fn drop(&mut self) {
        if self.switch.is_cut()
            && let Err(error) = self.inner.set_zero_linger()
        {
            tracing::debug!(target: "practice", "a connection is closed instead of reset: {error}");
        }
    }
}
