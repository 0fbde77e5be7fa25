//! A sealed record, and content of a message.
#![no_main]

libfuzzer_sys::fuzz_target!(|record: &[u8]| privcomm::e2ee::fuzzing::stored(record));
