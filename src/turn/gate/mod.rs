//! What stands in front of the engine: who may ask at all, decided without storing anything.
//!
//! In order (RFC 8489 §6.3 and §9.2.4): shape and FINGERPRINT → Binding, which anybody may ask →
//! no integrity: 401 → parts missing, or algorithms that weren't offered: 400 → nonce: 438 → realm,
//! user, integrity: 401. What a stranger is answered is short, because the source may be forged, and
//! rationed.

mod authentication;
mod credential;
mod names;
mod nonce;
mod ration;
mod strangers;

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use crate::base::{Timestamp, UserId};

use super::allocation::FiveTuple;
use super::figures::DropReason;
use super::message::{Class, ErrorCode, Method, Shape, TransactionId};
use super::moment::Moment;

pub(crate) use authentication::{Admission, Admitted};
pub(crate) use credential::Freshness;
pub use credential::TurnSecret;
pub(crate) use names::{Holder, Standing};
pub use ration::AnswerRates;
pub(crate) use ration::site;
pub(crate) use strangers::list;

use credential::Accepted;
use names::Names;
use strangers::Strangers;

/// What becomes of a STUN message.
#[derive(Debug)]
pub(crate) enum Verdict<'a> {
    /// Nothing is answered.
    Drop(DropReason),
    /// The answer was written, and that was all.
    Answered(Option<ErrorCode>),
    /// A Send indication, for the data plane.
    Media(Shape<'a>),
    /// A request of somebody who proved to hold a credential.
    Request(Admitted<'a>),
}

/// The gate: keys of this process, and who was promised what.
#[derive(Debug)]
pub(crate) struct Gate {
    secrets: RwLock<Accepted>,
    strangers: Strangers,
    names: Mutex<Names>,
}

impl Gate {
    pub(crate) fn new(
        realm: String,
        secret: TurnSecret,
        nonce_ttl: Duration,
        rates: AnswerRates,
    ) -> Self {
        Self {
            secrets: RwLock::new(Accepted::only(secret)),
            strangers: Strangers::new(realm, nonce_ttl, rates),
            names: Mutex::new(Names::default()),
        }
    }

    /// Believes only `secret` from now on; credentials of the one before that expire by `old_until`
    /// as well.
    pub(crate) fn rotate(&self, secret: TurnSecret, old_until: Option<Timestamp>) {
        let mut accepted = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        accepted.rotate(secret, old_until);
    }

    /// The transaction of this process's own health check, which no flood may starve.
    pub(crate) fn probe(&self) -> TransactionId {
        self.strangers.probe
    }

    /// Judges a datagram that isn't ChannelData. An answer goes behind `answers`.
    pub(crate) fn judge<'a>(
        &self,
        datagram: &'a [u8],
        from: &FiveTuple,
        now: Moment,
        calendar: impl FnOnce() -> Timestamp,
        answers: &mut Vec<u8>,
    ) -> Verdict<'a> {
        let shape = match Shape::read(datagram) {
            Ok(shape) => shape,
            Err(malformed) => return Verdict::Drop(malformed.into()),
        };
        let answered = match (shape.class, shape.method) {
            (Class::Indication, Method::Send) => return Verdict::Media(shape),
            (Class::Request, Method::Binding) => self.strangers.bind(&shape, from, now, answers),
            (Class::Request, Method::Send | Method::Data) => Err(DropReason::Unexpected),
            (Class::Request, _) => match self.authenticate(shape, from, now, calendar) {
                Ok(admitted) => return Verdict::Request(admitted),
                Err(code) => self
                    .refuse_stranger(&shape, code, from, now, answers)
                    .map(Some),
            },
            _ => Err(DropReason::Unexpected),
        };
        answered.map_or_else(Verdict::Drop, Verdict::Answered)
    }

    /// Answers somebody who has proved nothing. The answer goes behind `answers`.
    pub(crate) fn refuse_stranger(
        &self,
        shape: &Shape<'_>,
        code: ErrorCode,
        from: &FiveTuple,
        now: Moment,
        answers: &mut Vec<u8>,
    ) -> Result<ErrorCode, DropReason> {
        self.strangers.refuse(shape, code, from, now, answers)
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

    /// Forgets whose the names were that have expired. How many.
    pub(crate) fn forget_expired(&self, now: Timestamp) -> usize {
        self.lock_names().forget_expired(now)
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

    fn accepted(&self) -> RwLockReadGuard<'_, Accepted> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
