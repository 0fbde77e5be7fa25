//! The long-term credential mechanism (RFC 8489 §9.2.4).

use super::Gate;
use super::credential::{self, Freshness};
use super::nonce::Offer;
use super::strangers::ALGORITHMS;
use crate::base::Timestamp;
use crate::turn::allocation::FiveTuple;
use crate::turn::message::{Algorithm, ErrorCode, Key, PasswordAlgorithm, Shape, attribute};
use crate::turn::moment::Moment;

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

impl Gate {
    /// Who asks. Names are random, so nobody is hidden by USERHASH: it isn't understood.
    pub(super) fn authenticate<'a>(
        &self,
        shape: Shape<'a>,
        from: &FiveTuple,
        now: Moment,
        calendar: impl FnOnce() -> Timestamp,
    ) -> Result<Admitted<'a>, ErrorCode> {
        let algorithm = shape.protection().ok_or(ErrorCode::Unauthenticated)?;
        let username = shape.text(attribute::USERNAME);
        let realm = shape.text(attribute::REALM);
        let nonce = shape.attribute(attribute::NONCE);
        let (Some(username), Some(realm), Some(nonce)) = (username, realm, nonce) else {
            return Err(match shape.attribute(attribute::USERHASH) {
                Some(_) if username.is_none() => ErrorCode::UnknownAttribute,
                _ => ErrorCode::BadRequest,
            });
        };
        let chosen = chosen_algorithm(&shape, nonce)?;
        if !self.strangers.nonces.is_fresh(nonce, from.client, now) {
            return Err(ErrorCode::StaleNonce);
        }
        if realm != self.strangers.realm || self.lock_names().is_refused(username) {
            return Err(ErrorCode::Unauthenticated);
        }
        let freshness =
            credential::freshness(username, calendar()).ok_or(ErrorCode::Unauthenticated)?;
        let passwords = self.accepted().passwords(username);
        let mut keys = passwords
            .iter()
            .map(|password| Key::long_term(chosen, username, realm, password));
        let key = keys
            .find(|key| shape.is_signed_with(key))
            .ok_or(ErrorCode::Unauthenticated)?;
        Ok(Admitted {
            shape,
            username,
            freshness,
            key,
            algorithm,
        })
    }
}

/// The algorithm that a client chose of those it was offered; MD5 where it chose none. To choose
/// without an offer, or out of another one, is what somebody on the way makes a client do.
fn chosen_algorithm(shape: &Shape<'_>, nonce: &[u8]) -> Result<PasswordAlgorithm, ErrorCode> {
    let offered = shape.attribute(attribute::PASSWORD_ALGORITHMS);
    let chosen = shape.attribute(attribute::PASSWORD_ALGORITHM);
    let ((Offer::Algorithms, _), Some(offered), Some(chosen)) =
        (Offer::split(nonce), offered, chosen)
    else {
        return match (offered, chosen) {
            (None, None) => Ok(PasswordAlgorithm::Md5),
            _ => Err(ErrorCode::BadRequest),
        };
    };
    if offered != ALGORITHMS.as_flattened() {
        return Err(ErrorCode::BadRequest);
    }
    [PasswordAlgorithm::Sha256, PasswordAlgorithm::Md5]
        .into_iter()
        .find(|algorithm| algorithm.spelled() == chosen)
        .ok_or(ErrorCode::BadRequest)
}
