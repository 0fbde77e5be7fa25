//! Power cuts: what was accepted stays, what was handed out stays gone.

use std::collections::HashSet;

use super::super::KeyUpload;
use super::*;

/// Sends until the power goes, and tells what was accepted.
async fn send_until_dark(store: &Store, recipient: UserId, first: u64) -> Vec<u64> {
    let mut accepted = Vec::new();
    for seq in (first..).step_by(10) {
        if store_message(store, message(seq, recipient, &[7; 700]))
            .await
            .is_err()
        {
            break;
        }
        accepted.push(seq);
    }
    accepted
}

async fn take_until_dark(store: &Store, user: UserId) -> Vec<u32> {
    let mut taken = Vec::new();
    while let Ok(answer) = store.take_prekey(user).await {
        taken.extend(answer.unwrap().prekey.map(|(id, _)| id));
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_accepted_and_gives_no_prekey_twice() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let user = member(&store, 1).await;
    store
        .upload_keys(
            user,
            KeyUpload {
                prekeys: (3..=190).map(|id| (id, [1; 32])).collect(),
                ..KeyUpload::default()
            },
        )
        .await
        .unwrap();
    store.close().await;
    let mut accepted = Vec::new();
    let mut taken = HashSet::new();
    for round in 0..30_u64 {
        let store = store_on(&disk, NEVER);
        disk.cut_power_after(3 + round % 9, round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let next = round * 100_000;
        let (a, b, keys) = tokio::join!(
            send_until_dark(&store, user, next + 1),
            send_until_dark(&store, user, next + 2),
            take_until_dark(&store, user),
        );
        accepted.extend(a.into_iter().chain(b));
        for id in keys {
            assert!(taken.insert(id), "prekey {id} was given twice");
        }
        drop(store);
        disk.restore_power();
        let store = store_on(&disk, NEVER);
        let kept = seqs(&store, user).await;
        let there: HashSet<_> = kept.iter().copied().collect();
        assert!(accepted.iter().all(|seq| there.contains(seq)), "{round}");
        assert!(kept.is_sorted());
        assert_eq!(store.messages(&kept).await.unwrap().len(), kept.len());
        store.close().await;
    }
    assert!(accepted.len() > 30 && taken.len() > 10);
}
