//! The prekeys that an account keeps, and when they come and go (E2EE.md §8.6, §12).
//!
//! What strangers can fill here is the replay set. It lives as long as its signed prekey and holds
//! [`MAX_ACCEPTED`] sessions. When it is full, first messages without a one-time prekey are refused
//! until the next signed prekey; those with one can't be replayed, and go on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::{
    AgreementKey, Draw, IdentityKey, OneTimePrekey, PrekeyId, Refusal, SignedPrekey, SignedPrekeyId,
};
use crate::base::Timestamp;

const DAY: Duration = Duration::from_hours(24);
/// How old the newest signed prekey gets.
const ROTATION: Duration = DAY.saturating_mul(7);
/// How long a signed prekey is kept after its successor came: the server keeps messages 30 days.
const RETIRED: Duration = DAY.saturating_mul(45);
/// How many signed prekeys are kept beside the newest.
pub(super) const MAX_RETIRED: usize = 8;
/// How old an unused one-time prekey gets.
const UNUSED: Duration = DAY.saturating_mul(90);
/// Fewer at the server are refilled.
const LOW: usize = 20;
/// How many are uploaded together.
const REFILL: usize = 100;
/// How many one-time prekeys are kept: what the server takes, and as many again on their way.
pub(super) const MAX_ONE_TIME: usize = 400;
/// The first second of 2024, in UTC: numbers of prekeys count from it after a restore.
const EPOCH: Timestamp = Timestamp::from_millis(1_704_067_200_000);
/// How many sessions are remembered for each signed prekey.
pub(super) const MAX_ACCEPTED: usize = 4096;

/// The private prekeys of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prekeys {
    /// The newest last; never empty.
    pub(super) signed: Vec<KeptSigned>,
    pub(super) one_time: BTreeMap<PrekeyId, KeptOneTime>,
    pub(super) next: PrekeyId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptSigned {
    pub(super) prekey: SignedPrekey,
    pub(super) made: Timestamp,
    /// SHA-256 of the base keys of the sessions that were accepted with it.
    pub(super) accepted: BTreeSet<[u8; 32]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptOneTime {
    pub(super) prekey: OneTimePrekey,
    pub(super) made: Timestamp,
}

impl Prekeys {
    /// A new account's: one signed prekey. [`Self::refill`] makes the one-time ones.
    pub fn new(draw: &mut Draw<'_>, now: Timestamp) -> Self {
        Self {
            signed: vec![KeptSigned::new(draw, now)],
            one_time: BTreeMap::new(),
            next: PrekeyId::FIRST,
        }
    }

    /// A restored account's: new ones only, for the private keys of those before are gone.
    ///
    /// Numbers are never used again, and nobody remembers how many there were. So they go on at the
    /// seconds since 2024: an account uploads far fewer prekeys than one a second, and the numbers
    /// last until 2092.
    pub fn restored(draw: &mut Draw<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let seconds = now.since(EPOCH).as_secs();
        let next = u32::try_from(seconds).map_err(|_| Refusal::PrekeysExhausted)?;
        Ok(Self {
            next: PrekeyId::new(next.max(PrekeyId::FIRST.number()))?,
            ..Self::new(draw, now)
        })
    }

    /// The signed prekey that the server should hand out.
    pub fn signed(&self) -> &SignedPrekey {
        #[expect(
            clippy::expect_used,
            reason = "made with one, and the newest never goes"
        )]
        let newest = self.signed.last().expect("never empty");
        &newest.prekey
    }

    /// A new signed prekey, if one is due: weekly, and at the first start after a week off.
    /// Upload it with its signature.
    pub fn rotate(&mut self, draw: &mut Draw<'_>, now: Timestamp) -> Option<&SignedPrekey> {
        let due = self
            .signed
            .last()
            .is_none_or(|newest| now.since(newest.made) >= ROTATION);
        if !due {
            return None;
        }
        self.signed.push(KeptSigned::new(draw, now));
        Some(self.signed())
    }

    /// New one-time prekeys, if the server has few left. Store them, then upload them.
    pub fn refill(
        &mut self,
        left_at_server: usize,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Vec<OneTimePrekey>, Refusal> {
        if left_at_server >= LOW {
            return Ok(Vec::new());
        }
        self.more(draw, now)
    }

    /// One hundred new one-time prekeys, whatever the server has: after a mismatch of digests.
    pub fn more(
        &mut self,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Vec<OneTimePrekey>, Refusal> {
        let (mut next, mut made) = (self.next, Vec::with_capacity(REFILL));
        for _ in 0..REFILL {
            made.push(OneTimePrekey::new(next, draw()));
            next = next.next()?;
        }
        self.next = next;
        for prekey in &made {
            let kept = KeptOneTime {
                prekey: prekey.clone(),
                made: now,
            };
            self.one_time.insert(prekey.id(), kept);
        }
        while self.one_time.len() > MAX_ONE_TIME {
            self.one_time.pop_first();
        }
        Ok(made)
    }

    /// One-time prekeys that nobody used for 90 days. Remove them at the server, then
    /// [`Self::forget`] them.
    pub fn unused(&self, now: Timestamp) -> Vec<PrekeyId> {
        let old = |kept: &&KeptOneTime| now.since(kept.made) > UNUSED;
        self.one_time
            .values()
            .filter(old)
            .map(|kept| kept.prekey.id())
            .collect()
    }

    /// Deletes the private keys of one-time prekeys that the server hands out no more.
    pub fn forget(&mut self, ids: &[PrekeyId]) {
        for id in ids {
            self.one_time.remove(id);
        }
    }

    /// Deletes signed prekeys that were replaced 45 days ago, and all but the last 8 replaced ones,
    /// each with its replay set.
    pub fn expire(&mut self, now: Timestamp) {
        let surplus = self.signed.len().saturating_sub(1 + MAX_RETIRED);
        self.signed.drain(..surplus);
        while let [_, successor, ..] = self.signed.as_slice()
            && now.since(successor.made) > RETIRED
        {
            self.signed.remove(0);
        }
    }

    /// What the server's digest must be: SHA-256 over the identity key, the signed prekey, and the
    /// numbers of the one-time prekeys it holds, rising.
    ///
    /// The server says how many it holds and not which, so they are taken to be the newest ones of
    /// those kept: it hands out the oldest first.
    pub fn digest(&self, identity: &IdentityKey, count_at_server: usize) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(identity.as_bytes());
        digest.update(self.signed().public().as_bytes());
        let gone = self.one_time.len().saturating_sub(count_at_server);
        for id in self.one_time.keys().skip(gone) {
            digest.update(id.number().to_be_bytes());
        }
        digest.finalize().into()
    }

    /// How many one-time prekeys are kept.
    pub fn one_time(&self) -> usize {
        self.one_time.len()
    }

    /// The one-time prekeys that are kept, by rising number: a registration takes them along.
    pub fn one_time_prekeys(&self) -> impl Iterator<Item = &OneTimePrekey> {
        self.one_time.values().map(|kept| &kept.prekey)
    }

    pub(super) fn find_signed(&self, id: SignedPrekeyId) -> Result<&SignedPrekey, Refusal> {
        let wanted = self.signed.iter().find(|kept| kept.prekey.id() == id);
        Ok(&wanted.ok_or(Refusal::UnknownPrekey)?.prekey)
    }

    pub(super) fn find_one_time(&self, id: PrekeyId) -> Result<&OneTimePrekey, Refusal> {
        Ok(&self.one_time.get(&id).ok_or(Refusal::UnknownPrekey)?.prekey)
    }

    /// Whether a session with this base key was accepted before.
    pub(super) fn is_replay(&self, base_key: &AgreementKey) -> bool {
        let digest = digest_of(base_key);
        self.signed
            .iter()
            .any(|kept| kept.accepted.contains(&digest))
    }

    /// Whether the session of this prekey can be told from a replay of it later.
    pub(super) fn can_remember(&self, signed: SignedPrekeyId) -> bool {
        let full = |kept: &KeptSigned| kept.accepted.len() >= MAX_ACCEPTED;
        !self
            .signed
            .iter()
            .any(|kept| kept.prekey.id() == signed && full(kept))
    }

    /// A first message opened: its one-time prekey goes, its base key is remembered.
    pub(super) fn spend(
        &mut self,
        signed: SignedPrekeyId,
        one_time: Option<PrekeyId>,
        base_key: &AgreementKey,
    ) {
        if let Some(id) = one_time {
            self.one_time.remove(&id);
        }
        let kept = self
            .signed
            .iter_mut()
            .find(|kept| kept.prekey.id() == signed);
        if let Some(kept) = kept
            && kept.accepted.len() < MAX_ACCEPTED
        {
            kept.accepted.insert(digest_of(base_key));
        }
    }
}

impl KeptSigned {
    fn new(draw: &mut Draw<'_>, made: Timestamp) -> Self {
        Self {
            prekey: SignedPrekey::new(draw()),
            made,
            accepted: BTreeSet::new(),
        }
    }
}

fn digest_of(base_key: &AgreementKey) -> [u8; 32] {
    Sha256::digest(base_key.as_bytes()).into()
}
