//! A stream cut anywhere gives the same messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| privcomm::turn::fuzzing::framing(input));
