//! What a damaged file must not do: end the process.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::StoreError;

/// What `work` gives. The database trusts the pages that it reads: over ones that hold what it never
/// wrote it may panic, and that is damage like any other.
pub(super) fn found_by<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    // Nothing that was under way is used again: whoever hears of damage lets go of the database.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreError::Damaged("it holds what nothing writes".into())))
}
