//! The published vectors, for tests.

use serde::Deserialize;

use super::{Account, Bundle, BundleFields, Identity, OneTimePrekey, PrekeyId, SignedPrekey};
use crate::base::Secret;

#[derive(Deserialize)]
pub(super) struct Vectors {
    pub(super) convert: Vec<Converted>,
    pub(super) identity_refused: Vec<RefusedIdentity>,
    pub(super) x25519_refused: Vec<RefusedAgreement>,
    pub(super) auth: Login,
    pub(super) x3dh: Vec<FirstContact>,
    pub(super) kdf: Derivations,
    pub(super) padding: Vec<Padded>,
    pub(super) padding_refused: Vec<RefusedPadding>,
    pub(super) conversation: Conversation,
    pub(super) safety_number: Safety,
    pub(super) store: Stored,
    pub(super) call: Call,
}

#[derive(Deserialize)]
pub(super) struct Converted {
    pub(super) seed: String,
    pub(super) ed_public: String,
    pub(super) x_private: String,
    pub(super) x_public: String,
}

#[derive(Deserialize)]
pub(super) struct RefusedIdentity {
    pub(super) why: String,
    pub(super) key: String,
}

#[derive(Deserialize)]
pub(super) struct RefusedAgreement {
    pub(super) public: String,
}

#[derive(Deserialize)]
pub(super) struct Login {
    pub(super) origin: String,
    pub(super) phone_hash: String,
    pub(super) nonce: String,
    pub(super) message: String,
    pub(super) signature: String,
}

#[derive(Deserialize)]
pub(super) struct FirstContact {
    pub(super) one_time: bool,
    pub(super) alice_seed: String,
    pub(super) bob_seed: String,
    pub(super) alice_uid: String,
    pub(super) bob_uid: String,
    pub(super) ek_private: String,
    pub(super) spk_private: String,
    pub(super) spk_id: u32,
    pub(super) spk_signature: String,
    pub(super) otpk_private: String,
    pub(super) otpk_id: u32,
    pub(super) dh: Vec<String>,
    pub(super) sk: String,
    pub(super) ad: String,
    pub(super) prefix: String,
    pub(super) rk: String,
    pub(super) cks: String,
}

impl FirstContact {
    pub(super) fn alice(&self) -> Account {
        account(&self.alice_seed, &self.alice_uid)
    }

    pub(super) fn bob(&self) -> Account {
        account(&self.bob_seed, &self.bob_uid)
    }

    pub(super) fn signed_prekey(&self) -> SignedPrekey {
        SignedPrekey::new(secret(&self.spk_private))
    }

    pub(super) fn one_time_prekey(&self) -> Option<OneTimePrekey> {
        let id = PrekeyId::new(self.otpk_id).unwrap();
        let prekey = || OneTimePrekey::new(id, secret(&self.otpk_private));
        self.one_time.then(prekey)
    }

    /// Bob's bundle, checked.
    pub(super) fn bundle(&self) -> Bundle {
        let bob = self.bob();
        let one_time = self.one_time_prekey();
        let one_time = one_time.map(|key| (key.id().number(), *key.public().as_bytes()));
        Bundle::check(&BundleFields {
            user: bob.user,
            identity_key: bob.identity.public().as_bytes(),
            signed_prekey: *self.signed_prekey().public().as_bytes(),
            prekey_signature: hex_array(&self.spk_signature),
            one_time_prekey: one_time,
        })
        .unwrap()
    }
}

#[derive(Deserialize)]
pub(super) struct Derivations {
    pub(super) rk_in: String,
    pub(super) dh: String,
    pub(super) rk_out: String,
    pub(super) ck: String,
    pub(super) ck_next: String,
    pub(super) mk: String,
    pub(super) key: String,
    pub(super) nonce: String,
}

#[derive(Deserialize)]
pub(super) struct Padded {
    pub(super) length: usize,
    pub(super) padded: usize,
}

#[derive(Deserialize)]
pub(super) struct RefusedPadding {
    pub(super) why: String,
    pub(super) padded: String,
}

#[derive(Deserialize)]
pub(super) struct Conversation {
    pub(super) alice_registration_id: u32,
    pub(super) bob_registration_id: u32,
    pub(super) device_id: u32,
    pub(super) ratchet_keys: RatchetKeys,
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize)]
pub(super) struct RatchetKeys {
    pub(super) alice: Vec<String>,
    pub(super) bob: Vec<String>,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Step {
    Send {
        by: String,
        message: usize,
        text: String,
        #[serde(rename = "type")]
        kind: u8,
        body_b64: String,
        payload_b64: String,
        #[serde(default)]
        after_lost: usize,
    },
    Receive {
        by: String,
        message: usize,
        ok: bool,
        change: Option<String>,
        text: Option<String>,
        one_time_used: Option<u32>,
    },
}

#[derive(Deserialize)]
pub(super) struct Safety {
    pub(super) alice: String,
    pub(super) bob: String,
    pub(super) alice_hash32: String,
    pub(super) bob_hash32: String,
    pub(super) number: String,
}

#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) nonce: String,
    pub(super) data: String,
    pub(super) blob: String,
}

#[derive(Deserialize)]
pub(super) struct Call {
    pub(super) secret: String,
    #[serde(rename = "call_id")]
    pub(super) id: String,
    pub(super) caller_key: String,
    pub(super) callee_key: String,
    pub(super) counter: u64,
    pub(super) action: String,
    pub(super) data: String,
    pub(super) sealed: String,
}

pub(super) fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/vectors/e2ee.json")).unwrap()
}

/// The vectors of recovery codes and backups, which docs/encryption.md describes.
#[derive(Deserialize)]
pub(super) struct Backups {
    pub(super) codes: Vec<WrittenCode>,
    pub(super) same_code: SameCode,
    pub(super) codes_refused: Vec<RefusedCode>,
    pub(super) files: Vec<BackupFile>,
}

#[derive(Deserialize)]
pub(super) struct WrittenCode {
    pub(super) code: String,
    pub(super) text: String,
    pub(super) seed: String,
}

#[derive(Deserialize)]
pub(super) struct SameCode {
    pub(super) code: String,
    pub(super) texts: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct RefusedCode {
    pub(super) why: String,
    pub(super) text: String,
    pub(super) mistyped: bool,
}

#[derive(Deserialize)]
pub(super) struct BackupFile {
    pub(super) code: String,
    pub(super) salt: String,
    pub(super) nonce: String,
    pub(super) key: String,
    pub(super) data: String,
    pub(super) length: usize,
    pub(super) file: String,
}

pub(super) fn backups() -> Backups {
    serde_json::from_str(include_str!("../../tests/vectors/backup.json")).unwrap()
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(super) fn hex_array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

pub(super) fn secret<const N: usize>(text: &str) -> Secret<N> {
    Secret::new(hex_array(text))
}

fn account(seed: &str, user: &str) -> Account {
    Account {
        user: user.parse().unwrap(),
        identity: Identity::from_seed(&secret(seed)),
    }
}
