//! What operators do and see: changes with their line in the audit, suspensions, pages of members.

use crate::base::{Timestamp, UserId};

use super::super::record::Record;
use super::{account, invite, member};
use crate::store::{
    Change, Changed, Deed, Invite, MOST_DEEDS, NO_IDENTITY, Registered, Registration, Standing,
    Store, Suspension,
};

fn deed(at: u64) -> Deed {
    Deed {
        at: Timestamp::from_millis(at),
        by: Some(1000),
        action: "user suspend".into(),
        subject: Some("3f0c".to_owned()),
        note: Some("für 7d, Ärger".to_owned()),
    }
}

fn suspension(until: Option<u64>) -> Suspension {
    Suspension {
        since: Timestamp::from_millis(9),
        until: until.map(Timestamp::from_millis),
        reason: Some("calls".to_owned()),
    }
}

const EVER: Timestamp = Timestamp::from_millis(0);

#[tokio::test]
async fn a_change_leaves_its_line_and_one_that_comes_to_nothing_leaves_none() {
    let store = Store::in_memory().unwrap();
    assert!(store.deeds(EVER, 10).await.unwrap().is_empty());
    let nobody = UserId::random();
    for change in [
        Change::Suspend(nobody, suspension(None)),
        Change::Resume(nobody),
        Change::Delete(nobody, [0; 16]),
        Change::Reset(nobody, ([1; 32], invite(1))),
        Change::Revoke([2; 32], EVER),
        Change::Invite(
            [3; 32],
            Invite {
                recover: Some(nobody),
                ..invite(1)
            },
        ),
    ] {
        let changed = store.operate(change, deed(1)).await.unwrap();
        assert_eq!(changed, Changed::Missing);
    }
    assert!(store.deeds(EVER, 10).await.unwrap().is_empty());
    assert!(store.invites().await.unwrap().is_empty());

    let user = member(&store, 1).await;
    for (at, change) in [
        (1, Change::Suspend(user, suspension(None))),
        (2, Change::Invite([1; 32], invite(3))),
        (3, Change::Revoke([1; 32], EVER)),
    ] {
        assert_eq!(
            store.operate(change, deed(at)).await.unwrap(),
            Changed::Done
        );
    }
    let deeds = store.deeds(Timestamp::from_millis(2), 10).await.unwrap();
    let seqs: Vec<u64> = deeds.iter().map(|recorded| recorded.seq).collect();
    assert_eq!(seqs, [2, 3]);
    assert_eq!(deeds[0].deed, deed(2));
    let last = store.deeds(EVER, 1).await.unwrap();
    assert_eq!(last.len(), 1);
    assert_eq!(last[0].seq, 3);
}

#[tokio::test]
async fn of_too_many_deeds_the_oldest_is_forgotten() {
    let store = Store::in_memory().unwrap();
    store
        .write(|tables| {
            for at in 1..=MOST_DEEDS {
                crate::store::audit::append(tables, &deed(at))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let count = async || store.deeds(EVER, usize::MAX).await.unwrap();
    assert_eq!(count().await[0].seq, 1);
    store.note(deed(0)).await.unwrap();
    let deeds = count().await;
    assert_eq!((deeds.len() as u64, deeds[0].seq), (MOST_DEEDS, 2));
}

#[tokio::test]
async fn a_suspension_ends_with_its_time_and_not_before() {
    let store = Store::in_memory().unwrap();
    let (short, long) = (member(&store, 1).await, member(&store, 2).await);
    for (user, until) in [(short, Some(100)), (long, None)] {
        let change = Change::Suspend(user, suspension(until));
        store.operate(change, deed(1)).await.unwrap();
        let account = account(&store, user).await;
        assert_eq!(account.standing, Standing::Suspended);
        assert_eq!(account.tokens_since, Timestamp::from_millis(9));
    }
    let lift = async |at| {
        store
            .lift_suspensions(Timestamp::from_millis(at))
            .await
            .unwrap()
    };
    assert_eq!(lift(99).await, 0);
    assert_eq!(
        store.suspension(short).await.unwrap(),
        Some(suspension(Some(100)))
    );
    assert_eq!(lift(100).await, 1);
    assert_eq!(store.suspension(short).await.unwrap(), None);
    assert_eq!(account(&store, short).await.standing, Standing::Active);
    assert_eq!(account(&store, long).await.standing, Standing::Suspended);
}

#[tokio::test]
async fn a_suspension_revives_no_token_when_the_clock_was_set_back() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    let earlier = Suspension {
        since: Timestamp::from_millis(5),
        ..suspension(None)
    };
    for suspension in [suspension(None), earlier] {
        let change = Change::Suspend(user, suspension);
        store.operate(change, deed(1)).await.unwrap();
    }
    let since = account(&store, user).await.tokens_since;
    assert_eq!(since, Timestamp::from_millis(9));
}

#[tokio::test]
async fn nothing_of_a_suspension_outlives_the_account() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    let change = Change::Suspend(user, suspension(None));
    store.operate(change, deed(1)).await.unwrap();
    store.delete_account(user, [0; 16]).await.unwrap();
    assert_eq!(store.suspension(user).await.unwrap(), None);
}

#[tokio::test]
async fn a_reset_account_keeps_its_handle_and_waits_for_its_code() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    let recovery = Invite {
        recover: Some(user),
        ..invite(1)
    };
    let change = Change::Reset(user, ([7; 32], recovery));
    assert_eq!(store.operate(change, deed(1)).await.unwrap(), Changed::Done);
    let reset = account(&store, user).await;
    assert_eq!(reset.identity_key, NO_IDENTITY);
    assert_eq!(reset.tokens_since, recovery.created);
    let keys = store.key_status(user).await.unwrap().unwrap();
    assert_eq!(keys.count, 0);

    let again = super::registration(1, 2);
    let refused = store.register(again.clone()).await.unwrap();
    assert_eq!(refused, Registered::IdentityMismatch);
    let with_code = Registration {
        code: Some([7; 32]),
        ..again
    };
    let outcome = store.register(with_code).await.unwrap();
    assert_eq!(outcome, Registered::Replaced(user));
}

#[tokio::test]
async fn members_come_in_pages_and_each_knows_how_short_their_id_may_be() {
    let store = Store::in_memory().unwrap();
    for handle in 1..=50 {
        member(&store, handle).await;
    }
    let first = UserId::from_bytes([0; 16]);
    let whole = store.people(first, 1000).await.unwrap();
    assert_eq!(whole.len(), 50);
    let ids: Vec<String> = whole.iter().map(|it| it.account.user.to_string()).collect();
    assert!(ids.is_sorted());
    for person in &whole {
        let id = person.account.user.to_string();
        let alike = |length: usize| {
            ids.iter()
                .filter(|it| it.starts_with(&id[..length]))
                .count()
        };
        assert_eq!(alike(person.prefix), 1);
        assert!(person.prefix == 1 || alike(person.prefix - 1) > 1);
    }
    let page = store.people(whole[10].account.user, 5).await.unwrap();
    for (one, same) in page.iter().zip(&whole[10..15]) {
        assert_eq!(
            (one.account.user, one.prefix),
            (same.account.user, same.prefix)
        );
    }
    assert_eq!(page.len(), 5);
    let (first, last) = (whole[3].account.user, whole[9].account.user);
    assert_eq!(store.users_between(first, last, 3).await.unwrap().len(), 3);
    assert_eq!(
        store.users_between(first, last, 100).await.unwrap().len(),
        7
    );
}

proptest::proptest! {
    #[test]
    fn a_deed_and_a_suspension_are_read_back(
        at: u64, by: Option<u32>, subject: Option<String>, note: Option<String>, until: Option<u64>,
    ) {
        let deed = Deed { at: Timestamp::from_millis(at), by, subject, note: note.clone(), ..deed(0) };
        proptest::prop_assert_eq!(Deed::decode(&deed.encode()).unwrap(), deed);
        let suspension = Suspension { reason: note, ..suspension(until) };
        proptest::prop_assert_eq!(Suspension::decode(&suspension.encode()).unwrap(), suspension);
    }

    #[test]
    fn any_bytes_are_a_record_or_refused(bytes: Vec<u8>, version in 0u8..3) {
        let record = [&[version][..], &bytes].concat();
        for record in [&bytes, &record] {
            let _ = (Deed::decode(record), Suspension::decode(record));
        }
    }
}
