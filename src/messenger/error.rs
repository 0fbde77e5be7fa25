//! Why a use case refused, in terms that every door can translate.

use std::borrow::Cow;
use std::time::Duration;

use crate::wire::Code;
use crate::wire::code::FieldProblem;

/// When it makes sense to try again what the daemon has no capacity for.
const SOON: Duration = Duration::from_secs(5);
/// When it makes sense to try again what somebody else has to make room for.
const LATER: Duration = Duration::from_mins(1);

/// Why a use case refused. Nothing in it says who asked or what they sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A member isn't what it should be.
    #[error("{field}: {expected}")]
    Field {
        /// Which.
        field: Cow<'static, str>,
        /// What was expected.
        expected: Cow<'static, str>,
    },
    /// A binary member isn't strict base64.
    #[error("{field}: expected standard base64 with padding")]
    Base64 {
        /// Which.
        field: Cow<'static, str>,
    },
    /// A public key that no honest client makes.
    #[error("{field}: {expected}")]
    Key {
        /// Which.
        field: Cow<'static, str>,
        /// What was expected.
        expected: &'static str,
    },
    /// A signature doesn't verify.
    #[error("{field} does not verify; sign the exact bytes of the protocol with the identity key")]
    Signature {
        /// Which.
        field: &'static str,
    },
    /// The token isn't one of ours.
    #[error("send a token of POST /api/v1/auth/token as \"Authorization: Bearer …\"")]
    Unauthorized,
    /// Handle, key, nonce or signature: one answer for all.
    #[error("handle, nonce and signature do not belong together; ask for a new challenge")]
    AuthFailed,
    /// The token's time is over, or it was revoked.
    #[error("the token is no longer valid; authenticate again")]
    TokenExpired,
    /// Not this user's to do.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Registration is by invite.
    #[error("registration is by invite here; ask a member or the operator for one")]
    InviteRequired,
    /// The code is unknown, used up, expired or revoked.
    #[error("this code is unknown, used up, expired or revoked; ask for a new one")]
    InviteInvalid,
    /// Nobody new.
    #[error("nobody new can register here")]
    RegistrationClosed,
    /// The handle belongs to another key.
    #[error(
        "this handle belongs to another identity key; its owner needs a recovery code to replace it"
    )]
    IdentityMismatch,
    /// The thing that was asked for doesn't exist.
    #[error("{0}")]
    NotFound(&'static str),
    /// No such account.
    #[error("no account has this id or handle")]
    UserNotFound,
    /// Too many bytes.
    #[error("expected at most {limit} {unit}")]
    TooLarge {
        /// The most that is taken.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// The recipient's queue has no room.
    #[error("the recipient's queue is full; try again when they have been online")]
    QueueFull,
    /// The disk is full.
    #[error("the server has no room for new messages; its operator must make some")]
    StorageFull,
    /// Too many requests.
    #[error("too many requests of this kind; wait before the next")]
    RateLimited {
        /// How long.
        retry_after: Duration,
    },
    /// The account is suspended.
    #[error("this account is suspended; its operator can say why")]
    Suspended,
    /// Call history is off.
    #[error("call history is switched off on this server")]
    HistoryDisabled,
    /// As many as can be served.
    #[error("{0}")]
    Capacity(&'static str),
    /// A call can't be begun or moved.
    #[error("{detail}")]
    Call {
        /// The stable code.
        code: Code,
        /// What is wrong.
        detail: &'static str,
    },
    /// A fault of the daemon's own; the log has more.
    #[error("the server failed at this; its log says more")]
    Internal,
}

impl Error {
    /// A member that isn't what it should be.
    pub fn field(
        field: impl Into<Cow<'static, str>>,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Field {
            field: field.into(),
            expected: expected.into(),
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Field { .. } => Code::InvalidField,
            Self::Base64 { .. } => Code::InvalidBase64,
            Self::Key { .. } => Code::InvalidKey,
            Self::Signature { .. } => Code::InvalidSignature,
            Self::Unauthorized => Code::Unauthorized,
            Self::AuthFailed => Code::AuthFailed,
            Self::TokenExpired => Code::TokenExpired,
            Self::Forbidden(_) => Code::Forbidden,
            Self::InviteRequired => Code::InviteRequired,
            Self::InviteInvalid => Code::InviteInvalid,
            Self::RegistrationClosed => Code::RegistrationClosed,
            Self::IdentityMismatch => Code::IdentityMismatch,
            Self::NotFound(_) => Code::NotFound,
            Self::UserNotFound => Code::UserNotFound,
            Self::TooLarge { .. } => Code::PayloadTooLarge,
            Self::QueueFull => Code::QueueFull,
            Self::StorageFull => Code::StorageFull,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Suspended => Code::Suspended,
            Self::HistoryDisabled => Code::HistoryDisabled,
            Self::Capacity(_) => Code::Capacity,
            Self::Call { code, .. } => *code,
            Self::Internal => Code::Internal,
        }
    }

    /// What is wrong and what to do about it, for people.
    pub fn detail(&self) -> Cow<'static, str> {
        Cow::Owned(self.to_string())
    }

    /// When a retry makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Capacity(_) => Some(SOON),
            Self::QueueFull => Some(LATER),
            _ => None,
        }
    }

    /// The members that are wrong.
    pub fn fields(&self) -> Vec<FieldProblem> {
        let (field, detail) = match self {
            Self::Field { field, expected } => (field.as_ref(), expected.to_string()),
            Self::Base64 { field } => (field.as_ref(), "expected standard base64".to_owned()),
            Self::Key { field, expected } => (field.as_ref(), (*expected).to_owned()),
            Self::Signature { field } => (*field, "does not verify".to_owned()),
            _ => return Vec::new(),
        };
        vec![FieldProblem {
            field: field.to_owned(),
            detail,
        }]
    }
}
