//! `[store]`

use std::path::PathBuf;
use std::time::Duration;

use super::{MIB, TIB, millis, seconds};
use crate::config::key::section;
use crate::config::kind::{AbsolutePath, Bytes, Optional, Span};

section! {
    /// The database.
    [store] Store {
        /// The state directory, with the database and the secrets. Empty: $STATE_DIRECTORY under
        /// systemd, else $XDG_STATE_HOME/privcomm, else ~/.local/state/privcomm.
        path: Option<PathBuf> = None, Optional(AbsolutePath);

        /// Memory for pages of the database.
        cache: u64 = 64 * MIB, Bytes(MIB..=TIB);

        /// How long a message to somebody online may wait for the acknowledgement that spares
        /// writing it. Longer spares more writes and answers senders later.
        commit_delay: Duration = millis(5), Span(Duration::ZERO..=seconds(1));

        /// With less free disk than this, new messages are refused; delivery and deletion go on.
        disk_floor: u64 = 256 * MIB, Bytes(MIB..=TIB);
    }
}
