//! What `serve` knows of the daemon's own work, told anew at every question.

use std::fmt;
use std::sync::Arc;

use crate::base::Timestamp;
use crate::wire::admin::JobReport;

/// How the daemon's own work stands.
#[derive(Debug, Clone, Default)]
pub struct Moving {
    /// Every maintenance job.
    pub jobs: Vec<JobReport>,
    /// When the whole configuration was last read.
    pub configured_at: Timestamp,
}

/// Tells it. Cheap to clone.
#[derive(Clone)]
pub struct Teller(Arc<dyn Fn() -> Moving + Send + Sync>);

impl Teller {
    /// One that asks `tell`, which must not block.
    pub fn new(tell: impl Fn() -> Moving + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// How it stands now.
    pub(super) fn tell(&self) -> Moving {
        (self.0)()
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}
