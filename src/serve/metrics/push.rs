//! Notifications: how many, never whose.

use crate::push::Figures;
use crate::telemetry::Family;

pub(super) fn families(figures: &Figures) -> Vec<Family> {
    let outcomes = [
        ("taken", figures.sent),
        ("gone", figures.gone),
        ("failed", figures.failed),
        ("dropped", figures.dropped),
    ];
    vec![
        Family::counter(
            "privcomm_pushes_total",
            "Notifications, by what became of them: taken by a push service, for a subscription that \
             was gone, given up, or never tried because too many waited.",
        )
        .by("outcome", outcomes),
        Family::counter(
            "privcomm_pushes_retried_total",
            "Attempts put off because a push service had no time or was not reached.",
        )
        .is(figures.retried),
        Family::gauge("privcomm_pushes_waiting", "Members who wait to be notified.")
            .is(figures.waiting as u64),
    ]
}
