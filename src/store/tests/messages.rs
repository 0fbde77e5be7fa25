//! Queues: paged, removed, swept.

use super::*;

async fn filled(recipient: UserId, messages: u64) -> Store {
    let store = Store::in_memory().unwrap();
    for seq in 1..=messages {
        store_message(&store, message(seq, recipient, &[0; 100]))
            .await
            .unwrap();
    }
    store
}

#[tokio::test]
async fn a_queue_is_in_the_order_of_its_numbers_whenever_they_were_written() {
    let store = Store::in_memory().unwrap();
    let (anna, ben) = (UserId::random(), UserId::random());
    for (seq, recipient) in [(5, anna), (2, anna), (9, ben), (7, anna), (1, ben)] {
        store_message(&store, message(seq, recipient, b"hello"))
            .await
            .unwrap();
    }
    assert_eq!(seqs(&store, anna).await, [2, 5, 7]);
    assert_eq!(seqs(&store, ben).await, [1, 9]);
    assert_eq!(store.next_seq().await.unwrap(), 10);
    let entry = store.queue(anna).await.unwrap()[0];
    let message = &store.messages(&[2]).await.unwrap()[0];
    assert_eq!(entry.message_id, message.message_id);
    assert_eq!((entry.sender, entry.bytes), (message.sender, 5));
}

#[tokio::test]
async fn an_empty_store_starts_at_one() {
    let store = Store::in_memory().unwrap();
    assert_eq!(store.next_seq().await.unwrap(), 1);
    assert!(store.messages(&[1]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_ends_at_its_limits() {
    let anna = UserId::random();
    let store = filled(anna, 10).await;
    let page = async |after, messages, bytes, since| {
        let since = Timestamp::from_millis(since);
        let page = store.page(anna, after, messages, bytes, since).await;
        page.unwrap().iter().map(|m| m.seq).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3, 1000, 0).await, [1, 2, 3]);
    assert_eq!(page(Some(3), 100, 300, 0).await, [4, 5, 6]);
    assert_eq!(page(Some(3), 100, 299, 0).await, [4, 5]);
    assert_eq!(page(Some(3), 100, 99, 0).await, [4]);
    assert_eq!(page(Some(8), 100, 1000, 0).await, [9, 10]);
    assert!(page(Some(10), 100, 1000, 0).await.is_empty());
    assert!(page(Some(u64::MAX), 100, 1000, 0).await.is_empty());
    assert!(page(None, 0, 1000, 0).await.is_empty());
    assert_eq!(page(None, 2, 1000, 6).await, [6, 7]);
}

#[tokio::test]
async fn a_message_is_removed_by_its_recipient_only() {
    let anna = UserId::random();
    let store = filled(anna, 5).await;
    let stranger = store.remove(UserId::random(), vec![1, 2]).await.unwrap();
    let owner = store.remove(anna, vec![2, 4, 4, 99]).await.unwrap();
    assert_eq!((stranger, owner), (0, 2));
    assert_eq!(seqs(&store, anna).await, [1, 3, 5]);
    assert_eq!(store.figures().await.unwrap().queued_messages, 3);
}

#[tokio::test]
async fn a_sweep_takes_the_oldest_up_to_its_limit() {
    let anna = UserId::random();
    let store = filled(anna, 10).await;
    let cutoff = Timestamp::from_millis(6);
    assert_eq!(store.sweep(cutoff, 3).await.unwrap(), 3);
    assert_eq!(seqs(&store, anna).await, [4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(store.sweep(cutoff, 3).await.unwrap(), 2);
    assert_eq!(store.sweep(cutoff, 3).await.unwrap(), 0);
    assert_eq!(seqs(&store, anna).await, [6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn large_groups_are_stored_whole() {
    let store = Store::in_memory().unwrap();
    let recipients: Vec<_> = (0..20).map(|_| UserId::random()).collect();
    let mut outcomes = Vec::new();
    for seq in 1..=10_000 {
        let recipient = recipients[usize::try_from(seq % 20).unwrap()];
        let (write, outcome) = pending(&store, message(seq, recipient, &[1; 30]));
        store.write_soon(write);
        outcomes.push(outcome);
    }
    for outcome in outcomes {
        outcome.await.unwrap().unwrap();
    }
    for recipient in &recipients {
        assert_eq!(seqs(&store, *recipient).await.len(), 500);
    }
    store.remove_soon(recipients[0], &seqs(&store, recipients[0]).await);
    store.check().await.unwrap();
    assert!(seqs(&store, recipients[0]).await.is_empty());
    assert_eq!(store.figures().await.unwrap().queued_messages, 9_500);
}
