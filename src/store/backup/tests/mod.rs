//! Backups as they are made under load, damaged, restored, and interrupted.

mod format;
mod restoring;
mod shelf;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::*;
use crate::base::{MessageId, Timestamp, UserId};
use crate::store::{
    Admission, KeyUpload, NewMessage, Registered, Registration, Store, StoreError, StoreOptions,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);

fn options() -> StoreOptions {
    StoreOptions {
        cache_bytes: 8 << 20,
        disk_floor: 0,
        ..StoreOptions::default()
    }
}

fn request(file: &Path) -> BackupRequest {
    BackupRequest {
        file: file.to_owned(),
        now: NOW,
        secrets: b"pepper = \"secret\"\n".to_vec(),
        config: Some(b"[server]\n".to_vec()),
        passphrase: None,
    }
}

async fn member(store: &Store, handle: u8) -> UserId {
    let registration = Registration {
        handle: [handle; 32],
        identity_key: [handle; 32],
        signed_prekey: [3; 32],
        prekey_signature: [4; 64],
        registration_id: Some(5),
        prekeys: vec![(1, [11; 32]), (2, [12; 32]), (9, [13; 32])],
        candidate: UserId::random(),
        now: Timestamp::from_millis(1_000_000),
        admission: Admission::Open,
        code: None,
    };
    match store.register(registration).await.unwrap() {
        Registered::Created(user) => user,
        other => panic!("{other:?}"),
    }
}

async fn deliver(store: &Store, seq: u64, recipient: UserId) -> Result<(), StoreError> {
    let message = NewMessage {
        seq,
        message_id: MessageId::random(),
        sender: recipient,
        recipient,
        timestamp: Timestamp::from_millis(seq),
        payload: Bytes::from(seq.to_string().repeat(40)),
    };
    let (told, outcome) = oneshot::channel();
    let write = store.pending(message, move |result| {
        let _ = told.send(result);
    });
    store.write_soon(Arc::clone(&write));
    outcome.await.unwrap()
}

async fn seqs(store: &Store, recipient: UserId) -> Vec<u64> {
    let queue = store.queue(recipient).await.unwrap();
    queue.iter().map(|entry| entry.seq).collect()
}

/// A state directory with one member, three messages, and a backup of it.
struct Scene {
    directory: tempfile::TempDir,
    user: UserId,
}

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let store = Store::open(&state, &options()).unwrap();
        std::fs::write(state.join(SECRETS_FILE), "pepper = \"secret\"\n").unwrap();
        let user = member(&store, 1).await;
        for seq in 1..=3 {
            deliver(&store, seq, user).await.unwrap();
        }
        let scene = Self { directory, user };
        store.back_up(request(&scene.file())).await.unwrap();
        deliver(&store, 4, user).await.unwrap();
        store.close().await;
        scene
    }

    fn state(&self) -> std::path::PathBuf {
        self.directory.path().join("state")
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("backup.pcb")
    }

    fn restore(&self) -> Restore {
        Restore {
            file: self.file(),
            passphrase: None,
            state: self.state(),
            now: NOW,
        }
    }

    async fn seqs(&self) -> Vec<u64> {
        let store = Store::open(&self.state(), &options()).unwrap();
        let seqs = seqs(&store, self.user).await;
        store.close().await;
        seqs
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}
