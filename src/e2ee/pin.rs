//! The pin: which identity key a peer has, and what happens when another one turns up (E2EE.md §9.1).
//!
//! ```text
//! state      meets its own key   meets another key   user confirms   user verifies   user unmarks
//! Unverified Unverified          Changed             —               Verified        —
//! Verified   Verified            Changed             —               Verified        Unverified
//! Changed    Changed (the new    Changed (to it)     Unverified, if  Verified        Unverified
//!            key), settled by                        not verified
//!            `keep_old` (the old)                    before
//! ```
//!
//! While it is `Changed` nothing is sent. Messages from the new identity open, under a warning.

use super::{IdentityKey, Refusal};

/// What is known of a peer's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    pub(super) pinned: IdentityKey,
    pub(super) mark: Mark,
    /// Another key that the user hasn't decided on.
    pub(super) changed: Option<IdentityKey>,
}

/// Whether the pinned key was compared by the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Trusted since it was first used.
    Unverified,
    /// Its safety number was compared.
    Verified,
}

/// What meeting an identity key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// The first key seen of this peer. It is pinned now.
    First,
    /// The present key.
    Same,
    /// "Safety number changed": nothing is sent before the user decides.
    Changed,
}

impl Pin {
    pub(super) const fn new(pinned: IdentityKey) -> Self {
        Self {
            pinned,
            mark: Mark::Unverified,
            changed: None,
        }
    }

    /// The key that sessions are made with: the new one where it changed.
    pub const fn present(&self) -> &IdentityKey {
        match &self.changed {
            Some(changed) => changed,
            None => &self.pinned,
        }
    }

    /// Whether the *pinned* key was verified.
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// Whether another key turned up that the user hasn't decided on.
    pub const fn is_changed(&self) -> bool {
        self.changed.is_some()
    }

    pub(super) fn meet(&mut self, key: &IdentityKey) -> Meeting {
        if self.present() == key {
            return Meeting::Same;
        }
        self.changed = Some(*key);
        Meeting::Changed
    }

    /// The user takes the new key as it is. Not enough where the old one had been verified.
    pub(super) const fn confirm(&mut self) -> Result<(), Refusal> {
        match (self.changed, self.mark) {
            (Some(_), Mark::Verified) => Err(Refusal::IdentityChanged),
            (Some(changed), Mark::Unverified) => {
                *self = Self::new(changed);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// The user compared the safety number of `key`, which must be the present one.
    pub(super) fn verify(&mut self, key: &IdentityKey) -> Result<(), Refusal> {
        if self.present() != key {
            return Err(Refusal::OtherIdentity);
        }
        *self = Self {
            mark: Mark::Verified,
            ..Self::new(*key)
        };
        Ok(())
    }

    /// The user takes the mark away, and with it the present key as it is.
    pub(super) const fn unmark(&mut self) {
        *self = Self::new(*self.present());
    }

    /// The user keeps to the old key.
    pub(super) const fn keep_old(&mut self) {
        self.changed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::e2ee::Identity;

    fn key(fill: u8) -> IdentityKey {
        *Identity::from_seed(&Secret::new([fill; 32])).public()
    }

    #[test]
    fn an_unverified_peer_needs_one_confirmation() {
        let mut pin = Pin::new(key(1));
        assert_eq!(pin.meet(&key(1)), Meeting::Same);
        assert_eq!(pin.meet(&key(2)), Meeting::Changed);
        assert_eq!((pin.meet(&key(2)), pin.is_changed()), (Meeting::Same, true));
        assert_eq!(pin.present(), &key(2));
        assert_eq!(pin.confirm(), Ok(()));
        assert_eq!(pin, Pin::new(key(2)));
    }

    #[test]
    fn a_verified_peer_needs_to_be_verified_again_or_unmarked() {
        let mut pin = Pin::new(key(1));
        assert_eq!(pin.verify(&key(2)), Err(Refusal::OtherIdentity));
        pin.verify(&key(1)).unwrap();
        pin.meet(&key(2));
        assert_eq!(pin.confirm(), Err(Refusal::IdentityChanged));
        assert!(pin.is_changed());
        let mut unmarked = pin;
        unmarked.unmark();
        assert_eq!(unmarked, Pin::new(key(2)));
        assert_eq!(pin.verify(&key(1)), Err(Refusal::OtherIdentity));
        pin.verify(&key(2)).unwrap();
        assert_eq!((pin.mark(), pin.is_changed()), (Mark::Verified, false));
    }

    #[test]
    fn the_old_key_can_be_kept_and_stays_verified() {
        let mut pin = Pin::new(key(1));
        pin.verify(&key(1)).unwrap();
        pin.meet(&key(2));
        pin.keep_old();
        assert_eq!((pin.present(), pin.mark()), (&key(1), Mark::Verified));
    }
}
