//! The body of an HTTP request, read as every kind there is; and base64.
#![no_main]

use privcomm::wire::body::{
    AccountPatch, AckRequest, ChallengeRequest, ContactRequest, DeleteRequest, KeyUpload,
    RegisterRequest, SendRequest, TokenRequest,
};
use privcomm::wire::{binary, json};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = json::parse::<RegisterRequest>(body);
    let _ = json::parse::<ChallengeRequest>(body);
    let _ = json::parse::<TokenRequest>(body);
    let _ = json::parse::<KeyUpload>(body);
    let _ = json::parse::<SendRequest>(body);
    let _ = json::parse::<AckRequest>(body);
    let _ = json::parse::<ContactRequest>(body);
    let _ = json::parse::<AccountPatch>(body);
    let _ = json::parse::<DeleteRequest>(body);
    let Ok(text) = std::str::from_utf8(body) else {
        return;
    };
    let decoded = binary::decode(text);
    assert_eq!(decoded.is_ok(), binary::check(text).is_ok());
    if let Ok(bytes) = decoded {
        assert_eq!(binary::encode(&bytes), text);
    }
});
