//! How far long work is, on one line of the terminal that goes when the work is done.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::output::Output;
use crate::store::backup::Progress;

/// Often enough to be believed.
const EVERY: Duration = Duration::from_millis(100);

/// Does `work`, and shows how far it is where somebody is there to see it.
pub(super) fn shown<T>(
    output: &Output,
    what: &str,
    work: impl FnOnce(&mut Progress<'_>) -> T,
) -> T {
    if output.is_json() || output.is_quiet() || !io::stderr().is_terminal() {
        return work(&mut Progress::silent());
    }
    let mut last = Instant::now();
    let mut report = |done: u64, total: u64| {
        if last.elapsed() >= EVERY {
            last = Instant::now();
            let _ = write!(io::stderr(), "\r{}\x1b[K", line(what, done, total));
        }
    };
    let outcome = work(&mut Progress::to(&mut report));
    let _ = write!(io::stderr(), "\r\x1b[K");
    outcome
}

fn line(what: &str, done: u64, total: u64) -> String {
    match (done * 100).checked_div(total) {
        Some(percent) => format!("{what}: {percent} % of {total} rows"),
        None => format!("{what}: {done} rows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_where_the_whole_is_known() {
        assert_eq!(line("backup", 50, 200), "backup: 25 % of 200 rows");
        assert_eq!(line("restore", 50, 0), "restore: 50 rows");
    }
}
