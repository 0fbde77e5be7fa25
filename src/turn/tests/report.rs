//! What the relay counts by allocation and by transport.

use std::num::NonZeroU64;
use std::time::Duration;

use super::rig::Rig;
use crate::base::UserId;
use crate::turn::{ErrorCode, Media, Relay, Transport, TransportFigures};

fn of(relay: &Relay, wanted: Transport) -> TransportFigures {
    let transports = relay.figures().transports;
    let found = transports
        .iter()
        .find(|(transport, _)| *transport == wanted);
    found.unwrap().1
}

#[tokio::test]
async fn an_allocation_counts_what_it_carries_each_way() {
    let rig = Rig::start();
    let [(one, one_relayed), (mut other, other_relayed)] = rig.mixed_pair().await;
    other.bind(0x4000, one_relayed).await;
    one.send_to(other_relayed, b"0123456789").await;
    other.receive().await;
    other.send_on(0x4000, b"abc").await;
    other.send_on(0x4000, b"def").await;
    one.receive().await;
    one.receive().await;

    let [first, second] = &rig.relay.allocations()[..] else {
        panic!("expected two");
    };
    let (ten, six) = (
        Media {
            packets: 1,
            bytes: 10,
        },
        Media {
            packets: 2,
            bytes: 6,
        },
    );
    assert_eq!(
        (first.transport, second.transport),
        (Transport::Tcp, Transport::Udp)
    );
    assert_eq!((first.from_client, first.to_client), (ten, six));
    assert_eq!((second.from_client, second.to_client), (six, ten));
    assert_eq!((first.permissions, first.channels), (1, 0));
    assert_eq!((second.permissions, second.channels), (1, 1));
    assert_ne!(first.name, second.name);
    assert_eq!(of(&rig.relay, Transport::Tcp).from_clients, ten);
    assert_eq!(of(&rig.relay, Transport::Udp).from_clients, six);
}

#[tokio::test]
async fn what_ended_allocations_had_carried_stays_counted() {
    let rig = Rig::start();
    let [(one, _), (mut other, other_relayed)] = rig.pair().await;
    one.send_to(other_relayed, b"0123456789").await;
    other.receive().await;
    other.try_refresh(0).await;
    let figures = of(&rig.relay, Transport::Udp);
    assert_eq!(
        (
            figures.allocations,
            figures.allocations_ever,
            figures.closed
        ),
        (1, 2, 1)
    );
    assert_eq!(
        figures.to_clients,
        Media {
            packets: 1,
            bytes: 10
        }
    );
}

#[tokio::test]
async fn age_and_what_is_left_follow_the_clock() {
    let rig = Rig::start();
    let (_client, _) = rig.allocated().await;
    rig.advance(100);
    let allocation = &rig.relay.allocations()[0];
    assert_eq!(allocation.age, Duration::from_secs(100));
    assert_eq!(allocation.expires_in, Duration::from_secs(500));
    rig.advance(500);
    assert_eq!(rig.relay.allocations(), []);
}

#[tokio::test]
async fn holders_are_numbers() {
    let rig = Rig::start();
    let expires = rig.clock.now().saturating_add(Duration::from_mins(10));
    let user = UserId::random();
    let names = [rig.name(600), rig.name(600), rig.name(600)];
    let mut clients = Vec::new();
    for (name, owner) in names.iter().zip([Some(user), None, Some(user)]) {
        if let Some(owner) = owner {
            rig.relay.remember(name, owner, expires);
        }
        let mut client = rig.client_named(name).await;
        client.allocate().await;
        clients.push(client);
    }
    let holders: Vec<usize> = rig.relay.allocations().iter().map(|it| it.holder).collect();
    assert_eq!(holders, [1, 2, 1]);
    assert_eq!(rig.relay.figures().credentials_issued, 2);
}

#[tokio::test]
async fn every_end_is_counted_as_what_it_was() {
    let rig = Rig::start();
    let user = UserId::random();
    let expires = rig.clock.now().saturating_add(Duration::from_mins(10));
    let name = rig.name(600);
    rig.relay.remember(&name, user, expires);
    rig.client_named(&name).await.allocate().await;
    rig.relay.evict(user).await;

    let mut stream = rig.stream_client().await;
    stream.allocate().await;
    drop(stream);
    let mut client = rig.client().await;
    client.allocate().await;
    rig.advance(600);
    // Another on the same 5-tuple sweeps the lapsed one aside, if nobody did before.
    client.nonce.clear();
    client.allocate().await;
    while of(&rig.relay, Transport::Tcp).allocations > 0 {
        tokio::task::yield_now().await;
    }
    let (udp, tcp) = (
        of(&rig.relay, Transport::Udp),
        of(&rig.relay, Transport::Tcp),
    );
    assert_eq!(
        (udp.evicted, udp.expired, udp.closed, udp.allocations),
        (1, 1, 0, 1)
    );
    assert_eq!(tcp.allocations_ever, 1);
    assert_eq!(tcp.disconnected + tcp.expired, 1);
}

#[tokio::test]
async fn what_is_over_the_rate_is_counted_for_its_sender() {
    let rig = Rig::start_with(|settings| settings.max_bitrate = NonZeroU64::new(800));
    let [(one, _), (other, other_relayed)] = rig.pair().await;
    one.send_to(other_relayed, &[7; 100]).await;
    other.receive().await;
    one.send_to(other_relayed, &[7; 100]).await;
    one.assert_nothing_came().await;
    let allocations = rig.relay.allocations();
    assert_eq!((allocations[0].over_rate, allocations[1].over_rate), (1, 0));
    assert_eq!(allocations[0].from_client.packets, 1);
    assert_eq!(rig.relay.figures().refused(ErrorCode::StaleNonce), 0);
}

#[tokio::test]
async fn only_transports_that_are_listened_on_are_told() {
    let transports = |relay: &Relay| -> Vec<Transport> {
        let told = relay.figures().transports;
        told.into_iter().map(|(transport, _)| transport).collect()
    };
    assert_eq!(
        transports(&Rig::start().relay),
        [Transport::Udp, Transport::Tcp]
    );
    let without = Rig::start_with(|settings| settings.tcp = false);
    assert_eq!(transports(&without.relay), [Transport::Udp]);
}
