//! The kept prekeys as they are stored: JSON, byte strings in base64.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base64_bytes::Bytes;
use super::prekeys::{KeptOneTime, KeptSigned, MAX_ACCEPTED, MAX_ONE_TIME, MAX_RETIRED};
use super::session_record::write;
use super::{OneTimePrekey, PrekeyId, Prekeys, Refusal, SignedPrekey};
use crate::base::Timestamp;

const VERSION: u8 = 1;
const NOT_A_RECORD: Refusal = Refusal::Malformed("a record of prekeys of version 1");

impl Prekeys {
    /// The prekeys as they are stored. Seal it before it reaches a disk.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let accepted: usize = self.signed.iter().map(|kept| kept.accepted.len()).sum();
        let about = 1024 + 128 * (self.signed.len() + self.one_time.len()) + 48 * accepted;
        write(&PrekeysRecord::of(self), about)
    }

    /// The prekeys of a record.
    pub fn from_record(record: &[u8]) -> Result<Self, Refusal> {
        let record: PrekeysRecord = serde_json::from_slice(record).map_err(|_| NOT_A_RECORD)?;
        record.prekeys()
    }
}

#[derive(Serialize, Deserialize)]
struct PrekeysRecord {
    v: u8,
    signed: Vec<(Bytes<32>, u64, Vec<Bytes<32>>)>,
    one_time: Vec<(u32, Bytes<32>, u64)>,
    next: u32,
}

impl PrekeysRecord {
    fn of(prekeys: &Prekeys) -> Self {
        let signed = |kept: &KeptSigned| {
            let key = Bytes(kept.prekey.pair().secret().clone());
            let accepted = kept.accepted.iter().map(Bytes::copied).collect();
            (key, kept.made.as_millis(), accepted)
        };
        let one_time = |kept: &KeptOneTime| {
            let key = Bytes(kept.prekey.pair().secret().clone());
            (kept.prekey.id().number(), key, kept.made.as_millis())
        };
        Self {
            v: VERSION,
            signed: prekeys.signed.iter().map(signed).collect(),
            one_time: prekeys.one_time.values().map(one_time).collect(),
            next: prekeys.next.number(),
        }
    }

    fn prekeys(self) -> Result<Prekeys, Refusal> {
        let bounded = !self.signed.is_empty()
            && self.signed.len() <= 2 * MAX_RETIRED
            && self.one_time.len() <= MAX_ONE_TIME
            && self
                .signed
                .iter()
                .all(|(_, _, accepted)| accepted.len() <= MAX_ACCEPTED);
        if self.v != VERSION || !bounded {
            return Err(NOT_A_RECORD);
        }
        let signed = self
            .signed
            .into_iter()
            .map(|(key, made, accepted)| KeptSigned {
                prekey: SignedPrekey::new(key.0),
                made: Timestamp::from_millis(made),
                accepted: accepted.iter().map(Bytes::public).collect::<BTreeSet<_>>(),
            });
        let one_time = self.one_time.into_iter().map(|(number, key, made)| {
            let id = PrekeyId::new(number)?;
            let made = Timestamp::from_millis(made);
            let prekey = OneTimePrekey::new(id, key.0);
            Ok((id, KeptOneTime { prekey, made }))
        });
        Ok(Prekeys {
            signed: signed.collect(),
            one_time: one_time.collect::<Result<_, Refusal>>()?,
            next: PrekeyId::new(self.next)?,
        })
    }
}
