//! `[backup]`

use std::path::PathBuf;
use std::time::Duration;

use super::{days, minutes};
use crate::config::key::section;
use crate::config::kind::{AbsolutePath, Count, Optional, Span};

section! {
    /// Backups: the database, the secrets and this file in one file each. Keep copies elsewhere.
    [backup] Backup {
        /// Where backups are kept. Empty: none is made by itself; the ones you ask for, and the
        /// snapshots before upgrades, go to "backups" in the state directory.
        directory: Option<PathBuf> = None, Optional(AbsolutePath);

        /// How often a backup is made by itself, where there is a directory.
        every: Duration = days(1), Span(minutes(10)..=days(31));

        /// How many of the backups that were made by themselves are kept. Others are never deleted.
        keep: usize = 7, Count(1..=1000);
    }
}
