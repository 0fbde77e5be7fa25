//! What a proxy, or somebody who plays one, says of a client's address. Values are lines.
#![no_main]

use std::net::IpAddr;

use privcomm::net::{Remote, TrustedProxies};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let (first, rest) = input
        .split_first()
        .map_or((0, input), |(first, rest)| (*first, rest));
    let values: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    let (connecting, forwarded) = values.split_at(usize::from(first).min(values.len()));
    let trusted = TrustedProxies::parse(&["192.0.2.0/24"]).expect("a network");
    let both = |peer: Remote| {
        let [connecting, forwarded] = [connecting, forwarded].map(|it| it.iter().copied());
        trusted.address(peer, connecting, forwarded)
    };
    both(Remote::Local);
    both(Remote::Address(IpAddr::from([192, 0, 2, 1])));
    let stranger = Remote::Address(IpAddr::from([198, 51, 100, 1]));
    assert_eq!(both(stranger), stranger);
    if let Ok(text) = std::str::from_utf8(rest) {
        let _ = TrustedProxies::parse(&[text]);
    }
});
