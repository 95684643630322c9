//! What the session does when it is told something from inside the program.

use std::time::Duration;

use super::{Cx, Link, Session};
use crate::pusher::{Command, ConnectionState, frame};

/// Attempts are at least this far apart, however often we are told to hurry.
const HURRY_FLOOR: Duration = Duration::from_millis(500);
/// An attempt younger than this is not restarted by a change of network.
const YOUNG_ATTEMPT: Duration = Duration::from_secs(2);

impl Session {
    pub(super) fn command(&mut self, command: Command, cx: &mut Cx<'_>) {
        match command {
            Command::Connect => match self.link {
                Link::Off | Link::Failed { .. } => {
                    self.reason = None;
                    self.start_afresh(cx);
                }
                Link::Waiting { .. } => self.hurry(cx),
                Link::Opening { .. } | Link::Greeting { .. } | Link::Up(_) => {}
            },
            Command::Disconnect => {
                self.close(cx);
                self.link = Link::Off;
                self.forget_trouble();
                self.down_since = None;
                self.reason = Some("switched off".to_owned());
                if self.state != ConnectionState::Disconnected {
                    self.tell_state(ConnectionState::Disconnected, None, cx);
                }
            }
            Command::Reconnect(reason) => {
                self.close_because(&reason, cx);
                self.reason = Some(reason);
                self.start_afresh(cx);
            }
            Command::SetEndpoint(endpoint) => {
                if endpoint == self.endpoint {
                    return;
                }
                self.endpoint = endpoint;
                self.secured = false;
                if !matches!(self.link, Link::Off) {
                    let reason = "the connection settings changed";
                    self.close_because(reason, cx);
                    self.reason = Some(reason.to_owned());
                    self.start_afresh(cx);
                }
            }
            Command::Subscribe(name) => {
                let (channels, wire) = self.parts();
                channels.subscribe(name, wire, cx);
            }
            Command::Unsubscribe(name) => {
                let (channels, wire) = self.parts();
                channels.unsubscribe(&name, wire, cx);
            }
            Command::NetworkChanged => self.doubt("the network changed", cx),
            Command::Resumed => self.doubt("the computer woke from sleep", cx),
        }
    }

    /// The connection may be dead without knowing it: prove it quickly, or make a new one.
    fn doubt(&mut self, why: &str, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        match &mut self.link {
            Link::Up(up) => {
                up.liveness.pinged(now, self.timing.urgent_pong_within);
                cx.send(self.generation, frame::PING);
                let (channels, wire) = self.parts();
                if let Some(wire) = wire {
                    channels.hurry(wire, cx);
                }
            }
            Link::Waiting { .. } => self.hurry(cx),
            Link::Opening { .. } | Link::Greeting { .. }
                if now >= self.opened_at + YOUNG_ATTEMPT =>
            {
                self.close_because(why, cx);
                self.open(cx);
            }
            Link::Off | Link::Opening { .. } | Link::Greeting { .. } | Link::Failed { .. } => {}
        }
    }

    /// Cuts a waiting retry short.
    fn hurry(&mut self, cx: &mut Cx<'_>) {
        let soonest = (self.opened_at + HURRY_FLOOR).max(cx.now.mono);
        if let Link::Waiting { until } = &mut self.link {
            *until = soonest.min(*until);
            if *until <= cx.now.mono {
                self.open(cx);
            }
        }
    }
}
