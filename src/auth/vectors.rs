//! The published end-to-end vectors, as far as the server is concerned by them.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Vectors {
    pub(super) convert: Vec<Account>,
    pub(super) identity_refused: Vec<Refused>,
    pub(super) x25519_refused: Vec<RefusedAgreement>,
    pub(super) auth: Login,
    pub(super) x3dh: Vec<FirstContact>,
}

#[derive(Deserialize)]
pub(super) struct Account {
    pub(super) ed_public: String,
    pub(super) x_public: String,
}

#[derive(Deserialize)]
pub(super) struct Refused {
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
    pub(super) bob_seed: String,
    pub(super) spk_private: String,
    pub(super) spk_signature: String,
}

pub(super) fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../tests/vectors/e2ee.json")).unwrap()
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
