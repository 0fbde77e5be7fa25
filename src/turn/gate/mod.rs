//! What stands in front of the engine: who may ask at all, decided without storing anything.
//!
//! In order (RFC 8489 §6.3 and §9.2.4): shape and FINGERPRINT → Binding, which anybody may ask →
//! no integrity: 401 → parts missing: 400 → nonce: 438 → realm, user, integrity: 401. What a
//! stranger is answered is short, because the source may be forged, and rationed.

mod challenge;
mod credential;
mod names;
mod nonce;
mod ration;

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{Secret, Timestamp, UserId};

use super::figures::DropReason;
use super::message::attribute;
use super::message::{Algorithm, Class, ErrorCode, Key, Method, Shape, TransactionId, Writer};
use super::moment::Moment;

pub(crate) use credential::Freshness;
pub use credential::TurnSecret;
pub(crate) use names::{Holder, Standing};
pub use ration::AnswerRates;
pub(crate) use ration::site;

use challenge::Challenge;
use names::Names;
use nonce::Nonces;
use ration::Ration;

/// What becomes of a STUN message.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// Nothing is answered.
    Drop(DropReason),
    /// This is answered, and that was all.
    Answer(Vec<u8>, Option<ErrorCode>),
    /// A Send indication, for the data plane.
    Media(Shape<'a>),
    /// A request of somebody who proved to hold a credential.
    Request(Admitted<'a>),
}

/// A request whose integrity holds.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) shape: Shape<'a>,
    pub(crate) username: &'a str,
    pub(crate) freshness: Freshness,
    pub(crate) key: Key,
    pub(crate) algorithm: Algorithm,
}

impl Admitted<'_> {
    /// The same, on its own: with the datagram that it was read from.
    pub(crate) fn keep(self, datagram: &[u8]) -> Admission {
        Admission {
            datagram: datagram.into(),
            freshness: self.freshness,
            key: self.key,
            algorithm: self.algorithm,
        }
    }
}

/// An admitted request that can wait.
#[derive(Debug)]
pub(crate) struct Admission {
    datagram: Box<[u8]>,
    freshness: Freshness,
    key: Key,
    algorithm: Algorithm,
}

impl Admission {
    /// The request, read again; its integrity was checked before.
    pub(crate) fn admitted(&self) -> Option<Admitted<'_>> {
        let shape = Shape::read(&self.datagram).ok()?;
        Some(Admitted {
            shape,
            username: shape.text(attribute::USERNAME)?,
            freshness: self.freshness,
            key: self.key.clone(),
            algorithm: self.algorithm,
        })
    }
}

/// The gate: keys of this process, and who was promised what.
#[derive(Debug)]
pub(crate) struct Gate {
    realm: String,
    secret: TurnSecret,
    nonces: Nonces,
    ration: Mutex<Ration>,
    names: Mutex<Names>,
    /// The transaction of this process's own health check, which no flood may starve.
    pub(crate) probe: TransactionId,
}

impl Gate {
    pub(crate) fn new(
        realm: String,
        secret: TurnSecret,
        nonce_ttl: Duration,
        rates: AnswerRates,
    ) -> Self {
        Self {
            realm,
            secret,
            nonces: Nonces::new(Secret::random(), nonce_ttl),
            ration: Mutex::new(Ration::new(rates)),
            names: Mutex::new(Names::default()),
            probe: crate::base::random::draw(),
        }
    }

    /// Judges a datagram that isn't ChannelData.
    pub(crate) fn judge<'a>(
        &self,
        datagram: &'a [u8],
        client: SocketAddr,
        now: Moment,
        calendar: Timestamp,
    ) -> Verdict<'a> {
        let shape = match Shape::read(datagram) {
            Ok(shape) => shape,
            Err(malformed) => return Verdict::Drop(malformed.into()),
        };
        match (shape.class, shape.method) {
            (Class::Indication, Method::Send) => Verdict::Media(shape),
            (Class::Request, Method::Binding) => self.answer_binding(&shape, client, now),
            (Class::Request, Method::Send | Method::Data) => Verdict::Drop(DropReason::Unexpected),
            (Class::Request, _) => match self.authenticate(shape, client, now, calendar) {
                Ok(admitted) => Verdict::Request(admitted),
                Err(code) => self.refuse_stranger(&shape, code, client, now),
            },
            _ => Verdict::Drop(DropReason::Unexpected),
        }
    }

    /// Says where a request came from, to anybody (RFC 8489 §3).
    fn answer_binding<'a>(
        &self,
        shape: &Shape<'_>,
        client: SocketAddr,
        now: Moment,
    ) -> Verdict<'a> {
        if shape.transaction != self.probe && !self.may_answer(client, now) {
            return Verdict::Drop(DropReason::Rationed);
        }
        let unknown = shape.not_understood();
        if !unknown.is_empty() {
            let code = ErrorCode::UnknownAttribute;
            let answer = Writer::new(Class::Error, Method::Binding, shape.transaction)
                .error(code)
                .attribute(attribute::UNKNOWN_ATTRIBUTES, &list(&unknown));
            return Verdict::Answer(finish(answer, shape), Some(code));
        }
        let seen = SocketAddr::new(client.ip().to_canonical(), client.port());
        let answer = Writer::new(Class::Success, Method::Binding, shape.transaction)
            .xored_address(attribute::XOR_MAPPED_ADDRESS, seen)
            .address(attribute::MAPPED_ADDRESS, seen);
        Verdict::Answer(finish(answer, shape), None)
    }

    /// The long-term credential mechanism (RFC 8489 §9.2.4).
    fn authenticate<'a>(
        &self,
        shape: Shape<'a>,
        client: SocketAddr,
        now: Moment,
        calendar: Timestamp,
    ) -> Result<Admitted<'a>, ErrorCode> {
        let algorithm = shape.protection().ok_or(ErrorCode::Unauthenticated)?;
        let username = shape.text(attribute::USERNAME);
        let realm = shape.text(attribute::REALM);
        let nonce = shape.attribute(attribute::NONCE);
        let (Some(username), Some(realm), Some(nonce)) = (username, realm, nonce) else {
            return Err(ErrorCode::BadRequest);
        };
        if !self.nonces.is_fresh(nonce, client, now) {
            return Err(ErrorCode::StaleNonce);
        }
        if realm != self.realm || self.lock_names().is_refused(username) {
            return Err(ErrorCode::Unauthenticated);
        }
        let freshness =
            credential::freshness(username, calendar).ok_or(ErrorCode::Unauthenticated)?;
        let key = Key::long_term(username, realm, &self.secret.password(username));
        if !shape.is_signed_with(&key) {
            return Err(ErrorCode::Unauthenticated);
        }
        Ok(Admitted {
            shape,
            username,
            freshness,
            key,
            algorithm,
        })
    }

    /// An answer to somebody who has proved nothing.
    pub(crate) fn refuse_stranger<'a>(
        &self,
        shape: &Shape<'_>,
        code: ErrorCode,
        client: SocketAddr,
        now: Moment,
    ) -> Verdict<'a> {
        if !self.may_answer(client, now) {
            return Verdict::Drop(DropReason::Rationed);
        }
        let challenge = Challenge {
            realm: &self.realm,
            nonce: self.nonces.issue(client, now),
        };
        Verdict::Answer(challenge.refuse(shape, code), Some(code))
    }

    fn may_answer(&self, client: SocketAddr, now: Moment) -> bool {
        let mut ration = self.ration.lock().unwrap_or_else(PoisonError::into_inner);
        ration.admits(client.ip(), now)
    }

    /// Takes note of whose a credential's random name is.
    pub(crate) fn remember(
        &self,
        username: &str,
        user: UserId,
        expires: Timestamp,
        now: Timestamp,
    ) {
        self.lock_names().remember(username, user, expires, now);
    }

    /// On whose account a credential's name goes.
    pub(crate) fn holder(&self, username: &str) -> Holder {
        self.lock_names().holder(username)
    }

    /// Refuses a user's credentials from now on, and names them.
    pub(crate) fn refuse(&self, user: UserId) -> Vec<Box<str>> {
        self.lock_names().refuse(user)
    }

    /// Whether a credential is still honoured.
    pub(crate) fn standing(&self, username: &str) -> Standing {
        self.lock_names().standing(username)
    }

    fn lock_names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of UNKNOWN-ATTRIBUTES (RFC 8489 §14.13).
pub(crate) fn list(attributes: &[u16]) -> Vec<u8> {
    attributes
        .iter()
        .flat_map(|kind| kind.to_be_bytes())
        .collect()
}

/// Ends an unsigned answer: with a FINGERPRINT where the request had one.
fn finish(answer: Writer, request: &Shape<'_>) -> Vec<u8> {
    if request.fingerprinted {
        answer.fingerprint().finish()
    } else {
        answer.finish()
    }
}
