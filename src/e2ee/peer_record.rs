//! A peer as it is stored: JSON, with its sessions as §10.3 writes them.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base64_bytes::Bytes;
use super::peer::MAX_ARCHIVED;
use super::session_record::{SessionRecord, write};
use super::{AgreementKey, IdentityKey, Mark, Peer, Pin, Refusal};
use crate::base::{Timestamp, UserId};

const VERSION: u8 = 1;
/// Five sessions with every skipped key there can be are shorter.
const LONGEST: usize = 4 * 1024 * 1024;
const NOT_A_RECORD: Refusal = Refusal::Malformed("a peer record of version 1");

impl Peer {
    /// The name that the record is sealed and stored under (§10.1).
    pub fn record_name(&self) -> String {
        format!("session/{}/1", self.user)
    }

    /// The peer as it is stored. Seal it before it reaches a disk.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let sessions = self.active().into_iter().chain(self.archived());
        let about: usize = sessions.map(|session| 1024 + 160 * session.skipped()).sum();
        write(&PeerRecord::of(self), 512 + about)
    }

    /// The peer of a record.
    pub fn from_record(record: &[u8]) -> Result<Self, Refusal> {
        if record.len() > LONGEST {
            return Err(NOT_A_RECORD);
        }
        let record: PeerRecord = serde_json::from_slice(record).map_err(|_| NOT_A_RECORD)?;
        record.peer()
    }
}

#[derive(Serialize, Deserialize)]
struct PeerRecord {
    v: u8,
    user: UserId,
    pin: Option<PinRecord>,
    active: Option<SessionRecord>,
    archived: Vec<SessionRecord>,
    last_reset: Option<u64>,
    spent: Option<Bytes<32>>,
}

#[derive(Serialize, Deserialize)]
struct PinRecord {
    key: Bytes<32>,
    verified: bool,
    changed: Option<Bytes<32>>,
}

impl PeerRecord {
    fn of(peer: &Peer) -> Self {
        let pin = |pin: &Pin| PinRecord {
            key: Bytes::copied(pin.pinned.as_bytes()),
            verified: pin.mark == Mark::Verified,
            changed: pin.changed.map(|key| Bytes::copied(key.as_bytes())),
        };
        Self {
            v: VERSION,
            user: peer.user,
            pin: peer.pin.as_ref().map(pin),
            active: peer.active.as_ref().map(SessionRecord::of),
            archived: peer.archived.iter().map(SessionRecord::of).collect(),
            last_reset: peer.last_reset.map(Timestamp::as_millis),
            spent: peer.spent.map(|key| Bytes::copied(key.as_bytes())),
        }
    }

    fn peer(self) -> Result<Peer, Refusal> {
        if self.v != VERSION || self.archived.len() > MAX_ARCHIVED {
            return Err(NOT_A_RECORD);
        }
        let archived = self.archived.into_iter().map(SessionRecord::session);
        Ok(Peer {
            user: self.user,
            pin: self.pin.map(PinRecord::pin).transpose()?,
            active: self.active.map(SessionRecord::session).transpose()?,
            archived: archived.collect::<Result<_, _>>()?,
            last_reset: self.last_reset.map(Timestamp::from_millis),
            spent: self.spent.map(|key| AgreementKey::from_bytes(key.public())),
        })
    }
}

impl PinRecord {
    fn pin(self) -> Result<Pin, Refusal> {
        let key = |bytes: &Bytes<32>| IdentityKey::parse(&bytes.public());
        Ok(Pin {
            pinned: key(&self.key)?,
            mark: if self.verified {
                Mark::Verified
            } else {
                Mark::Unverified
            },
            changed: self.changed.as_ref().map(key).transpose()?,
        })
    }
}
