//! In tests, which message keys were used: their SHA-256, by the thread that used them.

use std::cell::RefCell;

use sha2::{Digest as _, Sha256};

use crate::base::Secret;

/// SHA-256 of a message key.
pub(crate) type Used = [u8; 32];

thread_local! {
    static SEALED: RefCell<Vec<Used>> = const { RefCell::new(Vec::new()) };
    static OPENED: RefCell<Vec<Used>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn sealed(key: &Secret<32>) {
    SEALED.with_borrow_mut(|log| log.push(Sha256::digest(key.expose()).into()));
}

pub(super) fn opened(key: &Secret<32>) {
    OPENED.with_borrow_mut(|log| log.push(Sha256::digest(key.expose()).into()));
}

/// Takes what this thread sealed with since the last time.
pub(crate) fn take_sealed() -> Vec<Used> {
    SEALED.take()
}

/// Takes what this thread opened with since the last time.
pub(crate) fn take_opened() -> Vec<Used> {
    OPENED.take()
}
