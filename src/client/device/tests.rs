//! Two devices and a server between them, with a crash before and after every transaction of either:
//! nothing is lost, nothing is told twice, and no message key seals or opens twice.

mod interleaving;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Aftermath, Arrival, Device};
use crate::base::{Clock, MessageId, Secret, Timestamp, UserId};
use crate::client::storage::{Change, MemoryStorage, Storage, StorageError};
use crate::client::{Error, Event, ServerUrl, Vault};
use crate::e2ee::key_log::{self, Used};
use crate::e2ee::{Bundle, BundleFields, Handle, ReceiptState, Says, StoreKey};
use crate::wire::binary::decode_fixed;
use crate::wire::body::{ContactState, OneTimePrekey};

const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);

/// Where a device is killed in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crash {
    Before,
    After,
}

/// When it is: at which transaction, counted over both devices.
#[derive(Debug)]
struct Fate {
    left: AtomicUsize,
    crash: Crash,
    /// Whether the last transaction was made.
    is_made: Mutex<bool>,
}

impl Fate {
    fn new(at: usize, crash: Crash) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(at),
            crash,
            is_made: Mutex::new(false),
        })
    }

    fn strike(&self) -> Option<Crash> {
        let before = self.left.fetch_sub(1, Ordering::SeqCst);
        (before == 0).then_some(self.crash)
    }
}

/// A storage that dies once.
#[derive(Debug)]
struct Mortal {
    records: Arc<MemoryStorage>,
    fate: Arc<Fate>,
}

impl Storage for Mortal {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.records.read(name)
    }

    fn names(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        self.records.names(prefix, after, limit)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        let crash = self.fate.strike();
        *self.fate.is_made.lock().unwrap() = crash != Some(Crash::Before);
        if crash != Some(Crash::Before) {
            self.records.commit(changes)?;
        }
        match crash {
            None => Ok(()),
            Some(_) => Err(StorageError::Other("killed".to_owned())),
        }
    }
}

struct Side {
    records: Arc<MemoryStorage>,
    fate: Arc<Fate>,
    device: Device,
    sealed: BTreeSet<Used>,
    opened: BTreeSet<Used>,
    /// What the server holds for it, and every id it ever held.
    queue: Vec<Arrival>,
    held: BTreeSet<MessageId>,
    /// The last one-time prekey that the server handed out.
    handed: u32,
}

impl Side {
    fn new(fill: u8, fate: &Arc<Fate>) -> Self {
        let records = Arc::<MemoryStorage>::default();
        let vault = Vault::new(Arc::clone(&records) as Arc<dyn Storage>, key()).unwrap();
        let handle = Handle::parse(&format!("{fill:02x}").repeat(32)).unwrap();
        let server = ServerUrl::parse("https://chat.example").unwrap();
        let mut device = Device::create(vault, Clock::manual(NOW), server, handle).unwrap();
        device.registered(UserId::random()).unwrap();
        let device = open(&records, fate);
        Self {
            records,
            fate: Arc::clone(fate),
            device,
            sealed: BTreeSet::new(),
            opened: BTreeSet::new(),
            queue: Vec::new(),
            held: BTreeSet::new(),
            handed: 0,
        }
    }

    fn user(&self) -> UserId {
        self.device.account().unwrap().user
    }

    /// What the server would hand out.
    fn bundle(&mut self) -> Bundle {
        let keys = self.device.registration(&[0; 32]).unwrap();
        let identity: [u8; 32] = decode_fixed(&keys.identity_key).unwrap();
        let is_new = |key: &&OneTimePrekey| key.key_id > self.handed;
        let one_time = keys.one_time_prekeys.iter().find(is_new);
        self.handed = one_time.map_or(self.handed, |key| key.key_id);
        Bundle::check(&BundleFields {
            user: self.user(),
            identity_key: &identity,
            signed_prekey: decode_fixed(&keys.signed_prekey).unwrap(),
            prekey_signature: decode_fixed(&keys.prekey_signature).unwrap(),
            one_time_prekey: one_time
                .map(|key| (key.key_id, decode_fixed(&key.public_key).unwrap())),
        })
        .unwrap()
    }

    /// A step, and what it gave; none: the device was killed in it and started again, whether the
    /// step was made or not.
    fn step<T>(&mut self, step: impl FnOnce(&mut Device) -> Result<T, Error>) -> Option<T> {
        let outcome = step(&mut self.device);
        let (sealed, opened) = (key_log::take_sealed(), key_log::take_opened());
        if outcome.is_ok() || *self.fate.is_made.lock().unwrap() {
            for key in sealed {
                assert!(self.sealed.insert(key), "a message key seals twice");
            }
            for key in opened {
                assert!(self.opened.insert(key), "a message key opens twice");
            }
        }
        match outcome {
            Ok(outcome) => Some(outcome),
            Err(Error::Storage(_)) => {
                self.device = open(&self.records, &self.fate);
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Writes something, again where the first try came to nothing.
    fn write(&mut self, to: &mut Self, text: &str) {
        let (id, says) = (MessageId::random(), || Says::Text(text.to_owned().into()));
        let user = to.user();
        let before = self.device.progress().outgoing;
        let bundle = to.bundle();
        while self.device.progress().outgoing == before {
            let bundle = bundle.clone();
            self.step(|device| {
                if device.needs_bundle(user)? {
                    device.compose_with(&bundle, id, says())
                } else {
                    device.compose(user, id, says())
                }
            });
        }
    }

    /// Hands everything to the server, which stores what it doesn't have.
    fn flush(&mut self, to: &mut Self) {
        while let Some((number, outgoing)) = self.device.outgoing_after(0).unwrap() {
            assert_eq!(outgoing.to, to.user());
            if to.held.insert(outgoing.message) {
                to.queue.push(Arrival {
                    from: self.user(),
                    id: outgoing.message,
                    payload: outgoing.payload,
                    accepted: NOW,
                });
            }
            self.step(|device| device.accepted(number));
        }
    }

    /// Takes everything in. What was not acknowledged is delivered again.
    fn read(&mut self) -> Vec<Aftermath> {
        let mut aftermaths = Vec::new();
        while let Some(arrival) = self.queue.first().cloned() {
            if let Some(aftermath) = self.step(|device| device.receive(&arrival)) {
                self.queue.remove(0);
                aftermaths.push(aftermath);
            }
        }
        aftermaths
    }

    /// Sends what is owed, however often that takes.
    fn acknowledge(&mut self, to: &mut Self) {
        while self.step(Device::send_receipts).is_none() {}
        self.flush(to);
    }

    /// The texts that were told, and the receipts.
    fn told(&self) -> (Vec<String>, usize, usize) {
        let (mut texts, mut receipts, mut unreadable) = (Vec::new(), 0, 0);
        for (_, event) in self.device.events_after(0, usize::MAX).unwrap() {
            match event {
                Event::Message { text, .. } => texts.push(text.0),
                Event::Receipt { ids, state, .. } => {
                    assert_eq!(state, ReceiptState::Delivered);
                    receipts += ids.len();
                }
                Event::Unreadable { .. } => unreadable += 1,
                other => panic!("{other:?}"),
            }
        }
        (texts, receipts, unreadable)
    }
}

fn key() -> StoreKey {
    StoreKey::new(Secret::new([9; 32]))
}

fn open(records: &Arc<MemoryStorage>, fate: &Arc<Fate>) -> Device {
    let storage = Arc::new(Mortal {
        records: Arc::clone(records),
        fate: Arc::clone(fate),
    });
    let vault = Vault::new(storage, key()).unwrap();
    Device::open(vault, Clock::manual(NOW)).unwrap().unwrap()
}

/// A conversation: both write at once, then in turns; one message arrives broken, and its recipient
/// begins anew.
fn converse(fate: &Arc<Fate>) -> usize {
    let (mut anna, mut ben) = (Side::new(0xa, fate), Side::new(0xb, fate));
    let (annas, bens) = (anna.user(), ben.user());
    while anna
        .step(|device| device.note_state(bens, Some(ContactState::Allowed)))
        .is_none()
    {}
    key_log::take_sealed();
    anna.write(&mut ben, "a1");
    ben.write(&mut anna, "b1");
    anna.write(&mut ben, "a2");
    anna.flush(&mut ben);
    ben.flush(&mut anna);
    ben.read();
    anna.read();
    anna.acknowledge(&mut ben);
    ben.write(&mut anna, "b2");
    ben.flush(&mut anna);
    anna.read();
    anna.write(&mut ben, "a3");
    anna.flush(&mut ben);
    // It is delivered broken once: the sender's bytes were changed on their way.
    let broken = ben.queue.last_mut().unwrap();
    broken.payload = flip(&broken.payload).into();
    let aftermaths = ben.read();
    assert!(aftermaths.contains(&Aftermath::Unreadable) || fate.crash == Crash::After);
    let bundle = anna.bundle();
    while ben.device.resets_owed().unwrap() == [annas] {
        if ben.step(|device| device.may_reset(annas)) == Some(true) {
            ben.step(|device| device.reset(&bundle));
        }
    }
    ben.flush(&mut anna);
    anna.read();
    anna.write(&mut ben, "a4");
    anna.flush(&mut ben);
    ben.read();
    anna.acknowledge(&mut ben);
    ben.read();
    let (texts, receipts, unreadable) = ben.told();
    assert_eq!(texts, ["a1", "a2", "a4"]);
    assert_eq!((receipts, unreadable), (2, 1), "of b1 and b2; a3");
    assert_eq!(anna.told(), (vec!["b1".to_owned(), "b2".to_owned()], 0, 0));
    while ben.step(|device| device.dealt_with(u64::MAX)).is_none() {}
    assert_eq!(ben.told().0.len(), 0);
    fate.left.load(Ordering::SeqCst)
}

fn flip(payload: &str) -> String {
    use crate::e2ee::Envelope;
    let mut envelope = Envelope::from_payload(payload).unwrap();
    *envelope.body.last_mut().unwrap() ^= 1;
    envelope.to_payload()
}

#[test]
fn a_crash_at_any_transaction_loses_and_doubles_nothing() {
    const FAR: usize = 1 << 20;
    let transactions = FAR - converse(&Fate::new(FAR, Crash::Before));
    assert!(transactions > 25, "{transactions}");
    for at in 0..transactions {
        for crash in [Crash::Before, Crash::After] {
            converse(&Fate::new(at, crash));
        }
    }
}

#[test]
fn a_full_outbox_and_a_changed_identity_hold_back_sending() {
    let fate = Fate::new(usize::MAX, Crash::Before);
    let (mut anna, mut ben) = (Side::new(0xa, &fate), Side::new(0xb, &fate));
    let bundle = ben.bundle();
    let text = || Says::Text("x".to_owned().into());
    let id = MessageId::random;
    anna.device.compose_with(&bundle, id(), text()).unwrap();
    let (bens, other) = (ben.user(), Side::new(0xc, &fate).bundle());
    // The server says that another key is Ben's.
    let keys = Side::new(0xd, &fate).device.registration(&[0; 32]).unwrap();
    let identity: [u8; 32] = decode_fixed(&keys.identity_key).unwrap();
    let forged = Bundle::check(&BundleFields {
        user: bens,
        identity_key: &identity,
        signed_prekey: decode_fixed(&keys.signed_prekey).unwrap(),
        prekey_signature: decode_fixed(&keys.prekey_signature).unwrap(),
        one_time_prekey: None,
    })
    .unwrap();
    anna.device.look_at(&forged).unwrap();
    let held = anna.device.compose(bens, id(), text());
    assert!(matches!(held, Err(Error::Encryption(_))), "{held:?}");
    let events = anna.device.events_after(0, 9).unwrap();
    assert_eq!(events[0].1, Event::IdentityChanged { peer: bens });
    anna.device
        .decide(bens, |peer| {
            peer.keep_old();
            Ok(())
        })
        .unwrap();
    anna.device.compose(bens, id(), text()).unwrap();
    // Nothing is known of a stranger, and looking at them tells nothing.
    anna.device.look_at(&other).unwrap();
    assert_eq!(anna.device.events_after(0, 9).unwrap().len(), 1);
    while anna.device.progress().outgoing < super::sending::MAX_OUTBOX {
        anna.device.compose(bens, id(), text()).unwrap();
    }
    let full = anna.device.compose(bens, id(), text());
    assert!(matches!(full, Err(Error::OutboxFull { .. })));
    key_log::take_sealed();
}
