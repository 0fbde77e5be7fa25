//! A payload, as it is and around any bytes: envelope, body of either kind, prefix and header.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use privcomm::e2ee::{Kind, fuzzing};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        fuzzing::payload(text);
    }
    fuzzing::payload(&STANDARD.encode(bytes));
    fuzzing::body(Kind::First, bytes);
    fuzzing::body(Kind::Ratchet, bytes);
});
