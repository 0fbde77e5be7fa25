//! Floor 3: wakes devices whose owners aren't connected, by the push services of browsers and
//! distributors (RFC 8030, RFC 8292, UnifiedPush).
//!
//! What a push says is that there is something to fetch, and nothing else: it has no content, so none
//! has to be encrypted. Where it goes a stranger wrote, so this room trusts no address: only https, only
//! hosts that are allowed, only addresses that are outside, no redirects, and little patience.
//!
//! | file | what it holds |
//! |---|---|
//! | `endpoint` | where a device is woken, read strictly |
//! | `reach` | which hosts and addresses may be asked |
//! | `vapid` | the key that says who asks |
//! | `service` | one request to a push service |
//! | `wakes` | whom to wake: once in a while, and not all of them at any price |
//! | `courier` | works through all that, and tries again where that may help |

mod courier;
mod endpoint;
mod error;
mod figures;
mod reach;
mod service;
#[cfg(test)]
mod tests;
mod vapid;
mod wakes;

pub use courier::{Book, Push, Settings};
pub use endpoint::{Endpoint, InvalidEndpoint, LONGEST_ENDPOINT};
pub use error::PushError;
pub use figures::Figures;
pub use reach::Reach;
pub use service::{Connection, Platform, Secure, Sent, Subscription};
pub use vapid::{InvalidVapidKey, VapidKey};
