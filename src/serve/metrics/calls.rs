//! Calls: signaling only. What is said goes over the relay.

use crate::messenger::Figures;
use crate::telemetry::Family;

pub(super) fn families(used: &Figures) -> Vec<Family> {
    let calls = &used.calls;
    let now = [("ringing", calls.ringing), ("connected", calls.connected)];
    let now = now.map(|(state, count)| (state, count as u64));
    let ended = [
        ("hangup", calls.hangup),
        ("rejected", calls.rejected),
        ("timeout", calls.timeout),
        ("error", calls.error),
    ];
    let refused = [
        ("not_allowed", calls.refused.not_allowed),
        ("offline", calls.refused.offline),
        ("busy", calls.refused.busy),
        ("glare", calls.refused.glare),
        ("rate_limited", calls.refused.rate_limited),
        ("capacity", calls.refused.capacity),
    ];
    vec![
        Family::gauge("privcomm_calls", "Calls now.").by("state", now),
        Family::counter("privcomm_calls_started_total", "Calls that rang.").is(calls.started),
        Family::counter("privcomm_calls_answered_total", "Calls that were answered.")
            .is(calls.answered),
        Family::counter(
            "privcomm_calls_ended_total",
            "Calls that ended: hung up, rejected, rung in vain, or a party was lost.",
        )
        .by("reason", ended),
        Family::counter(
            "privcomm_calls_refused_total",
            "Calls that were refused before they rang.",
        )
        .by("reason", refused),
        Family::histogram(
            "privcomm_call_answer_seconds",
            "How long answered calls rang.",
        )
        .spread_of_micros(&[], used.answer_times.clone()),
    ]
}
