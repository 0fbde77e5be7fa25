//! The handlers: each reads, calls one use case, and answers.

pub(super) mod backup;
pub(super) mod metrics;
pub(super) mod status;
pub(super) mod turn;
