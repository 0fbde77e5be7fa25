//! Answers to strangers: as few bytes as say what is needed, because the source may be forged, and
//! no more of them than the ration has.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::nonce::{Nonces, Offer};
use super::ration::{AnswerRates, Ration};
use crate::base::{Secret, random};
use crate::turn::allocation::FiveTuple;
use crate::turn::figures::DropReason;
use crate::turn::message::{
    ATTRIBUTE_HEADER, Class, ErrorCode, HEADER, PasswordAlgorithm, Shape, TransactionId, Writer,
    attribute, padded,
};
use crate::turn::moment::Moment;

/// The value of PASSWORD-ALGORITHMS, the better one first (RFC 8489 §14.11).
pub(super) const ALGORITHMS: [[u8; 4]; 2] = [
    PasswordAlgorithm::Sha256.spelled(),
    PasswordAlgorithm::Md5.spelled(),
];

/// Length of an attribute whose value is four bytes: ERROR-CODE without a reason, FINGERPRINT.
const FOUR_BYTES: usize = ATTRIBUTE_HEADER + 4;

/// What strangers are told, and how often.
#[derive(Debug)]
pub(super) struct Strangers {
    pub(super) realm: String,
    pub(super) nonces: Nonces,
    ration: Mutex<Ration>,
    /// The transaction of this process's own health check, which no flood may starve.
    pub(super) probe: TransactionId,
}

impl Strangers {
    pub(super) fn new(realm: String, nonce_ttl: Duration, rates: AnswerRates) -> Self {
        Self {
            realm,
            nonces: Nonces::new(&Secret::random(), nonce_ttl),
            ration: Mutex::new(Ration::new(rates)),
            probe: random::draw(),
        }
    }

    /// Says where a Binding request came from (RFC 8489 §3). The answer goes behind `answers`.
    pub(super) fn bind(
        &self,
        request: &Shape<'_>,
        from: &FiveTuple,
        now: Moment,
        answers: &mut Vec<u8>,
    ) -> Result<Option<ErrorCode>, DropReason> {
        if request.transaction != self.probe {
            self.take_from_ration(from, now)?;
        }
        let is_understood = |(kind, _)| attribute::is_understood(kind);
        if !request.attributes().all(is_understood) {
            let code = ErrorCode::UnknownAttribute;
            Self::refuse_plainly(request, code, answers);
            return Ok(Some(code));
        }
        let client = from.client;
        let seen = SocketAddr::new(client.ip().to_canonical(), client.port());
        append(request, Class::Success, answers, |answer| {
            answer
                .xored_address(attribute::XOR_MAPPED_ADDRESS, seen)
                .address(attribute::MAPPED_ADDRESS, seen)
        });
        Ok(None)
    }

    /// Refuses a request. 401 and 438 tell how to do better (RFC 8489 §9.2.4), 420 what wasn't
    /// understood; nothing else does. The answer goes behind `answers`.
    pub(super) fn refuse(
        &self,
        request: &Shape<'_>,
        code: ErrorCode,
        from: &FiveTuple,
        now: Moment,
        answers: &mut Vec<u8>,
    ) -> Result<ErrorCode, DropReason> {
        self.take_from_ration(from, now)?;
        if !matches!(code, ErrorCode::Unauthenticated | ErrorCode::StaleNonce) {
            Self::refuse_plainly(request, code, answers);
            return Ok(code);
        }
        let offer = self.offer(request, from);
        let nonce = self.nonces.issue(from.client, offer, now);
        append(request, Class::Error, answers, |answer| {
            let challenge = answer
                .error(code)
                .attribute(attribute::NONCE, nonce.as_bytes())
                .attribute(attribute::REALM, self.realm.as_bytes());
            match offer {
                Offer::Nothing => challenge,
                Offer::Algorithms => {
                    challenge.attribute(attribute::PASSWORD_ALGORITHMS, ALGORITHMS.as_flattened())
                }
            }
        });
        Ok(code)
    }

    /// Algorithms are offered where the answer with the offer is no longer than the question, or
    /// goes to nobody but who asked.
    fn offer(&self, request: &Shape<'_>, from: &FiveTuple) -> Offer {
        let nonce = ATTRIBUTE_HEADER + padded(Offer::Algorithms.nonce_length());
        let realm = ATTRIBUTE_HEADER + padded(self.realm.len());
        let algorithms = ATTRIBUTE_HEADER + ALGORITHMS.as_flattened().len();
        let fingerprint = if request.fingerprinted { FOUR_BYTES } else { 0 };
        let answer = HEADER + FOUR_BYTES + nonce + realm + algorithms + fingerprint;
        if from.listener.stream_index().is_some() || request.length() >= answer {
            Offer::Algorithms
        } else {
            Offer::Nothing
        }
    }

    fn refuse_plainly(request: &Shape<'_>, code: ErrorCode, answers: &mut Vec<u8>) {
        append(request, Class::Error, answers, |answer| match code {
            ErrorCode::UnknownAttribute => answer.error(code).attribute(
                attribute::UNKNOWN_ATTRIBUTES,
                &list(&request.not_understood()),
            ),
            _ => answer.error(code),
        });
    }

    fn take_from_ration(&self, from: &FiveTuple, now: Moment) -> Result<(), DropReason> {
        let mut ration = self.ration.lock().unwrap_or_else(PoisonError::into_inner);
        if ration.admits(from.client.ip(), now) {
            Ok(())
        } else {
            Err(DropReason::Rationed)
        }
    }
}

/// Appends an unsigned answer: with a FINGERPRINT where the request had one.
fn append(
    request: &Shape<'_>,
    class: Class,
    answers: &mut Vec<u8>,
    fill: impl FnOnce(Writer) -> Writer,
) {
    let before = std::mem::take(answers);
    let (method, transaction) = (request.method, request.transaction);
    let answer = fill(Writer::behind(before, class, method, transaction));
    *answers = if request.fingerprinted {
        answer.fingerprint().finish()
    } else {
        answer.finish()
    };
}

/// The value of UNKNOWN-ATTRIBUTES (RFC 8489 §14.13).
pub(crate) fn list(attributes: &[u16]) -> Vec<u8> {
    attributes
        .iter()
        .flat_map(|kind| kind.to_be_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::allocation::ListenerId;
    use crate::turn::message::Method;

    fn strangers() -> Strangers {
        let rates = AnswerRates::default();
        Strangers::new("privcomm".to_owned(), Duration::from_mins(10), rates)
    }

    fn from(listener: ListenerId) -> FiveTuple {
        FiveTuple {
            listener,
            client: "192.0.2.1:4000".parse().unwrap(),
        }
    }

    /// An Allocate of so many bytes.
    fn question(length: usize, fingerprint: bool) -> Vec<u8> {
        let tail = if fingerprint { 8 } else { 0 };
        let padding = vec![0; length - HEADER - 8 - ATTRIBUTE_HEADER - tail];
        let question = Writer::new(Class::Request, Method::Allocate, [1; 12])
            .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .attribute(0xFFFE, &padding);
        let question = if fingerprint {
            question.fingerprint().finish()
        } else {
            question.finish()
        };
        assert_eq!(question.len(), length);
        question
    }

    fn answer(question: &[u8], code: ErrorCode, listener: ListenerId) -> Vec<u8> {
        let shape = Shape::read(question).unwrap();
        let mut answers = vec![0xEE; 3];
        let told = strangers().refuse(
            &shape,
            code,
            &from(listener),
            Moment::default(),
            &mut answers,
        );
        assert_eq!(told, Ok(code));
        answers.split_off(3)
    }

    fn offers(answer: &[u8]) -> bool {
        let shape = Shape::read(answer).unwrap();
        let offered = shape.attribute(attribute::PASSWORD_ALGORITHMS);
        let nonce = shape.attribute(attribute::NONCE).unwrap();
        let told = Offer::split(nonce).0 == Offer::Algorithms;
        assert_eq!(told, offered == Some(ALGORITHMS.as_flattened()));
        told
    }

    #[test]
    fn a_challenge_is_at_most_64_bytes() {
        let question = Writer::new(Class::Request, Method::Allocate, [1; 12])
            .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .finish();
        assert_eq!(question.len(), 28);
        for code in [ErrorCode::Unauthenticated, ErrorCode::StaleNonce] {
            assert_eq!(answer(&question, code, ListenerId(0)).len(), 64);
        }
        let bad = answer(&question, ErrorCode::BadRequest, ListenerId(0));
        assert_eq!(bad.len(), 28);
    }

    #[test]
    fn algorithms_are_offered_where_the_answer_is_no_longer_than_the_question() {
        for fingerprint in [false, true] {
            let enough = 92 + if fingerprint { 8 } else { 0 };
            for (length, offered) in [(enough - 4, false), (enough, true), (enough + 4, true)] {
                let question = question(length, fingerprint);
                let answer = answer(&question, ErrorCode::StaleNonce, ListenerId(0));
                assert_eq!(offers(&answer), offered, "{length} bytes");
                assert!(answer.len() <= length);
            }
        }
    }

    #[test]
    fn over_a_stream_algorithms_are_always_offered() {
        let question = question(40, false);
        let code = ErrorCode::Unauthenticated;
        assert!(offers(&answer(&question, code, ListenerId::stream(0))));
        assert!(!offers(&answer(&question, code, ListenerId(0))));
    }
}
