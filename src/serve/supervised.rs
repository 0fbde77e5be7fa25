//! What `run` needs of whatever it runs.

use super::banner::Notice;
use super::error::ServeError;

/// Something that runs until it is stopped.
pub(super) trait Supervised {
    /// What is to be told of it.
    fn notice(&self) -> Notice<'_>;

    /// Resolves when a part of it failed and the rest must stop.
    async fn failed(&self);

    /// Stops it in order.
    async fn stop(self) -> Result<(), ServeError>;
}
