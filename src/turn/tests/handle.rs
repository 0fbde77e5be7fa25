//! What the rest of the daemon asks of the relay.

use std::time::Duration;

use super::rig::Rig;
use crate::base::Clock;
use crate::base::UserId;
use crate::base::task::Tasks;
use crate::turn::message::{Class, Method, Writer};
use crate::turn::{ErrorCode, Relay, TurnError};

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
