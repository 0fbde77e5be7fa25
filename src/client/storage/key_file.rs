//! Where the store key is kept (E2EE.md §10.2): in a file for its owner alone, or in the same file
//! wrapped under a passphrase.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StorageError;
use crate::base::{Private, Secret, random};
use crate::e2ee::StoreKey;
use crate::wire::binary;

const FILE: &str = "store.key";
/// What the wrapped key is sealed as.
const NAME: &str = "store-key";
const VERSION: u8 = 1;

/// What the store key is wrapped under.
#[derive(Debug, Clone, Default)]
pub enum Passphrase {
    /// Nothing: whoever can read the file has the key.
    #[default]
    None,
    /// Argon2id of this.
    Some(Private<String>),
}

/// The store key of a directory; a new one is drawn and kept where there is none.
///
/// Takes a good part of a second where there is a passphrase.
pub fn unlock(directory: &Path, passphrase: &Passphrase) -> Result<StoreKey, StorageError> {
    let path = directory.join(FILE);
    match fs::read(&path) {
        Ok(text) => Kept::parse(&text, path)?.unwrap(passphrase),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = StoreKey::new(Secret::random());
            place(directory, &key, passphrase)?;
            Ok(key)
        }
        Err(source) => Err(StorageError::File { path, source }),
    }
}

/// Whether a directory's key is wrapped under a passphrase.
pub fn is_wrapped(directory: &Path) -> Result<bool, StorageError> {
    let path = directory.join(FILE);
    match fs::read(&path) {
        Ok(text) => Ok(matches!(Kept::parse(&text, path)?, Kept::Wrapped { .. })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StorageError::File { path, source }),
    }
}

/// Puts a key where the one before was.
pub(in crate::client) fn place(
    directory: &Path,
    key: &StoreKey,
    passphrase: &Passphrase,
) -> Result<(), StorageError> {
    let path = directory.join(FILE);
    let kept = Kept::wrap(key, passphrase)?;
    write(&path, &kept).map_err(|source| StorageError::File { path, source })
}

/// Either the key, or the salt of the passphrase and the key sealed under it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Plain { v: u8, key: String },
    Wrapped { v: u8, salt: String, sealed: String },
}

impl Kept {
    fn parse(text: &[u8], path: PathBuf) -> Result<Self, StorageError> {
        let kept = serde_json::from_slice(text).ok();
        kept.filter(|kept| {
            let (Self::Plain { v, .. } | Self::Wrapped { v, .. }) = kept;
            *v == VERSION
        })
        .ok_or_else(|| StorageError::File {
            path,
            source: io::Error::new(io::ErrorKind::InvalidData, "not a store key of version 1"),
        })
    }

    fn wrap(key: &StoreKey, passphrase: &Passphrase) -> Result<Self, StorageError> {
        let secret = key.secret().expose();
        let Passphrase::Some(passphrase) = passphrase else {
            let key = binary::encode(secret);
            return Ok(Self::Plain { v: VERSION, key });
        };
        let salt = random::draw();
        let wrapping = stretched(passphrase, &salt)?;
        Ok(Self::Wrapped {
            v: VERSION,
            salt: binary::encode(&salt),
            sealed: binary::encode(&wrapping.seal(NAME, random::draw(), secret)),
        })
    }

    fn unwrap(&self, passphrase: &Passphrase) -> Result<StoreKey, StorageError> {
        const DAMAGED: StorageError = StorageError::Passphrase("a key file that is damaged");
        let secret = match (self, passphrase) {
            (Self::Plain { key, .. }, Passphrase::None) => {
                binary::decode_fixed(key).map_err(|_| DAMAGED)?
            }
            // Who gives a passphrase takes it for what protects the key.
            (Self::Plain { .. }, Passphrase::Some(_)) => {
                return Err(StorageError::Passphrase("a key that has none"));
            }
            (Self::Wrapped { .. }, Passphrase::None) => {
                return Err(StorageError::Passphrase("none"));
            }
            (Self::Wrapped { salt, sealed, .. }, Passphrase::Some(passphrase)) => {
                let salt = binary::decode_fixed(salt).map_err(|_| DAMAGED)?;
                let sealed = binary::decode(sealed).map_err(|_| DAMAGED)?;
                let opened = stretched(passphrase, &salt)?.open(NAME, &sealed);
                let opened = opened.map_err(|_| StorageError::Passphrase("another one"))?;
                <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| DAMAGED)?
            }
        };
        Ok(StoreKey::new(Secret::new(secret)))
    }
}

fn stretched(passphrase: &str, salt: &[u8; 16]) -> Result<StoreKey, StorageError> {
    StoreKey::from_passphrase(passphrase.as_bytes(), salt)
        .map_err(|refusal| StorageError::Other(refusal.to_string()))
}

/// Whole and synced under its name, or not there.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&draft)?;
    file.write_all(&serde_json::to_vec(kept)?)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(text: &str) -> Passphrase {
        Passphrase::Some(Private(text.to_owned()))
    }

    #[test]
    fn a_key_is_drawn_once_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::TempDir::new().unwrap();
        let key = unlock(directory.path(), &Passphrase::None).unwrap();
        assert_eq!(unlock(directory.path(), &Passphrase::None).unwrap(), key);
        let file = directory.path().join(FILE).metadata().unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_wrapped_key_needs_its_passphrase() {
        let directory = tempfile::TempDir::new().unwrap();
        let key = unlock(directory.path(), &phrase("correct horse")).unwrap();
        assert_eq!(
            unlock(directory.path(), &phrase("correct horse")).unwrap(),
            key
        );
        for other in [Passphrase::None, phrase("battery staple")] {
            let refused = unlock(directory.path(), &other);
            assert!(
                matches!(refused, Err(StorageError::Passphrase(_))),
                "{other:?}"
            );
        }
        let text = fs::read_to_string(directory.path().join(FILE)).unwrap();
        assert!(!text.contains(&binary::encode(key.secret().expose())));
    }

    #[test]
    fn a_passphrase_that_protects_nothing_is_refused() {
        let directory = tempfile::TempDir::new().unwrap();
        unlock(directory.path(), &Passphrase::None).unwrap();
        let refused = unlock(directory.path(), &phrase("correct horse"));
        assert!(matches!(refused, Err(StorageError::Passphrase(_))));
    }

    #[test]
    fn a_damaged_file_is_refused_and_stays() {
        let directory = tempfile::TempDir::new().unwrap();
        fs::write(directory.path().join(FILE), "{}").unwrap();
        assert!(unlock(directory.path(), &Passphrase::None).is_err());
        assert_eq!(fs::read(directory.path().join(FILE)).unwrap(), b"{}");
    }
}
