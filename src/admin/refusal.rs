//! Why a request of an operator isn't answered as it was hoped.

use std::time::Duration;

use crate::base::Trouble;
use crate::messenger::{self, OperatorError};
use crate::store::StoreError;
use crate::store::backup::BackupError;
use crate::wire::code::FieldProblem;
use crate::wire::{Code, JsonError, QueryError};

/// Why a request is refused. The text is the `detail` of the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No route has this path.
    #[error("this version of the daemon has nothing at this path")]
    NotFound,
    /// The path has routes, but none for this method.
    #[error("this path takes {allow}")]
    MethodNotAllowed {
        /// The methods it has.
        allow: String,
    },
    /// The body isn't declared to be JSON.
    #[error("expected a body with Content-Type: application/json")]
    NotJson,
    /// The body is longer than this route takes.
    #[error("expected a body of at most {limit} bytes")]
    BodyTooLarge {
        /// Bytes.
        limit: usize,
    },
    /// The body didn't arrive in time.
    #[error("expected the whole body sooner")]
    BodyTooSlow,
    /// The body broke off, or its framing is wrong.
    #[error("expected a whole body; it broke off or its framing is wrong")]
    BodyBroken,
    /// The body isn't the JSON that is expected.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// A part of the path or the query string is wrong.
    #[error("{field}: {problem}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What was expected.
        problem: &'static str,
    },
    /// Whoever connected is no operator.
    #[error(
        "only root, the daemon's own user and the group of the admin socket may do this; the mode of \
         the socket was changed"
    )]
    NotOperator,
    /// The media relay doesn't run.
    #[error("the media relay is switched off")]
    RelayOff,
    /// The database can't be looked into.
    #[error("{0}")]
    Store(StoreError),
    /// The backup can't be made.
    #[error("{0}")]
    Backup(BackupError),
    /// The answer took too long to make.
    #[error("the daemon did not get to it in time; try again")]
    Overdue,
    /// A handler panicked: a fault of ours.
    #[error("a fault of the daemon; its log has more")]
    Panicked,
    /// A use case said no.
    #[error("{}", .0.detail())]
    Messenger(messenger::Error),
    /// A use case of operators alone said no.
    #[error(transparent)]
    Operator(OperatorError),
}

impl From<OperatorError> for Refusal {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::Refused(error) => Self::Messenger(error),
            error => Self::Operator(error),
        }
    }
}

impl From<messenger::Error> for Refusal {
    fn from(error: messenger::Error) -> Self {
        Self::Messenger(error)
    }
}

impl From<QueryError> for Refusal {
    fn from(QueryError { field, problem }: QueryError) -> Self {
        Self::Field { field, problem }
    }
}

impl Refusal {
    /// The code that programs see.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::NotFound | Self::RelayOff => Code::NotFound,
            Self::MethodNotAllowed { .. } => Code::MethodNotAllowed,
            Self::NotJson => Code::UnsupportedMediaType,
            Self::BodyTooLarge { .. } => Code::PayloadTooLarge,
            Self::BodyTooSlow => Code::RequestTimeout,
            Self::BodyBroken | Self::Json(JsonError::Malformed { .. }) => Code::InvalidJson,
            Self::Json(JsonError::Field { .. }) | Self::Field { .. } => Code::InvalidField,
            Self::NotOperator => Code::Forbidden,
            Self::Overdue => Code::Capacity,
            Self::Backup(BackupError::Exists(_)) => Code::Conflict,
            Self::Panicked | Self::Backup(_) | Self::Store(_) => Code::Internal,
            Self::Messenger(error) => error.code(),
            Self::Operator(error) => code_of(error),
        }
    }

    /// The code that operators see.
    pub(super) fn trouble(&self) -> Trouble {
        match self {
            Self::NotOperator => Trouble::NotOperator,
            Self::RelayOff => Trouble::RelayOff,
            Self::Backup(_) => Trouble::BackupFailed,
            Self::Store(StoreError::Record(_) | StoreError::Damaged(_)) => Trouble::DatabaseDamaged,
            Self::Store(_) => Trouble::Database,
            Self::NotFound | Self::MethodNotAllowed { .. } => Trouble::NotUnderstood,
            Self::Operator(error) => trouble_of(error),
            Self::Messenger(messenger::Error::UserNotFound) => Trouble::UserUnknown,
            other => match other.code().status() {
                404 => Trouble::NotFound,
                401 | 403 => Trouble::Refused,
                409 | 410 => Trouble::Conflict,
                429 | 503 => Trouble::TryLater,
                507 => Trouble::DiskFull,
                status if status >= 500 => Trouble::Failed,
                _ => Trouble::NotUnderstood,
            },
        }
    }

    /// When a retry makes sense, where that is known.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overdue => Some(Duration::from_secs(1)),
            Self::Messenger(error) => error.retry_after(),
            _ => None,
        }
    }

    /// The members that are wrong.
    pub(super) fn fields(&self) -> Vec<FieldProblem> {
        let one = |field, problem| vec![FieldProblem::new(field, problem)];
        match self {
            Self::Json(JsonError::Field { field, problem }) => one(field, problem),
            Self::Field { field, problem } => one(field, problem),
            Self::Messenger(error) => error.fields(),
            _ => Vec::new(),
        }
    }
}

fn code_of(error: &OperatorError) -> Code {
    match error {
        OperatorError::Refused(error) => error.code(),
        OperatorError::NoSuchUser => Code::UserNotFound,
        OperatorError::NoSuchInvite => Code::NotFound,
        OperatorError::AmbiguousUser
        | OperatorError::AmbiguousInvite
        | OperatorError::SharedSecret => Code::Conflict,
        OperatorError::NotKept(_) => Code::Internal,
    }
}

fn trouble_of(error: &OperatorError) -> Trouble {
    match error {
        OperatorError::NoSuchUser => Trouble::UserUnknown,
        OperatorError::AmbiguousUser => Trouble::UserAmbiguous,
        OperatorError::NoSuchInvite => Trouble::InviteUnknown,
        OperatorError::AmbiguousInvite => Trouble::InviteAmbiguous,
        OperatorError::SharedSecret => Trouble::RelaySecretShared,
        OperatorError::NotKept(_) => Trouble::StateFile,
        OperatorError::Refused(_) => Trouble::Failed,
    }
}
