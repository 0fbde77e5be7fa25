//! How long the certificate of the media relay is good for.

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::when::date;
use crate::cli::words::many;

/// Days before its end at which somebody should look.
const SOON: u64 = 14;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let near = match scene.needs_daemon(Group::Tls) {
        Ok(near) => near,
        Err(finding) => return finding,
    };
    let Some(ends) = near.status.certificate_ends else {
        return vec![Finding::ok(Group::Tls, "no TLS door for calls")];
    };
    let days = ends.since(scene.now).as_secs() / 86_400;
    let sentence = format!("{} left, until {}", many(days, "day"), date(ends));
    vec![if ends <= scene.now {
        Finding::fail(
            Group::Tls,
            Trouble::CertificateEnds,
            format!("ended {}", date(ends)),
        )
    } else if days < SOON {
        Finding::warn(Group::Tls, Trouble::CertificateEnds, sentence)
    } else {
        Finding::ok(Group::Tls, sentence)
    }]
}
