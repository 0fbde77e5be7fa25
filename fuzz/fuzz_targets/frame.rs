//! A text frame of a WebSocket.
#![no_main]

use privcomm::wire::frame::ClientFrame;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(bad) = ClientFrame::parse(text) {
        let echoed = [bad.id, bad.call_id];
        assert!(echoed.iter().flatten().all(|id| id.len() <= 64));
    }
});
