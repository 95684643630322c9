//! From what is known to the six lines of the checklist and the one next thing. Pure: the same facts give the same
//! list. A line is done only while something measured, and young enough, says so.

use jiff::{SignedDuration, Timestamp};

use crate::core::health::{Leg, Light};
use crate::core::snapshot::{Snapshot, TerminalMode, Trading};
use crate::market::{Account, MarginMode, Permissions};
use crate::ui::terminal_port::{ExpertInTerminal, FoundTerminal, FoundTerminals, TerminalPresence};
use crate::ui::text::fill;
use crate::ui::text_metatrader::MetaTraderText;

/// What the page knows.
pub struct Facts<'a> {
    /// The last look at this computer and its moment.
    pub found: Option<(&'a FoundTerminals, Timestamp)>,
    pub chosen: Option<&'a FoundTerminal>,
    pub snapshot: &'a Snapshot,
    pub now: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Done,
    /// The one that a person, or time, has to bring forward now.
    Next,
    /// It was done; its proof is too old to say so now.
    Stale,
    Waiting,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub title: &'static str,
    pub mark: Mark,
    pub words: String,
    /// How old the knowledge is.
    pub age: Option<SignedDuration>,
}

/// The one next thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Look,
    GetTerminal,
    Choose,
    StartOnce,
    Install {
        update: bool,
    },
    OpenSettings,
    OpenTerminal,
    Drag,
    /// It was connected and is silent.
    Wait,
    Login,
    AlgoButton,
    ExpertBox,
    AskBroker,
    ConfirmReal {
        login: u64,
        server: String,
    },
    /// The link is well, and trading is held here: paused, stopped, or blocked.
    Held {
        reason: String,
    },
    /// The link is well, and the market sleeps: a weekend, a break.
    Closed {
        opens: Option<Timestamp>,
    },
    Nothing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checklist {
    pub lines: [Line; 6],
    pub next: Next,
}

/// One line's own judgement: is it done, in which words, how old, and what to do if it is not.
struct Finding {
    light: Light,
    words: String,
    age: Option<SignedDuration>,
    next: Next,
}

impl Finding {
    const fn done(words: String, age: Option<SignedDuration>) -> Self {
        Self {
            light: Light::Good,
            words,
            age,
            next: Next::Nothing,
        }
    }

    const fn open(words: String, age: Option<SignedDuration>, next: Next) -> Self {
        Self {
            light: Light::Off,
            words,
            age,
            next,
        }
    }

    fn unknown(next: Next) -> Self {
        Self::open(String::new(), None, next)
    }
}

pub fn checklist(facts: &Facts<'_>, text: &MetaTraderText) -> Checklist {
    let link = Link::of(facts);
    let findings = [
        terminal(facts, &link, text),
        expert(facts, &link, text),
        connected(facts, &link, text),
        broker(facts, &link, text),
        trading(facts, &link, text),
        account(facts, &link, text),
    ];
    let titles = [
        text.item_terminal,
        text.item_expert,
        text.item_connected,
        text.item_broker,
        text.item_trading,
        text.item_account,
    ];
    let first = findings
        .iter()
        .position(|finding| finding.light != Light::Good);
    let next = first.map_or_else(|| held(facts), |place| findings[place].next.clone());
    let mut place = 0;
    let lines = findings.map(|finding| {
        let line = Line {
            title: titles[place],
            mark: match finding.light {
                Light::Good => Mark::Done,
                Light::Stale => Mark::Stale,
                _ if first == Some(place) => Mark::Next,
                _ => Mark::Waiting,
            },
            words: finding.words,
            age: finding.age,
        };
        place += 1;
        line
    });
    Checklist { lines, next }
}

/// Every line is done; orders pass only if nothing else holds them.
fn held(facts: &Facts<'_>) -> Next {
    match &facts.snapshot.trading {
        Trading::Paused { reason, .. }
        | Trading::Stopped { reason, .. }
        | Trading::Blocked { reason, .. } => Next::Held {
            reason: reason.clone(),
        },
        Trading::On if facts.snapshot.hours.all_closed() => Next::Closed {
            opens: facts.snapshot.hours.opens(),
        },
        Trading::On => Next::Nothing,
    }
}

/// The link to the Expert Advisor, as far as it is MetaTrader's and not the paper terminal's.
struct Link {
    light: Light,
    paper: bool,
    age: Option<SignedDuration>,
}

impl Link {
    fn of(facts: &Facts<'_>) -> Self {
        let paper = facts.snapshot.mode == TerminalMode::Paper;
        let health = facts.snapshot.link(Leg::Terminal);
        Self {
            light: if paper {
                Light::Off
            } else {
                health.light(Leg::Terminal, facts.now)
            },
            paper,
            age: health.proof_age(facts.now).filter(|_| !paper),
        }
    }

    fn is_up(&self) -> bool {
        self.light == Light::Good
    }
}

fn terminal(facts: &Facts<'_>, link: &Link, text: &MetaTraderText) -> Finding {
    let Some((found, at)) = facts.found else {
        return Finding::open(text.looking.to_owned(), None, Next::Look);
    };
    let age = Some(facts.now.duration_since(at).max(SignedDuration::ZERO));
    match (found.terminals.len(), facts.chosen) {
        (1, Some(chosen)) => Finding::done(fill(text.one_found, &[&chosen.name]), age),
        (number, Some(chosen)) => {
            let words = fill(text.some_found, &[&number.to_string(), &chosen.name]);
            Finding::done(words, age)
        }
        // One that is out of sight (another user's, under Wine) and yet speaks to us.
        (_, None) if link.is_up() => Finding::done(text.by_link.to_owned(), link.age),
        (0, None) => Finding::open(text.none_found.to_owned(), age, Next::GetTerminal),
        (number, None) => {
            let words = fill(text.choose_below, &[&number.to_string()]);
            Finding::open(words, age, Next::Choose)
        }
    }
}

fn expert(facts: &Facts<'_>, link: &Link, text: &MetaTraderText) -> Finding {
    let (Some((_, at)), Some(chosen)) = (facts.found, facts.chosen) else {
        return if link.is_up() {
            Finding::done(text.by_link.to_owned(), link.age)
        } else {
            Finding::unknown(Next::Look)
        };
    };
    let age = Some(facts.now.duration_since(at).max(SignedDuration::ZERO));
    let absent = matches!(
        chosen.expert,
        ExpertInTerminal::Absent | ExpertInTerminal::NotCompiled
    );
    // It runs in another terminal, or another one was picked here: what speaks to us is the stronger proof.
    if absent && link.is_up() {
        return Finding::done(text.by_link.to_owned(), link.age);
    }
    if chosen.data_dir.is_none() {
        return Finding::open(text.never_started.to_owned(), age, Next::StartOnce);
    }
    let install = |words: String| Finding::open(words, age, Next::Install { update: false });
    match &chosen.expert {
        ExpertInTerminal::Absent => install(text.expert_absent.to_owned()),
        ExpertInTerminal::NotCompiled => install(text.expert_not_compiled.to_owned()),
        ExpertInTerminal::Other { version } => Finding::open(
            fill(text.expert_other, &[version]),
            age,
            Next::Install { update: true },
        ),
        ExpertInTerminal::Current { version } => {
            Finding::done(fill(text.expert_current, &[version]), age)
        }
    }
}

fn connected(facts: &Facts<'_>, link: &Link, text: &MetaTraderText) -> Finding {
    if link.paper {
        return Finding::open(text.paper_in_use.to_owned(), None, Next::OpenSettings);
    }
    let health = facts.snapshot.link(Leg::Terminal);
    match link.light {
        Light::Good => {
            let words = match health.latency_ms {
                Some(ms) => fill(text.link_good, &[&ms.to_string()]),
                None => text.link_good_plain.to_owned(),
            };
            Finding::done(words, link.age)
        }
        Light::Stale => Finding {
            light: Light::Stale,
            words: text.link_lost.to_owned(),
            age: link.age,
            next: Next::Wait,
        },
        _ => {
            let words = match health.detail.as_str() {
                "" => text.link_waiting.to_owned(),
                detail => detail.to_owned(),
            };
            let closed = facts
                .chosen
                .is_some_and(|chosen| chosen.presence == TerminalPresence::Closed);
            let next = if closed {
                Next::OpenTerminal
            } else {
                Next::Drag
            };
            Finding::open(words, link.age, next)
        }
    }
}

/// The switches, while the link that reports them is up.
fn switches(facts: &Facts<'_>, link: &Link) -> Result<Permissions, Finding> {
    let stale = |light| Finding {
        light,
        words: String::new(),
        age: link.age,
        next: Next::Wait,
    };
    match (link.light, facts.snapshot.permissions) {
        (Light::Good, Some(switches)) => Ok(switches),
        (Light::Stale, Some(_)) => Err(stale(Light::Stale)),
        _ => Err(Finding::unknown(Next::Wait)),
    }
}

fn broker(facts: &Facts<'_>, link: &Link, text: &MetaTraderText) -> Finding {
    match switches(facts, link) {
        Err(finding) => finding,
        Ok(on) if on.connected => Finding::done(text.broker_on.to_owned(), link.age),
        Ok(_) => Finding::open(text.broker_off.to_owned(), link.age, Next::Login),
    }
}

/// Names the first switch that is off.
fn trading(facts: &Facts<'_>, link: &Link, text: &MetaTraderText) -> Finding {
    let on = match switches(facts, link) {
        Err(finding) => return finding,
        Ok(on) => on,
    };
    let off = |words: &str, next| Finding::open(words.to_owned(), link.age, next);
    if !on.algo_trading {
        off(text.algo_off, Next::AlgoButton)
    } else if !on.expert {
        off(text.box_off, Next::ExpertBox)
    } else if !on.account && on.connected {
        off(text.account_off, Next::AskBroker)
    } else if !on.account_experts && on.connected {
        off(text.experts_off, Next::AskBroker)
    } else if on.missing().is_none() {
        Finding::done(text.trading_on.to_owned(), link.age)
    } else {
        // Without its trade server the terminal cannot say what the broker allows.
        Finding::unknown(Next::Login)
    }
}

fn account(facts: &Facts<'_>, link: &Link, text: &MetaTraderText) -> Finding {
    let account = match (&facts.snapshot.account, link.light) {
        (Some(account), Light::Good) => account,
        (Some(_), Light::Stale) => {
            return Finding {
                light: Light::Stale,
                words: String::new(),
                age: link.age,
                next: Next::Wait,
            };
        }
        _ => return Finding::unknown(Next::Wait),
    };
    let words = account_words(account, facts.snapshot.terminal.contest, text);
    if account.demo || facts.snapshot.account_confirmed {
        Finding::done(words, link.age)
    } else {
        Finding::open(
            fill(text.real_unconfirmed, &[&words]),
            link.age,
            Next::ConfirmReal {
                login: account.login,
                server: account.server.clone(),
            },
        )
    }
}

/// The account with its number masked: pictures of this page are sent around.
fn account_words(account: &Account, contest: bool, text: &MetaTraderText) -> String {
    let kind = if contest {
        text.account_contest
    } else if account.demo {
        text.account_demo
    } else {
        text.account_real
    };
    let mode = match account.margin_mode {
        MarginMode::Hedging => text.hedging,
        MarginMode::Netting => text.netting,
    };
    let last = format!("{:03}", account.login % 1_000);
    fill(kind, &[&last, &account.server, &account.currency, mode])
}
