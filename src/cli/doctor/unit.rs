//! Limits: asked for and got.

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(near) = &scene.daemon else {
        return absent(scene);
    };
    let needed = near.here.descriptors_needed;
    vec![match near.here.descriptors {
        Some(got) if got < needed => {
            let sentence = format!("{got} open files allowed, {needed} needed at the limits");
            Finding::warn(Group::Unit, Trouble::LimitsLow, sentence)
        }
        Some(got) => Finding::ok(Group::Unit, format!("running, {got} open files allowed")),
        None => Finding::ok(Group::Unit, "running, any number of open files allowed"),
    }]
}

/// The daemon should run, and can't be asked.
fn absent(scene: &Scene<'_>) -> Vec<Finding> {
    let absence = scene.absence.as_ref();
    let fail =
        |(trouble, why): &(Trouble, String)| Finding::fail(Group::Unit, *trouble, why.clone());
    absence.map(fail).into_iter().collect()
}
