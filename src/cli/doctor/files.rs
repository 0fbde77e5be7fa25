//! Modes and owners in the state directory.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::store::DATABASE_FILE;

/// Files with secrets or what members say to whom.
const PRIVATE: [&str; 2] = ["secrets.toml", DATABASE_FILE];

/// What is nobody else's.
const OTHERS: u32 = 0o077;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(state) = &scene.state else {
        return vec![Finding::ok(Group::Files, "not checked: no state directory")];
    };
    match examine(state) {
        Ok(wrong) if wrong.is_empty() => {
            let sentence = format!("{} is its owner's alone", state.display());
            vec![Finding::ok(Group::Files, sentence)]
        }
        Ok(wrong) => wrong
            .into_iter()
            .map(|(sentence, fix)| {
                Finding::fail(Group::Files, Trouble::FileModes, sentence).mended_by(fix)
            })
            .collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            vec![Finding::ok(
                Group::Files,
                format!("{} is not there yet", state.display()),
            )]
        }
        Err(error) => {
            let sentence = format!("not checked: {}: {error}", state.display());
            vec![Finding::ok(Group::Files, sentence)]
        }
    }
}

/// Each file that is wrong, with what mends it.
fn examine(state: &Path) -> std::io::Result<Vec<(String, String)>> {
    let directory = fs::metadata(state)?;
    let mut wrong = Vec::new();
    if directory.mode() & OTHERS != 0 {
        let path = state.display();
        wrong.push((
            format!("{path} is open to others"),
            format!("chmod 700 {path}"),
        ));
    }
    for entry in fs::read_dir(state)? {
        let entry = entry?;
        let (file, path) = (entry.metadata()?, entry.path());
        let path = path.display();
        let is_private = PRIVATE.iter().any(|name| entry.file_name() == *name);
        if is_private && file.mode() & OTHERS != 0 {
            wrong.push((
                format!("{path} can be read by others"),
                format!("chmod 600 {path}"),
            ));
        }
        if file.uid() != directory.uid() {
            let owner = directory.uid();
            wrong.push((
                format!("{path} is another user's"),
                format!("chown {owner} {path}"),
            ));
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_others_can_read_is_named() {
        let state = tempfile::tempdir().unwrap();
        fs::set_permissions(state.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let secrets = state.path().join("secrets.toml");
        fs::write(&secrets, "").unwrap();
        let mode = |mode| fs::set_permissions(&secrets, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        assert_eq!(examine(state.path()).unwrap(), []);
        mode(0o640);
        let wrong = examine(state.path()).unwrap();
        assert!(matches!(&wrong[..], [(_, fix)] if fix.starts_with("chmod 600 ")));
    }
}
