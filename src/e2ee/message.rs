//! The two bodies on the wire (E2EE.md §7.1, §7.2), cut into their fields.
//!
//! ```text
//! type 2   0x01 ‖ ratchet key (32) ‖ PN (4) ‖ N (4) ‖ ciphertext and tag
//! type 1   0x01 ‖ flags (1) ‖ IK (32) ‖ EK (32) ‖ signed prekey (4) ‖ one-time prekey (4) ‖ type 2
//! ```

use super::aead::TAG;
use super::{AgreementKey, IdentityKey, PrekeyId, Refusal, SignedPrekeyId};

const VERSION: u8 = 1;
/// Bit 0 of the flags: a one-time prekey was used.
const WITH_ONE_TIME: u8 = 1;

/// Bytes of a prefix.
pub(super) const PREFIX: usize = 74;
/// Bytes of a header.
pub(super) const HEADER: usize = 41;
/// The longest body: a prefix, a header, the largest padded size and a tag.
pub(super) const LONGEST_BODY: usize = PREFIX + HEADER + 65_536 + TAG;

const NOT_A_PREFIX: Refusal = Refusal::Malformed("the prefix of a first message");
const NOT_A_MESSAGE: Refusal = Refusal::Malformed("a ratchet message of version 1");

/// What kind of body an envelope carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Type 1: can begin a session.
    First,
    /// Type 2: belongs to a session.
    Ratchet,
}

impl Kind {
    /// The number on the wire.
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Ratchet => 2,
        }
    }

    /// The kind of a number.
    pub const fn from_number(number: u8) -> Result<Self, Refusal> {
        match number {
            1 => Ok(Self::First),
            2 => Ok(Self::Ratchet),
            _ => Err(Refusal::Malformed("type 1 or 2")),
        }
    }
}

/// A body in its parts. The ciphertext is borrowed: it is copied when it is opened.
#[derive(Debug, Clone)]
pub(super) struct Message<'a> {
    pub(super) prefix: Option<Prefix>,
    pub(super) header: Header,
    /// Prefix and header, as they came: what the ciphertext is bound to.
    pub(super) front: &'a [u8],
    pub(super) sealed: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn parse(kind: Kind, body: &'a [u8]) -> Result<Self, Refusal> {
        let (prefix, rest) = match kind {
            Kind::First => {
                let (prefix, rest) = body.split_first_chunk().ok_or(NOT_A_PREFIX)?;
                (Some(Prefix(*prefix)), rest)
            }
            Kind::Ratchet => (None, body),
        };
        let (header, sealed) = rest.split_first_chunk().ok_or(NOT_A_MESSAGE)?;
        if sealed.len() < TAG || body.len() > LONGEST_BODY {
            return Err(NOT_A_MESSAGE);
        }
        Ok(Self {
            prefix,
            header: Header::parse(header)?,
            front: &body[..body.len() - sealed.len()],
            sealed,
        })
    }
}

/// What a ratchet message says of its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The sender's present ratchet key.
    pub(super) key: AgreementKey,
    /// PN: how many messages the sender's chain before this one had.
    pub(super) previous: u32,
    /// N: the message's number in its chain, from 0.
    pub(super) number: u32,
}

impl Header {
    fn parse(bytes: &[u8; HEADER]) -> Result<Self, Refusal> {
        let mut fields = Fields(bytes);
        if fields.take() != [VERSION] {
            return Err(NOT_A_MESSAGE);
        }
        Ok(Self {
            key: AgreementKey::from_bytes(fields.take()),
            previous: u32::from_be_bytes(fields.take()),
            number: u32::from_be_bytes(fields.take()),
        })
    }

    pub(super) fn write(&self, body: &mut Vec<u8>) {
        body.push(VERSION);
        body.extend_from_slice(self.key.as_bytes());
        body.extend_from_slice(&self.previous.to_be_bytes());
        body.extend_from_slice(&self.number.to_be_bytes());
    }
}

/// The prefix of a first message, as it stands on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix([u8; PREFIX]);

/// What a prefix says.
pub(super) struct PrefixFields {
    pub(super) identity: IdentityKey,
    pub(super) ephemeral: AgreementKey,
    pub(super) signed: SignedPrekeyId,
    pub(super) one_time: Option<PrekeyId>,
}

impl Prefix {
    pub(super) fn new(fields: &PrefixFields) -> Self {
        let mut bytes = [0; PREFIX];
        bytes[0] = VERSION;
        bytes[1] = fields.one_time.map_or(0, |_| WITH_ONE_TIME);
        bytes[2..34].copy_from_slice(fields.identity.as_bytes());
        bytes[34..66].copy_from_slice(fields.ephemeral.as_bytes());
        bytes[66..70].copy_from_slice(&fields.signed.number().to_be_bytes());
        let one_time = fields.one_time.map_or(0, PrekeyId::number);
        bytes[70..].copy_from_slice(&one_time.to_be_bytes());
        Self(bytes)
    }

    pub(super) const fn from_bytes(bytes: [u8; PREFIX]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; PREFIX] {
        &self.0
    }

    /// The base key: what a session is recognized by.
    pub(super) fn ephemeral(&self) -> AgreementKey {
        Fields(&self.0[34..66]).key()
    }

    /// Every field, after every check.
    pub(super) fn fields(&self) -> Result<PrefixFields, Refusal> {
        let mut fields = Fields(&self.0);
        let [version, flags] = fields.take();
        if version != VERSION || flags & !WITH_ONE_TIME != 0 {
            return Err(NOT_A_PREFIX);
        }
        let identity: [u8; 32] = fields.take();
        let ephemeral = fields.key();
        let signed = SignedPrekeyId::from_wire(u32::from_be_bytes(fields.take()));
        let one_time = match (flags, u32::from_be_bytes(fields.take())) {
            (WITH_ONE_TIME, number) => Some(PrekeyId::new(number)?),
            (_, 0) => None,
            _ => return Err(NOT_A_PREFIX),
        };
        Ok(PrefixFields {
            identity: IdentityKey::parse(&identity)?,
            ephemeral,
            signed,
            one_time,
        })
    }
}

/// Cuts fields off the front. The caller's array is as long as its fields are together.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        let (front, rest) = self.0.split_at(N);
        field.copy_from_slice(front);
        self.0 = rest;
        field
    }

    fn key(&mut self) -> AgreementKey {
        AgreementKey::from_bytes(self.take())
    }
}
