//! What the operator may set: one struct per room, checked once, unknown keys refused.

mod sections;

pub use sections::{
    Auth, CallPolicy, Calls, Config, Limits, ListenAddress, LogFormat, LogLevel, Messages, Rate,
    Registration, RegistrationMode, Server, Store, Telemetry, Turn,
};
