//! Why a request isn't answered as it was hoped: every reason that this room knows, and those of
//! the use cases.

use std::time::Duration;

use crate::messenger;
use crate::wire::code::FieldProblem;
use crate::wire::{Code, JsonError, QueryError};

/// Why a request is refused. The text is the `detail` of the answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No route has this path.
    #[error("nothing is at this path; /openapi.json lists what there is")]
    NotFound,
    /// The path has routes, but none for this method.
    #[error("this path takes {allow}")]
    MethodNotAllowed {
        /// The methods it has, as `Allow` lists them.
        allow: String,
    },
    /// The body isn't declared to be JSON.
    #[error("expected a body with Content-Type: application/json")]
    UnsupportedMediaType,
    /// The body is longer than this route takes.
    #[error("expected a body of at most {limit} bytes")]
    BodyTooLarge {
        /// Bytes.
        limit: usize,
    },
    /// The body didn't arrive in time.
    #[error("expected the whole body within {} s", patience.as_secs_f32())]
    BodyTooSlow {
        /// In what time it should have.
        patience: Duration,
    },
    /// The body broke off, or its framing is wrong.
    #[error("expected a whole body; it broke off or its framing is wrong")]
    BodyBroken,
    /// The body isn't the JSON that is expected.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// A parameter or header is wrong.
    #[error("{field}: {problem}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What was expected.
        problem: &'static str,
    },
    /// There is no usable token in the request.
    #[error("expected Authorization: Bearer with a token of POST /api/v1/auth/token")]
    NoToken,
    /// The route is a WebSocket's, and this isn't the opening of one.
    #[error("expected the opening handshake of a WebSocket, version 13 (RFC 6455)")]
    NoWebSocket,
    /// A page of another origin opens a WebSocket.
    #[error("pages of this origin may not connect here; the operator can allow it")]
    ForeignOrigin,
    /// What came can't be read as a request, or its header block is too large.
    #[error("expected a request whose line and header fields are valid and not too large")]
    Unreadable {
        /// 400, 414 or 431.
        status: u16,
    },
    /// There is no place for another connection.
    #[error("the daemon holds as many connections as it may; try again in a while")]
    Full,
    /// The answer took too long to make.
    #[error("the daemon did not get to it in time; try again")]
    Overdue,
    /// A handler panicked: a fault of ours.
    #[error("a fault of the daemon; its log has more under this request id")]
    Panicked,
    /// A use case said no.
    #[error("{}", .0.detail())]
    Messenger(messenger::Error),
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
    /// The code that clients see.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::MethodNotAllowed { .. } => Code::MethodNotAllowed,
            Self::UnsupportedMediaType => Code::UnsupportedMediaType,
            Self::BodyTooLarge { .. }
            | Self::Unreadable {
                status: 413 | 414 | 431,
            } => Code::PayloadTooLarge,
            Self::BodyTooSlow { .. } => Code::RequestTimeout,
            Self::BodyBroken | Self::Json(JsonError::Malformed { .. }) => Code::InvalidJson,
            Self::Json(JsonError::Field { .. })
            | Self::Field { .. }
            | Self::Unreadable { .. }
            | Self::NoWebSocket => Code::InvalidField,
            Self::NoToken => Code::Unauthorized,
            Self::ForeignOrigin => Code::Forbidden,
            Self::Overdue | Self::Full => Code::Capacity,
            Self::Panicked => Code::Internal,
            Self::Messenger(error) => error.code(),
        }
    }

    /// The HTTP status: the code's own, but for a handshake that should be another one.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::NoWebSocket => 426,
            Self::Unreadable { status } => *status,
            _ => self.code().status(),
        }
    }

    /// When a retry makes sense, where that is known.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overdue => Some(Duration::from_secs(1)),
            Self::Full => Some(Duration::from_secs(5)),
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
