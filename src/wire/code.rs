//! The catalogue of errors (PROTOCOL.md §10): stable codes, their HTTP status, and the body that
//! carries them (RFC 9457).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// What went wrong, in a word that programs can rely on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The HTTP status it comes with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// A few words for people, the same for every occurrence (RFC 9457 §3.1.3).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }
        }
    };
}

codes! {
    /// The body or frame isn't strict JSON.
    InvalidJson = "invalid_json", 400, "Not valid JSON";
    /// A member, parameter or header is missing or wrong.
    InvalidField = "invalid_field", 400, "A field is missing or wrong";
    /// A binary member isn't strict base64.
    InvalidBase64 = "invalid_base64", 400, "Not standard base64";
    /// A public key that no honest client makes.
    InvalidKey = "invalid_key", 400, "Not a usable public key";
    /// A signature that doesn't verify.
    InvalidSignature = "invalid_signature", 400, "The signature does not verify";
    /// No token, or none that this daemon issued.
    Unauthorized = "unauthorized", 401, "A token is needed";
    /// Unknown user, wrong key, expired or used nonce: one answer for all.
    AuthFailed = "auth_failed", 401, "Authentication failed";
    /// The token's time is over, or it was revoked.
    TokenExpired = "token_expired", 401, "The token is no longer valid";
    /// Not this user's to do.
    Forbidden = "forbidden", 403, "Not allowed";
    /// Registration is by invite here.
    InviteRequired = "invite_required", 403, "An invite is needed";
    /// Unknown, used up, expired or revoked invite.
    InviteInvalid = "invite_invalid", 403, "The invite is not valid";
    /// Nobody new can register.
    RegistrationClosed = "registration_closed", 403, "Registration is closed";
    /// The handle belongs to another identity key.
    IdentityMismatch = "identity_mismatch", 409, "The handle is taken";
    /// What is asked for can't be told apart, or done as things stand. To operators only.
    Conflict = "conflict", 409, "Conflict";
    /// Nothing is at this path.
    NotFound = "not_found", 404, "Not found";
    /// No such account.
    UserNotFound = "user_not_found", 404, "No such user";
    /// The path exists, but not for this method.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// More bytes than are taken here.
    PayloadTooLarge = "payload_too_large", 413, "Too large";
    /// The recipient's queue has no room.
    QueueFull = "queue_full", 429, "The queue is full";
    /// The disk has no room for new messages.
    StorageFull = "storage_full", 507, "The server's storage is full";
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// The account is suspended.
    Suspended = "suspended", 403, "The account is suspended";
    /// Call history is off here.
    HistoryDisabled = "history_disabled", 404, "Call history is off";
    /// The body isn't of a type that is read here.
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type";
    /// The daemon is serving as many as it can.
    Capacity = "capacity", 503, "At capacity";
    /// The request took longer to arrive than it may.
    RequestTimeout = "request_timeout", 408, "The request took too long";
    /// The callee isn't connected.
    Offline = "offline", 404, "The callee is not connected";
    /// The callee can't take another call.
    Busy = "busy", 409, "The callee is busy";
    /// The callee doesn't take calls from this user.
    NotAllowed = "not_allowed", 403, "Calls to this user are not allowed";
    /// Each called the other; the existing call is named.
    Glare = "glare", 409, "The other side is already calling";
    /// The call isn't in a state for this.
    WrongState = "wrong_state", 409, "The call is in another state";
    /// The call is over.
    CallEnded = "call_ended", 410, "The call has ended";
    /// A fault of the daemon's own.
    Internal = "internal", 500, "Internal error";
}

/// The body of an HTTP error, `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says it all.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here and what to do about it; never a key, hash, token or payload.
    pub detail: String,
    /// The stable code.
    pub code: Code,
    /// The id of the request, also in `X-Request-Id`.
    pub request_id: String,
    /// Seconds until a retry makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The members that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// A wait as `retry_after` says it: whole seconds, rounded up, so that nobody comes back too early.
pub fn retry_after_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// One member that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// The path to it.
    pub field: String,
    /// What was expected.
    pub detail: String,
}

impl FieldProblem {
    /// That `field` isn't what `detail` says is expected.
    pub fn new(field: &str, detail: &str) -> Self {
        Self {
            field: field.to_owned(),
            detail: detail.to_owned(),
        }
    }
}

impl Problem {
    /// The problem `code` with its explanation, in answer to request `request_id`.
    pub fn new(code: Code, detail: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: request_id.into(),
            retry_after: None,
            errors: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_as_it_is_named() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.status()));
        }
    }

    #[test]
    fn a_problem_leaves_out_what_it_has_not() {
        let problem = Problem::new(Code::NotFound, "nothing is here", "r1");
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"type":"about:blank","title":"Not found","status":404,"detail":"nothing is here","code":"not_found","request_id":"r1"}"#
        );
    }
}
