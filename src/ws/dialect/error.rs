//! The stable code of a refused step in a call, the same for both dialects.

use crate::calls::Refusal;
use crate::wire::Code;
use crate::wire::code::retry_after_seconds;

/// The code.
pub(super) const fn code(refusal: Refusal) -> Code {
    match refusal {
        Refusal::NotAllowed => Code::NotAllowed,
        Refusal::Offline => Code::Offline,
        Refusal::Busy => Code::Busy,
        Refusal::Glare(_) => Code::Glare,
        Refusal::RateLimited(_) | Refusal::TooMany => Code::RateLimited,
        Refusal::Capacity => Code::Capacity,
        Refusal::NotFound => Code::NotFound,
        Refusal::WrongRole | Refusal::WrongState => Code::WrongState,
        Refusal::TooLarge { .. } => Code::PayloadTooLarge,
        Refusal::Ended(_) => Code::CallEnded,
    }
}

/// Seconds until a retry makes sense, where that is known.
pub(super) fn retry_after(refusal: Refusal) -> Option<u64> {
    match refusal {
        Refusal::RateLimited(wait) => Some(retry_after_seconds(wait)),
        _ => None,
    }
}
