//! One-time prekeys under contention, and uploads at their limits.

use std::collections::HashSet;

use super::super::{KeyUpload, MAX_PREKEYS, Others, Uploaded};
use super::*;

fn upload(ids: impl IntoIterator<Item = u32>) -> KeyUpload {
    KeyUpload {
        prekeys: ids.into_iter().map(|id| (id, [1; 32])).collect(),
        ..KeyUpload::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_askers_get_two_hundred_keys() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.upload_keys(user, upload(3..=200)).await.unwrap();
    let askers: Vec<_> = (0..201)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take_prekey(user).await.unwrap().unwrap() })
        })
        .collect();
    let mut ids = HashSet::new();
    let mut empty_handed = 0;
    for asker in askers {
        match asker.await.unwrap().prekey {
            Some((id, _)) => assert!(ids.insert(id)),
            None => empty_handed += 1,
        }
    }
    assert_eq!((ids.len(), empty_handed), (200, 1));
    let account = store.account(user).await.unwrap().unwrap();
    assert_eq!(account.highest_prekey, 200);
}

#[tokio::test]
async fn the_lowest_id_goes_first_and_what_is_left_is_told() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.upload_keys(user, upload([300, 256])).await.unwrap();
    for (expected, remaining) in [(1, 3), (2, 2), (256, 1), (300, 0)] {
        let taken = store.take_prekey(user).await.unwrap().unwrap();
        assert_eq!(taken.prekey.map(|(id, _)| id), Some(expected));
        assert_eq!(taken.remaining, remaining);
        assert_eq!(taken.account.highest_prekey, expected);
    }
    let taken = store.take_prekey(user).await.unwrap().unwrap();
    assert_eq!((taken.prekey, taken.remaining), (None, 0));
}

#[tokio::test]
async fn a_used_id_does_not_come_back() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.take_prekey(user).await.unwrap();
    for ids in [vec![1], vec![5, 1]] {
        assert_eq!(
            store.upload_keys(user, upload(ids)).await.unwrap(),
            Uploaded::IdNotAboveHighest { id: 1, highest: 1 }
        );
    }
    let more = store.upload_keys(user, upload([3])).await.unwrap();
    assert!(matches!(more, Uploaded::Stored(status) if status.ids == [2, 3]));
}

#[tokio::test]
async fn a_key_is_not_replaced_under_its_id() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 0).await;
    for _ in 0..2 {
        let stored = store.upload_keys(user, upload([7])).await.unwrap();
        assert!(matches!(stored, Uploaded::Stored(status) if status.ids.contains(&7)));
    }
    let mut other = upload([7]);
    other.prekeys[0].1[0] ^= 1;
    assert_eq!(
        store.upload_keys(user, other).await.unwrap(),
        Uploaded::IdTaken { id: 7 }
    );
}

#[tokio::test]
async fn two_hundred_are_kept_and_not_one_more() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    let full = store.upload_keys(user, upload(3..=200)).await.unwrap();
    assert!(matches!(full, Uploaded::Stored(status) if status.count == 200));
    let again = store.upload_keys(user, upload(100..=200)).await.unwrap();
    assert!(matches!(again, Uploaded::Stored(status) if status.count == 200));
    assert_eq!(
        store.upload_keys(user, upload([201])).await.unwrap(),
        Uploaded::TooMany {
            kept: 201,
            limit: MAX_PREKEYS
        }
    );
    let nobody = store.upload_keys(UserId::random(), upload([1])).await;
    assert_eq!(nobody.unwrap(), Uploaded::NoSuchUser);
}

#[tokio::test]
async fn others_go_where_the_owner_says_so_and_do_not_come_back() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    store.upload_keys(user, upload(3..=200)).await.unwrap();
    let anew = |ids: [u32; 2]| KeyUpload {
        others: Others::Go,
        ..upload(ids)
    };
    // Not above what would go: nothing changes.
    let low = store.upload_keys(user, anew([150, 300])).await.unwrap();
    let highest = 200;
    assert_eq!(low, Uploaded::IdNotAboveHighest { id: 150, highest });
    assert_eq!(store.key_status(user).await.unwrap().unwrap().count, 200);
    // The same twice, for an answer may get lost.
    for _ in 0..2 {
        let stored = store.upload_keys(user, anew([300, 301])).await.unwrap();
        assert!(matches!(stored, Uploaded::Stored(status) if status.ids == [300, 301]));
    }
    let back = store.upload_keys(user, upload([200])).await.unwrap();
    assert_eq!(back, Uploaded::IdNotAboveHighest { id: 200, highest });
    let taken = store.take_prekey(user).await.unwrap().unwrap();
    assert_eq!(taken.prekey.map(|(id, _)| id), Some(300));
}

#[tokio::test]
async fn a_signed_prekey_is_replaced_with_its_time() {
    let store = Store::in_memory().unwrap();
    let user = member(&store, 1).await;
    let at = Timestamp::from_millis(77);
    let new = KeyUpload {
        signed_prekey: Some(([8; 32], [9; 64], at)),
        ..KeyUpload::default()
    };
    let Uploaded::Stored(status) = store.upload_keys(user, new).await.unwrap() else {
        panic!("it should be stored");
    };
    assert_eq!(
        (status.signed_prekey, status.signed_prekey_at),
        ([8; 32], at)
    );
    assert_eq!(store.key_status(user).await.unwrap(), Some(status));
    let account = store.account(user).await.unwrap().unwrap();
    assert_eq!(account.prekey_signature, [9; 64]);
}
