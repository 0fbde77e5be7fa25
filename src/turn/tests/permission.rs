//! CreatePermission and ChannelBind (RFC 8656 §10 and §12).

use std::net::SocketAddr;

use super::rig::Rig;
use crate::turn::message::{Method, attribute};
use crate::turn::{ChannelNumbers, ErrorCode};

fn peer(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_permission_may_precede_the_peers_allocation() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    client.permit(SocketAddr::new(relayed.ip(), 1)).await;
    client
        .bind(0x4000, SocketAddr::new(relayed.ip(), 50_000))
        .await;
}

#[tokio::test]
async fn strangers_are_forbidden_and_the_allocation_lives_on() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    for stranger in [
        "192.168.1.2:5000",
        "0.0.0.0:50000",
        "169.254.169.254:80",
        "8.8.8.8:53",
        "255.255.255.255:9",
    ] {
        let forbidden = Some(ErrorCode::Forbidden);
        let reply = client.try_permit(&[peer(stranger)]).await;
        assert_eq!(reply.code(), forbidden, "{stranger}");
        assert!(reply.is_signed_for(&client));
        let reply = client.try_bind(0x4000, peer(stranger)).await;
        assert_eq!(reply.code(), forbidden, "{stranger}");
    }
    client.permit(relayed).await;
}

#[tokio::test]
async fn a_channel_to_a_port_outside_the_range_is_forbidden() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    let outside = SocketAddr::new(relayed.ip(), 22);
    let reply = client.try_bind(0x4000, outside).await;
    assert_eq!(reply.code(), Some(ErrorCode::Forbidden));
}

#[tokio::test]
async fn permissions_are_for_all_or_for_none() {
    let rig = Rig::start();
    let [(mut one, _), (other, other_relayed)] = [rig.allocated().await, rig.allocated().await];
    let reply = one
        .try_permit(&[other_relayed, peer("192.168.1.2:5000")])
        .await;
    assert_eq!(reply.code(), Some(ErrorCode::Forbidden));
    one.send_to(other_relayed, b"not yet").await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
}

#[tokio::test]
async fn every_peer_of_one_request_is_permitted() {
    let public = "203.0.113.5".parse().unwrap();
    let rig = Rig::start_with(|settings| settings.public_address = Some(public));
    let [(mut one, first), (mut other, second)] = [rig.allocated().await, rig.allocated().await];
    other.permit(first).await;
    let nobody = SocketAddr::new(public, 1);
    assert_eq!(one.try_permit(&[nobody, second]).await.code(), None);
    one.send_to(second, b"heard").await;
    assert_eq!(other.receive_indication().await, (first, b"heard".to_vec()));
}

#[tokio::test]
async fn a_permission_without_a_peer_is_bad() {
    let rig = Rig::start();
    let (mut client, _) = rig.allocated().await;
    let reply = client.try_permit(&[]).await;
    assert_eq!(reply.code(), Some(ErrorCode::BadRequest));
    for mangled in [&[0, 1, 0, 1, 1, 2, 3][..], &[0, 7, 0, 1, 1, 2, 3, 4], &[]] {
        let reply = client
            .ask(Method::CreatePermission, |it| {
                it.attribute(attribute::XOR_PEER_ADDRESS, mangled)
            })
            .await;
        assert_eq!(reply.code(), Some(ErrorCode::BadRequest));
    }
}

#[tokio::test]
async fn a_peer_of_another_family_is_a_mismatch() {
    let rig = Rig::start();
    let (mut client, _) = rig.allocated().await;
    for other in ["[::1]:50000", "[::ffff:127.0.0.1]:50000"] {
        let mismatch = Some(ErrorCode::PeerAddressFamilyMismatch);
        assert_eq!(client.try_permit(&[peer(other)]).await.code(), mismatch);
        assert_eq!(client.try_bind(0x4000, peer(other)).await.code(), mismatch);
    }
}

#[tokio::test]
async fn a_channel_number_is_from_0x4000_to_0x4fff() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    let bad = Some(ErrorCode::BadRequest);
    for number in [0, 1, 0x1000, 0x3FFF, 0x5000, 0x7FFF, 0x8000, 0xFFFF] {
        assert_eq!(client.try_bind(number, relayed).await.code(), bad);
    }
    client.bind(0x4000, relayed).await;
    client
        .bind(0x4FFF, SocketAddr::new(relayed.ip(), relayed.port() ^ 1))
        .await;
}

#[tokio::test]
async fn older_clients_may_be_given_their_numbers() {
    let rig = Rig::start_with(|settings| settings.channels = ChannelNumbers::Rfc5766);
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    for number in [0x3FFF, 0x8000] {
        let reply = one.try_bind(number, second).await;
        assert_eq!(reply.code(), Some(ErrorCode::BadRequest));
    }
    one.bind(0x7FFF, second).await;
    other.bind(0x5000, first).await;
    one.send_on(0x7FFF, b"x").await;
    assert_eq!(other.receive().await, b"\x50\x00\x00\x01x");
}

#[tokio::test]
async fn a_channel_and_its_peer_are_one_to_one() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    let [one, other] = [50_000, 50_002].map(|port| SocketAddr::new(relayed.ip(), port));
    let bad = Some(ErrorCode::BadRequest);
    client.bind(0x4000, one).await;
    assert_eq!(client.try_bind(0x4000, other).await.code(), bad);
    assert_eq!(client.try_bind(0x4001, one).await.code(), bad);
    client.bind(0x4000, one).await;
    client.bind(0x4001, other).await;
}

#[tokio::test]
async fn a_channel_bind_without_its_parts_is_bad() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    let bad = Some(ErrorCode::BadRequest);
    let without_number = client
        .ask(Method::ChannelBind, |it| {
            it.xored_address(attribute::XOR_PEER_ADDRESS, relayed)
        })
        .await;
    assert_eq!(without_number.code(), bad);
    let without_peer = client
        .ask(Method::ChannelBind, |it| {
            it.attribute(attribute::CHANNEL_NUMBER, &[0x40, 0, 0, 0])
        })
        .await;
    assert_eq!(without_peer.code(), bad);
}

#[tokio::test]
async fn channels_of_an_allocation_have_a_ceiling() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    for (number, port) in (0x4000..).zip(50_000..).take(32) {
        client
            .bind(number, SocketAddr::new(relayed.ip(), port))
            .await;
    }
    let reply = client
        .try_bind(0x4FFF, SocketAddr::new(relayed.ip(), 60_000))
        .await;
    assert_eq!(reply.code(), Some(ErrorCode::InsufficientCapacity));
}
