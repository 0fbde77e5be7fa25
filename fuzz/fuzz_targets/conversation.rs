//! Members with credentials who ask the relay for anything in any order.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| privcomm::turn::fuzzing::conversation(script));
