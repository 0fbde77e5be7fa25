//! Logs: what the daemon says about itself, and about nobody else.

mod logs;

pub use logs::{Colours, Logs, TelemetryError, start};
