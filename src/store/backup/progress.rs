//! How far long work is.

use std::fmt;

/// Rows between two reports.
const EVERY: u64 = 1024;

/// Tells somebody how far long work is, now and then.
pub struct Progress<'a> {
    done: u64,
    total: u64,
    report: Option<&'a mut dyn FnMut(u64, u64)>,
}

impl<'a> Progress<'a> {
    /// Nobody wants to know.
    pub fn silent() -> Self {
        Self {
            done: 0,
            total: 0,
            report: None,
        }
    }

    /// Calls `report` with what is done and with the total, which is 0 where nobody knows it.
    pub fn to(report: &'a mut dyn FnMut(u64, u64)) -> Self {
        Self {
            report: Some(report),
            ..Self::silent()
        }
    }

    /// So much is to do, from now on.
    pub(in crate::store) fn expect(&mut self, total: u64) {
        (self.done, self.total) = (0, total);
    }

    /// One more is done.
    pub(in crate::store) fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(EVERY)
            && let Some(report) = &mut self.report
        {
            report(self.done, self.total);
        }
    }
}

impl fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({} of {})", self.done, self.total)
    }
}
