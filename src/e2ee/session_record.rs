//! A session as it is stored (E2EE.md §10.3): JSON, byte strings in base64, absent values null.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base64_bytes::Bytes;
use super::chain::{ChainKey, MessageKey, RootKey};
use super::message::Prefix;
use super::ratchet::Ratchet;
use super::session::AssociatedData;
use super::skipped::{MAX_STORED, Skipped};
use super::{AgreementKey, KeyPair, Refusal, Role, Session};
use crate::base::Timestamp;

const VERSION: u8 = 1;
/// A record with every skipped key there can be is shorter.
const LONGEST: usize = 512 * 1024;
const NOT_A_RECORD: Refusal = Refusal::Malformed("a session record of version 1");

impl Session {
    /// The session as it is stored. Seal it before it reaches a disk: [`super::StoreKey::seal`].
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        write(&SessionRecord::of(self), 1024 + 160 * self.skipped())
    }

    /// The session of a record.
    pub fn from_record(record: &[u8]) -> Result<Self, Refusal> {
        if record.len() > LONGEST {
            return Err(NOT_A_RECORD);
        }
        let record: SessionRecord = serde_json::from_slice(record).map_err(|_| NOT_A_RECORD)?;
        record.session()
    }
}

/// JSON in a buffer that is wiped; `about` is how long it becomes at most, so that it isn't moved.
pub(super) fn write(record: &impl Serialize, about: usize) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(about));
    #[expect(
        clippy::expect_used,
        reason = "records have text keys, and memory doesn't fail"
    )]
    serde_json::to_writer(&mut *text, record).expect("a record is JSON");
    text
}

#[derive(Serialize, Deserialize)]
pub(super) struct SessionRecord {
    v: u8,
    role: RoleCode,
    ad: Bytes<97>,
    base_key: Bytes<32>,
    prefix: Option<Bytes<74>>,
    rk: Bytes<32>,
    dhs: Bytes<32>,
    dhr: Option<Bytes<32>>,
    cks: Option<Bytes<32>>,
    ckr: Option<Bytes<32>>,
    ns: u32,
    nr: u32,
    pn: u32,
    skipped: Vec<(Bytes<32>, u32, Bytes<32>, u64)>,
    created: u64,
    last_received: Option<u64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum RoleCode {
    #[serde(rename = "a")]
    Initiator,
    #[serde(rename = "b")]
    Responder,
}

impl SessionRecord {
    pub(super) fn of(session: &Session) -> Self {
        let ratchet = &session.ratchet;
        let kept = |skipped: &Skipped| {
            let key = Bytes(skipped.key.secret().clone());
            let since = skipped.since.as_millis();
            let chain = Bytes::copied(skipped.chain.as_bytes());
            (chain, skipped.number, key, since)
        };
        Self {
            v: VERSION,
            role: match session.role {
                Role::Initiator => RoleCode::Initiator,
                Role::Responder => RoleCode::Responder,
            },
            ad: Bytes::copied(session.associated.as_bytes()),
            base_key: Bytes::copied(session.base_key.as_bytes()),
            prefix: session
                .prefix
                .as_ref()
                .map(|prefix| Bytes::copied(prefix.as_bytes())),
            rk: Bytes(ratchet.root.secret().clone()),
            dhs: Bytes(ratchet.own.secret().clone()),
            dhr: Some(Bytes::copied(ratchet.their.as_bytes())),
            cks: Some(Bytes(ratchet.sending.secret().clone())),
            ckr: ratchet
                .receiving
                .as_ref()
                .map(|key| Bytes(key.secret().clone())),
            ns: ratchet.sent,
            nr: ratchet.received,
            pn: ratchet.previous,
            skipped: ratchet.skipped.iter().map(kept).collect(),
            created: session.created.as_millis(),
            last_received: session.last_received.map(Timestamp::as_millis),
        }
    }

    pub(super) fn session(self) -> Result<Session, Refusal> {
        self.check()?;
        let kept = |(chain, number, key, since): (Bytes<32>, u32, Bytes<32>, u64)| Skipped {
            chain: AgreementKey::from_bytes(chain.public()),
            number,
            key: Box::new(MessageKey::new(key.0)),
            since: Timestamp::from_millis(since),
        };
        Ok(Session {
            role: match self.role {
                RoleCode::Initiator => Role::Initiator,
                RoleCode::Responder => Role::Responder,
            },
            associated: AssociatedData::from_bytes(self.ad.public()),
            base_key: AgreementKey::from_bytes(self.base_key.public()),
            prefix: self
                .prefix
                .map(|prefix| Prefix::from_bytes(prefix.public())),
            ratchet: Ratchet {
                root: RootKey::new(self.rk.0),
                own: KeyPair::new(self.dhs.0),
                their: AgreementKey::from_bytes(self.dhr.ok_or(NOT_A_RECORD)?.public()),
                sending: ChainKey::new(self.cks.ok_or(NOT_A_RECORD)?.0),
                receiving: self.ckr.map(|key| ChainKey::new(key.0)),
                sent: self.ns,
                received: self.nr,
                previous: self.pn,
                skipped: self.skipped.into_iter().map(kept).collect(),
            },
            created: Timestamp::from_millis(self.created),
            last_received: self.last_received.map(Timestamp::from_millis),
        })
    }

    /// What no session of this version can be.
    fn check(&self) -> Result<(), Refusal> {
        let prefix_fits = match (&self.prefix, self.role) {
            (None, _) => true,
            (Some(prefix), RoleCode::Initiator) => {
                Prefix::from_bytes(prefix.public()).ephemeral().as_bytes()
                    == self.base_key.0.expose()
            }
            (Some(_), RoleCode::Responder) => false,
        };
        let bounded = self.skipped.len() <= MAX_STORED;
        if self.v == VERSION && self.ad.0.expose()[0] == 1 && prefix_fits && bounded {
            Ok(())
        } else {
            Err(NOT_A_RECORD)
        }
    }
}
