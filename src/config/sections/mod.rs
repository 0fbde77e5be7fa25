//! The sections of the configuration: one struct per room, each with its defaults.
//!
//! What is written above a field is what the operator reads in the example.

mod auth;
mod backup;
mod calls;
mod limits;
mod messages;
mod presence;
mod push;
mod registration;
mod server;
mod store;
mod telemetry;
mod turn;

use std::time::Duration;

pub use auth::Auth;
pub use backup::Backup;
pub use calls::{CallPolicy, Calls};
pub use limits::{Limits, Rate};
pub use messages::Messages;
pub use presence::Presence;
pub use push::Push;
pub use registration::{Registration, RegistrationMode};
pub use server::{ListenAddress, Server};
pub use store::Store;
pub use telemetry::{LogFormat, LogLevel, Telemetry};
pub use turn::{RelayChannels, RelayReach, Turn};

use super::key::sections;

sections! {
    /// Web, API and WebSocket.
    server: Server;
    /// Who may make an account.
    registration: Registration;
    /// Tokens.
    auth: Auth;
    /// What strangers and members may do, and how often.
    limits: Limits;
    /// Store and forward.
    messages: Messages;
    /// Notifications.
    push: Push;
    /// Call signaling.
    calls: Calls;
    /// Who sees that somebody is there.
    presence: Presence;
    /// The media relay.
    turn: Turn;
    /// The database.
    store: Store;
    /// Backups.
    backup: Backup;
    /// Logs and metrics.
    telemetry: Telemetry;
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const TIB: u64 = 1 << 40;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn minutes(count: u64) -> Duration {
    seconds(60 * count)
}

const fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

const fn days(count: u64) -> Duration {
    hours(24 * count)
}
