//! A stranger's datagram at the gate: as it is, and with a header that makes it a message.
#![no_main]

mod stun;

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    privcomm::turn::fuzzing::gate(datagram);
    if let Some(message) = stun::with_true_header(datagram) {
        privcomm::turn::fuzzing::gate(&message);
    }
});
