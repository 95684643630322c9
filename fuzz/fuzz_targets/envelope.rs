#![no_main]
//! Any text as an envelope: never a panic, and what is read has a name and an id.

use fx_executor::core::{read_envelope, snapshot::Source};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(command) = read_envelope(text, Source::Pusher, Timestamp::UNIX_EPOCH, || "local-0".to_owned()) {
        assert!(!command.name.is_empty());
        assert!(!command.id.is_empty());
        let _ = command.expiry();
        let _ = command.subject();
        let _ = command.decimal(&["volume", "lots", "lotSize"]);
    }
});
