//! Logs and metrics: what the daemon says about itself, and about nobody else.

mod journal;
mod logs;
mod metrics;
mod panics;

pub use logs::{Colours, Logs, TelemetryError, start};
pub use metrics::{Family, Format, Metrics, Source};
pub use panics::log_panics;
