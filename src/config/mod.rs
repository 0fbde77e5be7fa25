//! What the operator may set: one struct per room, checked once, unknown keys refused.
//!
//! A value comes from the first of flag, environment, file and default that has it; [`Layers`]
//! holds them and [`Layers::load`] makes a [`Config`] of them, or says everything that is wrong.
//! Whoever holds a `Config` needs to check nothing again. Secrets never stand in it.
//!
//! The sections are written with one macro, `key::section`, from which the structs, their
//! defaults, the loading, `config show` and [`example()`] all come: a key can't be in only one.

mod change;
mod edit;
mod environment;
mod example;
mod file;
mod key;
mod kind;
mod layers;
mod nearest;
mod problem;
mod relay_url;
mod sections;
mod value;

pub use change::Change;
pub use edit::{Edit, EditError, RENAMES, Rename};
pub use example::example;
pub use key::Reload;
pub use kind::duration;
pub use layers::{Entry, Layers, Loaded};
pub use problem::{ConfigError, Fault, Problem, Source};
pub use relay_url::{InvalidRelayUrl, RelayScheme, RelayTransport, RelayUrl};
pub use sections::{
    Auth, Backup, CallPolicy, Calls, Config, Limits, ListenAddress, LogFormat, LogLevel, Messages,
    Presence, Push, Rate, Registration, RegistrationMode, RelayChannels, RelayReach, Server, Store,
    Telemetry, Turn,
};
pub use value::Value;
