//! `[presence]`

use std::time::Duration;

use super::{millis, minutes, seconds};
use crate::config::key::section;
use crate::config::kind::{Span, Switch};

section! {
    /// "Available" in the contact lists of members.
    [presence] Presence {
        /// Whether members who allow each other may see that the other is there. Each of the two has
        /// to switch it on for themselves as well.
        enabled: bool = false, Switch;

        /// How long somebody must be connected before they are shown as there.
        arriving: Duration = seconds(3), Span(millis(100)..=minutes(1));

        /// How long somebody whose connection ended is still shown as there: a reconnect within that
        /// time shows nothing.
        leaving: Duration = seconds(10), Span(millis(100)..=minutes(10));
    }
}
