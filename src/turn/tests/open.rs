//! The open mode: peers outside, by real sockets (RFC 8656 §10 to §12).

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::os::fd::AsRawFd;

use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

use super::rig::{Client, Peer, Rig, UDP, open_to_loopback};
use crate::base::{UserId, random};
use crate::turn::message::{Class, Method, Writer, attribute};
use crate::turn::{DropReason, ErrorCode, PeerRules, Reach};

/// A client that has a peer outside permitted, and both their addresses.
async fn met(rig: &Rig) -> (Client, SocketAddr, Peer) {
    let (mut client, relayed) = rig.allocated().await;
    let peer = Peer::at("127.0.0.1").await;
    client.permit(peer.address()).await;
    (client, relayed, peer)
}

/// Whether nobody has this address.
fn is_free(address: SocketAddr) -> bool {
    std::net::UdpSocket::bind(address).is_ok()
}

#[tokio::test]
async fn a_plain_peer_hears_and_is_heard() {
    let rig = Rig::start_open();
    let (client, relayed, peer) = met(&rig).await;
    for media in [&b""[..], b"1", b"12345", &[0xAA; 1700]] {
        client.send_to(peer.address(), media).await;
        assert_eq!(peer.receive().await, (relayed, media.to_vec()));
        peer.send_to(relayed, media).await;
        let expected = (peer.address(), media.to_vec());
        assert_eq!(client.receive_indication().await, expected);
    }
    let figures = rig.relay.figures();
    assert_eq!((figures.packets, figures.bytes), (8, 2 * 1706));
    assert_eq!(rig.asked(relayed), [peer.address(); 4]);
}

#[tokio::test]
async fn channels_lead_to_a_plain_peer_and_back() {
    let rig = Rig::start_open();
    let (mut client, relayed, peer) = met(&rig).await;
    client.bind(0x4001, peer.address()).await;
    for length in 0..9_u8 {
        let media: Vec<u8> = (1..=length).collect();
        client.send_on(0x4001, &media).await;
        assert_eq!(peer.receive().await, (relayed, media.clone()));
        peer.send_to(relayed, &media).await;
        let framed = [&[0x40, 1, 0, length], &media[..]].concat();
        assert_eq!(client.receive().await, framed);
    }
}

#[tokio::test]
async fn long_datagrams_pass_whole_both_ways() {
    let rig = Rig::start_open();
    let (mut client, relayed, peer) = met(&rig).await;
    for bound in [false, true] {
        if bound {
            client.bind(0x4001, peer.address()).await;
        }
        for length in [1499, 1500, 1501, 1700, 9000, 65_000] {
            let media: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            peer.send_to(relayed, &media).await;
            if bound {
                client.send_on(0x4001, &media).await;
                assert_eq!(client.receive().await[4..], media);
            } else {
                client.send_to(peer.address(), &media).await;
                assert_eq!(client.receive_indication().await.1, media);
            }
            assert_eq!(peer.receive().await.1, media);
        }
    }
}

#[tokio::test]
async fn what_is_too_long_with_its_header_is_dropped_and_never_cut() {
    let rig = Rig::start_open();
    let (mut client, relayed, peer) = met(&rig).await;
    client.bind(0x4001, peer.address()).await;
    peer.send_to(relayed, &vec![1; 65_507]).await;
    rig.until_dropped(DropReason::SendFailed, 1).await;
    client.assert_nothing_came().await;
}

#[tokio::test]
async fn every_peer_of_one_request_is_permitted() {
    let rig = Rig::start_open();
    let (mut client, relayed) = rig.allocated().await;
    let [one, other] = [Peer::at("127.0.0.2").await, Peer::at("127.0.0.3").await];
    let both = [one.address(), other.address()];
    assert_eq!(client.try_permit(&both).await.code(), None);
    for peer in [one, other] {
        client.send_to(peer.address(), b"to each").await;
        assert_eq!(peer.receive().await, (relayed, b"to each".to_vec()));
        peer.send_to(relayed, b"from each").await;
        let expected = (peer.address(), b"from each".to_vec());
        assert_eq!(client.receive_indication().await, expected);
    }
}

#[tokio::test]
async fn a_peer_without_permission_neither_hears_nor_is_heard() {
    let rig = Rig::start_open();
    let (client, relayed, _peer) = met(&rig).await;
    let stranger = Peer::at("127.0.0.2").await;
    client.send_to(stranger.address(), b"unpermitted").await;
    client.assert_nothing_came().await;
    stranger.assert_nothing_came().await;
    stranger.send_to(relayed, b"unwelcome").await;
    rig.until_dropped(DropReason::NotWelcome, 1).await;
    client.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoPermission), 1);
    assert_eq!(rig.asked(relayed), []);
}

#[tokio::test]
async fn a_permission_ends_after_five_minutes_for_both() {
    let rig = Rig::start_open();
    let (mut client, relayed, peer) = met(&rig).await;
    client.bind(0x4001, peer.address()).await;
    rig.advance(299);
    client.send_on(0x4001, b"in time").await;
    assert_eq!(peer.receive().await.1, b"in time");
    peer.send_to(relayed, b"in time").await;
    assert_eq!(client.receive().await[4..], *b"in time");
    rig.advance(1);
    client.send_on(0x4001, b"late").await;
    client.assert_nothing_came().await;
    peer.assert_nothing_came().await;
    peer.send_to(relayed, b"late").await;
    rig.until_dropped(DropReason::NotWelcome, 1).await;
    client.assert_nothing_came().await;
    client.permit(peer.address()).await;
    client.send_on(0x4001, b"renewed").await;
    assert_eq!(peer.receive().await.1, b"renewed");
}

#[tokio::test]
async fn a_channel_ends_after_ten_minutes_for_both() {
    let rig = Rig::start_open();
    let (mut client, relayed, peer) = met(&rig).await;
    client.bind(0x4001, peer.address()).await;
    assert_eq!(client.try_refresh(3600).await.code(), None);
    rig.advance(599);
    client.permit(peer.address()).await;
    peer.send_to(relayed, b"in time").await;
    assert_eq!(client.receive().await[4..], *b"in time");
    rig.advance(1);
    client.send_on(0x4001, b"late").await;
    client.assert_nothing_came().await;
    peer.assert_nothing_came().await;
    peer.send_to(relayed, b"indicated").await;
    assert_eq!(client.receive_indication().await.1, b"indicated");
    assert_eq!(rig.relay.figures().dropped(DropReason::NoChannel), 1);
}

#[tokio::test]
async fn allocations_of_this_relay_meet_in_memory() {
    let rig = Rig::start_open();
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    one.send_to(second, b"there").await;
    assert_eq!(other.receive_indication().await, (first, b"there".to_vec()));
    one.bind(0x4001, second).await;
    other.bind(0x4002, first).await;
    other.send_on(0x4002, b"back").await;
    assert_eq!(one.receive().await[4..], *b"back");
    assert_eq!(other.try_refresh(0).await.code(), None);
    assert_eq!(rig.asked(first), []);
}

#[tokio::test]
async fn a_lapsed_allocation_is_no_peer_in_memory_nor_outside() {
    let rig = Rig::start_open();
    let [(mut one, first), (_other, second)] = rig.pair().await;
    assert_eq!(one.try_refresh(3600).await.code(), None);
    rig.advance(600);
    one.take_nonce().await;
    one.permit(second).await;
    one.send_to(second, b"too late").await;
    one.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoPeer), 1);
    assert_eq!(rig.asked(first), []);
}

#[tokio::test]
async fn the_relays_own_address_is_reached_in_memory_only() {
    let own = Peer::at("127.0.0.1").await;
    let rig = Rig::start_with(|settings| settings.reach = Reach::Open(PeerRules::default()));
    let (mut client, relayed) = rig.allocated().await;
    client.permit(own.address()).await;
    client.send_to(own.address(), b"never").await;
    client.assert_nothing_came().await;
    own.assert_nothing_came().await;
    own.send_to(relayed, b"never").await;
    rig.until_dropped(DropReason::NotWelcome, 1).await;
    client.assert_nothing_came().await;
    assert_eq!(rig.asked(relayed), []);
    client.send_to(relayed, b"to myself").await;
    assert_eq!(client.receive_indication().await.1, b"to myself");
}

#[tokio::test]
async fn a_socket_ends_with_its_allocation_whatever_ends_that() {
    let rig = Rig::start_open();
    let (mut client, relayed) = rig.allocated().await;
    assert!(!is_free(relayed));
    assert_eq!(client.try_refresh(0).await.code(), None);
    assert!(is_free(relayed));

    let (_client, relayed) = rig.allocated().await;
    rig.advance(600);
    rig.sweep().await;
    assert!(is_free(relayed));

    let user = UserId::random();
    let name = rig.name(600);
    let mut client = rig.client_named(&name).await;
    let relayed = client.allocate().await;
    let expires = rig
        .clock
        .now()
        .saturating_add(std::time::Duration::from_mins(10));
    rig.relay.remember(&name, user, expires);
    rig.relay.evict(user).await;
    assert!(is_free(relayed));

    let (_client, relayed) = rig.allocated().await;
    rig.tasks.stop();
    assert!(rig.tasks.join(std::time::Duration::from_secs(10)).await);
    assert!(is_free(relayed));
}

#[tokio::test]
async fn a_port_rests_after_its_allocation() {
    let rig = Rig::start_open();
    let (mut client, first) = rig.allocated().await;
    assert_eq!(client.try_refresh(0).await.code(), None);
    let narrow = Rig::start_with(|settings| {
        settings.reach = open_to_loopback();
        settings.relay_ports = first.port()..=first.port();
    });
    let (mut client, relayed) = narrow.allocated().await;
    assert_eq!(relayed, first);
    assert_eq!(client.try_refresh(0).await.code(), None);
    narrow.advance(59);
    let refused = client.try_allocate().await.code();
    assert_eq!(refused, Some(ErrorCode::InsufficientCapacity));
    narrow.advance(1);
    assert_eq!(client.allocate().await, first);
}

/// A socket of somebody else's, at a port of this parity.
fn somebody(is_even: bool) -> std::net::UdpSocket {
    std::iter::repeat_with(|| std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
        .find(|it| it.local_addr().unwrap().port().is_multiple_of(2) == is_even)
        .unwrap()
}

#[tokio::test]
async fn a_port_that_somebody_else_has_is_left_alone() {
    let other = somebody(true);
    let port = other.local_addr().unwrap().port();
    let rig = Rig::start_with(|settings| {
        settings.reach = open_to_loopback();
        settings.relay_ports = port - 20..=port + 20;
        settings.max_allocations_per_user = 100;
    });
    let name = rig.name(600);
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut client = rig.client_named(&name).await;
        assert_ne!(client.allocate().await.port(), port);
        clients.push(client);
    }
    let only = Rig::start_with(|settings| {
        settings.reach = open_to_loopback();
        settings.relay_ports = port..=port;
    });
    let mut client = only.client().await;
    let refused = client.try_allocate().await.code();
    assert_eq!(refused, Some(ErrorCode::InsufficientCapacity));
    assert_eq!(only.relay.figures().allocations, 0);
}

async fn order_even(client: &mut Client, flags: u8) -> super::rig::Reply {
    client
        .ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
                .attribute(attribute::EVEN_PORT, &[flags])
        })
        .await
}

#[tokio::test]
async fn a_pair_is_no_pair_where_somebody_else_has_one_of_it() {
    let other = somebody(false);
    let port = other.local_addr().unwrap().port();
    let rig = Rig::start_with(|settings| {
        settings.reach = open_to_loopback();
        settings.relay_ports = port - 1..=port;
    });
    let mut client = rig.client().await;
    let refused = order_even(&mut client, 0x80).await.code();
    assert_eq!(refused, Some(ErrorCode::InsufficientCapacity));
}

#[tokio::test]
async fn a_reserved_port_is_held_for_its_token() {
    let rig = Rig::start_open();
    let mut client = rig.client().await;
    let reply = order_even(&mut client, 0x80).await;
    let even = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    let odd = SocketAddr::new(even.ip(), even.port() + 1);
    assert!(even.port().is_multiple_of(2) && !is_free(odd));
    let token = reply.value(attribute::RESERVATION_TOKEN).unwrap();

    let mut second = rig.client_named(&client.username).await;
    let reply = second
        .ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
                .attribute(attribute::RESERVATION_TOKEN, &token)
        })
        .await;
    assert_eq!(reply.address(attribute::XOR_RELAYED_ADDRESS), Some(odd));
    let peer = Peer::at("127.0.0.1").await;
    second.permit(peer.address()).await;
    peer.send_to(odd, b"to the odd one").await;
    assert_eq!(second.receive_indication().await.1, b"to the odd one");

    rig.advance(30);
    let reply = order_even(&mut rig.client().await, 0x80).await;
    let even = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    rig.advance(30);
    rig.sweep().await;
    assert!(is_free(SocketAddr::new(even.ip(), even.port() + 1)));
}

#[tokio::test]
async fn a_peer_that_is_gone_ends_nothing() {
    let rig = Rig::start_open();
    let (client, relayed, peer) = met(&rig).await;
    let gone = Peer::at("127.0.0.1").await.address();
    for _ in 0..20 {
        client.send_to(gone, b"anybody there?").await;
        client.send_to(peer.address(), b"you are").await;
        assert_eq!(peer.receive().await.1, b"you are");
        peer.send_to(relayed, b"I am").await;
        assert_eq!(client.receive_indication().await.1, b"I am");
    }
}

#[tokio::test]
async fn clients_over_tcp_have_peers_outside_too() {
    let rig = Rig::start_open();
    let mut client = rig.stream_client().await;
    let relayed = client.allocate().await;
    let peer = Peer::at("127.0.0.1").await;
    client.permit(peer.address()).await;
    client.send_to(peer.address(), b"indicated").await;
    assert_eq!(peer.receive().await, (relayed, b"indicated".to_vec()));
    peer.send_to(relayed, &[7; 1700]).await;
    let expected = (peer.address(), vec![7; 1700]);
    assert_eq!(client.receive_indication().await, expected);
    client.bind(0x4001, peer.address()).await;
    client.send_on(0x4001, b"on a channel").await;
    assert_eq!(peer.receive().await.1, b"on a channel");
    peer.send_to(relayed, b"back").await;
    assert_eq!(client.receive().await, b"\x40\x01\x00\x04back");
    let figures = rig.relay.figures();
    assert_eq!((figures.packets, figures.bytes), (4, 9 + 1700 + 12 + 4));
}

#[tokio::test]
async fn peers_are_reached_over_ipv6() {
    let rig = Rig::start_with(|settings| {
        settings.listen = vec!["[::1]:0".parse().unwrap()];
        settings.reach = open_to_loopback();
    });
    let mut client = rig.client().await;
    let reply = client
        .ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
                .attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])
        })
        .await;
    let relayed = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    let peer = Peer::at("::1").await;
    client.permit(peer.address()).await;
    for length in [0, 1700, 65_000] {
        let media = vec![6; length];
        client.send_to(peer.address(), &media).await;
        assert_eq!(peer.receive().await, (relayed, media.clone()));
        peer.send_to(relayed, &media).await;
        let expected = (peer.address(), media);
        assert_eq!(client.receive_indication().await, expected);
    }
}

#[tokio::test]
async fn answers_carry_the_public_address_and_sockets_the_local_one() {
    let public = "203.0.113.5".parse().unwrap();
    let rig = Rig::start_with(|settings| {
        settings.public_address = Some(public);
        settings.reach = open_to_loopback();
    });
    let (client, relayed, peer) = met(&rig).await;
    assert_eq!(relayed.ip(), public);
    let local = SocketAddr::new([127, 0, 0, 1].into(), relayed.port());
    client.send_to(peer.address(), b"out").await;
    assert_eq!(peer.receive().await, (local, b"out".to_vec()));
    peer.send_to(local, b"in").await;
    assert_eq!(client.receive_indication().await.1, b"in");
}

#[tokio::test]
async fn dont_fragment_is_accepted_with_media() {
    let rig = Rig::start_open();
    let (client, _, peer) = met(&rig).await;
    let indication = Writer::new(Class::Indication, Method::Send, random::draw())
        .xored_address(attribute::XOR_PEER_ADDRESS, peer.address())
        .attribute(attribute::DONT_FRAGMENT, &[])
        .attribute(attribute::DATA, b"whole")
        .finish();
    client.send(&indication).await;
    assert_eq!(peer.receive().await.1, b"whole");
}

#[tokio::test]
async fn a_peer_sends_no_more_than_the_rate_either() {
    let rig = Rig::start_with(|settings| {
        settings.reach = open_to_loopback();
        settings.max_bitrate = NonZeroU64::new(8_000);
    });
    let (client, relayed, peer) = met(&rig).await;
    for _ in 0..11 {
        peer.send_to(relayed, &[1; 100]).await;
        client.send_to(peer.address(), &[2; 100]).await;
    }
    rig.until_dropped(DropReason::OverRate, 2).await;
    for _ in 0..10 {
        assert_eq!(client.receive_indication().await.1, [1; 100]);
        assert_eq!(peer.receive().await.1, [2; 100]);
    }
    client.assert_nothing_came().await;
    peer.assert_nothing_came().await;
}

#[tokio::test]
async fn trains_are_passed_on_as_what_they_carry() {
    let rig = Rig::start_open();
    for bound in [false, true] {
        let (mut client, relayed, peer) = met(&rig).await;
        if bound {
            client.bind(0x4001, peer.address()).await;
        }
        let packets: Vec<Vec<u8>> = (0..9).map(|index| vec![index; 101]).collect();
        let train = packets.concat();
        let sent = sendmsg(
            peer.socket().as_raw_fd(),
            &[std::io::IoSlice::new(&train)],
            &[ControlMessage::UdpGsoSegments(&101)],
            MsgFlags::empty(),
            Some(&SockaddrStorage::from(relayed)),
        );
        assert_eq!(sent, Ok(train.len()));
        for packet in &packets {
            let media = if bound {
                client.receive().await[4..].to_vec()
            } else {
                client.receive_indication().await.1
            };
            assert_eq!(media, *packet);
        }
        for packet in &packets {
            client.send_to(peer.address(), packet).await;
        }
        for packet in packets {
            assert_eq!(peer.receive().await.1, packet);
        }
    }
}

#[tokio::test]
async fn many_allocations_with_a_peer_each_mix_nothing_up() {
    let rig = Rig::start_open();
    let mut calls = Vec::new();
    for _ in 0..40 {
        let (mut client, relayed, peer) = met(&rig).await;
        client.bind(0x4001, peer.address()).await;
        calls.push((client, relayed, peer));
    }
    for round in 0..20_u8 {
        for (index, (client, relayed, peer)) in (0_u8..).zip(&calls) {
            for number in 0..3 {
                client.send_on(0x4001, &[round, index, number]).await;
                peer.send_to(*relayed, &[round, index, number]).await;
            }
        }
        for (index, (client, relayed, peer)) in (0_u8..).zip(&calls) {
            for number in 0..3 {
                let media = [round, index, number];
                assert_eq!(client.receive().await[4..], media);
                assert_eq!(peer.receive().await, (*relayed, media.to_vec()));
            }
        }
    }
}
