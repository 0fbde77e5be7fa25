//! What the disk gives to somebody who only appends and syncs.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long each loop runs.
const LONG: Duration = Duration::from_secs(1);

/// Appends `bytes` and syncs, over and over: how often a second.
pub(crate) fn syncs_per_second(dir: &Path, bytes: usize) -> Outcome<f64> {
    let mut file = File::create(dir.join("appended"))?;
    let mut block = vec![0; bytes];
    getrandom::fill(&mut block)?;
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < LONG {
        file.write_all(&block)?;
        file.sync_data()?;
        count += 1;
    }
    let rate = f64::from(count) / start.elapsed().as_secs_f64();
    std::fs::remove_file(dir.join("appended"))?;
    Ok(rate)
}
