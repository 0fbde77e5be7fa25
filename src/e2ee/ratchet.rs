//! The Double Ratchet (E2EE.md §5): keys that change with every message and heal with every answer.
//!
//! Opening works out where the ratchet would stand afterwards, opens the message with the key found
//! there, and only then moves: a message that doesn't open leaves no trace.

use zeroize::Zeroizing;

use super::chain::{ChainKey, MessageKey, RootKey};
use super::message::{Header, Message};
use super::skipped::{Skipped, SkippedKeys};
use super::{AgreementKey, Draw, KeyPair, Refusal};
use crate::base::{Secret, Timestamp};

/// How far ahead of the last one a message may be (MAX_SKIP).
pub(super) const MAX_SKIP: u32 = 1000;
/// How many messages one chain can seal.
const END_OF_CHAIN: u32 = 1 << 31;

/// One side of a conversation: `rk`, `dhs`, `dhr`, `cks`, `ckr`, `ns`, `nr`, `pn`, `skipped`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ratchet {
    pub(super) root: RootKey,
    pub(super) own: KeyPair,
    pub(super) their: AgreementKey,
    pub(super) sending: ChainKey,
    /// None until the peer has answered.
    pub(super) receiving: Option<ChainKey>,
    pub(super) sent: u32,
    pub(super) received: u32,
    pub(super) previous: u32,
    pub(super) skipped: SkippedKeys,
}

impl Ratchet {
    /// The initiator's: begins against the peer's signed prekey.
    pub(super) fn initiate(
        secret: Secret<32>,
        signed_prekey: AgreementKey,
        own: KeyPair,
    ) -> Result<Self, Refusal> {
        let (root, sending) = RootKey::new(secret).advance(&own.agree(&signed_prekey)?);
        Ok(Self {
            root,
            own,
            their: signed_prekey,
            sending,
            receiving: None,
            sent: 0,
            received: 0,
            previous: 0,
            skipped: SkippedKeys::default(),
        })
    }

    /// The responder's: begins with its signed prekey, and turns with the first message's key.
    pub(super) fn respond(
        secret: Secret<32>,
        signed_prekey: &KeyPair,
        their: AgreementKey,
        draw: &mut Draw<'_>,
    ) -> Result<Self, Refusal> {
        let turn = Turn::new(&RootKey::new(secret), signed_prekey, their, draw)?;
        Ok(Self {
            root: turn.root,
            own: turn.own,
            their,
            sending: turn.sending,
            receiving: Some(turn.receiving),
            sent: 0,
            received: 0,
            previous: 0,
            skipped: SkippedKeys::default(),
        })
    }

    /// Appends header and ciphertext of the next message to `body`, which may hold a prefix.
    pub(super) fn seal(
        &mut self,
        associated: &[u8],
        message: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        if self.is_exhausted() {
            return Err(Refusal::ChainExhausted);
        }
        let header = Header {
            key: *self.own.public(),
            previous: self.previous,
            number: self.sent,
        };
        header.write(body);
        let mut sending = self.sending.clone();
        sending.next().seal(associated, message, body)?;
        self.sending = sending;
        self.sent += 1;
        Ok(())
    }

    /// Whether this chain has sealed as many messages as it can.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.sent >= END_OF_CHAIN
    }

    /// Opens a message and moves on; a refusal leaves everything as it was.
    pub(super) fn open(
        &mut self,
        associated: &[u8],
        message: &Message<'_>,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let header = &message.header;
        if let Some(place) = self.skipped.find(&header.key, header.number, now)
            && let Some(key) = self.skipped.key(place)
        {
            let opened = key.open(associated, message.front, message.sealed)?;
            self.skipped.remove(place);
            self.skipped.expire(now);
            return Ok(opened);
        }
        let step = self.step(header, draw, now)?;
        let opened = step.key.open(associated, message.front, message.sealed)?;
        self.take(step, now);
        Ok(opened)
    }

    /// Where the ratchet would stand after this message.
    fn step(&self, header: &Header, draw: &mut Draw<'_>, now: Timestamp) -> Result<Step, Refusal> {
        let mut skipped = Vec::new();
        let (turn, mut chain) = if header.key == self.their {
            (None, self.receiving_chain().ok_or(Refusal::NoChain)?)
        } else {
            if let Some(mut old) = self.receiving_chain()
                && header.previous <= old.number.saturating_add(MAX_SKIP)
            {
                old.skip(header.previous, now, &mut skipped);
            }
            let turn = Turn::new(&self.root, &self.own, header.key, draw)?;
            let chain = Chain::new(header.key, turn.receiving.clone());
            (Some(turn), chain)
        };
        if header.number < chain.number {
            return Err(Refusal::Duplicate);
        }
        if header.number > chain.number.saturating_add(MAX_SKIP) {
            return Err(Refusal::TooFarAhead { limit: MAX_SKIP });
        }
        chain.skip(header.number, now, &mut skipped);
        let key = chain.key.next();
        Ok(Step {
            turn,
            receiving: chain.key,
            received: header.number.saturating_add(1),
            skipped,
            key,
        })
    }

    fn receiving_chain(&self) -> Option<Chain> {
        let key = self.receiving.clone()?;
        let number = self.received;
        let their = self.their;
        Some(Chain { their, key, number })
    }

    fn take(&mut self, step: Step, now: Timestamp) {
        if let Some(turn) = step.turn {
            self.root = turn.root;
            self.own = turn.own;
            self.their = turn.their;
            self.sending = turn.sending;
            self.previous = std::mem::take(&mut self.sent);
        }
        self.receiving = Some(step.receiving);
        self.received = step.received;
        self.skipped.keep(step.skipped, now);
    }
}

/// What a message changes, and the key it is sealed with.
struct Step {
    turn: Option<Turn>,
    receiving: ChainKey,
    received: u32,
    skipped: Vec<Skipped>,
    key: MessageKey,
}

/// The asymmetric step: the peer's new key gives a chain to receive on, an own one a chain to send
/// on.
struct Turn {
    root: RootKey,
    own: KeyPair,
    their: AgreementKey,
    sending: ChainKey,
    receiving: ChainKey,
}

impl Turn {
    fn new(
        root: &RootKey,
        own: &KeyPair,
        their: AgreementKey,
        draw: &mut Draw<'_>,
    ) -> Result<Self, Refusal> {
        let (root, receiving) = root.advance(&own.agree(&their)?);
        let own = KeyPair::new(draw());
        let (root, sending) = root.advance(&own.agree(&their)?);
        Ok(Self {
            root,
            own,
            their,
            sending,
            receiving,
        })
    }
}

/// A chain to receive on, and the number of the message that its key gives next.
struct Chain {
    their: AgreementKey,
    key: ChainKey,
    number: u32,
}

impl Chain {
    const fn new(their: AgreementKey, key: ChainKey) -> Self {
        let number = 0;
        Self { their, key, number }
    }

    /// Moves up to message `until`, keeping the keys in between. The caller has bounded how many.
    fn skip(&mut self, until: u32, since: Timestamp, skipped: &mut Vec<Skipped>) {
        while self.number < until {
            skipped.push(Skipped {
                chain: self.their,
                number: self.number,
                key: Box::new(self.key.next()),
                since,
            });
            self.number += 1;
        }
    }
}
