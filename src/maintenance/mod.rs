//! Floor 5: the clock's door. Jobs that nobody asks for: each is a `run(now)` that reports what it
//! did, and a schedule that isn't quite regular, so that jobs don't fall together. How each went
//! last is kept for whoever asks.

mod backup;
mod compaction;
mod job;
mod memory;
mod retention;

pub use backup::DailyBackup;
pub use compaction::CompactionHint;
pub use job::{Job, JobError, JobStatus, Jobs, Outcome, Report};
pub use memory::Memory;
pub use retention::Retention;
