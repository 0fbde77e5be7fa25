//! Packets between two allocations of the relay (RFC 8656 §11 and §12).

use super::rig::{Client, Rig};
use crate::base::random;
use crate::turn::DropReason;
use crate::turn::message::{Class, Method, Writer, attribute};

#[tokio::test]
async fn a_send_indication_arrives_from_the_senders_relayed_address() {
    let rig = Rig::start();
    let [(one, first), (other, second)] = rig.pair().await;
    for media in [&b""[..], b"1", b"12", b"123", b"1234", &[0xAA; 1700]] {
        one.send_to(second, media).await;
        assert_eq!(other.receive_indication().await, (first, media.to_vec()));
    }
    other.send_to(first, b"back").await;
    assert_eq!(one.receive_indication().await, (second, b"back".to_vec()));
}

#[tokio::test]
async fn channel_data_arrives_on_the_receivers_channel_unpadded() {
    let rig = Rig::start();
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    other.bind(0x4F02, first).await;
    one.send_on(0x4001, b"abc").await;
    assert_eq!(other.receive().await, b"\x4F\x02\x00\x03abc");
    one.send(b"\x40\x01\x00\x03abc\x00").await;
    assert_eq!(other.receive().await, b"\x4F\x02\x00\x03abc");
    one.send_to(second, b"").await;
    assert_eq!(other.receive().await, b"\x4F\x02\x00\x00");
}

#[tokio::test]
async fn channel_data_without_a_channel_there_arrives_as_an_indication() {
    let rig = Rig::start();
    let [(mut one, first), (other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    one.send_on(0x4001, b"abcde").await;
    assert_eq!(other.receive_indication().await, (first, b"abcde".to_vec()));
}

#[tokio::test]
async fn the_largest_datagrams_arrive_whole() {
    let rig = Rig::start();
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    other.bind(0x4002, first).await;
    let largest: Vec<u8> = (0..=u8::MAX).cycle().take(65_507 - 4).collect();
    one.send_on(0x4001, &largest).await;
    assert_eq!(other.receive().await[4..], largest);

    let indicated: Vec<u8> = (0..=u8::MAX).cycle().take(65_507 - 36 - 3).collect();
    one.send_to(second, &indicated).await;
    assert_eq!(other.receive().await[4..], indicated);
}

#[tokio::test]
async fn what_does_not_fit_an_indication_is_dropped_and_never_cut() {
    let rig = Rig::start();
    let [(mut one, _), (other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    one.send_on(0x4001, &vec![1; 65_507 - 4]).await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::SendFailed), 1);
}

#[tokio::test]
async fn either_side_needs_a_permission() {
    let rig = Rig::start();
    let [(mut one, first), (other, second)] = [rig.allocated().await, rig.allocated().await];
    one.send_to(second, b"unpermitted").await;
    one.permit(second).await;
    one.send_to(second, b"unwelcome").await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    let figures = rig.relay.figures();
    assert_eq!(figures.dropped(DropReason::NoPermission), 1);
    assert_eq!(figures.dropped(DropReason::NotWelcome), 1);

    let mut other: Client = other;
    other.permit(first).await;
    one.send_to(second, b"welcome").await;
    assert_eq!(other.receive_indication().await.1, b"welcome");
}

#[tokio::test]
async fn nothing_but_a_live_allocation_is_reached() {
    let rig = Rig::start();
    let [(one, first), (mut other, second)] = rig.pair().await;
    let outsider = rig.client().await;
    let plain = std::net::SocketAddr::new(first.ip(), outsider.address().port());
    one.send_to(plain, b"outside").await;
    outsider.send_to(first, b"inside").await;
    outsider.send_on(0x4000, b"inside").await;
    one.assert_nothing_came().await;
    outsider.assert_nothing_came().await;
    one.assert_nothing_came().await;

    assert_eq!(other.try_refresh(0).await.code(), None);
    one.send_to(second, b"too late").await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    let figures = rig.relay.figures();
    assert_eq!(figures.dropped(DropReason::NoPeer), 2);
    assert_eq!(figures.dropped(DropReason::NoAllocation), 2);
}

#[tokio::test]
async fn an_allocation_may_write_to_itself() {
    let rig = Rig::start();
    let (mut client, relayed) = rig.allocated().await;
    client.permit(relayed).await;
    client.send_to(relayed, b"echo").await;
    assert_eq!(
        client.receive_indication().await,
        (relayed, b"echo".to_vec())
    );
}

#[tokio::test]
async fn clients_of_two_listeners_meet() {
    let rig = Rig::start_with(|settings| {
        settings.listen = vec![
            "127.0.0.1:0".parse().unwrap(),
            "127.0.0.1:0".parse().unwrap(),
        ];
    });
    let [first, second] = rig.relay.addresses() else {
        panic!("two listeners");
    };
    let mut one = Client::connect(*first, &rig.name(60)).await;
    let mut other = Client::connect(*second, &rig.name(60)).await;
    let (one_relayed, other_relayed) = (one.allocate().await, other.allocate().await);
    one.permit(other_relayed).await;
    other.permit(one_relayed).await;
    one.send_to(other_relayed, b"across").await;
    assert_eq!(
        other.receive_indication().await,
        (one_relayed, b"across".to_vec())
    );
}

#[tokio::test]
async fn a_send_indication_with_an_unknown_required_attribute_is_dropped() {
    let rig = Rig::start();
    let [(one, _), (other, second)] = rig.pair().await;
    let indication = |extra: u16| {
        Writer::new(Class::Indication, Method::Send, random::draw())
            .xored_address(attribute::XOR_PEER_ADDRESS, second)
            .attribute(extra, &[])
            .attribute(attribute::DATA, b"x")
            .finish()
    };
    one.send(&indication(0x7FFE)).await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    one.send(&indication(attribute::DONT_FRAGMENT)).await;
    assert_eq!(other.receive_indication().await.1, b"x");
}

#[tokio::test]
async fn channels_that_are_not_bound_lead_nowhere() {
    let rig = Rig::start();
    let [(one, _), (other, _)] = rig.pair().await;
    one.send_on(0x4000, b"x").await;
    one.send(&[0x50, 0, 0, 0]).await;
    one.send(&[0x80, 0, 0, 0]).await;
    one.send(&[0x40, 0, 0, 9]).await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    let figures = rig.relay.figures();
    assert_eq!(figures.dropped(DropReason::NoChannel), 2);
    assert_eq!(figures.dropped(DropReason::Foreign), 1);
    assert_eq!(figures.dropped(DropReason::Malformed), 1);
}

#[tokio::test]
async fn media_is_counted_without_its_headers() {
    let rig = Rig::start();
    let [(one, _), (other, second)] = rig.pair().await;
    for _ in 0..3 {
        one.send_to(second, &[0; 100]).await;
        other.receive_indication().await;
    }
    one.assert_nothing_came().await;
    let figures = rig.relay.figures();
    assert_eq!((figures.packets, figures.bytes), (3, 300));
}
