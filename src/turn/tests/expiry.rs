//! What ends by itself, with a clock that moves when told.

use super::rig::Rig;
use crate::turn::{DropReason, ErrorCode};

#[tokio::test]
async fn an_allocation_ends_with_its_lifetime() {
    let rig = Rig::start();
    let (mut client, _) = rig.allocated().await;
    rig.advance(599);
    assert_eq!(client.try_refresh(600).await.code(), None);
    rig.advance(600);
    client.take_nonce().await;
    let reply = client.try_refresh(600).await;
    assert_eq!(reply.code(), Some(ErrorCode::AllocationMismatch));
    client.allocate().await;
}

#[tokio::test]
async fn lapsed_allocations_are_swept_and_their_ports_freed() {
    let rig = Rig::start_with(|settings| {
        settings.relay_ports = 50_000..=50_001;
        settings.max_allocations_per_user = 1;
    });
    let (_one, _) = rig.allocated().await;
    let (_other, _) = rig.allocated().await;
    rig.advance(600);
    let state = &rig.relay.state;
    state.control.lock().await.sweep(&state.books).await;
    assert_eq!(rig.relay.figures().allocations, 0);
    let mut third = rig.client().await;
    let reply = third.try_allocate().await;
    assert_eq!(reply.code(), Some(ErrorCode::InsufficientCapacity));
    rig.advance(60);
    third.allocate().await;
}

#[tokio::test]
async fn a_permission_ends_after_five_minutes_and_a_channel_with_it() {
    let rig = Rig::start();
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    other.bind(0x4002, first).await;
    rig.advance(299);
    one.send_on(0x4001, b"in time").await;
    assert_eq!(other.receive().await[4..], *b"in time");
    rig.advance(1);
    one.send_on(0x4001, b"late").await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoPermission), 1);

    one.permit(second).await;
    other.permit(first).await;
    one.send_on(0x4001, b"renewed").await;
    assert_eq!(other.receive().await[4..], *b"renewed");
}

#[tokio::test]
async fn a_channel_ends_after_ten_minutes() {
    let rig = Rig::start();
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    one.bind(0x4001, second).await;
    assert_eq!(one.try_refresh(3600).await.code(), None);
    assert_eq!(other.try_refresh(3600).await.code(), None);
    rig.advance(599);
    one.permit(second).await;
    other.permit(first).await;
    one.send_on(0x4001, b"in time").await;
    assert_eq!(other.receive_indication().await.1, b"in time");
    rig.advance(1);
    one.send_on(0x4001, b"late").await;
    one.assert_nothing_came().await;
    other.assert_nothing_came().await;
    assert_eq!(rig.relay.figures().dropped(DropReason::NoChannel), 1);
    one.take_nonce().await;
    let elsewhere = std::net::SocketAddr::new(second.ip(), second.port() ^ 1);
    one.bind(0x4001, elsewhere).await;
}

#[tokio::test]
async fn a_call_outlives_its_credential() {
    let rig = Rig::start();
    let mut client = rig.client_named(&rig.name(60)).await;
    let relayed = client.allocate().await;
    rig.advance(120);
    assert_eq!(client.try_refresh(600).await.code(), None);
    client.permit(relayed).await;
    client.bind(0x4000, relayed).await;
    assert_eq!(client.try_refresh(0).await.code(), None);
    let reply = client.try_allocate().await;
    assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
}
