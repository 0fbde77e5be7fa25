//! What tests stand on: a daemon, people who use it, and the bytes between them.

mod appliance;
mod http;
mod person;
mod process;
mod raw;
mod socket;
mod turn;

use std::fmt::Write as _;
use std::time::Duration;

pub(crate) use appliance::{Appliance, Setup};
pub(crate) use http::{Answer, Place};
pub(crate) use person::{Person, fresh_prekeys, unbase64};
pub(crate) use process::Process;
pub(crate) use raw::{RawSocket, opcode};
pub(crate) use socket::{Heard, Socket, text_of};
pub(crate) use turn::{TurnClient, told};

/// How long the daemon may be silent before a test gives up on it. Far beyond what it needs, for
/// many tests share a small machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What `future` gives, unless it takes longer than anybody would wait.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("{what}: nothing in {PATIENCE:?}"))
}

/// A random id.
pub(crate) fn fresh_id() -> String {
    privcomm::base::MessageId::random().to_string()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// Standard base64.
pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
