//! A panic in the log: one line, like everything else there.

use std::panic;

use crate::base::task::words_of_panic;

/// Has panics logged from now on, instead of the text for programmers on stderr. Whoever catches one
/// says what it means for the work that was under way.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let said = words_of_panic(panic.payload());
        let place = panic.location().map_or_else(String::new, |place| {
            let file = place.file().rsplit('/').next().unwrap_or_default();
            format!(" at {file}:{}", place.line())
        });
        tracing::error!("a panic{place}: {said}");
    }));
}
