//! Who may use the socket.
//!
//! The system decides when somebody connects: the socket's mode lets its owner and its group in, by
//! every group that a process is in. `SO_PEERCRED` (unix(7)) tells less: of the groups only the
//! effective one, and in a user namespace of one's own most ids read as 65534. So the system's word
//! is taken as long as the mode still shuts all others out; once somebody has opened it to them, only
//! those are believed whom the credentials name.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::process::geteuid;

use crate::net::Process;

/// The permission bits of those who are neither owner nor group.
const OTHERS: u32 = 0o007;

/// What is known of the operators.
#[derive(Debug)]
pub(super) struct Operators {
    socket: PathBuf,
    /// The user that the daemon runs as.
    own: u32,
    /// The group that the socket was made with.
    group: u32,
}

impl Operators {
    /// Those of a socket that was just bound.
    pub(super) fn of(socket: PathBuf) -> io::Result<Self> {
        Ok(Self {
            own: geteuid().as_raw(),
            group: fs::symlink_metadata(&socket)?.gid(),
            socket,
        })
    }

    /// Whether this process, which has got through to the socket, is an operator's.
    pub(super) fn include(&self, process: Option<Process>) -> bool {
        self.shuts_others_out() || process.is_some_and(|process| self.name(process))
    }

    /// Whether the file still lets in only those it let in at first.
    fn shuts_others_out(&self) -> bool {
        fs::symlink_metadata(&self.socket)
            .is_ok_and(|file| file.mode() & OTHERS == 0 && file.gid() == self.group)
    }

    fn name(&self, process: Process) -> bool {
        process.uid == 0 || process.uid == self.own || process.gid == self.group
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const STRANGER: Process = Process {
        uid: 65_534,
        gid: 65_534,
    };

    #[test]
    fn the_systems_word_counts_until_the_mode_is_loosened() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("admin.sock");
        fs::write(&socket, "").unwrap();
        let set = |mode| fs::set_permissions(&socket, fs::Permissions::from_mode(mode)).unwrap();
        set(0o660);
        let operators = Operators::of(socket.clone()).unwrap();
        assert!(operators.include(Some(STRANGER)) && operators.include(None));
        set(0o666);
        assert!(!operators.include(Some(STRANGER)) && !operators.include(None));
        let group = operators.group;
        for process in [
            Process { uid: 0, ..STRANGER },
            Process {
                uid: operators.own,
                ..STRANGER
            },
            Process {
                gid: group,
                ..STRANGER
            },
        ] {
            assert!(operators.include(Some(process)), "{process:?}");
        }
        fs::remove_file(&socket).unwrap();
        assert!(!operators.include(Some(STRANGER)));
    }
}
