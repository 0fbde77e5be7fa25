//! How many connections there may be at once, of every kind together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for connections. Cheap to clone; every clone counts the same places.
#[derive(Debug, Clone)]
pub struct Capacity {
    places: Arc<Semaphore>,
    total: usize,
}

/// One place; dropping it frees the place. It moves along when a connection changes its protocol.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Capacity {
    /// So many places.
    pub fn new(total: usize) -> Self {
        let total = total.min(Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(total)),
            total,
        }
    }

    /// A place, unless all are taken.
    pub fn admit(&self) -> Option<Permit> {
        self.places.clone().try_acquire_owned().ok().map(Permit)
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.total.saturating_sub(self.places.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_permit_is_dropped() {
        let capacity = Capacity::new(2);
        let (first, second) = (capacity.admit(), capacity.admit());
        assert!(first.is_some() && second.is_some() && capacity.admit().is_none());
        assert_eq!(capacity.taken(), 2);
        drop(first);
        assert_eq!(capacity.taken(), 1);
        assert!(capacity.clone().admit().is_some());
    }

    #[test]
    fn no_places_admit_nobody() {
        assert!(Capacity::new(0).admit().is_none());
        assert!(Capacity::new(usize::MAX).admit().is_some());
    }
}
