//! Members: who is there, who gets in, and what keys are left of them.

use super::known;
use crate::messenger::Figures;
use crate::store::Figures as Stored;
use crate::telemetry::Family;

/// `frames` sessions were ended for sending too many frames.
pub(super) fn families(used: &Figures, stored: Option<&Stored>, frames: u64) -> Vec<Family> {
    let mut limits = used.rate_limited.clone();
    limits.push(("calls", used.calls.refused.rate_limited));
    limits.push(("frames", frames));
    let mut families = vec![
        known(
            Family::gauge("privcomm_accounts", "Accounts, suspended ones included."),
            stored.map(|stored| stored.accounts),
        ),
        Family::gauge("privcomm_members_online", "Members with a session.").is(used.online),
        Family::counter("privcomm_sessions_total", "Sessions that members opened.")
            .is(used.sessions),
        Family::counter(
            "privcomm_rate_limited_total",
            "Requests refused for coming too often, by the limit under [limits] that refused; \
             token_account is limits.token by account.",
        )
        .by("limit", limits),
    ];
    families.extend(authentication(used));
    families.extend(registration(used));
    families
}

fn authentication(used: &Figures) -> Vec<Family> {
    vec![
        Family::counter(
            "privcomm_challenges_issued_total",
            "Nonces handed out to be signed.",
        )
        .is(used.challenges),
        Family::counter("privcomm_tokens_issued_total", "Logins that got a token.").is(used.tokens),
        Family::counter(
            "privcomm_logins_refused_total",
            "Logins refused, by error code.",
        )
        .by("code", used.logins_refused.clone()),
        Family::counter(
            "privcomm_tokens_refused_total",
            "Requests and sockets whose token was refused, by error code.",
        )
        .by("code", used.tokens_refused.clone()),
    ]
}

fn registration(used: &Figures) -> Vec<Family> {
    vec![
        Family::counter(
            "privcomm_registrations_total",
            "Registrations that were taken: a new account, one that stood already, or a new \
             identity for one.",
        )
        .by("outcome", used.registrations.clone()),
        Family::counter(
            "privcomm_registrations_refused_total",
            "Registrations refused, by error code.",
        )
        .by("code", used.registrations_refused.clone()),
        Family::counter(
            "privcomm_prekey_bundles_total",
            "Prekey bundles handed out: with a fresh one-time prekey, with the one that the same \
             asker just got, or without one because the member had none left.",
        )
        .by("prekey", used.bundles.clone()),
    ]
}
