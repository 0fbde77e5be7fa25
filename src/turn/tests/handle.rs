//! What the rest of the daemon asks of the relay.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::rig::Rig;
use crate::base::Clock;
use crate::base::UserId;
use crate::base::task::Tasks;
use crate::turn::message::{Class, Method, Writer};
use crate::turn::{
    Connection, Encryption, ErrorCode, Relay, Settings, TlsSettings, TurnError, answers,
};

#[tokio::test]
async fn a_relay_that_runs_is_healthy_and_one_that_stopped_is_not() {
    let rig = Rig::start_with(|settings| {
        settings.listen = vec!["0.0.0.0:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    });
    assert!(rig.relay.check().await);
    rig.tasks.stop();
    assert!(rig.tasks.join(Duration::from_secs(10)).await);
    assert!(!rig.relay.check().await);
}

/// Shakes hands with nobody.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Encryption for Nobody {
    async fn shake_hands(&self, _: TcpStream) -> io::Result<Box<dyn Connection>> {
        pending().await
    }
}

fn behind_tls(settings: &mut Settings) {
    settings.tls = Some(TlsSettings {
        inherited: Vec::new(),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        encryption: Arc::new(Nobody),
    });
}

#[tokio::test]
async fn a_crowd_of_strangers_does_not_make_the_doors_look_dead() {
    let rig = Rig::start_with(|settings| {
        behind_tls(settings);
        settings.connections.in_all = 1;
    });
    let stranger = rig.stream_client().await;
    stranger.assert_nothing_came().await;
    assert!(rig.relay.check().await);
}

#[tokio::test]
async fn a_relay_elsewhere_is_asked_over_each_transport() {
    let rig = Rig::start_with(behind_tls);
    let (udp, tls) = (rig.address(), rig.relay.tls_addresses()[0]);
    let answers = async |url: String| answers(&url.parse().unwrap()).await;
    assert!(answers(format!("stun:{udp}")).await);
    assert!(answers(format!("turn:{udp}?transport=tcp")).await);
    assert!(answers(format!("turns:{tls}")).await);
    let closed = rig_that_left().await;
    assert!(!answers(format!("turn:{closed}")).await);
    assert!(!answers(format!("turn:{closed}?transport=tcp")).await);
    assert!(!answers(format!("turns:{closed}")).await);
    assert!(!answers("turn:no-such-host.invalid".to_owned()).await);
}

/// An address at which nobody listens any more.
async fn rig_that_left() -> SocketAddr {
    let rig = Rig::start();
    let address = rig.address();
    rig.tasks.stop();
    assert!(rig.tasks.join(Duration::from_secs(10)).await);
    address
}

#[tokio::test]
async fn a_relay_that_drains_keeps_what_it_has_and_lets_nobody_in() {
    let rig = Rig::start();
    let [(mut one, first), (mut other, second)] = rig.pair().await;
    rig.relay.drain().await;
    let mut late = rig.client().await;
    let refused = late.try_allocate().await;
    assert_eq!(refused.code(), Some(ErrorCode::InsufficientCapacity));
    assert_eq!(one.try_refresh(600).await.code(), None);
    one.send_to(second, b"still here").await;
    assert_eq!(
        other.receive_indication().await,
        (first, b"still here".to_vec())
    );

    let emptied = rig.relay.emptied();
    tokio::pin!(emptied);
    assert!(futures_util::poll!(&mut emptied).is_pending());
    assert_eq!(one.try_refresh(0).await.code(), None);
    assert!(futures_util::poll!(&mut emptied).is_pending());
    assert_eq!(other.try_refresh(0).await.code(), None);
    emptied.await;
    rig.relay.emptied().await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let rig = Rig::start();
    let taken = rig.address();
    let settings = super::rig::settings_at(taken);
    let error = Relay::start(settings, Clock::System, &Tasks::default()).unwrap_err();
    assert!(matches!(error, TurnError::Listen { address, .. } if address == taken));
}

#[tokio::test]
async fn names_of_one_user_share_a_quota() {
    let rig = Rig::start_with(|settings| settings.max_allocations_per_user = 1);
    let user = UserId::random();
    let expires = rig.clock.now().saturating_add(Duration::from_mins(10));
    let (first, second) = (rig.name(600), rig.name(600));
    rig.relay.remember(&first, user, expires);
    rig.relay.remember(&second, user, expires);
    rig.client_named(&first).await.allocate().await;
    let reply = rig.client_named(&second).await.try_allocate().await;
    assert_eq!(reply.code(), Some(ErrorCode::AllocationQuotaReached));
    rig.client().await.allocate().await;
}

#[tokio::test]
async fn an_evicted_user_is_out_and_stays_out_until_let_in_again() {
    let rig = Rig::start();
    let user = UserId::random();
    let expires = rig.clock.now().saturating_add(Duration::from_mins(10));
    let [(_, _), (witness, _)] = rig.pair().await;
    let name = rig.name(600);
    let mut client = rig.client_named(&name).await;
    client.allocate().await;
    rig.relay.remember(&name, user, expires);
    assert_eq!(rig.relay.figures().allocations, 3);

    rig.relay.evict(user).await;
    assert_eq!(rig.relay.figures().allocations, 2);
    let unauthenticated = Some(ErrorCode::Unauthenticated);
    assert_eq!(client.try_refresh(600).await.code(), unauthenticated);
    assert_eq!(client.try_allocate().await.code(), unauthenticated);
    witness.assert_nothing_came().await;

    let again = rig.name(600);
    rig.relay.remember(&again, user, expires);
    rig.client_named(&again).await.allocate().await;
}

#[tokio::test]
async fn refusals_are_counted_by_code() {
    let rig = Rig::start();
    let mut client = rig.client().await;
    client.take_nonce().await;
    client.try_refresh(600).await;
    let figures = rig.relay.figures();
    assert_eq!(figures.refused(ErrorCode::Unauthenticated), 1);
    assert_eq!(figures.refused(ErrorCode::AllocationMismatch), 1);
    assert_eq!(figures.refused(ErrorCode::Forbidden), 0);
}

#[tokio::test]
async fn a_flood_of_strangers_leaves_members_alone() {
    let rig = Rig::start_with(|settings| settings.answers.per_source = 20);
    let [(one, first), (other, second)] = rig.pair().await;
    let stranger = rig.client().await;
    for _ in 0..500 {
        let request = Writer::new(
            Class::Request,
            Method::Allocate,
            crate::base::random::draw(),
        );
        stranger.send(&request.finish()).await;
    }
    one.send_to(second, b"still here").await;
    assert_eq!(
        other.receive_indication().await,
        (first, b"still here".to_vec())
    );
}
