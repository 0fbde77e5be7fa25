//! Answers to strangers: as few bytes as say what is needed, because the source may be forged.

use super::finish;
use super::nonce::Nonce;
use crate::turn::message::{Class, ErrorCode, Shape, Writer, attribute};

/// What a stranger must take up to be let in.
pub(super) struct Challenge<'a> {
    pub(super) realm: &'a str,
    pub(super) nonce: Nonce,
}

impl Challenge<'_> {
    /// Refuses a request. 401 and 438 tell how to do better (RFC 8489 §9.2.4); nothing else does.
    pub(super) fn refuse(&self, request: &Shape<'_>, code: ErrorCode) -> Vec<u8> {
        let mut answer = Writer::new(Class::Error, request.method, request.transaction).error(code);
        if matches!(code, ErrorCode::Unauthenticated | ErrorCode::StaleNonce) {
            answer = answer
                .attribute(attribute::NONCE, self.nonce.as_bytes())
                .attribute(attribute::REALM, self.realm.as_bytes());
        }
        finish(answer, request)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::nonce::Nonces;
    use super::*;
    use crate::base::Secret;
    use crate::turn::message::Method;
    use crate::turn::moment::Moment;

    #[test]
    fn a_challenge_is_at_most_64_bytes() {
        let request = Writer::new(Class::Request, Method::Allocate, [1; 12])
            .attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0])
            .finish();
        let shape = Shape::read(&request).unwrap();
        let nonces = Nonces::new(Secret::new([3; 32]), Duration::from_mins(10));
        let challenge = Challenge {
            realm: "privcomm",
            nonce: nonces.issue("192.0.2.1:4000".parse().unwrap(), Moment::default()),
        };
        for code in [ErrorCode::Unauthenticated, ErrorCode::StaleNonce] {
            assert_eq!(challenge.refuse(&shape, code).len(), 64);
        }
        assert_eq!(challenge.refuse(&shape, ErrorCode::BadRequest).len(), 28);
    }
}
