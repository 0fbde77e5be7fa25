//! Allocate and Refresh (RFC 8656 §7 and §8).

use super::rig::{Client, Reply, Rig, UDP};
use crate::turn::message::{Method, attribute};
use crate::turn::{ErrorCode, Relay};

async fn order(client: &mut Client, attributes: &[(u16, &[u8])]) -> Reply {
    client
        .ask(Method::Allocate, |it| {
            attributes.iter().fold(
                it.attribute(attribute::REQUESTED_TRANSPORT, &UDP),
                |it, (kind, value)| it.attribute(*kind, value),
            )
        })
        .await
}

fn allocations(relay: &Relay) -> u64 {
    relay.figures().allocations
}

#[tokio::test]
async fn an_allocation_is_at_the_address_the_client_reached() {
    for listen in ["127.0.0.1:0", "0.0.0.0:0"] {
        let rig = Rig::start_with(|settings| settings.listen = vec![listen.parse().unwrap()]);
        let port = rig.address().port();
        let mut client = Client::connect(([127, 0, 0, 1], port).into(), &rig.name(60)).await;
        let reply = client.try_allocate().await;
        let relayed = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
        assert!(relayed.ip().is_loopback() && relayed.port() >= 49_152);
        let mapped = reply.address(attribute::XOR_MAPPED_ADDRESS);
        assert_eq!(mapped, Some(client.address()));
        assert!(reply.is_signed_for(&client));
    }
}

#[tokio::test]
async fn an_allocation_is_at_the_public_address_where_there_is_one() {
    let public = "203.0.113.5".parse().unwrap();
    let rig = Rig::start_with(|settings| settings.public_address = Some(public));
    let (_client, relayed) = rig.allocated().await;
    assert_eq!(relayed.ip(), public);
}

#[tokio::test]
async fn an_allocate_retransmitted_has_the_same_answer() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    let request = client.request(Method::Allocate, |it| {
        it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
    });
    let first = client.exchange(&request).await;
    let second = client.exchange(&request).await;
    assert_eq!(first.code(), None);
    assert_eq!(first.0, second.0);
    assert_eq!(allocations(&rig.relay), 1);
    rig.advance(40);
    let late = client.exchange(&request).await;
    assert_eq!(late.code(), Some(ErrorCode::AllocationMismatch));
}

#[tokio::test]
async fn a_second_allocate_is_a_mismatch() {
    let rig = Rig::start();
    let (mut client, _) = rig.allocated().await;
    let reply = client.try_allocate().await;
    assert_eq!(reply.code(), Some(ErrorCode::AllocationMismatch));
}

#[tokio::test]
async fn only_udp_is_relayed() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let transports: [(&[u8], ErrorCode); 2] = [
        (&[6, 0, 0, 0], ErrorCode::UnsupportedTransportProtocol),
        (&[17], ErrorCode::BadRequest),
    ];
    for (transport, code) in transports {
        let reply = client
            .ask(Method::Allocate, |it| {
                it.attribute(attribute::REQUESTED_TRANSPORT, transport)
            })
            .await;
        assert_eq!(reply.code(), Some(code));
    }
    let reply = client.ask(Method::Allocate, |it| it).await;
    assert_eq!(reply.code(), Some(ErrorCode::BadRequest));
}

#[tokio::test]
async fn a_lifetime_is_between_ten_minutes_and_an_hour() {
    let rig = Rig::start();
    for (asked, granted) in [
        (0_u32, 600),
        (1, 600),
        (600, 600),
        (601, 601),
        (3600, 3600),
        (7200, 3600),
        (u32::MAX, 3600),
    ] {
        let mut client = rig.client().await;
        let reply = order(&mut client, &[(attribute::LIFETIME, &asked.to_be_bytes())]).await;
        assert_eq!((reply.code(), reply.lifetime()), (None, granted), "{asked}");
        if asked > 0 {
            assert_eq!(client.try_refresh(asked).await.lifetime(), granted);
        }
    }
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::LIFETIME, &[0; 3])]).await;
    assert_eq!(reply.code(), Some(ErrorCode::BadRequest));
}

#[tokio::test]
async fn a_refresh_with_no_lifetime_left_ends_the_allocation() {
    let rig = Rig::start();
    let (mut client, first) = rig.allocated().await;
    let request = client.request(Method::Refresh, |it| {
        it.attribute(attribute::LIFETIME, &[0; 4])
    });
    let reply = client.exchange(&request).await;
    assert_eq!((reply.code(), reply.lifetime()), (None, 0));
    assert_eq!(client.exchange(&request).await.0, reply.0);
    assert_eq!(allocations(&rig.relay), 0);
    let second = client.allocate().await;
    assert_ne!(first, second, "the port rests");
}

#[tokio::test]
async fn without_an_allocation_there_is_a_mismatch_and_never_silence() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let peer = "127.0.0.1:50000".parse().unwrap();
    let mismatch = Some(ErrorCode::AllocationMismatch);
    assert_eq!(client.try_refresh(600).await.code(), mismatch);
    assert_eq!(client.try_refresh(0).await.code(), mismatch);
    assert_eq!(client.try_permit(&[peer]).await.code(), mismatch);
    assert_eq!(client.try_bind(0x4000, peer).await.code(), mismatch);
}

#[tokio::test]
async fn an_even_port_reserves_the_next_for_its_token() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::EVEN_PORT, &[0x80])]).await;
    let even = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(even.port() % 2, 0);
    let token = reply.value(attribute::RESERVATION_TOKEN).unwrap();

    let mut second = rig.client_named(&client.username).await;
    let reply = order(&mut second, &[(attribute::RESERVATION_TOKEN, &token)]).await;
    let odd = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(odd.port(), even.port() + 1);
}

#[tokio::test]
async fn an_even_port_alone_reserves_nothing() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::EVEN_PORT, &[0])]).await;
    let even = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(even.port() % 2, 0);
    assert_eq!(reply.value(attribute::RESERVATION_TOKEN), None);
}

#[tokio::test]
async fn an_even_port_that_is_not_there_is_no_capacity() {
    let rig = Rig::start_with(|settings| settings.relay_ports = 50_001..=50_001);
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::EVEN_PORT, &[0])]).await;
    assert_eq!(reply.code(), Some(ErrorCode::InsufficientCapacity));
}

#[tokio::test]
async fn a_made_up_token_is_no_capacity() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::RESERVATION_TOKEN, &[7; 8])]).await;
    assert_eq!(reply.code(), Some(ErrorCode::InsufficientCapacity));
}

#[tokio::test]
async fn contradictory_orders_are_bad() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let token: (u16, &[u8]) = (attribute::RESERVATION_TOKEN, &[7; 8]);
    let even: (u16, &[u8]) = (attribute::EVEN_PORT, &[0x80]);
    let first: (u16, &[u8]) = (attribute::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0]);
    let second: (u16, &[u8]) = (attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    for attributes in [
        vec![token, even],
        vec![token, first],
        vec![token, second],
        vec![first, second],
        vec![even, second],
        vec![(attribute::ADDITIONAL_ADDRESS_FAMILY, &[1, 0, 0, 0])],
        vec![(attribute::REQUESTED_ADDRESS_FAMILY, &[1, 0])],
        vec![(attribute::RESERVATION_TOKEN, &[7; 7])],
        vec![(attribute::EVEN_PORT, &[])],
    ] {
        let reply = order(&mut client, &attributes).await;
        assert_eq!(reply.code(), Some(ErrorCode::BadRequest), "{attributes:?}");
    }
}

#[tokio::test]
async fn a_family_that_is_not_there_is_said_so() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    for family in [2, 9] {
        let asked: [u8; 4] = [family, 0, 0, 0];
        let reply = order(
            &mut client,
            &[(attribute::REQUESTED_ADDRESS_FAMILY, &asked)],
        )
        .await;
        assert_eq!(reply.code(), Some(ErrorCode::AddressFamilyNotSupported));
    }
    let asked = [(attribute::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0][..])];
    assert_eq!(order(&mut client, &asked).await.code(), None);
    let reply = client
        .ask(Method::Refresh, |it| {
            it.attribute(attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0])
                .attribute(attribute::LIFETIME, &[0; 4])
        })
        .await;
    assert_eq!(reply.code(), Some(ErrorCode::PeerAddressFamilyMismatch));
}

#[tokio::test]
async fn a_second_family_that_is_not_there_costs_nothing() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let asked = [(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0][..])];
    let reply = order(&mut client, &asked).await;
    assert_eq!(reply.code(), None);
    let error = reply.value(attribute::ADDRESS_ERROR_CODE).unwrap();
    assert_eq!(error, [2, 0, 4, 40]);
}

#[tokio::test]
async fn an_ipv6_client_may_have_an_ipv6_address() {
    let rig = Rig::start_with(|settings| settings.listen = vec!["[::1]:0".parse().unwrap()]);
    let mut client = rig.client().await;
    let asked = [(attribute::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0][..])];
    let reply = order(&mut client, &asked).await;
    let relayed = reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap();
    assert!(relayed.is_ipv6() && relayed.ip().is_loopback());
    let v4 = "127.0.0.1:50000".parse().unwrap();
    assert_eq!(
        client.try_permit(&[v4]).await.code(),
        Some(ErrorCode::PeerAddressFamilyMismatch)
    );
    client.permit(relayed).await;
}

#[tokio::test]
async fn dont_fragment_is_accepted() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let reply = order(&mut client, &[(attribute::DONT_FRAGMENT, &[])]).await;
    assert_eq!(reply.code(), None);
}

#[tokio::test]
async fn a_user_has_a_quota_and_so_has_everybody() {
    let rig = Rig::start_with(|settings| {
        settings.max_allocations = 3;
        settings.max_allocations_per_user = 2;
    });
    let name = rig.name(600);
    let mut clients = Vec::new();
    for expected in [None, None, Some(ErrorCode::AllocationQuotaReached)] {
        let mut client = rig.client_named(&name).await;
        assert_eq!(client.try_allocate().await.code(), expected);
        clients.push(client);
    }
    for expected in [None, Some(ErrorCode::InsufficientCapacity)] {
        let mut client = rig.client().await;
        assert_eq!(client.try_allocate().await.code(), expected);
    }
    assert_eq!(clients[0].try_refresh(0).await.code(), None);
    assert_eq!(clients[2].try_allocate().await.code(), None);
    assert_eq!(rig.relay.figures().allocations_ever, 4);
}
