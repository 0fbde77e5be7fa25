//! Who is let in (RFC 8489 §9.2).

use super::rig::{Choice, Client, Rig, UDP};
use crate::base::random;
use crate::turn::message::{Algorithm, Class, Key, Method, PasswordAlgorithm, Writer, attribute};
use crate::turn::{DropReason, ErrorCode};

async fn assert_challenged(client: &mut Client, code: ErrorCode) {
    let reply = client.try_allocate().await;
    assert_eq!(reply.code(), Some(code));
    assert!(reply.value(attribute::NONCE).is_some());
    assert!(reply.value(attribute::REALM).is_some());
}

#[tokio::test]
async fn a_wrong_password_is_challenged_with_a_nonce() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.password.push('x');
    assert_challenged(&mut client, ErrorCode::Unauthenticated).await;
}

#[tokio::test]
async fn another_realm_is_challenged() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.realm = "elsewhere".to_owned();
    assert_challenged(&mut client, ErrorCode::Unauthenticated).await;
}

#[tokio::test]
async fn an_unknown_name_is_challenged() {
    let rig = Rig::start();
    let mut client = rig.client_named("anna").await;
    assert_challenged(&mut client, ErrorCode::Unauthenticated).await;
}

#[tokio::test]
async fn an_expired_credential_is_challenged() {
    let rig = Rig::start();
    let mut client = rig.client_named(&rig.name(60)).await;
    rig.advance(60);
    assert_challenged(&mut client, ErrorCode::Unauthenticated).await;
}

#[tokio::test]
async fn a_made_up_nonce_is_stale() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.nonce = b"AAAAAAAAAAAAAAAAAAAA".to_vec();
    assert_challenged(&mut client, ErrorCode::StaleNonce).await;
}

#[tokio::test]
async fn another_clients_nonce_is_stale() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let mut other = rig.client().await;
    other.take_nonce().await;
    client.nonce.clone_from(&other.nonce);
    assert_challenged(&mut client, ErrorCode::StaleNonce).await;
}

#[tokio::test]
async fn a_nonce_is_stale_after_its_time() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.allocate().await;
    rig.advance(599);
    assert_eq!(client.try_refresh(3600).await.code(), None);
    rig.advance(1);
    let reply = client.try_refresh(3600).await;
    assert_eq!(reply.code(), Some(ErrorCode::StaleNonce));
    client.nonce = reply.value(attribute::NONCE).unwrap();
    assert_eq!(client.try_refresh(3600).await.code(), None);
}

#[tokio::test]
async fn a_signed_request_without_its_parts_is_bad() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    let parts = [
        (attribute::USERNAME, client.username.clone().into_bytes()),
        (attribute::REALM, client.realm.clone().into_bytes()),
        (attribute::NONCE, client.nonce.clone()),
    ];
    for (missing, _) in &parts {
        let request = parts
            .iter()
            .filter(|(kind, _)| kind != missing)
            .fold(
                Writer::new(Class::Request, Method::Allocate, random::draw()),
                |it, (kind, value)| it.attribute(*kind, value),
            )
            .sign(Algorithm::Sha1, &client.key())
            .finish();
        let reply = client.exchange(&request).await;
        assert_eq!(reply.code(), Some(ErrorCode::BadRequest));
    }
}

#[tokio::test]
async fn a_sha256_client_is_answered_in_sha256() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.algorithm = Algorithm::Sha256;
    let reply = client.try_allocate().await;
    assert_eq!(reply.code(), None);
    assert_eq!(reply.shape().protection(), Some(Algorithm::Sha256));
    assert!(reply.is_signed_for(&client));
}

const SHA256_THEN_MD5: [u8; 8] = [0, 2, 0, 0, 0, 1, 0, 0];

#[tokio::test]
async fn a_client_that_is_offered_algorithms_is_let_in_by_each() {
    let rig = Rig::start();
    for chosen in [PasswordAlgorithm::Sha256, PasswordAlgorithm::Md5] {
        let mut client = rig.client().await;
        client.take_offer(chosen).await;
        let choice = client.choice.clone().unwrap();
        assert_eq!(choice.offered, SHA256_THEN_MD5);
        assert!(client.nonce.starts_with(b"obMatJos2gAAA"));
        let reply = client.try_allocate().await;
        assert_eq!(reply.code(), None);
        assert_eq!(reply.shape().protection(), Some(Algorithm::Sha256));
        assert!(reply.is_signed_for(&client));
        assert_eq!(client.try_refresh(0).await.code(), None);
    }
}

#[tokio::test]
async fn over_a_stream_algorithms_are_offered_from_the_first() {
    let rig = Rig::start();
    let client = rig.stream_client().await;
    let plain = Writer::new(Class::Request, Method::Allocate, random::draw()).finish();
    let reply = client.exchange(&plain).await;
    assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
    let offered = reply.value(attribute::PASSWORD_ALGORITHMS).unwrap();
    assert_eq!(offered, SHA256_THEN_MD5);
}

#[tokio::test]
async fn a_client_that_knows_nothing_of_algorithms_ignores_the_offer() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_offer(PasswordAlgorithm::Sha256).await;
    client.choice = None;
    client.algorithm = Algorithm::Sha1;
    assert_eq!(client.try_allocate().await.code(), None);
}

#[tokio::test]
async fn an_altered_offer_is_bad() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_offer(PasswordAlgorithm::Md5).await;
    let altered: [&[u8]; 5] = [
        &[],
        &[0, 1, 0, 0],
        &[0, 1, 0, 0, 0, 2, 0, 0],
        &[0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0],
        &[0, 2, 0, 1, 7, 0, 0, 0, 0, 1, 0, 0],
    ];
    for offered in altered {
        client.choice.as_mut().unwrap().offered = offered.to_vec();
        let code = client.try_allocate().await.code();
        assert_eq!(code, Some(ErrorCode::BadRequest), "{offered:?}");
    }
}

#[tokio::test]
async fn half_a_choice_and_a_choice_of_something_else_are_bad() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_offer(PasswordAlgorithm::Sha256).await;
    let choice = client.choice.take().unwrap();
    let (offered, chosen) = (
        attribute::PASSWORD_ALGORITHMS,
        attribute::PASSWORD_ALGORITHM,
    );
    let wrong: [&[(u16, &[u8])]; 5] = [
        &[(offered, &choice.offered)],
        &[(chosen, &[0, 2, 0, 0])],
        &[(offered, &choice.offered), (chosen, &[0, 3, 0, 0])],
        &[(offered, &choice.offered), (chosen, &[])],
        &[
            (offered, &choice.offered),
            (chosen, &[0, 2, 0, 1, 0, 0, 0, 0]),
        ],
    ];
    for attributes in wrong {
        let reply = client
            .ask(Method::Allocate, |it| {
                attributes
                    .iter()
                    .fold(it, |it, (kind, value)| it.attribute(*kind, value))
            })
            .await;
        assert_eq!(reply.code(), Some(ErrorCode::BadRequest), "{attributes:?}");
    }
}

#[tokio::test]
async fn whoever_was_offered_nothing_has_nothing_to_choose() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    assert_eq!(client.nonce.len(), 20);
    client.choice = Some(Choice {
        offered: SHA256_THEN_MD5.to_vec(),
        chosen: PasswordAlgorithm::Sha256,
    });
    let code = client.try_allocate().await.code();
    assert_eq!(code, Some(ErrorCode::BadRequest));
}

#[tokio::test]
async fn an_offer_cannot_be_taken_out_of_a_nonce_or_put_into_one() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_offer(PasswordAlgorithm::Sha256).await;
    client.choice = None;
    client.nonce = client.nonce.split_off(13);
    assert_challenged(&mut client, ErrorCode::StaleNonce).await;

    let mut client = rig.client().await;
    client.take_nonce().await;
    client.nonce = [b"obMatJos2gAAA", &client.nonce[..]].concat();
    assert_challenged(&mut client, ErrorCode::StaleNonce).await;
}

#[tokio::test]
async fn a_wrong_password_is_wrong_by_every_algorithm() {
    let rig = Rig::start();
    for chosen in [PasswordAlgorithm::Sha256, PasswordAlgorithm::Md5] {
        let mut client = rig.client().await;
        client.take_offer(chosen).await;
        client.password.push('x');
        let reply = client.try_allocate().await;
        assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
        let offered = reply.value(attribute::PASSWORD_ALGORITHMS).unwrap();
        assert_eq!(offered, SHA256_THEN_MD5);
    }
}

#[tokio::test]
async fn the_key_is_of_the_algorithm_that_was_chosen() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_offer(PasswordAlgorithm::Sha256).await;
    let by_md5 = Key::long_term(
        PasswordAlgorithm::Md5,
        &client.username,
        &client.realm,
        &client.password,
    );
    let request = client
        .unsigned(Method::Allocate, |it| it)
        .sign(Algorithm::Sha256, &by_md5)
        .finish();
    let reply = client.exchange(&request).await;
    assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
}

#[tokio::test]
async fn a_hidden_name_is_not_understood() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    let alone = Writer::new(Class::Request, Method::Allocate, random::draw())
        .attribute(attribute::USERHASH, &[7; 32])
        .attribute(attribute::REALM, client.realm.as_bytes())
        .attribute(attribute::NONCE, &client.nonce)
        .sign(Algorithm::Sha256, &client.key())
        .finish();
    let beside_the_name = client.request(Method::Allocate, |it| {
        it.attribute(attribute::USERHASH, &[7; 32])
    });
    for request in [alone, beside_the_name] {
        let reply = client.exchange(&request).await;
        assert_eq!(reply.code(), Some(ErrorCode::UnknownAttribute));
        let unknown = reply.value(attribute::UNKNOWN_ATTRIBUTES).unwrap();
        assert_eq!(unknown, attribute::USERHASH.to_be_bytes());
    }
}

#[tokio::test]
async fn members_are_told_what_they_speak_to_and_strangers_are_not() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let software = attribute::SOFTWARE;
    for method in [Method::Binding, Method::Allocate] {
        let question = Writer::new(Class::Request, method, random::draw()).finish();
        assert_eq!(client.exchange(&question).await.value(software), None);
    }
    let told = Some(b"privcomm".to_vec());
    assert_eq!(client.try_refresh(600).await.value(software), told);
    assert_eq!(client.try_allocate().await.value(software), told);
}

#[tokio::test]
async fn errors_after_authentication_are_signed() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let refused = [
        client.try_refresh(600).await,
        client.try_permit(&[]).await,
        client.ask(Method::Allocate, |it| it).await,
        client
            .ask(Method::Allocate, |it| it.attribute(0x7FFE, &[]))
            .await,
    ];
    for reply in refused {
        assert!(reply.code().is_some() && reply.is_signed_for(&client));
    }
}

#[tokio::test]
async fn an_unknown_required_attribute_is_refused_by_name() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    let reply = client
        .ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
                .attribute(0x7FFE, &[1])
                .attribute(0x0003, &[])
        })
        .await;
    assert_eq!(reply.code(), Some(ErrorCode::UnknownAttribute));
    assert_eq!(
        reply.value(attribute::UNKNOWN_ATTRIBUTES).unwrap(),
        [0, 3, 0x7F, 0xFE]
    );
}

#[tokio::test]
async fn what_is_appended_behind_the_integrity_is_ignored() {
    let rig = Rig::start();
    let (mut client, _) = rig.allocated().await;
    let mut request = client.request(Method::Refresh, |it| it);
    request.extend_from_slice(&[0, 0x0D, 0, 4, 0, 0, 0, 0]);
    let claimed = u16::from_be_bytes([request[2], request[3]]) + 8;
    request[2..4].copy_from_slice(&claimed.to_be_bytes());
    let reply = client.exchange(&request).await;
    assert_eq!((reply.code(), reply.lifetime()), (None, 600));
    assert_eq!(client.try_refresh(600).await.code(), None);
}

#[tokio::test]
async fn a_request_with_a_wrong_fingerprint_is_dropped() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    let mut request = client
        .unsigned(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
        })
        .sign(Algorithm::Sha1, &client.key())
        .fingerprint()
        .finish();
    *request.last_mut().unwrap() ^= 1;
    client.send(&request).await;
    client.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().allocations, 0);
    assert_eq!(rig.relay.figures().dropped(DropReason::Fingerprint), 1);
}

#[tokio::test]
async fn nobody_touches_anothers_allocation() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    let owner = client.username.clone();
    let thief = rig.client().await;
    client.username.clone_from(&thief.username);
    client.password.clone_from(&thief.password);
    let wrong = Some(ErrorCode::WrongCredentials);
    assert_eq!(client.try_refresh(0).await.code(), wrong);
    assert_eq!(client.try_permit(&[relayed]).await.code(), wrong);
    assert_eq!(client.try_bind(0x4000, relayed).await.code(), wrong);

    let mut back = rig.client_named(&owner).await;
    std::mem::swap(&mut back.wire, &mut client.wire);
    back.take_nonce().await;
    assert_eq!(back.try_refresh(600).await.code(), None);
}
