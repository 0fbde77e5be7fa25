//! The room as its callers see it, on real files and on a disk that fails on demand.

mod accounts;
mod crash;
mod faulty_disk;
mod files;
mod full_disk;
mod messages;
mod migrations;
mod operators;
mod prekeys;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::{MessageId, Timestamp, UserId};

use super::{
    Account, Admission, Invite, NewMessage, PendingWrite, Registered, Registration, Store,
    StoreError, StoreOptions,
};
use faulty_disk::FaultyDisk;

/// What a test sends: the completion as something to await.
type Outcome = oneshot::Receiver<Result<(), StoreError>>;

const NEVER: Duration = Duration::from_hours(1);

fn options(commit_delay: Duration) -> StoreOptions {
    StoreOptions {
        cache_bytes: 8 << 20,
        commit_delay,
        disk_floor: 0,
    }
}

fn store_on(disk: &Arc<FaultyDisk>, commit_delay: Duration) -> Store {
    Store::open_on(Box::new(disk.clone()), &options(commit_delay)).unwrap()
}

fn message(seq: u64, recipient: UserId, payload: &[u8]) -> NewMessage {
    NewMessage {
        seq,
        message_id: MessageId::random(),
        sender: UserId::random(),
        recipient,
        timestamp: Timestamp::from_millis(seq),
        payload: payload.to_vec().into(),
    }
}

fn pending(store: &Store, message: NewMessage) -> (Arc<PendingWrite>, Outcome) {
    let (sender, outcome) = oneshot::channel();
    let write = store.pending(message, move |result| {
        let _ = sender.send(result);
    });
    (write, outcome)
}

async fn store_message(store: &Store, message: NewMessage) -> Result<(), StoreError> {
    let (write, outcome) = pending(store, message);
    store.write_soon(write);
    outcome.await.unwrap()
}

async fn seqs(store: &Store, recipient: UserId) -> Vec<u64> {
    let queue = store.queue(recipient).await.unwrap();
    queue.iter().map(|entry| entry.seq).collect()
}

fn registration(handle: u8, identity: u8) -> Registration {
    Registration {
        handle: [handle; 32],
        identity_key: [identity; 32],
        signed_prekey: [3; 32],
        prekey_signature: [4; 64],
        registration_id: Some(5),
        prekeys: vec![(1, [11; 32]), (2, [12; 32])],
        candidate: UserId::random(),
        now: Timestamp::from_millis(1_000_000),
        admission: Admission::Open,
        code: None,
    }
}

fn invite(uses_left: u32) -> Invite {
    Invite {
        created: Timestamp::from_millis(0),
        expires: Timestamp::from_millis(2_000_000),
        uses_left,
        revoked: None,
        recover: None,
        label: None,
    }
}

async fn account(store: &Store, user: UserId) -> Account {
    store.account(user).await.unwrap().unwrap()
}

pub(super) async fn member(store: &Store, handle: u8) -> UserId {
    match store.register(registration(handle, handle)).await.unwrap() {
        Registered::Created(user) => user,
        other => panic!("{other:?}"),
    }
}
