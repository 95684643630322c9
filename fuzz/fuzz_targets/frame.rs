#![no_main]
//! Any text as a Pusher frame: never a panic, and data is decoded at most once.

use fx_executor::pusher::frame::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(frame) = Frame::parse(text) {
        let _ = frame.data();
        let _ = frame.greeting();
        let _ = frame.error();
    }
});
