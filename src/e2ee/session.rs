//! A session: one ratchet between two accounts, and what it is recognized by (E2EE.md §8.1).

use std::time::Duration;

use zeroize::Zeroizing;

use super::message::{Kind, Message, PREFIX, Prefix};
use super::ratchet::Ratchet;
use super::{Account, AgreementKey, Bundle, Draw, IdentityKey, KeyPair, Refusal, x3dh};
use crate::base::{Timestamp, UserId};

/// How long a session may wait for an answer before another is begun.
const UNANSWERED: Duration = Duration::from_hours(30 * 24);
/// `0x01 || IK_A || IK_B || UID_A || UID_B`.
const ASSOCIATED: usize = 1 + 2 * 32 + 2 * 16;

/// One session. What it seals leaves only after its new state is stored (§8.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub(super) role: Role,
    pub(super) associated: AssociatedData,
    /// EK's public key.
    pub(super) base_key: AgreementKey,
    /// Goes before every message until the peer has answered.
    pub(super) prefix: Option<Prefix>,
    pub(super) ratchet: Ratchet,
    pub(super) created: Timestamp,
    pub(super) last_received: Option<Timestamp>,
}

/// Who began a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// This side: Alice, `a`.
    Initiator,
    /// The peer: this side is Bob, `b`.
    Responder,
}

impl Session {
    /// Begins a session with the owner of a bundle (§4.2). Draws twice: EK, then a ratchet key.
    pub fn initiate(
        own: &Account,
        bundle: &Bundle,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let ephemeral = KeyPair::new(draw());
        let (agreed, prefix) = x3dh::initiate(own, bundle, &ephemeral)?;
        let ratchet_key = KeyPair::new(draw());
        Ok(Self {
            role: Role::Initiator,
            associated: agreed.associated,
            base_key: *ephemeral.public(),
            prefix: Some(prefix),
            ratchet: Ratchet::initiate(agreed.secret, *bundle.signed_prekey(), ratchet_key)?,
            created: now,
            last_received: None,
        })
    }

    /// Takes a session up that a peer's first message begins (§4.3), and opens that message.
    pub(super) fn accept(
        agreed: x3dh::Agreed,
        base_key: AgreementKey,
        signed_prekey: &KeyPair,
        message: &Message<'_>,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), Refusal> {
        let their = message.header.key;
        let ratchet = Ratchet::respond(agreed.secret, signed_prekey, their, draw)?;
        let mut session = Self {
            role: Role::Responder,
            associated: agreed.associated,
            base_key,
            prefix: None,
            ratchet,
            created: now,
            last_received: None,
        };
        let opened = session.open(message, draw, now)?;
        Ok((session, opened))
    }

    /// Seals a message: advances the ratchet, and gives the body to send.
    pub fn seal(&mut self, message: &[u8]) -> Result<(Kind, Vec<u8>), Refusal> {
        let mut body = Vec::with_capacity(PREFIX);
        let kind = match &self.prefix {
            Some(prefix) => {
                body.extend_from_slice(prefix.as_bytes());
                Kind::First
            }
            None => Kind::Ratchet,
        };
        let associated = self.associated.as_bytes();
        self.ratchet.seal(associated, message, &mut body)?;
        Ok((kind, body))
    }

    /// Opens a message; a refusal leaves the session as it was.
    pub(super) fn open(
        &mut self,
        message: &Message<'_>,
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let associated = self.associated.as_bytes();
        let opened = self.ratchet.open(associated, message, draw, now)?;
        self.prefix = None;
        self.last_received = Some(now);
        Ok(opened)
    }

    /// Opens a body; a refusal leaves the session as it was. Draws a ratchet key where one is due.
    pub fn open_body(
        &mut self,
        kind: Kind,
        body: &[u8],
        draw: &mut Draw<'_>,
        now: Timestamp,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        self.open(&Message::parse(kind, body)?, draw, now)
    }

    /// Who began it.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// What the session is recognized by: the initiator's ephemeral key.
    pub const fn base_key(&self) -> &AgreementKey {
        &self.base_key
    }

    /// When it began.
    pub const fn created(&self) -> Timestamp {
        self.created
    }

    /// When something last opened in it.
    pub const fn last_received(&self) -> Option<Timestamp> {
        self.last_received
    }

    /// How many keys of messages that haven't come it keeps: at most 2000.
    pub fn skipped(&self) -> usize {
        self.ratchet.skipped.len()
    }

    /// Whether something may still be sent in it (§8.2).
    pub(super) fn may_send(&self, now: Timestamp) -> bool {
        let unanswered = self.prefix.is_some() && now.since(self.created) > UNANSWERED;
        !unanswered && !self.ratchet.is_exhausted()
    }

    /// Whether it is a session with this identity key.
    pub(super) fn is_with(&self, peer: &IdentityKey) -> bool {
        self.associated.peer(self.role) == peer.as_bytes()
    }

    /// Whether it is the session that first messages with this key began.
    pub(super) fn answers(&self, base_key: &AgreementKey) -> bool {
        self.role == Role::Responder && self.base_key == *base_key
    }
}

/// `AD` of §4.2: who the session is between, the initiator first, in both directions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AssociatedData(Box<[u8; ASSOCIATED]>);

impl AssociatedData {
    pub(super) fn new(
        (initiator, initiating): (&IdentityKey, UserId),
        (responder, responding): (&IdentityKey, UserId),
    ) -> Self {
        let mut bytes = Box::new([0; ASSOCIATED]);
        bytes[0] = 1;
        bytes[1..33].copy_from_slice(initiator.as_bytes());
        bytes[33..65].copy_from_slice(responder.as_bytes());
        bytes[65..81].copy_from_slice(initiating.as_bytes());
        bytes[81..].copy_from_slice(responding.as_bytes());
        Self(bytes)
    }

    pub(super) fn from_bytes(bytes: [u8; ASSOCIATED]) -> Self {
        Self(Box::new(bytes))
    }

    pub(super) const fn as_bytes(&self) -> &[u8; ASSOCIATED] {
        &self.0
    }

    fn peer(&self, role: Role) -> &[u8] {
        match role {
            Role::Initiator => &self.0[33..65],
            Role::Responder => &self.0[1..33],
        }
    }
}
