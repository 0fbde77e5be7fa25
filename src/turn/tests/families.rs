//! Relayed addresses of both families for one client (RFC 8656 §7.2, ADDITIONAL-ADDRESS-FAMILY).

use std::net::SocketAddr;

use super::rig::{Client, Peer, Reply, Rig, UDP, open_to_loopback};
use crate::turn::message::{Method, attribute};
use crate::turn::{DropReason, ErrorCode, Settings};

const V4: [u8; 4] = [1, 0, 0, 0];
const V6: [u8; 4] = [2, 0, 0, 0];

fn start_with(change: impl FnOnce(&mut Settings)) -> Rig {
    Rig::start_with(|settings| {
        settings.listen = vec!["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
        change(settings);
    })
}

fn start() -> Rig {
    start_with(|_| ())
}

async fn order(client: &mut Client, more: &[(u16, &[u8])]) -> Reply {
    client
        .ask(Method::Allocate, |it| {
            let it = it
                .attribute(attribute::REQUESTED_TRANSPORT, &UDP)
                .attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &V6);
            more.iter()
                .fold(it, |it, (kind, value)| it.attribute(*kind, value))
        })
        .await
}

fn relayed(reply: &Reply) -> Vec<SocketAddr> {
    let shape = reply.shape();
    shape
        .attributes()
        .filter(|(kind, _)| *kind == attribute::XOR_RELAYED_ADDRESS)
        .filter_map(|(_, value)| shape.xored_address(value))
        .collect()
}

/// A client with both addresses, IPv4 first.
async fn twofold(rig: &Rig) -> (Client, SocketAddr, SocketAddr) {
    let mut client = rig.client().await;
    let [v4, v6] = relayed(&order(&mut client, &[]).await)[..] else {
        panic!("two relayed addresses");
    };
    (client, v4, v6)
}

async fn refresh(client: &mut Client, family: [u8; 4], seconds: u32) -> Reply {
    client
        .ask(Method::Refresh, |it| {
            it.attribute(attribute::REQUESTED_ADDRESS_FAMILY, &family)
                .attribute(attribute::LIFETIME, &seconds.to_be_bytes())
        })
        .await
}

#[tokio::test]
async fn one_request_opens_an_address_of_each_family() {
    let rig = start();
    let mut client = rig.client().await;
    let reply = order(&mut client, &[]).await;
    assert_eq!((reply.code(), reply.lifetime()), (None, 600));
    let [v4, v6] = relayed(&reply)[..] else {
        panic!("two relayed addresses");
    };
    assert!(v4.is_ipv4() && v6.is_ipv6() && v4.port() != v6.port());
    assert_eq!(reply.value(attribute::ADDRESS_ERROR_CODE), None);
    assert_eq!(rig.relay.figures().allocations, 2);
    let second = client.try_allocate().await.code();
    assert_eq!(second, Some(ErrorCode::AllocationMismatch));
}

#[tokio::test]
async fn the_family_of_the_peer_chooses_the_address() {
    let rig = start();
    let (mut one, one_v4, one_v6) = twofold(&rig).await;
    let (mut other, other_v4, other_v6) = twofold(&rig).await;
    assert_eq!(one.try_permit(&[other_v4, other_v6]).await.code(), None);
    other.permit(one_v4).await;
    other.permit(one_v6).await;
    one.send_to(other_v4, b"four").await;
    assert_eq!(other.receive_indication().await, (one_v4, b"four".to_vec()));
    one.send_to(other_v6, b"six").await;
    assert_eq!(other.receive_indication().await, (one_v6, b"six".to_vec()));
    one.bind(0x4004, other_v4).await;
    one.bind(0x4006, other_v6).await;
    other.bind(0x4001, one_v6).await;
    one.send_on(0x4004, b"four").await;
    assert_eq!(other.receive_indication().await, (one_v4, b"four".to_vec()));
    one.send_on(0x4006, b"six").await;
    assert_eq!(other.receive().await, b"\x40\x01\x00\x03six");
    one.send_on(0x4005, b"neither").await;
    one.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoChannel), 1);
}

#[tokio::test]
async fn a_channel_number_is_of_one_family_at_a_time() {
    let rig = start();
    let (mut client, v4, v6) = twofold(&rig).await;
    client.bind(0x4001, v4).await;
    let refused = client.try_bind(0x4001, v6).await.code();
    assert_eq!(refused, Some(ErrorCode::BadRequest));
    client.bind(0x4002, v6).await;
    client.bind(0x4001, v4).await;
}

#[tokio::test]
async fn permissions_of_one_family_are_none_of_the_other() {
    let rig = start();
    let (mut one, one_v4, _) = twofold(&rig).await;
    let (mut other, other_v4, other_v6) = twofold(&rig).await;
    one.permit(other_v4).await;
    other.permit(one_v4).await;
    one.send_to(other_v6, b"unpermitted").await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoPermission), 1);
}

#[tokio::test]
async fn one_family_may_be_given_back_and_the_other_stays() {
    for (given, kept) in [(V6, V4), (V4, V6)] {
        let rig = start();
        let (mut client, ..) = twofold(&rig).await;
        let request = client.request(Method::Refresh, |it| {
            it.attribute(attribute::REQUESTED_ADDRESS_FAMILY, &given)
                .attribute(attribute::LIFETIME, &[0; 4])
        });
        let reply = client.exchange(&request).await;
        assert_eq!((reply.code(), reply.lifetime()), (None, 0));
        assert_eq!(client.exchange(&request).await.0, reply.0, "the same again");
        assert_eq!(rig.relay.figures().allocations, 1);
        let mismatch = Some(ErrorCode::PeerAddressFamilyMismatch);
        assert_eq!(refresh(&mut client, given, 600).await.code(), mismatch);
        assert_eq!(refresh(&mut client, kept, 600).await.code(), None);
        assert_eq!(client.try_refresh(0).await.code(), None);
        assert_eq!(rig.relay.figures().allocations, 0);
    }
}

#[tokio::test]
async fn each_family_lapses_by_itself() {
    let rig = start();
    let (mut client, v4, v6) = twofold(&rig).await;
    assert_eq!(refresh(&mut client, V6, 3600).await.lifetime(), 3600);
    rig.advance(600);
    client.take_nonce().await;
    client.permit(v6).await;
    client.send_to(v6, b"to myself").await;
    assert_eq!(client.receive_indication().await.1, b"to myself");
    let mismatch = Some(ErrorCode::PeerAddressFamilyMismatch);
    assert_eq!(client.try_permit(&[v4]).await.code(), mismatch);
    rig.sweep().await;
    assert_eq!(rig.relay.figures().allocations, 1);
    client.bind(0x4001, v6).await;
    client.send_on(0x4001, b"to myself").await;
    assert_eq!(client.receive().await[4..], *b"to myself");
}

#[tokio::test]
async fn a_refresh_without_a_family_is_for_both() {
    let rig = start();
    let (mut client, ..) = twofold(&rig).await;
    assert_eq!(client.try_refresh(3600).await.lifetime(), 3600);
    rig.advance(3599);
    rig.sweep().await;
    assert_eq!(rig.relay.figures().allocations, 2);
    rig.advance(1);
    rig.sweep().await;
    assert_eq!(rig.relay.figures().allocations, 0);
}

#[tokio::test]
async fn both_end_with_their_connection() {
    let rig = start();
    let mut client = rig.stream_client().await;
    assert_eq!(relayed(&order(&mut client, &[]).await).len(), 2);
    drop(client);
    let witness = rig.client().await;
    while rig.relay.figures().allocations > 0 {
        witness.assert_nothing_came().await;
    }
}

#[tokio::test]
async fn a_second_address_that_the_quota_forbids_is_said_so() {
    let rig = start_with(|settings| settings.max_allocations_per_user = 1);
    let mut client = rig.client().await;
    let reply = order(&mut client, &[]).await;
    assert_eq!((reply.code(), relayed(&reply).len()), (None, 1));
    let error = reply.value(attribute::ADDRESS_ERROR_CODE).unwrap();
    assert_eq!(error, [2, 0, 5, 8]);
}

#[tokio::test]
async fn an_even_port_is_even_in_both_families() {
    let rig = start();
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::EVEN_PORT, &[0])]).await;
    let ports = relayed(&reply);
    assert_eq!(ports.len(), 2);
    assert!(ports.iter().all(|it| it.port().is_multiple_of(2)));
}

#[tokio::test]
async fn peers_outside_of_both_families_are_reached() {
    let rig = start_with(|settings| settings.reach = open_to_loopback());
    let (mut client, v4, v6) = twofold(&rig).await;
    let peers = [Peer::at("127.0.0.1").await, Peer::at("::1").await];
    let both = [peers[0].address(), peers[1].address()];
    assert_eq!(client.try_permit(&both).await.code(), None);
    client.bind(0x4006, both[1]).await;
    for (peer, relayed) in peers.iter().zip([v4, v6]) {
        client.send_to(peer.address(), b"hello").await;
        assert_eq!(peer.receive().await, (relayed, b"hello".to_vec()));
        peer.send_to(relayed, b"back").await;
    }
    // Which shard serves which socket is chance, and with it what comes first.
    let mut came = [client.receive().await, client.receive().await];
    came.sort_by_key(Vec::len);
    assert_eq!(came[0], b"\x40\x06\x00\x04back");
    let indication = Reply(came[1].clone());
    let from = indication.address(attribute::XOR_PEER_ADDRESS);
    assert_eq!(from, Some(peers[0].address()));
    assert_eq!(refresh(&mut client, V6, 0).await.code(), None);
    // The answer may overtake the end of the socket.
    while std::net::UdpSocket::bind(v6).is_err() {
        tokio::task::yield_now().await;
    }
    assert!(std::net::UdpSocket::bind(v4).is_err());
}
