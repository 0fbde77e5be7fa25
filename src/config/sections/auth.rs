//! `[auth]`

use std::time::Duration;

use super::{minutes, seconds};
use crate::config::key::section;
use crate::config::kind::Span;

section! {
    /// Tokens.
    [auth] Auth {
        /// How long a token lives; at most 30 minutes. A stolen token is of use for so long, and
        /// clients renew theirs as often.
        token_ttl: Duration = minutes(5), Span(seconds(1)..=minutes(30));
    }
}
