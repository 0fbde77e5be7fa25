//! The secret that the relays of a community share.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::auth::TurnSecret;
use crate::serve::error::ServeError;

/// What anybody on the machine may do with a file: nothing, with this one.
const OTHERS: u32 = 0o007;

/// Reads `turn.secret_file`. One that everybody on the machine could read is no secret, and is
/// refused.
pub(super) fn read(path: &Path) -> Result<TurnSecret, ServeError> {
    let unreadable = |source| ServeError::TurnSecretUnreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(ServeError::TurnSecretShared(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(unreadable)?;
    TurnSecret::parse(&text).map_err(|source| ServeError::TurnSecret {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    fn file(text: &str, mode: u32) -> (TempDir, PathBuf) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    #[test]
    fn a_secret_is_for_its_owner_and_group() {
        for mode in [0o400, 0o600, 0o640] {
            let (_directory, path) = file("sixteenLetters!!\n", mode);
            assert_eq!(read(&path).unwrap().as_bytes(), b"sixteenLetters!!");
        }
        for mode in [0o604, 0o602, 0o601, 0o644] {
            let (_directory, path) = file("sixteenLetters!!\n", mode);
            let error = read(&path).unwrap_err();
            assert!(matches!(error, ServeError::TurnSecretShared(_)), "{mode:o}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_said_with_the_file_and_a_fix() {
        let (_directory, short) = file("too short", 0o600);
        let missing = short.with_extension("missing");
        for path in [short, missing] {
            let said = read(&path).unwrap_err().to_string();
            assert!(said.contains(&path.display().to_string()), "{said}");
            assert!(said.contains("fix:"), "{said}");
        }
    }
}
