//! The backup of an account (E2EE.md §10.4): who it is and whom it knows, sealed under a recovery code.
//!
//! Never a session or a prekey: an old state of either would use message keys twice. So after a
//! restore there is a new registration id, [`super::Prekeys::restored`] makes new prekeys, and
//! [`KnownContact::peer`] gives peers with their pins and no sessions.
//!
//! The file, byte for byte; docs/encryption.md has it with its reasons:
//!
//! ```text
//! [0..19]   "PrivComm_Backup_v1\n"
//! [19]      the KDF: 1 = PBKDF2-HMAC-SHA-256, 600,000 rounds, of the code's 16 bytes
//! [20..36]  salt, random
//! [36..48]  nonce, random
//! [48..]    SEAL(key, nonce, data, [0..48]); data is JSON and spaces up to a multiple of 4096 bytes
//! ```

use pbkdf2::hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::backup_record::BackupRecord;
use super::session_record::write;
use super::{Draw, Handle, IdentityKey, Mark, Origin, Peer, Pin, RecoveryCode, Refusal, aead};
use crate::base::{Private, Secret, Timestamp, UserId};

const LABEL: &[u8; 19] = b"PrivComm_Backup_v1\n";
/// PBKDF2 of a recovery code: what WebCrypto has too. The code is as long as a key by itself.
const OF_CODE: u8 = 1;
const ROUNDS: u32 = 600_000;
const SALT: usize = 16;
const FRONT: usize = LABEL.len() + 1 + SALT + aead::NONCE;
/// The data is a multiple of it, so that its length doesn't count the contacts.
const PAGE: usize = 4096;
/// Some twenty thousand contacts; what is longer isn't stretched a key for.
const LONGEST: usize = 4 * 1024 * 1024;
const NOT_A_BACKUP: Refusal = Refusal::Malformed("a backup of version 1 under a recovery code");

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where the account is.
    pub origin: Origin,
    /// The account's id.
    pub user: UserId,
    /// The handle that it logs in with.
    pub handle: Handle,
    /// The handle as its owner writes it, if that is known.
    pub name: Option<Private<String>>,
    /// What the identity is made of: [`super::Identity::from_seed`].
    pub seed: Secret<32>,
    /// When the backup was made.
    pub made: Timestamp,
    /// Whom the owner knows.
    pub contacts: Vec<KnownContact>,
}

/// Somebody whom the owner of a backup knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownContact {
    /// Who it is.
    pub user: UserId,
    /// What the owner calls them.
    pub name: Option<Private<String>>,
    /// The identity key that is pinned, and whether it was compared.
    pub pin: Option<(IdentityKey, Mark)>,
}

impl Backup {
    /// Seals the backup under a code that was generated for it. Takes a good part of a second.
    pub fn seal(&self, code: &RecoveryCode, draw: &mut Draw<'_>) -> Result<Vec<u8>, Refusal> {
        let random = draw();
        let front = Front::new(random.expose());
        self.seal_with(&front.key_of(code), &front)
    }

    /// Opens a backup. A code that was mistyped or is another's is refused, and so is a file of which
    /// a bit was changed. Takes a good part of a second.
    pub fn open(file: &[u8], code: &RecoveryCode) -> Result<Self, Refusal> {
        let (front, sealed) = Front::split(file)?;
        Self::open_with(&front.key_of(code), &front, sealed)
    }

    fn seal_with(&self, key: &Secret<32>, front: &Front) -> Result<Vec<u8>, Refusal> {
        let data = self.to_data();
        let padded = data.len().next_multiple_of(PAGE);
        let length = FRONT + padded + aead::TAG;
        if length > LONGEST {
            let (found, limit) = (length, LONGEST);
            return Err(Refusal::TooLong { found, limit });
        }
        let mut file = Vec::with_capacity(length);
        file.extend_from_slice(&front.0);
        file.extend_from_slice(&data);
        file.resize(FRONT + padded, b' ');
        aead::seal(key, front.nonce(), &front.0, &mut file, FRONT);
        Ok(file)
    }

    fn open_with(key: &Secret<32>, front: &Front, sealed: &[u8]) -> Result<Self, Refusal> {
        Self::from_data(&aead::open(key, front.nonce(), &front.0, sealed)?)
    }

    /// Opens a file under a key, whatever it would be stretched from.
    #[cfg(any(test, fuzzing))]
    pub(super) fn open_under(key: &Secret<32>, file: &[u8]) -> Result<Self, Refusal> {
        let (front, sealed) = Front::split(file)?;
        Self::open_with(key, &front, sealed)
    }

    /// What is sealed, without the spaces behind it.
    pub(super) fn to_data(&self) -> Zeroizing<Vec<u8>> {
        let names = self.contacts.iter().filter_map(|known| known.name.as_ref());
        let names: usize = names.map(|name| 6 * name.len()).sum();
        write(
            &BackupRecord::of(self),
            1024 + 192 * self.contacts.len() + names,
        )
    }

    pub(super) fn from_data(data: &[u8]) -> Result<Self, Refusal> {
        let record: BackupRecord = serde_json::from_slice(data).map_err(|_| NOT_A_BACKUP)?;
        record.backup()
    }
}

impl KnownContact {
    /// What is known of a peer. A key that the user hasn't decided on is left out: it will be met
    /// again.
    pub fn of(peer: &Peer, name: Option<Private<String>>) -> Self {
        Self {
            user: peer.user(),
            name,
            pin: peer.pin().map(|pin| (pin.pinned, pin.mark)),
        }
    }

    /// The peer after a restore: its pin, and no session.
    pub fn peer(&self) -> Peer {
        let pin = |(pinned, mark)| Pin {
            mark,
            ..Pin::new(pinned)
        };
        Peer {
            pin: self.pin.map(pin),
            ..Peer::new(self.user)
        }
    }
}

/// What stands before the ciphertext, which is bound to it.
struct Front([u8; FRONT]);

impl Front {
    fn new(random: &[u8; 32]) -> Self {
        let mut bytes = [0; FRONT];
        let (label, rest) = bytes.split_at_mut(LABEL.len());
        label.copy_from_slice(LABEL);
        rest[0] = OF_CODE;
        rest[1..].copy_from_slice(&random[..SALT + aead::NONCE]);
        Self(bytes)
    }

    /// A file's front and its ciphertext, if it is a backup that can be opened with a code.
    fn split(file: &[u8]) -> Result<(Self, &[u8]), Refusal> {
        let (front, sealed) = file.split_first_chunk().ok_or(NOT_A_BACKUP)?;
        let known = front.starts_with(LABEL) && front[LABEL.len()] == OF_CODE;
        if known && file.len() <= LONGEST {
            Ok((Self(*front), sealed))
        } else {
            Err(NOT_A_BACKUP)
        }
    }

    fn nonce(&self) -> [u8; aead::NONCE] {
        let mut nonce = [0; aead::NONCE];
        nonce.copy_from_slice(&self.0[FRONT - aead::NONCE..]);
        nonce
    }

    fn key_of(&self, code: &RecoveryCode) -> Secret<32> {
        let salt = &self.0[LABEL.len() + 1..FRONT - aead::NONCE];
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        Secret::written(|key| {
            pbkdf2::pbkdf2::<Hmac<Sha256>>(code.secret().expose(), salt, ROUNDS, key)
                .expect("any key length will do");
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::e2ee::vectors::{BackupFile, backups, hex_array, secret};
    use crate::e2ee::{base64_bytes, vectors};

    fn code() -> RecoveryCode {
        RecoveryCode::parse(&backups().files[0].code).unwrap()
    }

    fn published() -> Vec<(BackupFile, Vec<u8>)> {
        let file = |vector: BackupFile| {
            let file = base64_bytes::decode(&vector.file).unwrap().to_vec();
            (vector, file)
        };
        backups().files.into_iter().map(file).collect()
    }

    /// The front and the key of the first published file, stretched by nobody again.
    fn front_and_key() -> (Front, Secret<32>) {
        let vector = &backups().files[0];
        (front_of(vector), secret(&vector.key))
    }

    fn front_of(vector: &BackupFile) -> Front {
        let mut random = [0; 32];
        random[..SALT].copy_from_slice(&hex_array::<SALT>(&vector.salt));
        random[SALT..SALT + aead::NONCE]
            .copy_from_slice(&hex_array::<{ aead::NONCE }>(&vector.nonce));
        Front::new(&random)
    }

    fn backup() -> &'static Backup {
        static BACKUP: OnceLock<Backup> = OnceLock::new();
        BACKUP.get_or_init(|| {
            let (_, key) = front_and_key();
            let (_, file) = &published()[0];
            Backup::open_under(&key, file).unwrap()
        })
    }

    #[test]
    fn each_file_is_the_published_one() {
        let files = published();
        assert_eq!(files.len(), 2);
        for (vector, file) in files {
            assert_eq!(file.len(), vector.length);
            let code = RecoveryCode::parse(&vector.code).unwrap();
            let front = front_of(&vector);
            assert_eq!(front.key_of(&code), secret(&vector.key));
            let opened = Backup::open(&file, &code).unwrap();
            let written = opened.to_data();
            assert_eq!(std::str::from_utf8(&written).unwrap(), vector.data);
            let mut random = Some(Secret::written(|bytes: &mut [u8; 32]| {
                bytes[..SALT + aead::NONCE].copy_from_slice(&front.0[LABEL.len() + 1..]);
            }));
            let sealed = opened.seal(&code, &mut || random.take().unwrap());
            assert_eq!(sealed, Ok(file));
        }
    }

    #[test]
    fn another_code_opens_nothing() {
        let (_, file) = &published()[0];
        let other = RecoveryCode::new(Secret::new([7; 16]));
        assert_eq!(Backup::open(file, &other), Err(Refusal::Tag));
    }

    #[test]
    fn a_file_of_another_kind_is_refused_before_a_key_is_stretched() {
        let (_, file) = &published()[0];
        let refused = |file: &[u8]| assert_eq!(Backup::open(file, &code()), Err(NOT_A_BACKUP));
        for length in 0..FRONT {
            refused(&file[..length]);
        }
        for bit in 0..20 * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(&flipped);
        }
        let mut long = file.clone();
        long.resize(LONGEST + 1, 0);
        refused(&long);
    }

    #[test]
    fn a_flipped_bit_and_a_shorter_file_are_refused() {
        let (_, file) = &published()[0];
        let (_, key) = front_and_key();
        // Each of the front; of the rest as many as a test has time for, at every place in a byte.
        let sealed = (FRONT * 8..file.len() * 8).step_by(61);
        for bit in (20 * 8..FRONT * 8).chain(sealed) {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let opened = Backup::open_under(&key, &flipped);
            assert_eq!(opened.err(), Some(Refusal::Tag), "bit {bit}");
        }
        for length in (FRONT..file.len()).step_by(61) {
            assert!(
                Backup::open_under(&key, &file[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn what_no_backup_holds_is_refused() {
        let (front, key) = front_and_key();
        let text = &backups().files[0].data;
        let open = |data: &str| {
            let mut file = front.0.to_vec();
            file.extend_from_slice(data.as_bytes());
            aead::seal(&key, front.nonce(), &front.0, &mut file, FRONT);
            Backup::open_under(&key, &file)
        };
        assert_eq!(open(text).as_ref(), Ok(backup()));
        assert_eq!(
            open(&text.replacen('{', r#"{"later":[],"#, 1)).as_ref(),
            Ok(backup())
        );
        let weak = base64_bytes::encode(&hex_array::<32>(
            &vectors::vectors().identity_refused[0].key,
        ));
        let pin = text
            .split(r#""pin":""#)
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        for (from, to) in [
            (r#""v":1"#, r#""v":2"#),
            ("https://", "ftp://"),
            (r#""handle":""#, r#""handle":"0"#),
            (r#""seed":""#, r#""seed":"AAAA"#),
            (r#""made":1"#, r#""made":-1"#),
            (
                r#""pin":null,"verified":false"#,
                r#""pin":null,"verified":true"#,
            ),
            (pin, &weak),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(&changed, text, "{from}");
            assert!(open(&changed).is_err(), "{to}");
        }
    }

    #[test]
    fn a_backup_of_more_contacts_than_fit_is_refused() {
        let (front, key) = front_and_key();
        let known = backup().contacts[0].clone();
        let with = |count: usize| Backup {
            contacts: vec![known.clone(); count],
            ..backup().clone()
        };
        let sealed = with(20_000).seal_with(&key, &front).unwrap();
        assert!(sealed.len() <= LONGEST && (sealed.len() - FRONT - aead::TAG).is_multiple_of(PAGE));
        let refused = with(40_000).seal_with(&key, &front);
        assert!(matches!(
            refused,
            Err(Refusal::TooLong { limit: LONGEST, .. })
        ));
    }

    #[test]
    fn nothing_of_a_backup_prints() {
        let printed = format!("{:?}", backup());
        assert!(!printed.contains("Bob") && !printed.contains(backup().handle.as_str()));
        assert!(printed.contains("Secret(32 bytes)"));
    }

    mod any {
        use proptest::prelude::*;

        use super::*;
        use crate::e2ee::Identity;

        fn contact() -> impl Strategy<Value = KnownContact> {
            let name = proptest::option::of(".{0,40}".prop_map(Private));
            let pin = proptest::option::of((any::<[u8; 32]>(), any::<bool>()));
            (any::<u128>(), name, pin).prop_map(|(user, name, pin)| KnownContact {
                user: uuid::Builder::from_random_bytes(user.to_be_bytes())
                    .into_uuid()
                    .to_string()
                    .parse()
                    .unwrap(),
                name,
                pin: pin.map(|(seed, verified)| {
                    let key = *Identity::from_seed(&Secret::new(seed)).public();
                    (
                        key,
                        if verified {
                            Mark::Verified
                        } else {
                            Mark::Unverified
                        },
                    )
                }),
            })
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]

            #[test]
            fn backup_comes_back_and_contacts_become_peers_without_sessions(
                contacts in proptest::collection::vec(contact(), 0..30),
                seed: [u8; 32],
                name in proptest::option::of(".{0,40}".prop_map(Private)),
                made in 0u64..1 << 53,
            ) {
                let (front, key) = front_and_key();
                let made = Timestamp::from_millis(made);
                let whole = Backup { contacts, seed: Secret::new(seed), name, made, ..backup().clone() };
                let file = whole.seal_with(&key, &front).unwrap();
                let opened = Backup::open_under(&key, &file).unwrap();
                prop_assert_eq!(&opened, &whole);
                for contact in opened.contacts {
                    let peer = contact.peer();
                    prop_assert!(peer.active().is_none() && peer.archived().next().is_none());
                    prop_assert_eq!(peer.pin().map(Pin::mark), contact.pin.map(|(_, mark)| mark));
                    prop_assert_eq!(KnownContact::of(&peer, contact.name.clone()), contact);
                }
            }

            #[test]
            fn bytes_are_a_backup_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
                let (front, key) = front_and_key();
                prop_assert!(Backup::open_with(&key, &front, &bytes).is_err());
                let mut file = front.0.to_vec();
                file.extend_from_slice(&bytes);
                aead::seal(&key, front.nonce(), &front.0, &mut file, FRONT);
                prop_assert!(Backup::open_under(&key, &file).is_err());
            }
        }
    }
}
