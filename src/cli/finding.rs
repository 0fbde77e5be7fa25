//! What a check found: one line, and below it what mends it.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;

use super::words::hanging;
use crate::base::Trouble;

/// What a check is about, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Group {
    Clock,
    Config,
    Database,
    Disk,
    Files,
    Unit,
    Http,
    Tunnel,
    Public,
    Relay,
    Outside,
    Push,
    Tls,
    Upgrade,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    /// As it should, or there is nothing to check.
    Ok,
    /// It works, and something should be seen to.
    Warn,
    /// It doesn't work.
    Fail,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) group: Group,
    pub(super) outcome: Outcome,
    pub(super) sentence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<Trouble>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fix: Option<String>,
}

impl Finding {
    /// All is well, or there is nothing to check.
    pub(super) fn ok(group: Group, sentence: impl Into<String>) -> Self {
        Self {
            group,
            outcome: Outcome::Ok,
            sentence: sentence.into(),
            code: None,
            fix: None,
        }
    }

    /// Something should be seen to.
    pub(super) fn warn(group: Group, trouble: Trouble, sentence: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Warn,
            code: Some(trouble),
            fix: Some(trouble.fix().to_owned()),
            ..Self::ok(group, sentence)
        }
    }

    /// Something doesn't work.
    pub(super) fn fail(group: Group, trouble: Trouble, sentence: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Fail,
            ..Self::warn(group, trouble, sentence)
        }
    }

    /// The same with another way out than the catalogue's.
    pub(super) fn mended_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Where sentences begin.
const INDENT: usize = 16;

/// A line for each, wrapped for a terminal.
pub(super) fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let outcome = match finding.outcome {
            Outcome::Ok => "ok",
            Outcome::Warn => "warn",
            Outcome::Fail => "fail",
        };
        let name = finding.group.to_possible_value();
        let name = name.as_ref().map_or("", |value| value.get_name());
        let mut sentence = finding.sentence.clone();
        if let Some(code) = finding.code {
            let _ = write!(sentence, "  {code}");
        }
        let _ = writeln!(
            text,
            "{outcome:<4}  {name:<8}  {}",
            hanging(&sentence, INDENT)
        );
        if let Some(fix) = &finding.fix {
            let _ = writeln!(
                text,
                "{:INDENT$}{}",
                "",
                hanging(&format!("fix: {fix}"), INDENT)
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_its_code_and_its_fix_below() {
        let finding = Finding::fail(Group::Relay, Trouble::RelayOff, "switched off");
        let text = lines(&[Finding::ok(Group::Clock, "right"), finding]);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("ok    clock     right"));
        assert_eq!(
            lines.next(),
            Some("fail  relay     switched off  PC-TRN-01")
        );
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("                fix: set turn.enabled")
        );
    }

    #[test]
    fn no_line_is_longer_than_a_terminal() {
        for trouble in Trouble::ALL {
            let finding = Finding::warn(Group::Database, *trouble, trouble.cause());
            let text = lines(&[finding]);
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
        }
    }
}
