//! Whether the configuration is right, and the one that the daemon has.

use std::fs;
use std::time::UNIX_EPOCH;

use super::Scene;
use crate::base::{Timestamp, Trouble};
use crate::cli::exit::CliError;
use crate::cli::finding::{Finding, Group};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = match &scene.loaded {
        Ok(_) => vec![Finding::ok(Group::Config, subject(scene))],
        Err(CliError::Config(error)) => {
            let problems = error.problems().iter().map(ToString::to_string);
            let fail = |said| Finding::fail(Group::Config, Trouble::Configuration, said);
            problems.map(fail).collect()
        }
        Err(error) => vec![Finding::fail(
            Group::Config,
            Trouble::Configuration,
            error.to_string(),
        )],
    };
    if let (Some(changed), Some(near)) = (changed(scene), &scene.daemon)
        && changed > near.here.configured_at
    {
        let sentence = "the file was changed, and the daemon has not taken up all of it";
        findings.push(Finding::warn(
            Group::Config,
            Trouble::ConfigUnread,
            sentence,
        ));
    }
    findings
}

fn subject(scene: &Scene<'_>) -> String {
    scene.running.file().map_or_else(
        || "no file; environment, flags and defaults are right".to_owned(),
        |path| format!("{} is right", path.display()),
    )
}

fn changed(scene: &Scene<'_>) -> Option<Timestamp> {
    let changed = fs::metadata(scene.running.file()?).ok()?.modified().ok()?;
    let since = changed.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(
        u64::try_from(since.as_millis()).ok()?,
    ))
}
