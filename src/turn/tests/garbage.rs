//! Bytes that nobody ought to send: never a panic, never more in return than is allowed.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::rig::{Client, Reply, Rig, UDP};
use crate::base::random;
use crate::turn::message::{Class, Method, Shape, Writer, attribute};

/// The longest answer to a short question of anybody who has proved nothing: a challenge, with
/// FINGERPRINT. A longer question is answered in no more than its own length.
const LONGEST_ANSWER: usize = 64 + 8;

/// Everything that comes back for `datagram`. Members and strangers are answered by different
/// threads, each in order, so that it takes a fence of either kind.
async fn answers(client: &Client, datagram: &[u8]) -> Vec<Vec<u8>> {
    client.send(datagram).await;
    let members = client.request(Method::CreatePermission, |it| it);
    let strangers = Writer::new(Class::Request, Method::Binding, random::draw()).finish();
    let mut answers = Vec::new();
    for fence in [members, strangers] {
        let transaction = Shape::read(&fence).unwrap().transaction;
        client.send(&fence).await;
        loop {
            let answer = client.receive().await;
            if Shape::read(&answer).is_ok_and(|shape| shape.transaction == transaction) {
                break;
            }
            answers.push(answer);
        }
    }
    answers
}

fn run<S: Strategy>(strategy: &S, test: &impl AsyncFn(&Client, S::Value))
where
    S::Value: Clone,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (rig, client) = runtime.block_on(async {
        let rig = Rig::start_with(|settings| {
            settings.answers.per_source = 1_000_000;
            settings.answers.in_all = 1_000_000;
        });
        let (client, _) = rig.allocated().await;
        (rig, client)
    });
    let mut runner = TestRunner::new(Config::with_cases(256));
    runner
        .run(strategy, |value| {
            runtime.block_on(test(&client, value));
            Ok(())
        })
        .unwrap();
    assert_eq!(rig.tasks.failed(), None);
}

#[test]
fn garbage_is_never_answered_at_length() {
    let garbage = proptest::collection::vec(any::<u8>(), 0..300);
    run(&garbage, &async |client, datagram| {
        for answer in answers(client, &datagram).await {
            assert!(answer.len() <= LONGEST_ANSWER);
        }
    });
}

#[test]
fn messages_of_garbage_are_never_answered_at_length() {
    let attributes = proptest::collection::vec(
        (0_u16..0x30, proptest::collection::vec(any::<u8>(), 0..40)),
        0..12,
    );
    let messages = (0_usize..7, attributes);
    run(&messages, &async |client, (method, attributes)| {
        let methods = [
            Method::Binding,
            Method::Allocate,
            Method::Refresh,
            Method::Send,
            Method::Data,
            Method::CreatePermission,
            Method::ChannelBind,
        ];
        let datagram = attributes
            .iter()
            .fold(
                Writer::new(Class::Request, methods[method], random::draw()),
                |it, (kind, value)| it.attribute(*kind, value),
            )
            .finish();
        let answers = answers(client, &datagram).await;
        assert!(answers.len() <= 1);
        for answer in answers {
            assert!(answer.len() <= LONGEST_ANSWER.max(datagram.len()));
        }
    });
}

#[test]
fn a_mangled_request_is_not_obeyed() {
    let mutations = (any::<proptest::sample::Index>(), 1_u8..=255);
    run(&mutations, &async |client, (place, flip)| {
        let mut request = client.request(Method::Refresh, |it| {
            it.attribute(attribute::LIFETIME, &[0; 4])
        });
        let place = place.index(request.len());
        request[place] ^= flip;
        for answer in answers(client, &request).await {
            let shape = Shape::read(&answer).unwrap();
            let obeyed = (Class::Success, Method::Refresh);
            assert_ne!((shape.class, shape.method), obeyed, "byte {place}");
        }
    });
}

#[test]
fn signed_garbage_is_answered_once_and_signed() {
    let attributes = proptest::collection::vec(
        (0_u16..0x30, proptest::collection::vec(any::<u8>(), 0..24)),
        0..6,
    );
    let protection = [
        attribute::USERNAME,
        attribute::REALM,
        attribute::NONCE,
        attribute::MESSAGE_INTEGRITY,
        attribute::MESSAGE_INTEGRITY_SHA256,
        attribute::PASSWORD_ALGORITHM,
    ];
    run(&attributes, &async |client, attributes| {
        let methods = [
            Method::Allocate,
            Method::CreatePermission,
            Method::ChannelBind,
        ];
        for method in methods {
            let request = client.request(method, |it| {
                attributes
                    .iter()
                    .filter(|(kind, _)| !protection.contains(kind))
                    .fold(
                        it.attribute(attribute::REQUESTED_TRANSPORT, &UDP),
                        |it, (kind, value)| it.attribute(*kind, value),
                    )
            });
            let answers = answers(client, &request).await;
            assert_eq!(answers.len(), 1);
            assert!(Reply(answers[0].clone()).is_signed_for(client));
        }
    });
}
