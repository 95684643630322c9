//! The task that serves the link: carries bytes to the session and its outputs back. It decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::handshake::LinkSecret;
use super::link_file::Names;
use super::peer::{self, Arrival, Peer, Said};
use super::session::{Input, Link, Moment, Output, PeerId, Setup};
use super::{MetaTraderOptions, link_file, listen_pipe, listen_tcp};
use crate::market::{TerminalEvent, TerminalRequest};

/// Lines of all connections that may wait; bytes have a limit of their own.
const LINES_IN: usize = 16_384;
const ARRIVALS: usize = 8;
/// Events that may wait for a slow reader before lines and requests pause.
const MOST_WAITING: usize = 4_096;
const TICK: Duration = Duration::from_millis(50);
/// Between two attempts to open pipe and port.
const RETRY: Duration = Duration::from_secs(5);
/// For the farewell at the end.
const FAREWELL: Duration = Duration::from_millis(200);

struct Server {
    link: Link,
    options: MetaTraderOptions,
    secret: LinkSecret,
    /// Part of the pipe's name.
    name: String,
    peers: BTreeMap<PeerId, Peer>,
    next_peer: u64,
    waiting: VecDeque<TerminalEvent>,
    started: Instant,
    arrivals: mpsc::Sender<Arrival>,
    said: mpsc::Sender<Said>,
    /// Ends what listens now.
    listening: Option<CancellationToken>,
    /// Where that can be reached: the pipe's name and the port.
    place: (Option<String>, Option<u16>),
    /// It was said that the link file names another run.
    displaced: bool,
    end: CancellationToken,
}

enum Next {
    End,
    Go,
}

pub async fn run(
    options: MetaTraderOptions,
    mut requests: mpsc::Receiver<TerminalRequest>,
    events: mpsc::Sender<TerminalEvent>,
    end: CancellationToken,
) {
    let (arrivals, mut arrived) = mpsc::channel(ARRIVALS);
    let (said, mut heard) = mpsc::channel::<Said>(LINES_IN);
    let Some((secret, name)) = random_start() else {
        let reason = "the operating system gives no random numbers".to_owned();
        drop(events.send(TerminalEvent::Down { reason }).await);
        return;
    };
    let mut server = Server {
        link: Link::new(Setup {
            secret: secret.clone(),
            limits: options.limits,
            margin_reserve: options.margin_reserve(),
            deals_since: options.deals_since,
        }),
        options,
        secret,
        name,
        peers: BTreeMap::new(),
        next_peer: 0,
        waiting: VecDeque::new(),
        started: Instant::now(),
        arrivals,
        said,
        listening: None,
        place: (None, None),
        displaced: false,
        end: end.clone(),
    };
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut retry = interval(RETRY);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let room = server.waiting.len() < MOST_WAITING;
        let next = tokio::select! {
            biased;
            () = end.cancelled() => Next::End,
            permit = events.reserve(), if !server.waiting.is_empty() => match permit {
                Ok(permit) => {
                    if let Some(event) = server.waiting.pop_front() {
                        permit.send(event);
                    }
                    Next::Go
                }
                Err(_) => Next::End,
            },
            request = requests.recv(), if room => request.map_or(Next::End, |request| {
                server.step(Input::Request(request));
                Next::Go
            }),
            one = heard.recv(), if room => {
                if let Some(one) = one {
                    server.heard(one);
                }
                Next::Go
            }
            arrival = arrived.recv() => {
                if let Some(arrival) = arrival {
                    server.welcome(arrival);
                }
                Next::Go
            }
            _ = ticks.tick() => {
                server.step(Input::Tick);
                Next::Go
            }
            _ = retry.tick() => {
                if server.listening.is_none() {
                    server.listen().await;
                } else {
                    server.keep_link_file().await;
                }
                Next::Go
            }
        };
        if matches!(next, Next::End) {
            break;
        }
    }
    server.farewell(&events).await;
}

impl Server {
    fn step(&mut self, input: Input) {
        let now = Moment {
            mono: self.started.elapsed(),
            utc: Timestamp::now(),
        };
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.link.step(input, now) {
                match output {
                    Output::Send { peer, line } => {
                        let taken = self.peers.get(&peer).map(|to| to.send(line));
                        if taken == Some(false) {
                            self.peers.remove(&peer);
                            let why = "it does not read".to_owned();
                            inputs.push_back(Input::Closed { peer, why });
                        }
                    }
                    Output::Close { peer } => {
                        self.peers.remove(&peer);
                    }
                    Output::Emit(event) => self.waiting.push_back(event),
                    Output::Log {
                        warning: true,
                        text,
                    } => {
                        tracing::warn!(target: "terminal", "{text}");
                    }
                    Output::Log {
                        warning: false,
                        text,
                    } => tracing::info!(target: "terminal", "{text}"),
                }
            }
        }
    }

    fn heard(&mut self, one: Said) {
        let input = one.take();
        if let Input::Closed { peer, .. } = &input {
            self.peers.remove(peer);
        }
        self.step(input);
    }

    fn welcome(&mut self, arrival: Arrival) {
        // Without a fresh nonce there is no handshake.
        let Some(nonce) = random() else { return };
        self.next_peer += 1;
        let peer = PeerId(self.next_peer);
        let served = peer::serve(peer, arrival.stream, self.said.clone());
        self.peers.insert(peer, served);
        self.step(Input::Connected {
            peer,
            link: arrival.link,
            nonce,
        });
    }

    /// Opens pipe and port, and writes where they are.
    async fn listen(&mut self) {
        let token = self.end.child_token();
        let mut problems = Vec::new();
        let mut pipe = None;
        if self.options.pipe {
            let files = &self.options.common_files;
            match listen_pipe::listen(&self.name, files, self.arrivals.clone(), token.clone()) {
                Ok(()) => pipe = Some(self.name.clone()),
                Err(error) => problems.push(format!("the pipe cannot be opened: {error}")),
            }
        }
        let mut port = None;
        if let Some(wanted) = self.options.tcp {
            let immediate = self.options.immediate_ack;
            let opened =
                listen_tcp::listen(wanted, immediate, self.arrivals.clone(), token.clone()).await;
            match opened {
                Ok(got) => port = Some(got),
                Err(error) => {
                    problems.push(format!(
                        "port {wanted} on 127.0.0.1 cannot be opened: {error}"
                    ));
                }
            }
        }
        if pipe.is_none() && port.is_none() {
            problems
                .extend((problems.is_empty()).then(|| "both links are switched off".to_owned()));
            let reason = problems.join("; ");
            return self.step(Input::NotListening { reason });
        }
        self.place = (pipe, port);
        let written = self.write_link_file();
        if let Err(error) = written {
            token.cancel();
            let place = link_file::path(&self.options.common_files);
            let reason = format!("{} cannot be written: {error}", place.display());
            return self.step(Input::NotListening { reason });
        }
        self.listening = Some(token);
        let note = problems.join("; ");
        self.step(Input::Listening { note });
    }

    /// Another run wrote its own over it, and took that back at its end or was killed: the next Expert Advisor must find
    /// this one. As long as the other one serves, the Expert Advisor goes there.
    async fn keep_link_file(&mut self) {
        let files = &self.options.common_files;
        let path = link_file::path(files);
        match link_file::names(files, &self.secret) {
            Names::Us => {
                self.displaced = false;
                return;
            }
            Names::Other { pipe, port } if is_served(files, &pipe, port).await => {
                if !std::mem::replace(&mut self.displaced, true) {
                    tracing::warn!(target: "terminal", "{} names another run of FX Executor; an Expert Advisor that connects anew goes there. End one of the two.", path.display());
                }
                return;
            }
            Names::Other { .. } | Names::Nobody => {}
        }
        if let Err(error) = self.write_link_file() {
            tracing::warn!(target: "terminal", "{} does not name this run and cannot be written again: {error}", path.display());
        }
    }

    fn write_link_file(&self) -> io::Result<()> {
        let (pipe, port) = &self.place;
        link_file::write(
            &self.options.common_files,
            pipe.as_deref().unwrap_or_default(),
            port.unwrap_or_default(),
            &self.secret,
        )
        .map(|_| ())
    }

    /// Says good-bye to the EA, and to the core what became of its orders.
    async fn farewell(mut self, events: &mpsc::Sender<TerminalEvent>) {
        self.step(Input::Shutdown);
        if let Some(listening) = &self.listening {
            listening.cancel();
            link_file::remove(&self.options.common_files, &self.secret);
        }
        self.peers.clear();
        let telling = async {
            for event in std::mem::take(&mut self.waiting) {
                if events.send(event).await.is_err() {
                    return;
                }
            }
        };
        // A core that reads no more has heard enough.
        tokio::time::timeout(FAREWELL, telling).await.ok();
    }
}

/// Whether anybody answers where a link file of another run points to.
async fn is_served(common_files: &Path, pipe: &str, port: u16) -> bool {
    const WITHIN: Duration = Duration::from_millis(300);
    if !pipe.is_empty() {
        return listen_pipe::is_served(pipe, common_files).await;
    }
    let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    port != 0
        && timeout(WITHIN, connecting)
            .await
            .is_ok_and(|one| one.is_ok())
}

fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// The secret and the pipe's name of this run.
fn random_start() -> Option<(LinkSecret, String)> {
    let name = random()?;
    let name = hex::encode(name.get(..8)?);
    Some((LinkSecret::of(random()?), format!("fx-executor-{name}")))
}
