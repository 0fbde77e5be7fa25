//! The tunnel, as `privcomm tunnel check` has it.

use super::Scene;
use crate::cli::finding::Finding;
use crate::cli::tunnel::{Cloudflared, Target, host_of, judge, target_of};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let found = scene.runtime.block_on(Cloudflared::look(scene.metrics));
    let target = scene.daemon.as_ref().map_or_else(
        || {
            let server = scene.config().server;
            Target {
                host: server.public_url.as_deref().and_then(host_of),
                web: server.listen.iter().map(ToString::to_string).collect(),
            }
        },
        |near| target_of(&near.here),
    );
    judge(&found, &target)
}
