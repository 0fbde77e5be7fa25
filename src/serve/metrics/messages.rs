//! Messages, from their senders to their recipients.

use super::known;
use crate::base::Timestamp;
use crate::messenger::Figures;
use crate::store::{Backlog, Figures as Stored, Work};
use crate::telemetry::Family;

pub(super) fn families(
    used: &Figures,
    work: &Work,
    stored: Option<&Stored>,
    backlog: Backlog,
    now: Timestamp,
) -> Vec<Family> {
    let mut families = outcomes(used, work);
    families.extend(waiting(stored, backlog, now));
    families
}

fn outcomes(used: &Figures, work: &Work) -> Vec<Family> {
    vec![
        Family::counter(
            "privcomm_messages_accepted_total",
            "Messages taken: live went straight to the recipient, queued waits for them, dropped is \
             from somebody whom the recipient blocked.",
        )
        .by("way", used.accepted.clone()),
        Family::counter(
            "privcomm_messages_repeated_total",
            "Messages handed in again that were taken before; not among the accepted.",
        )
        .is(used.repeated),
        Family::counter(
            "privcomm_messages_refused_total",
            "Messages refused, by error code; not among the accepted.",
        )
        .by("code", used.refused.clone()),
        Family::counter(
            "privcomm_messages_delivered_total",
            "Messages that their recipients acknowledged.",
        )
        .is(used.delivered),
        Family::counter(
            "privcomm_messages_spared_total",
            "Delivered messages that were acknowledged before they had to be written.",
        )
        .is(used.spared),
        Family::counter(
            "privcomm_messages_expired_total",
            "Messages deleted because nobody came for them within the retention.",
        )
        .is(work.expired),
        Family::counter(
            "privcomm_messages_unwritten_total",
            "Accepted messages that could not be written; their senders were told.",
        )
        .is(work.failed_writes),
    ]
}

fn waiting(stored: Option<&Stored>, backlog: Backlog, now: Timestamp) -> Vec<Family> {
    let age = stored.map(|stored| {
        let oldest = stored.oldest_message;
        oldest.map_or(0, |accepted| now.since(accepted).as_secs())
    });
    vec![
        known(
            Family::gauge(
                "privcomm_queue_messages",
                "Messages in the database that wait for their recipients.",
            ),
            stored.map(|stored| stored.queued_messages),
        ),
        known(
            Family::gauge(
                "privcomm_queue_oldest_age_seconds",
                "How long the oldest of them has waited; 0 when none waits.",
            ),
            age,
        ),
        Family::gauge(
            "privcomm_pending_messages",
            "Messages in memory on their way to the database.",
        )
        .is(backlog.messages),
        Family::gauge("privcomm_pending_bytes", "Payload of those messages.").is(backlog.bytes),
    ]
}
