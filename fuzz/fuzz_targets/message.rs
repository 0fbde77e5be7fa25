//! A datagram, as it is and with a header that makes it a message: STUN with its attributes and
//! integrity, ChannelData, a Send indication.
#![no_main]

mod stun;

libfuzzer_sys::fuzz_target!(|datagram: &[u8]| {
    privcomm::turn::fuzzing::message(datagram);
    if let Some(message) = stun::with_true_header(datagram) {
        privcomm::turn::fuzzing::message(&message);
    }
});
