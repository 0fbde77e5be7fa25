//! What anybody may ask, and how little of it.

use std::net::SocketAddr;

use super::rig::{Reply, Rig, UDP};
use crate::base::random;
use crate::turn::message::{Class, Method, Writer, attribute};
use crate::turn::{AnswerRates, DropReason, ErrorCode};

fn binding() -> Writer {
    Writer::new(Class::Request, Method::Binding, random::draw())
}

#[tokio::test]
async fn a_binding_says_where_it_came_from() {
    let rig = Rig::start();
    let client = rig.client().await;
    let reply = client.exchange(&binding().finish()).await;
    assert_eq!(
        reply.address(attribute::XOR_MAPPED_ADDRESS),
        Some(client.address())
    );
    let plain = reply.value(attribute::MAPPED_ADDRESS).unwrap();
    assert_eq!(plain[2..4], client.address().port().to_be_bytes());
    assert_eq!(reply.0.len(), 44);
    assert!(!reply.shape().fingerprinted);
}

#[tokio::test]
async fn a_binding_with_a_fingerprint_is_answered_with_one() {
    let rig = Rig::start();
    let client = rig.client().await;
    let reply = client.exchange(&binding().fingerprint().finish()).await;
    assert!(reply.shape().fingerprinted);
}

#[tokio::test]
async fn a_binding_with_a_wrong_fingerprint_is_dropped() {
    let rig = Rig::start();
    let client = rig.client().await;
    let mut request = binding().fingerprint().finish();
    *request.last_mut().unwrap() ^= 1;
    client.send(&request).await;
    client.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::Fingerprint), 1);
}

#[tokio::test]
async fn a_binding_with_an_unknown_required_attribute_is_refused_by_name() {
    let rig = Rig::start();
    let client = rig.client().await;
    let request = binding()
        .attribute(0x7FFE, &[])
        .attribute(0xFFFE, &[])
        .finish();
    let reply = client.exchange(&request).await;
    assert_eq!(reply.code(), Some(ErrorCode::UnknownAttribute));
    assert_eq!(
        reply.value(attribute::UNKNOWN_ATTRIBUTES).unwrap(),
        [0x7F, 0xFE]
    );
}

#[tokio::test]
async fn an_allocate_without_credentials_is_challenged_in_64_bytes() {
    let rig = Rig::start();
    let client = rig.client().await;
    let request = Writer::new(Class::Request, Method::Allocate, random::draw())
        .attribute(attribute::REQUESTED_TRANSPORT, &UDP)
        .finish();
    let reply = client.exchange(&request).await;
    assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
    assert_eq!(reply.value(attribute::REALM).unwrap(), b"privcomm");
    assert_eq!(reply.value(attribute::NONCE).unwrap().len(), 20);
    assert!(reply.0.len() <= 64);
}

#[tokio::test]
async fn a_stranger_gets_a_ration_of_answers() {
    let rig = Rig::start_with(|settings| {
        settings.answers = AnswerRates {
            per_source: 5,
            in_all: 1000,
        };
    });
    let client = rig.client().await;
    for _ in 0..10 {
        client.exchange(&binding().finish()).await;
    }
    for method in [Method::Binding, Method::Allocate, Method::Refresh] {
        let request = Writer::new(Class::Request, method, random::draw()).finish();
        client.send(&request).await;
    }
    assert!(rig.relay.check().await, "the health check has its own");
    assert_eq!(rig.relay.figures().dropped(DropReason::Rationed), 3);
    rig.advance(1);
    client.exchange(&binding().finish()).await;
}

#[tokio::test]
async fn what_is_no_request_is_not_answered() {
    let rig = Rig::start();
    let client = rig.client().await;
    let kinds = [
        (Class::Indication, Method::Binding),
        (Class::Success, Method::Binding),
        (Class::Error, Method::Allocate),
        (Class::Request, Method::Send),
        (Class::Request, Method::Data),
        (Class::Indication, Method::Data),
    ];
    for (class, method) in kinds {
        let datagram = Writer::new(class, method, random::draw()).finish();
        client.send(&datagram).await;
        client.assert_nothing_came().await;
    }
    assert_eq!(rig.relay.figures().dropped(DropReason::Unexpected), 6);
}

#[tokio::test]
async fn the_stun_crate_finds_the_answers_right() {
    use stun::fingerprint::FINGERPRINT;
    use stun::integrity::MessageIntegrity;
    use stun::message::{Getter, Message};
    use stun::xoraddr::XorMappedAddress;

    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    let request = client
        .unsigned(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
        })
        .sign(client.algorithm, &client.key())
        .fingerprint()
        .finish();
    let Reply(raw) = client.exchange(&request).await;
    let mut message = Message {
        raw,
        ..Message::default()
    };
    message.decode().unwrap();
    FINGERPRINT.check(&message).unwrap();
    MessageIntegrity::new_long_term_integrity(
        client.username.clone(),
        client.realm.clone(),
        client.password.clone(),
    )
    .check(&mut message)
    .unwrap();
    let mut mapped = XorMappedAddress::default();
    mapped.get_from(&message).unwrap();
    assert_eq!(SocketAddr::new(mapped.ip, mapped.port), client.address());
}
