#![no_main]
//! Any sequence of envelopes and heartbeat pages: never a panic, never a doubled id, and replaying the records gives
//! the same state.

use std::time::Duration;

use fx_executor::core::snapshot::Source;
use fx_executor::core::{Config, Delivery, Durable, Event, Now, State, step};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: Vec<String>| {
    let start = Now {
        mono: Duration::ZERO,
        utc: Timestamp::UNIX_EPOCH,
    };
    let mut state = State::new(Durable::default(), Config::default(), Vec::new(), Default::default(), start);
    let mut replayed = Durable::default();
    for (number, text) in texts.into_iter().enumerate() {
        let mono = Duration::from_millis(number as u64 * 100);
        let now = Now {
            mono,
            utc: Timestamp::UNIX_EPOCH + mono,
        };
        let delivery = |source| Delivery {
            source,
            raw: text.clone(),
        };
        let event = if number % 2 == 0 {
            Event::Delivered(delivery(Source::Pusher))
        } else {
            Event::HeartbeatAnswered {
                rows: vec![delivery(Source::Heartbeat), delivery(Source::Heartbeat)],
            }
        };
        for record in step(&mut state, event, now).records {
            replayed.apply(&record);
        }
        assert_eq!(&replayed, state.durable());
    }
});
