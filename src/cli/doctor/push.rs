//! Notifications.

use super::Scene;
use crate::cli::finding::{Finding, Group};

pub(super) fn check(_: &Scene<'_>) -> Vec<Finding> {
    vec![Finding::ok(
        Group::Push,
        "this version sends no notifications",
    )]
}
