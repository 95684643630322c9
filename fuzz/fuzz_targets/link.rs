#![no_main]
//! Any bytes as a stream from an Expert Advisor, and any lines after a real handshake: never a panic, never an order that
//! nobody asked for, never an answer to one that nobody sent.

use std::time::Duration;

use fx_executor::market::TerminalEvent;
use fx_executor::terminal::metatrader::handshake::LinkSecret;
use fx_executor::terminal::metatrader::line::{Line, Splitter};
use fx_executor::terminal::metatrader::message::Received;
use fx_executor::terminal::metatrader::presend::MarginReserve;
use fx_executor::terminal::metatrader::session::{Input, Limits, Link, Moment, Output, PeerId, Setup};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

const NONCE: &str = "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea";
const PEER: PeerId = PeerId(1);

fuzz_target!(|data: &[u8]| {
    let mut splitter = Splitter::default();
    splitter.push(data);
    let secret = LinkSecret::of([7; 32]);
    let mut link = Link::new(Setup {
        secret: secret.clone(),
        limits: Limits::default(),
        margin_reserve: MarginReserve { percent: 10 },
        deals_since: None,
    });
    let mut mono = Duration::ZERO;
    let mut step = |link: &mut Link, input: Input| {
        mono += Duration::from_millis(20);
        let now = Moment {
            mono,
            utc: Timestamp::UNIX_EPOCH + mono,
        };
        for output in link.step(input, now) {
            match output {
                Output::Emit(TerminalEvent::Answer { .. } | TerminalEvent::Found { .. }) => {
                    panic!("nobody asked")
                }
                Output::Send { line, .. } => {
                    let text = line.strip_suffix('\n').expect("a line has its end");
                    let line = Line::parse(text.as_bytes()).expect("our own lines are whole");
                    assert!(!matches!(line.kind(), "ORDER" | "CLOSE" | "SLTP" | "CANCEL" | "CHECK"));
                }
                _ => {}
            }
        }
    };
    let line = |text: String| Input::Line {
        peer: PEER,
        bytes: text.into_bytes(),
    };
    let connected = Input::Connected {
        peer: PEER,
        link: "tcp",
        nonce: [9; 32],
    };
    step(&mut link, connected);
    // The first byte chooses: a stranger, or an EA that knows the secret.
    if data.first().is_some_and(|byte| byte % 4 != 0) {
        let mac = secret.ea_mac(NONCE, &"09".repeat(32), 1, "S");
        step(
            &mut link,
            line(format!(
                "HELLO\tq=1\tt=1\tproto=1\tea=1\tbuild=1\tlogin=1\tserver=S\tccy=USD\tdigits=2\tmargin=hedging\tkind=demo\tnonce={NONCE}\tconnected=1\talgo=1\texpert=1\taccount_ok=1\texpert_ok=1"
            )),
        );
        step(&mut link, line(format!("AUTH\tq=2\tt=2\tmac={mac}")));
    }
    let mut number = 2;
    while let Some(Ok(bytes)) = splitter.next_line() {
        if let Ok(parsed) = Line::parse(&bytes) {
            let _ = Received::read(&parsed);
        }
        // Lines that lack only their number get the right one, so that the fuzzer comes past the count.
        number += 1;
        let text = String::from_utf8_lossy(&bytes);
        let numbered = match text.split_once('\t') {
            Some((kind, rest)) if !rest.starts_with("q=") => format!("{kind}\tq={number}\tt=1\t{rest}"),
            _ => text.into_owned(),
        };
        step(&mut link, line(numbered));
        step(&mut link, Input::Tick);
    }
    step(&mut link, Input::Shutdown);
});
