//! A daemon that restarts in the middle of a call knows nothing of it: clients are told so, and
//! nothing else happens to the call, whose media doesn't need the daemon's signaling.

use super::{PAIRINGS, pair};
use crate::rig::Setup;

#[tokio::test]
async fn after_a_restart_both_learn_that_the_call_is_unknown() {
    for pairing in PAIRINGS {
        let process = Setup::lenient().spawn().await;
        let (mut anna, mut bert) = pair(process.place(), pairing).await;
        let call = anna.dial(&bert.person, "an offer").await;
        bert.expect_ring(&anna.person, "an offer").await;
        bert.answer(&call, &anna.person, "an answer").await;
        anna.expect_connected(&call).await;
        let process = process.kill().spawn().await;
        let (mut anna, mut bert) = (
            anna.after_restart(process.place()).await,
            bert.after_restart(process.place()).await,
        );
        assert_eq!(anna.step_in_vain("end", &call, &bert.person).await, 404);
        assert_eq!(bert.step_in_vain("end", &call, &anna.person).await, 404);
        // Nobody was told that it ended, and the same two can call again.
        for phone in [&mut anna, &mut bert] {
            assert!(phone.overheard().await.is_empty());
        }
        let call = anna.dial(&bert.person, "again").await;
        assert_eq!(bert.expect_ring(&anna.person, "again").await, call);
    }
}
