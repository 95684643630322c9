//! Connections that have not proven the secret: greeting, challenge, proof (docs/metatrader-link.md, "Handshake").
//! Nothing else is accepted from them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::active::{Active, Welcome};
use super::{Context, Output, PeerId, words};
use crate::terminal::metatrader::handshake::{self, PROTOCOL};
use crate::terminal::metatrader::line::Line;
use crate::terminal::metatrader::message::{Body, Hello, Received};
use crate::terminal::metatrader::request;

/// Connections of one link that may be greeting at one time.
const MOST: usize = 64;
/// A connection that says nothing is dropped after so long: the Expert Advisor greets at once.
const SILENT: Duration = Duration::from_secs(2);
/// Between two words in the log on such connections.
const TOLD_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Guest {
    link: &'static str,
    nonce: String,
    since: Duration,
    /// Its greeting, once it came.
    hello: Option<Box<Hello>>,
}

pub enum Next {
    Stays(Guest),
    /// With what the trader should know, if it is worth a word.
    Gone(Option<String>),
    Welcome(Box<Welcome>),
}

pub fn connected(
    guests: &mut BTreeMap<PeerId, Guest>,
    peer: PeerId,
    link: &'static str,
    nonce: [u8; 32],
    c: &mut Context<'_>,
) {
    if guests.values().filter(|guest| guest.link == link).count() >= MOST {
        // Whoever stands silent in the door makes room; one that has greeted does not.
        let mut silent = guests
            .iter()
            .filter(|(_, guest)| guest.link == link && guest.hello.is_none());
        let Some(oldest) = silent.next().map(|(peer, _)| *peer) else {
            return c.close(peer, None);
        };
        guests.remove(&oldest);
        c.close(oldest, None);
    }
    guests.insert(
        peer,
        Guest {
            link,
            nonce: hex::encode(nonce),
            since: c.now.mono,
            hello: None,
        },
    );
}

/// Ends guests that take too long.
pub fn tick(guests: &mut BTreeMap<PeerId, Guest>, c: &mut Context<'_>) {
    let limit = c.setup.limits.handshake;
    let late: Vec<PeerId> = guests
        .iter()
        .filter(|(_, guest)| {
            let limit = match guest.hello {
                Some(_) => limit,
                None => limit.min(SILENT),
            };
            c.now.mono.saturating_sub(guest.since) >= limit
        })
        .map(|(peer, _)| *peer)
        .collect();
    for peer in &late {
        guests.remove(peer);
        c.close(*peer, Some("auth"));
    }
    let told = c.memory.silence_told;
    let rested = told.is_none_or(|told| c.now.mono.saturating_sub(told) >= TOLD_EVERY);
    if !late.is_empty() && rested {
        c.memory.silence_told = Some(c.now.mono);
        let count = late.len();
        c.log(
            true,
            format!("Connections that do not greet are dropped ({count} now); is another program trying the Expert Advisor's port?"),
        );
    }
}

impl Guest {
    pub fn line(
        mut self,
        peer: PeerId,
        bytes: &[u8],
        active: Option<&Active>,
        c: &mut Context<'_>,
    ) -> Next {
        let body = Line::parse(bytes)
            .map_err(|error| error.to_string())
            .and_then(|line| {
                let received = Received::read(&line);
                received.body.map_err(|error| error.to_string())
            });
        match (body, self.hello.take()) {
            (Ok(Body::Hello(hello)), None) => self.greeted(peer, hello, c),
            (Ok(Body::Auth { mac }), Some(hello)) => self.proven(peer, &mac, hello, active, c),
            (Ok(_), _) => refuse(
                peer,
                "auth",
                "a line came before the handshake was over",
                None,
                c,
            ),
            (Err(error), _) => refuse(peer, "auth", &error, None, c),
        }
    }

    fn greeted(mut self, peer: PeerId, hello: Box<Hello>, c: &mut Context<'_>) -> Next {
        if hello.proto != PROTOCOL {
            let words = words::version(&hello.ea, hello.proto, PROTOCOL);
            return refuse(peer, "proto", &words, Some(&words), c);
        }
        if !handshake::is_nonce(&hello.nonce) {
            return refuse(peer, "auth", "a nonce is not 64 hex digits", None, c);
        }
        c.out.push(Output::Send {
            peer,
            line: request::challenge(&self.nonce),
        });
        self.hello = Some(hello);
        Next::Stays(self)
    }

    fn proven(
        self,
        peer: PeerId,
        mac: &str,
        hello: Box<Hello>,
        active: Option<&Active>,
        c: &mut Context<'_>,
    ) -> Next {
        let secret = &c.setup.secret;
        if !secret.proves_ea(mac, &hello.nonce, &self.nonce, hello.login, &hello.server) {
            return refuse(peer, "auth", "a wrong proof", Some(words::WRONG_SECRET), c);
        }
        if let Some(active) = active {
            let (account, served) = (hello.account(), active.hello.account());
            let (reason, words) = if account == served {
                ("taken", words::taken(&account))
            } else {
                ("other_account", words::other_account(&account, &served))
            };
            let mac = secret.refusal_mac(reason, &hello.nonce, &self.nonce);
            c.log(true, words);
            c.out.push(Output::Send {
                peer,
                line: request::not_served(reason, &mac),
            });
            c.close(peer, None);
            return Next::Gone(None);
        }
        let mac = secret.own_mac(&hello.nonce, &self.nonce);
        c.out.push(Output::Send {
            peer,
            // The session's name is the beginning of its nonce: new each time, and no secret.
            line: request::accepted(&mac, self.nonce.get(..16).unwrap_or_default()),
        });
        Next::Welcome(Box::new(Welcome {
            link: self.link,
            hello: *hello,
        }))
    }
}

/// `words` is for the trader; whoever else connects is worth a line in the log alone.
fn refuse(peer: PeerId, bye: &str, log: &str, words: Option<&str>, c: &mut Context<'_>) -> Next {
    c.log(true, format!("A connection was refused: {log}."));
    c.close(peer, Some(bye));
    Next::Gone(words.map(str::to_owned))
}
