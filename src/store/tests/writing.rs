//! Group commit: who hears what, and when.

use std::time::Instant;

use super::super::tables::missing;
use super::super::{Backlog, Update, Withdrawal};
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_comes_after_the_sync_and_not_before() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let anna = UserId::random();
    disk.hold();
    let (write, mut outcome) = pending(&store, message(1, anna, b"hello"));
    store.write_soon(write);
    tokio::task::block_in_place(|| disk.wait_until_held());
    let check = tokio::spawn({
        let store = store.clone();
        async move { store.check().await }
    });
    assert!(outcome.try_recv().is_err());
    assert!(seqs(&store, anna).await.is_empty());
    disk.release();
    outcome.await.unwrap().unwrap();
    check.await.unwrap().unwrap();
    assert_eq!(seqs(&store, anna).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gathers_during_a_commit_is_one_group_and_fails_together() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let anna = UserId::random();
    disk.hold();
    let (first, first_outcome) = pending(&store, message(1, anna, b"first"));
    store.write_soon(first);
    tokio::task::block_in_place(|| disk.wait_until_held());
    let group: Vec<_> = (2..10)
        .map(|seq| {
            let (write, outcome) = pending(&store, message(seq, anna, b"other"));
            store.write_soon(write);
            outcome
        })
        .collect();
    disk.fail_sync_after(SYNCS_OF_A_COMMIT);
    disk.release();
    first_outcome.await.unwrap().unwrap();
    for outcome in group {
        let error = outcome.await.unwrap().unwrap_err();
        assert!(
            matches!(&error, StoreError::Database(reason) if reason.contains("the disk failed")),
            "{error}"
        );
    }
    store_message(&store, message(21, anna, b"kept"))
        .await
        .unwrap();
    assert_eq!(seqs(&store, anna).await, [1, 21]);
    let work = store.work();
    assert_eq!((work.failed_commits, work.failed_writes), (1, 8));
    assert_eq!(work.group_sizes.sum, 2, "messages that were written");
    assert_eq!(work.group_sizes.count(), work.commit_times.count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_message_is_counted_by_whoever_finds_it_first() {
    let store = Store::in_memory().unwrap();
    let anna = UserId::random();
    for seq in 1..=3 {
        store_message(&store, message(seq, anna, b"old"))
            .await
            .unwrap();
    }
    store.expire_soon(anna, &[1]);
    store.remove_soon(anna, &[2]);
    store.check().await.unwrap();
    let swept = store.sweep(Timestamp::from_millis(u64::MAX), 100).await;
    store.expire_soon(anna, &[1, 3]);
    store.check().await.unwrap();
    let removed = 3 - usize::try_from(store.figures().await.unwrap().queued_messages).unwrap();
    assert_eq!(removed, 3);
    assert_eq!(store.work().expired, 2, "{swept:?} by the sweep");
}

#[tokio::test]
async fn the_oldest_message_is_the_one_that_was_accepted_first() {
    let store = Store::in_memory().unwrap();
    store.check().await.unwrap();
    assert_eq!(store.figures().await.unwrap().oldest_message, None);
    let (anna, bert) = (UserId::random(), UserId::random());
    for (seq, owner) in [(1, anna), (2, bert)] {
        store_message(&store, message(seq, owner, b"hello"))
            .await
            .unwrap();
    }
    let first = message(1, anna, b"hello").timestamp;
    assert_eq!(store.figures().await.unwrap().oldest_message, Some(first));
    store.remove(anna, vec![1]).await.unwrap();
    let second = message(2, bert, b"hello").timestamp;
    assert_eq!(store.figures().await.unwrap().oldest_message, Some(second));
}

/// A commit in two phases: what is written, then which of it counts.
const SYNCS_OF_A_COMMIT: u64 = 2;

#[tokio::test]
async fn check_fails_while_the_disk_does() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    disk.fail_all_syncs();
    assert!(store.check().await.is_err());
    assert!(store.check().await.is_err());
    disk.mend();
    store.check().await.unwrap();
}

#[tokio::test]
async fn a_withdrawn_message_never_reaches_the_file() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let anna = UserId::random();
    let (spared, spared_outcome) = pending(&store, message(1, anna, b"nobody must see this"));
    let (kept, kept_outcome) = pending(&store, message(2, anna, b"this is to be kept"));
    store.write_later(spared.clone());
    store.write_later(kept.clone());
    assert_eq!(
        store.backlog(),
        Backlog {
            messages: 2,
            bytes: 38
        }
    );
    assert_eq!(spared.withdraw(), Withdrawal::Spared);
    assert_eq!(spared.withdraw(), Withdrawal::Spared);
    assert_eq!(store.backlog().messages, 1);
    store.hurry(&spared);
    store.close().await;
    kept_outcome.await.unwrap().unwrap();
    assert_eq!(kept.withdraw(), Withdrawal::AlreadyWritten);
    drop(spared);
    assert!(spared_outcome.await.is_err(), "it was never called");
    assert!(!disk.contains(b"nobody must see this"));
    assert!(disk.contains(b"this is to be kept"));
    assert_eq!(store.backlog(), Backlog::default());
}

#[tokio::test]
async fn a_hurried_message_is_written_at_once_and_only_once() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let anna = UserId::random();
    let (write, outcome) = pending(&store, message(1, anna, b"hello"));
    store.write_later(write.clone());
    store.hurry(&write);
    outcome.await.unwrap().unwrap();
    store.hurry(&write);
    store.check().await.unwrap();
    assert_eq!(seqs(&store, anna).await, [1]);
    store.close().await;
}

#[tokio::test]
async fn a_postponed_message_is_written_when_its_time_has_come() {
    let delay = Duration::from_millis(20);
    let store = store_on(&Arc::default(), delay);
    let anna = UserId::random();
    let start = Instant::now();
    let (write, outcome) = pending(&store, message(1, anna, b"hello"));
    store.write_later(write);
    outcome.await.unwrap().unwrap();
    assert!(start.elapsed() >= delay * 7 / 8);
    store.remove_soon(anna, &[1]);
    while !seqs(&store, anna).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(start.elapsed() >= delay + delay * 6 / 8);
}

#[tokio::test]
async fn close_commits_the_rest_and_nothing_comes_after() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let anna = UserId::random();
    store_message(&store, message(1, anna, b"old"))
        .await
        .unwrap();
    let (later, later_outcome) = pending(&store, message(2, anna, b"later"));
    store.write_later(later);
    store.remove_soon(anna, &[1]);
    tokio::join!(store.close(), store.close());
    later_outcome.await.unwrap().unwrap();
    let late = store_message(&store, message(3, anna, b"late")).await;
    assert!(matches!(late, Err(StoreError::Closed)));
    assert!(matches!(store.check().await, Err(StoreError::Closed)));
    assert!(store.queue(anna).await.is_err());
    let store = store_on(&disk, NEVER);
    assert_eq!(seqs(&store, anna).await, [2]);
}

#[tokio::test]
async fn dropping_the_last_handle_commits_the_rest_too() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let anna = UserId::random();
    let (later, outcome) = pending(&store, message(1, anna, b"later"));
    store.write_later(later);
    drop(store);
    outcome.await.unwrap().unwrap();
    assert_eq!(seqs(&store_on(&disk, NEVER), anna).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_row_fails_only_the_order_that_meets_it() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let (broken, sound) = (member(&store, 1).await, member(&store, 2).await);
    store
        .write(move |tables| {
            tables
                .accounts
                .insert(broken.as_bytes(), [9, 9, 9].as_slice())?;
            Ok(())
        })
        .await
        .unwrap();
    disk.hold();
    let group: Vec<_> = [sound, broken, sound]
        .into_iter()
        .map(|user| {
            let store = store.clone();
            tokio::spawn(async move {
                let name = Some("Änne".to_owned());
                store.set_public_name(user, name).await
            })
        })
        .collect();
    tokio::task::block_in_place(|| disk.wait_until_held());
    disk.release();
    let mut outcomes = Vec::new();
    for task in group {
        outcomes.push(task.await.unwrap());
    }
    assert!(matches!(outcomes[0], Ok(Update::Applied)));
    assert!(matches!(outcomes[1], Err(StoreError::Record(_))));
    assert!(matches!(outcomes[2], Ok(Update::Applied)));
    store.check().await.unwrap();
}

#[tokio::test]
async fn an_order_that_finds_a_row_missing_leaves_no_trace() {
    let store = store_on(&Arc::default(), NEVER);
    let outcome: Result<(), _> = store
        .write(|tables| {
            tables.meta.insert("trace", 1)?;
            Err(missing("something"))
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Record(_))));
    let trace = store
        .write(|tables| {
            use redb::ReadableTable;
            Ok(tables.meta.get("trace")?.is_some())
        })
        .await;
    assert!(!trace.unwrap());
}

#[tokio::test]
async fn two_messages_of_one_number_are_refused() {
    let store = store_on(&Arc::default(), NEVER);
    let anna = UserId::random();
    store_message(&store, message(1, anna, b"first"))
        .await
        .unwrap();
    assert!(
        store_message(&store, message(1, anna, b"second"))
            .await
            .is_err()
    );
    let kept = store.messages(&[1, 2]).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(&kept[0].payload[..], b"first");
}
