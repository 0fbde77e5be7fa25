//! A backup and a recovery code: any text as a code, any bytes as a file, and any data under a key.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| privcomm::e2ee::fuzzing::backup(bytes));
