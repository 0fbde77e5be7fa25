//! What a client reads back once its records are opened: sessions, peers, prekeys, seen ids.
#![no_main]

libfuzzer_sys::fuzz_target!(|record: &[u8]| privcomm::e2ee::fuzzing::record(record));
