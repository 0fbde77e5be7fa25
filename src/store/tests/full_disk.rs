//! A disk without room: new messages are refused as such, and it passes.

use super::*;

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_and_keeps_what_was_accepted() {
    let disk = Arc::new(FaultyDisk::default());
    let store = store_on(&disk, NEVER);
    let user = member(&store, 1).await;
    for seq in 1..=3 {
        store_message(&store, message(seq, user, b"before"))
            .await
            .unwrap();
    }
    disk.fill();
    for seq in 4..=6 {
        let error = store_message(&store, message(seq, user, b"meanwhile"))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Full), "{error:?}");
    }
    disk.make_room();
    store_message(&store, message(7, user, b"after"))
        .await
        .unwrap();
    assert_eq!(seqs(&store, user).await, [1, 2, 3, 7]);
    store.close().await;
}
