//! Terminals: where orders become deals.
//!
//! A terminal is two bounded channels, requests in and events out, in the words of `crate::market`. The paper
//! terminal trades on a simulated market under a real broker's rules. Nothing here decides to trade.

pub mod market;
pub mod metatrader;
pub mod paper;
pub mod retcode;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use metatrader::{MetaTraderOptions, common_files};
pub use paper::{FaultRates, PaperControl, PaperError, PaperOptions};

use crate::market::{
    Found, Outcome, Refusal, RefusalClass, SelfTest, TerminalEvent, TerminalRequest, TestItem,
};

/// Requests that may wait in a terminal's channel.
const REQUESTS: usize = 256;

/// A running terminal. Dropping both ends ends it.
#[derive(Debug)]
pub struct Terminal {
    pub requests: mpsc::Sender<TerminalRequest>,
    pub events: mpsc::Receiver<TerminalEvent>,
}

/// Starts a paper terminal on the current tokio runtime; it runs until `end` or until its channels are dropped.
pub fn spawn_paper(options: PaperOptions, end: CancellationToken) -> Result<Terminal, PaperError> {
    paper::spawn(options, end).map(|(terminal, _)| terminal)
}

/// Serves the Expert Advisor of a MetaTrader 5 terminal on the current tokio runtime, until `end` or until the channels are
/// dropped. Whatever fails (pipe and port taken, no Expert Advisor) is told as `Down` with what to do, and tried again.
pub fn spawn_metatrader(options: MetaTraderOptions, end: CancellationToken) -> Terminal {
    metatrader::spawn(options, end)
}

/// A terminal that is not there: it says why, and every order is certainly not executed.
///
/// Must be called on a tokio runtime; runs until its channels are dropped.
pub fn spawn_absent(reason: impl Into<String>) -> Terminal {
    let reason = reason.into();
    let (request_sender, mut requests) = mpsc::channel(REQUESTS);
    let (events, event_receiver) = mpsc::channel(REQUESTS);
    tokio::spawn(async move {
        let down = TerminalEvent::Down {
            reason: reason.clone(),
        };
        if events.send(down).await.is_err() {
            return;
        }
        while let Some(request) = requests.recv().await {
            let answer = match request {
                TerminalRequest::Submit(intent) => TerminalEvent::Answer {
                    cid: intent.cid,
                    outcome: Outcome::Refused(Refusal {
                        retcode: retcode::NOT_PERMITTED,
                        class: RefusalClass::Permission,
                        message: reason.clone(),
                    }),
                },
                TerminalRequest::Find { cid, .. } => TerminalEvent::Found {
                    cid,
                    found: Found::NotYet {
                        reason: reason.clone(),
                    },
                },
                TerminalRequest::SelfTest => TerminalEvent::SelfTested(SelfTest {
                    items: vec![TestItem {
                        name: "link".to_owned(),
                        passed: false,
                        detail: reason.clone(),
                    }],
                    ..SelfTest::default()
                }),
                TerminalRequest::Watch { .. }
                | TerminalRequest::Unwatch { .. }
                | TerminalRequest::Recall { .. }
                | TerminalRequest::SendBook => continue,
            };
            if events.send(answer).await.is_err() {
                return;
            }
        }
    });
    Terminal {
        requests: request_sender,
        events: event_receiver,
    }
}
