//! Floor 5: the clock's door. Jobs that nobody asks for: each is a `run(now)` that reports what it
//! did, and a schedule that isn't quite regular, so that jobs don't fall together.

mod retention;
mod schedule;

pub use retention::{Retention, Swept};
pub use schedule::every;
