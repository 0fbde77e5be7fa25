//! Registration in all its cases, changes, deletion, invites and contacts.

use super::super::{
    ContactStored, Invite, MAX_CONTACTS, Revocation, Standing, TakenPrekey, Update,
};
use super::*;

fn by_code(handle: u8, code: Option<[u8; 32]>) -> Registration {
    Registration {
        admission: Admission::ByCode,
        code,
        ..registration(handle, handle)
    }
}

#[tokio::test]
async fn a_registration_is_found_by_user_and_by_handle() {
    let store = Store::in_memory().unwrap();
    let asked = registration(1, 2);
    let user = asked.candidate;
    assert_eq!(
        store.register(asked).await.unwrap(),
        Registered::Created(user)
    );
    let account = account(&store, user).await;
    assert_eq!(account.identity_key, [2; 32]);
    assert_eq!(account.registration_id, Some(5));
    assert_eq!(account.standing, Standing::Active);
    assert_eq!(
        store.account_by_handle([1; 32]).await.unwrap(),
        Some(account)
    );
    assert_eq!(store.account_by_handle([2; 32]).await.unwrap(), None);
    assert_eq!(store.account(UserId::random()).await.unwrap(), None);
    assert_eq!(store.key_status(user).await.unwrap().unwrap().ids, [1, 2]);
    assert_eq!(store.figures().await.unwrap().accounts, 1);
}

#[tokio::test]
async fn a_repetition_is_harmless_whoever_may_register() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.take_prekey(user).await.unwrap();
    for admission in [Admission::Open, Admission::ByCode, Admission::Closed] {
        let asked = Registration {
            admission,
            ..registration(1, 1)
        };
        let outcome = store.register(asked).await.unwrap();
        assert_eq!(outcome, Registered::Unchanged(user));
    }
    assert_eq!(store.key_status(user).await.unwrap().unwrap().ids, [2]);
}

#[tokio::test]
async fn nobody_takes_a_handle_over() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.put_invite([7; 32], invite(1)).await.unwrap();
    for code in [None, Some([7; 32]), Some([8; 32])] {
        let asked = Registration {
            code,
            ..registration(1, 9)
        };
        let outcome = store.register(asked).await.unwrap();
        assert_eq!(outcome, Registered::IdentityMismatch);
    }
    assert_eq!(account(&store, user).await.identity_key, [1; 32]);
    assert_eq!(store.invites().await.unwrap()[0].1.uses_left, 1);
}

#[tokio::test]
async fn a_code_admits_as_often_as_it_says() {
    let store = Store::in_memory().unwrap();
    store.put_invite([7; 32], invite(1)).await.unwrap();
    let none = store.register(by_code(1, None)).await.unwrap();
    assert_eq!(none, Registered::CodeRequired);
    let unknown = store.register(by_code(1, Some([8; 32]))).await.unwrap();
    assert_eq!(unknown, Registered::CodeInvalid);
    let first = store.register(by_code(1, Some([7; 32]))).await.unwrap();
    assert!(matches!(first, Registered::Created(_)));
    let repeated = store.register(by_code(1, Some([7; 32]))).await.unwrap();
    assert!(matches!(repeated, Registered::Unchanged(_)));
    let second = store.register(by_code(2, Some([7; 32]))).await.unwrap();
    assert_eq!(second, Registered::CodeInvalid);
    let closed = Registration {
        admission: Admission::Closed,
        ..by_code(3, Some([7; 32]))
    };
    assert_eq!(store.register(closed).await.unwrap(), Registered::Closed);
}

#[tokio::test]
async fn a_code_that_is_expired_revoked_or_for_another_is_worth_nothing() {
    let store = Store::in_memory().unwrap();
    let now = registration(1, 1).now;
    let expired = Invite {
        expires: now,
        ..invite(1)
    };
    let for_another = Invite {
        label: Some([9; 32]),
        ..invite(1)
    };
    let for_recovery = Invite {
        recover: Some(UserId::random()),
        ..invite(1)
    };
    for (code, invite) in [(1, expired), (2, for_another), (3, for_recovery)] {
        store.put_invite([code; 32], invite).await.unwrap();
        let outcome = store.register(by_code(1, Some([code; 32]))).await.unwrap();
        assert_eq!(outcome, Registered::CodeInvalid, "{code}");
    }
    store.put_invite([4; 32], invite(5)).await.unwrap();
    assert_eq!(
        store.revoke_invite([4; 32], now).await.unwrap(),
        Revocation::Revoked
    );
    assert_eq!(
        store.revoke_invite([5; 32], now).await.unwrap(),
        Revocation::NoSuchInvite
    );
    let outcome = store.register(by_code(1, Some([4; 32]))).await.unwrap();
    assert_eq!(outcome, Registered::CodeInvalid);
    let outcome = store.register(by_code(9, Some([2; 32]))).await.unwrap();
    assert!(matches!(outcome, Registered::Created(_)));
    let forgotten = store.forget_invites(Timestamp::from_millis(1_500_000));
    assert_eq!(forgotten.await.unwrap(), 1);
    assert_eq!(store.invites().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_recovery_code_gives_the_account_a_new_identity_once() {
    let store = Store::in_memory().unwrap();
    let (user, other) = (member(&store, 1).await, member(&store, 2).await);
    store.take_prekey(user).await.unwrap();
    store.put_contact([1; 16], [2; 16], vec![1]).await.unwrap();
    let mut from_user = message(2, other, b"from the old identity");
    from_user.sender = user;
    for message in [message(1, user, b"to"), from_user, message(3, other, b"x")] {
        // These wait for much longer than the test: the replacement must see them all the same.
        let (write, _) = pending(&store, message);
        store.write_later(write);
    }
    let code = Invite {
        recover: Some(user),
        ..invite(1)
    };
    store.put_invite([7; 32], code).await.unwrap();
    let recovery = |identity| Registration {
        admission: Admission::Closed,
        code: Some([7; 32]),
        prekeys: vec![(1, [42; 32])],
        ..registration(1, identity)
    };
    assert_eq!(
        store.register(recovery(9)).await.unwrap(),
        Registered::Replaced(user)
    );
    let account = account(&store, user).await;
    assert_eq!((account.identity_key, account.highest_prekey), ([9; 32], 0));
    assert!(seqs(&store, user).await.is_empty());
    assert_eq!(seqs(&store, other).await, [3]);
    assert_eq!(store.next_seq().await.unwrap(), 4);
    assert_eq!(store.contacts([1; 16]).await.unwrap().len(), 1);
    let TakenPrekey { prekey, .. } = store.take_prekey(user).await.unwrap().unwrap();
    assert_eq!(prekey, Some((1, [42; 32])));
    assert_eq!(
        store.register(recovery(10)).await.unwrap(),
        Registered::IdentityMismatch
    );
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing() {
    let store = Store::in_memory().unwrap();
    let (user, other) = (member(&store, 1).await, member(&store, 2).await);
    let mut from_user = message(2, other, b"from");
    from_user.sender = user;
    for message in [message(1, user, b"to"), from_user, message(3, other, b"x")] {
        store_message(&store, message).await.unwrap();
    }
    for (owner, peer) in [(1, 2), (1, 3), (2, 1)] {
        store
            .put_contact([owner; 16], [peer; 16], vec![owner])
            .await
            .unwrap();
    }
    let delete = || store.delete_account(user, [1; 16]);
    assert_eq!(delete().await.unwrap(), Update::Applied);
    assert_eq!(delete().await.unwrap(), Update::NoSuchUser);
    assert_eq!(store.account(user).await.unwrap(), None);
    assert_eq!(store.account_by_handle([1; 32]).await.unwrap(), None);
    assert_eq!(store.key_status(user).await.unwrap(), None);
    assert_eq!(store.take_prekey(user).await.unwrap(), None);
    assert!(store.contacts([1; 16]).await.unwrap().is_empty());
    assert_eq!(store.contacts([2; 16]).await.unwrap(), [([1; 16], vec![2])]);
    assert!(seqs(&store, user).await.is_empty());
    assert_eq!(seqs(&store, other).await, [3]);
    assert_eq!(store.figures().await.unwrap().queued_messages, 1);
    assert_ne!(member(&store, 1).await, user);
}

#[tokio::test]
async fn an_account_changes_as_it_is_told() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.seen(user, 500).await.unwrap();
    store.seen(user, 400).await.unwrap();
    store
        .set_public_name(user, Some("Änne".to_owned()))
        .await
        .unwrap();
    let account = account(&store, user).await;
    assert_eq!(account.last_seen, 500);
    assert_eq!(account.public_name.as_deref(), Some("Änne"));
    let nobody = UserId::random();
    assert_eq!(store.seen(nobody, 1).await.unwrap(), Update::NoSuchUser);
}

#[tokio::test]
async fn a_contact_is_kept_replaced_and_forgotten() {
    let store = Store::in_memory().unwrap();
    let (owner, peer) = ([1; 16], [2; 16]);
    for sealed in [vec![1, 2, 3], vec![4]] {
        let stored = store.put_contact(owner, peer, sealed.clone()).await;
        assert_eq!(stored.unwrap(), ContactStored::Stored);
        assert_eq!(store.contact(owner, peer).await.unwrap(), Some(sealed));
    }
    assert_eq!(store.contact(peer, owner).await.unwrap(), None);
    store.remove_contact(owner, peer).await.unwrap();
    assert_eq!(store.contact(owner, peer).await.unwrap(), None);
}

#[tokio::test]
async fn contacts_have_a_ceiling() {
    let store = Store::in_memory().unwrap();
    let owner = [1; 16];
    let peer = |number: usize| u128::to_be_bytes(number as u128);
    store
        .write(move |tables| {
            for number in 0..MAX_CONTACTS - 1 {
                let key = super::super::tables::contact_key(owner, peer(number));
                tables.contacts.insert(&key, [1].as_slice())?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let put = |number| store.put_contact(owner, peer(number), vec![2]);
    assert_eq!(put(MAX_CONTACTS - 1).await.unwrap(), ContactStored::Stored);
    assert_eq!(put(MAX_CONTACTS).await.unwrap(), ContactStored::Full);
    assert_eq!(put(0).await.unwrap(), ContactStored::Stored);
}
