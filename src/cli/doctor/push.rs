//! Notifications: whether they can be sent, and whether services took them.

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::wire::push::PushState;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let near = match scene.needs_daemon(Group::Push) {
        Ok(near) => near,
        Err(finding) => return finding,
    };
    match near.line.get::<PushState>("/v1/push") {
        Ok(state) => judge(&state),
        Err(error) => vec![Finding::fail(
            Group::Push,
            error.trouble(),
            error.to_string(),
        )],
    }
}

fn judge(state: &PushState) -> Vec<Finding> {
    if !state.enabled {
        return vec![Finding::ok(Group::Push, "off: push.enabled is false")];
    }
    let figures = format!(
        "on, {} subscribed devices; since the start {} taken, {} given up",
        state.subscriptions, state.sent, state.failed
    );
    let mut findings = vec![if state.failed > state.sent {
        Finding::warn(Group::Push, Trouble::PushFailing, figures)
    } else {
        Finding::ok(Group::Push, figures)
    }];
    if state.subject.is_none() {
        let sentence = "server.public_url is not an https address";
        findings.push(Finding::warn(Group::Push, Trouble::PushNameless, sentence));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Outcome;

    #[test]
    fn a_warning_says_what_should_be_seen_to() {
        let on = PushState {
            enabled: true,
            vapid_key: Some("BA==".to_owned()),
            subject: Some("https://chat.example.org".to_owned()),
            subscriptions: 2,
            sent: 5,
            failed: 1,
        };
        let codes = |state: &PushState| -> Vec<_> {
            let warned = judge(state).into_iter();
            warned
                .filter(|it| it.outcome != Outcome::Ok)
                .map(|it| it.code)
                .collect()
        };
        assert_eq!(codes(&on), []);
        let failing = PushState {
            failed: 6,
            ..on.clone()
        };
        assert_eq!(codes(&failing), [Some(Trouble::PushFailing)]);
        let nameless = PushState {
            subject: None,
            ..on.clone()
        };
        assert_eq!(codes(&nameless), [Some(Trouble::PushNameless)]);
        let off = PushState {
            enabled: false,
            subject: None,
            ..on
        };
        assert_eq!(codes(&off), []);
    }
}
