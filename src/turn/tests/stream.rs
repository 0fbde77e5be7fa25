//! Clients over TCP, among themselves and with clients over UDP (RFC 8656 §3.1).

use std::time::Duration;

use super::rig::{Client, Reply, Rig, UDP};
use super::wire::{StreamWire, Wire};
use crate::base::random;
use crate::turn::message::{Class, Method, Writer, attribute};
use crate::turn::{DropReason, ErrorCode};

/// TCP, in REQUESTED-TRANSPORT.
const TCP: [u8; 4] = [6, 0, 0, 0];

fn binding() -> Vec<u8> {
    Writer::new(Class::Request, Method::Binding, random::draw()).finish()
}

impl Rig {
    async fn connection(&self) -> StreamWire {
        StreamWire::connect(self.tcp_address()).await
    }

    /// Passes once so many connections are open. Every question is a round trip to the relay.
    async fn until_connections(&self, count: u64) {
        let witness = self.client().await;
        while self.relay.figures().connections != count {
            witness.assert_nothing_came().await;
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn the_relay_is_at_the_same_address_over_tcp_unless_told_otherwise() {
    let rig = Rig::start();
    assert_eq!(rig.relay.tcp_addresses(), rig.relay.addresses());
    assert!(rig.relay.tls_addresses().is_empty());
    let rig = Rig::start_with(|settings| settings.tcp = false);
    assert!(rig.relay.tcp_addresses().is_empty());
}

#[tokio::test]
async fn a_binding_says_where_the_connection_comes_from() {
    let rig = Rig::start();
    let client = rig.stream_client().await;
    let reply = client.exchange(&binding()).await;
    assert_eq!(reply.code(), None);
    let seen = reply.address(attribute::XOR_MAPPED_ADDRESS);
    assert_eq!(seen, Some(client.address()));
}

#[tokio::test]
async fn clients_of_either_family_meet() {
    let rig = Rig::start_with(|settings| {
        settings.listen = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    });
    let [v4, v6] = rig.relay.tcp_addresses()[..] else {
        panic!("two doors");
    };
    let connected = async |relay| {
        let wire = StreamWire::connect(relay).await;
        Client::over(Wire::Stream(wire), &rig.name(3600))
    };
    let pair = [connected(v4).await, connected(v6).await];
    assert!(pair[1].address().is_ipv6());
    let [(one, first), (other, second)] = rig.acquainted(pair).await;
    one.send_to(second, b"there").await;
    assert_eq!(other.receive_indication().await, (first, b"there".to_vec()));
    other.send_to(first, b"back").await;
    assert_eq!(one.receive_indication().await, (second, b"back".to_vec()));
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte_and_many_at_once() {
    let rig = Rig::start();
    let client = rig.stream_client().await;
    let stream = client.wire.stream();
    for byte in binding() {
        stream.write(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(Reply(client.receive().await).code(), None);
    stream
        .write(&[binding(), binding(), binding()].concat())
        .await;
    for _ in 0..3 {
        assert_eq!(Reply(client.receive().await).code(), None);
    }
}

#[tokio::test]
async fn channels_between_tcp_and_udp_are_padded_on_the_stream_only() {
    let rig = Rig::start();
    let [(mut tcp, over_tcp), (mut udp, over_udp)] = rig.mixed_pair().await;
    tcp.bind(0x4001, over_udp).await;
    udp.bind(0x4002, over_tcp).await;
    for length in 0..9_u8 {
        let media: Vec<u8> = (1..=length).collect();
        tcp.send_on(0x4001, &media).await;
        let arrived = udp.receive().await;
        assert_eq!(arrived, [&[0x40, 2, 0, length], &media[..]].concat());
        udp.send_on(0x4002, &media).await;
        let arrived = tcp.receive().await;
        assert_eq!(arrived, [&[0x40, 1, 0, length], &media[..]].concat());
    }
}

#[tokio::test]
async fn indications_pass_between_tcp_and_udp() {
    let rig = Rig::start();
    let [(tcp, over_tcp), (udp, over_udp)] = rig.mixed_pair().await;
    for media in [&b""[..], b"1", b"12345", &[0xAA; 1700]] {
        tcp.send_to(over_udp, media).await;
        assert_eq!(udp.receive_indication().await, (over_tcp, media.to_vec()));
        udp.send_to(over_tcp, media).await;
        assert_eq!(tcp.receive_indication().await, (over_udp, media.to_vec()));
    }
}

#[tokio::test]
async fn the_longest_channel_data_arrives_whole_between_streams() {
    let rig = Rig::start();
    let pair = [rig.stream_client().await, rig.stream_client().await];
    let [(mut one, first), (mut other, second)] = rig.acquainted(pair).await;
    one.bind(0x4001, second).await;
    let longest: Vec<u8> = (0..=u8::MAX).cycle().take(65_535).collect();
    one.send_on(0x4001, &longest).await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::SendFailed), 1);

    other.bind(0x4002, first).await;
    one.send_on(0x4001, &longest).await;
    let arrived = other.receive().await;
    assert_eq!(arrived[..4], [0x40, 2, 0xFF, 0xFF]);
    assert_eq!(arrived[4..], longest);
}

#[tokio::test]
async fn what_is_too_long_for_udp_is_dropped_and_never_cut() {
    let rig = Rig::start();
    let [(mut tcp, over_tcp), (mut udp, over_udp)] = rig.mixed_pair().await;
    tcp.bind(0x4001, over_udp).await;
    udp.bind(0x4002, over_tcp).await;
    tcp.send_on(0x4001, &vec![1; 65_535]).await;
    tcp.assert_nothing_came().await;
    udp.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::SendFailed), 1);
}

#[tokio::test]
async fn garbage_ends_the_connection_and_nothing_else() {
    let rig = Rig::start();
    let (witness, _) = rig.allocated().await;
    let cookieless = [&[0, 1, 0, 0][..], &[0; 16]].concat();
    for garbage in [b"\x16\x03\x01\x02", &cookieless[..], &[0xFF]] {
        let stream = rig.connection().await;
        stream.write(garbage).await;
        assert_eq!(stream.receive().await, None);
    }
    rig.until_connections(0).await;
    witness.assert_nothing_came().await;
}

#[tokio::test]
async fn an_allocation_ends_with_its_connection() {
    let rig = Rig::start();
    let [(tcp, over_tcp), (udp, _)] = rig.mixed_pair().await;
    assert_eq!(rig.relay.figures().allocations, 2);
    drop(tcp);
    rig.until_connections(0).await;
    assert_eq!(rig.relay.figures().allocations, 1);
    udp.send_to(over_tcp, b"too late").await;
    udp.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoPeer), 1);
}

#[tokio::test]
async fn a_connection_outlives_its_allocation_and_may_have_another() {
    let rig = Rig::start();
    let mut client = rig.stream_client().await;
    client.allocate().await;
    assert_eq!(client.try_refresh(0).await.code(), None);
    assert_eq!(rig.relay.figures().allocations, 0);
    client.allocate().await;
}

#[tokio::test]
async fn one_address_is_another_client_over_tcp_than_over_udp() {
    let rig = Rig::start();
    let mut udp = rig.client().await;
    let wire = StreamWire::connect_from(udp.address(), rig.tcp_address()).await;
    let mut tcp = Client::over(Wire::Stream(wire), &rig.name(3600));
    assert_eq!(tcp.address(), udp.address());
    let (over_udp, over_tcp) = (udp.allocate().await, tcp.allocate().await);
    assert_ne!(over_udp, over_tcp);
    assert_eq!(udp.try_refresh(0).await.code(), None);
    assert_eq!(tcp.try_refresh(600).await.code(), None);
}

#[tokio::test]
async fn the_gate_asks_the_same_over_tcp() {
    let rig = Rig::start();
    let mut client = rig.stream_client().await;
    let mut other = rig.stream_client().await;
    other.take_nonce().await;
    client.nonce = other.nonce;
    assert_eq!(
        client.try_allocate().await.code(),
        Some(ErrorCode::StaleNonce)
    );
    client.take_nonce().await;
    let reply = client
        .ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &TCP)
        })
        .await;
    let refusal = Some(ErrorCode::UnsupportedTransportProtocol);
    assert_eq!(reply.code(), refusal);
    client.password = "wrong".to_owned();
    let reply = client
        .ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
        })
        .await;
    assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
}

#[tokio::test]
async fn strangers_answers_are_rationed_over_tcp_too() {
    let rig = Rig::start_with(|settings| settings.answers.per_source = 5);
    let client = rig.stream_client().await;
    for _ in 0..30 {
        client.send(&binding()).await;
    }
    for _ in 0..10 {
        client.receive().await;
    }
    while rig.relay.figures().dropped(DropReason::Rationed) < 20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connections_are_limited_per_source() {
    let rig = Rig::start_with(|settings| settings.connections.per_source = 2);
    let (first, _second) = (rig.connection().await, rig.connection().await);
    rig.until_connections(2).await;
    let third = rig.connection().await;
    assert_eq!(third.receive().await, None);
    assert_eq!(rig.relay.figures().connections_refused, 1);

    drop(first);
    rig.until_connections(1).await;
    let fourth = rig.stream_client().await;
    assert_eq!(fourth.exchange(&binding()).await.code(), None);
}

#[tokio::test]
async fn members_fill_the_relay_and_strangers_give_way() {
    let rig = Rig::start_with(|settings| settings.connections.in_all = 2);
    let (silent, _other) = (rig.connection().await, rig.connection().await);
    rig.until_connections(2).await;
    let mut members = [rig.stream_client().await, rig.stream_client().await];
    for member in &mut members {
        member.allocate().await;
    }
    assert_eq!(silent.receive().await, None);
    rig.until_connections(2).await;
    let late = rig.connection().await;
    assert_eq!(late.receive().await, None);
    assert_eq!(rig.relay.figures().connections_refused, 1);
}

/// A client over UDP that floods one over TCP which doesn't read, until its backlog is full.
async fn flooded(rig: &Rig) -> [Client; 2] {
    let wire = StreamWire::connect_narrow(rig.tcp_address()).await;
    let slow = Client::over(Wire::Stream(wire), &rig.name(3600));
    let [(slow, _), (mut fast, _)] = {
        let pair = rig.acquainted([slow, rig.client().await]).await;
        let [(slow, over_tcp), (mut fast, over_udp)] = pair;
        fast.bind(0x4001, over_tcp).await;
        [(slow, over_tcp), (fast, over_udp)]
    };
    while rig.relay.figures().dropped(DropReason::Backlog) < 10 {
        for _ in 0..10 {
            fast.send_on(0x4001, &[7; 1200]).await;
        }
        assert_eq!(fast.try_refresh(600).await.code(), None);
    }
    [slow, fast]
}

#[tokio::test]
async fn a_batch_over_udp_reaches_a_stream_whole_and_in_order() {
    let rig = Rig::start();
    let [(mut tcp, over_tcp), (mut udp, over_udp)] = rig.mixed_pair().await;
    udp.bind(0x4001, over_tcp).await;
    let media = |index: u8| vec![index; usize::from(index)];
    for index in 0..100 {
        udp.send_on(0x4001, &media(index)).await;
    }
    for index in 0..100 {
        assert_eq!(tcp.receive_indication().await, (over_udp, media(index)));
    }
    tcp.bind(0x4002, over_udp).await;
    for index in 0..100 {
        udp.send_on(0x4001, &media(index)).await;
    }
    for index in 0..100 {
        assert_eq!(tcp.receive().await[4..], media(index));
    }
    assert_eq!(rig.relay.figures().packets, 200);
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_else_up() {
    let rig = Rig::start();
    let [slow, fast] = flooded(&rig).await;
    let [(tcp, over_tcp), (udp, over_udp)] = rig.mixed_pair().await;
    tcp.send_to(over_udp, b"still here").await;
    assert_eq!(udp.receive_indication().await.1, b"still here");
    udp.send_to(over_tcp, b"so am I").await;
    assert_eq!(tcp.receive_indication().await.1, b"so am I");
    fast.assert_nothing_came().await;

    let whole = slow.receive().await;
    assert!(whole.ends_with(&[7; 1200]), "what it was sent, uncut");
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut_off_and_loses_its_allocation() {
    let rig = Rig::start();
    let [_slow, _fast] = flooded(&rig).await;
    assert_eq!(rig.relay.figures().allocations, 2);
    // Only now: the shards' threads answer in real time.
    tokio::time::pause();
    while rig.relay.figures().connections > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(rig.relay.figures().allocations, 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_an_allocation_ends_in_a_minute() {
    let rig = Rig::start();
    let idle = rig.connection().await;
    let mut client = rig.stream_client().await;
    client.allocate().await;
    let started = tokio::time::Instant::now();
    assert_eq!(idle.receive().await, None);
    let waited = started.elapsed();
    assert!(waited >= Duration::from_secs(30) && waited <= Duration::from_secs(90));

    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(client.try_refresh(600).await.code(), None);
    assert_eq!(rig.relay.figures().connections, 1);
}

#[tokio::test]
async fn an_evicted_user_loses_allocations_over_tcp_too() {
    let rig = Rig::start();
    let mut client = rig.stream_client().await;
    client.allocate().await;
    let user = crate::base::UserId::random();
    let expires = rig.clock.now().saturating_add(Duration::from_mins(10));
    rig.relay.remember(&client.username, user, expires);
    rig.relay.evict(user).await;
    assert_eq!(rig.relay.figures().allocations, 0);
    let refused = Some(ErrorCode::Unauthenticated);
    assert_eq!(client.try_refresh(600).await.code(), refused);
}

#[tokio::test]
async fn connections_end_when_the_relay_stops() {
    let rig = Rig::start();
    let mut client = rig.stream_client().await;
    client.allocate().await;
    rig.tasks.stop();
    assert_eq!(client.wire.stream().receive().await, None);
    assert!(rig.tasks.join(Duration::from_secs(10)).await);
}
