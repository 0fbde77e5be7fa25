//! The handlers: each reads, calls one use case, and answers.

pub(super) mod audit;
pub(super) mod backup;
pub(super) mod invites;
pub(super) mod metrics;
pub(super) mod outside;
pub(super) mod push;
pub(super) mod status;
pub(super) mod tokens;
pub(super) mod turn;
pub(super) mod users;
