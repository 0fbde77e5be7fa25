//! What `run` needs of whatever it runs.

use std::time::Duration;

use super::banner::Notice;
use super::error::ServeError;
use super::systemd::Pulse;
use crate::config::Config;

/// Something that runs until it is stopped.
pub(super) trait Supervised {
    /// What is to be told of it.
    fn notice(&self) -> Notice<'_>;

    /// Where it listens, in a sentence.
    fn summary(&self) -> String;

    /// Takes up what needs no restart.
    async fn reload(&mut self, config: &Config) -> Result<(), ServeError>;

    /// Has `report` hear every `period`, for ever, how a round trip through what it can't do
    /// without went.
    async fn feel_pulse(&self, period: Duration, report: impl Fn(Pulse));

    /// Resolves when a part of it failed and the rest must stop.
    async fn failed(&self);

    /// Stops it in order.
    async fn stop(self) -> Result<(), ServeError>;
}
