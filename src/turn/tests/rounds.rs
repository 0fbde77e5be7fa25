//! Many packets at once: batches, trains and odd sizes arrive as what they were sent as.

use std::num::{NonZeroU64, NonZeroUsize};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use super::rig::{Client, Rig};
use crate::base::random;
use crate::turn::DropReason;

/// Clients that send at once, each to its neighbour.
const CLIENTS: u8 = 8;

/// A ring of clients, each with a channel to the next and one back.
async fn ring(rig: &Rig, count: u8) -> Vec<Client> {
    let mut clients = Vec::new();
    let mut relayed = Vec::new();
    for _ in 0..count {
        let (client, at) = rig.allocated().await;
        clients.push(client);
        relayed.push(at);
    }
    let count = clients.len();
    for (index, client) in clients.iter_mut().enumerate() {
        client.bind(0x4000, relayed[(index + 1) % count]).await;
        client
            .bind(0x4001, relayed[(index + count - 1) % count])
            .await;
    }
    clients
}

fn channel_data(channel: u16, media: &[u8]) -> Vec<u8> {
    let length = u16::try_from(media.len()).unwrap();
    [&channel.to_be_bytes()[..], &length.to_be_bytes(), media].concat()
}

/// Sends datagrams as one train: all as long as the first but the last, which may be shorter.
fn send_train(client: &Client, train: &[Vec<u8>]) {
    let bytes = train.concat();
    let segment = u16::try_from(train[0].len()).unwrap();
    let sent = sendmsg::<()>(
        client.wire.datagram_socket().as_raw_fd(),
        &[std::io::IoSlice::new(&bytes)],
        &[ControlMessage::UdpGsoSegments(&segment)],
        MsgFlags::empty(),
        None,
    );
    assert_eq!(sent, Ok(bytes.len()));
}

fn media(sender: u8, round: u8, index: u8, length: usize) -> Vec<u8> {
    let mut media = vec![sender ^ index; length.max(3)];
    media[..3].copy_from_slice(&[sender, round, index]);
    media
}

fn length_of(round: u8, index: u8) -> usize {
    3 + usize::from(u16::from_be_bytes(random::draw()) % 1200) * usize::from(round % 3 + index % 2)
}

#[tokio::test]
async fn nothing_is_mixed_up_in_batches_and_trains() {
    let rig = Rig::start();
    let clients = ring(&rig, CLIENTS).await;
    for round in 0..40_u8 {
        let mut expected: Vec<Vec<Vec<u8>>> = Vec::new();
        for (sender, client) in (0..).zip(&clients) {
            let even = length_of(round, 1).min(1200);
            let lengths = (0..12).map(|index| match (round % 4, index) {
                (0, _) => length_of(round, index),
                (_, 11) => even / 2,
                _ => even,
            });
            let packets: Vec<Vec<u8>> = (0..)
                .zip(lengths)
                .map(|(index, length)| media(sender, round, index, length))
                .collect();
            let train: Vec<_> = packets.iter().map(|it| channel_data(0x4000, it)).collect();
            if round % 4 == 0 {
                for datagram in &train {
                    client.send(datagram).await;
                }
            } else {
                send_train(client, &train);
            }
            expected.push(packets);
        }
        for (receiver, client) in clients.iter().enumerate() {
            let sender = (receiver + clients.len() - 1) % clients.len();
            for media in &expected[sender] {
                assert_eq!(client.receive().await, channel_data(0x4001, media));
            }
        }
    }
}

#[tokio::test]
async fn a_train_to_a_client_without_a_channel_arrives_as_indications() {
    let rig = Rig::start();
    let [(mut one, first), (other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    let packets: Vec<Vec<u8>> = (0..9).map(|index| media(1, 0, index, 101)).collect();
    let train: Vec<_> = packets.iter().map(|it| channel_data(0x4001, it)).collect();
    send_train(&one, &train);
    for packet in packets {
        assert_eq!(other.receive_indication().await, (first, packet));
    }
}

#[tokio::test]
async fn a_train_of_every_kind_is_taken_apart() {
    let rig = Rig::start();
    let [(mut one, _), (other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    let unbound = channel_data(0x4FFF, b"nobody");
    let [good, last] = [&b"first!"[..], b"last"].map(|it| channel_data(0x4001, it));
    send_train(&one, &[unbound, good, vec![0xFF; 10], last]);
    assert_eq!(other.receive_indication().await.1, b"first!");
    assert_eq!(other.receive_indication().await.1, b"last");
    let figures = rig.relay.figures();
    assert_eq!(figures.dropped(DropReason::NoChannel), 1);
    assert_eq!(figures.dropped(DropReason::Foreign), 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_nobody() {
    let rig = Rig::start();
    let clients = ring(&rig, 4).await;
    let [one, _deaf, three, four] = &clients[..] else {
        panic!("four clients");
    };
    for index in 0..200_u8 {
        for _ in 0..10 {
            one.send_on(0x4000, &[0; 1200]).await;
        }
        three.send_on(0x4000, &[index]).await;
        assert_eq!(four.receive().await, channel_data(0x4001, &[index]));
    }
}

#[tokio::test]
async fn a_thousand_allocations_reach_each_other() {
    let rig = Rig::start_with(|settings| {
        settings.max_allocations = 1000;
        settings.answers.per_source = 1_000_000;
        settings.answers.in_all = 1_000_000;
    });
    let clients = rig_of_pairs(&rig, 500).await;
    assert_eq!(rig.relay.figures().allocations, 1000);
    for (index, [one, other]) in (0_u16..).zip(&clients) {
        one.send_on(0x4000, &index.to_be_bytes()).await;
        let expected = channel_data(0x4000, &index.to_be_bytes());
        assert_eq!(other.receive().await, expected);
    }
}

async fn rig_of_pairs(rig: &Rig, count: usize) -> Vec<[Client; 2]> {
    let mut pairs = Vec::new();
    for _ in 0..count {
        let [(mut one, first), (mut other, second)] =
            [rig.allocated().await, rig.allocated().await];
        one.bind(0x4000, second).await;
        other.bind(0x4000, first).await;
        pairs.push([one, other]);
    }
    pairs
}

#[tokio::test]
async fn an_allocation_sends_no_more_than_its_rate() {
    let rig = Rig::start_with(|settings| settings.max_bitrate = NonZeroU64::new(8_000));
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    one.bind(0x4000, second).await;
    other.bind(0x4000, first).await;
    for _ in 0..11 {
        one.send_on(0x4000, &[1; 100]).await;
    }
    for _ in 0..10 {
        assert_eq!(other.receive().await.len(), 104);
    }
    one.assert_nothing_came().await;
    other.send_on(0x4000, b"unconcerned").await;
    assert_eq!(one.receive().await[4..], *b"unconcerned");
    assert_eq!(rig.relay.figures().dropped(DropReason::OverRate), 1);
    rig.advance(1);
    one.send_on(0x4000, &[2; 100]).await;
    assert_eq!(other.receive().await[4..], [2; 100]);
}

#[tokio::test]
async fn one_shard_serves_as_many_do() {
    let rig = Rig::start_with(|settings| settings.shards = Some(NonZeroUsize::MIN));
    let clients = ring(&rig, 3).await;
    clients[0].send_on(0x4000, b"on").await;
    assert_eq!(clients[1].receive().await, channel_data(0x4001, b"on"));
}

#[tokio::test]
async fn the_threads_end_within_a_second_of_being_told() {
    let rig = Rig::start();
    rig.tasks.stop();
    assert!(rig.tasks.join(Duration::from_secs(1)).await);
}
