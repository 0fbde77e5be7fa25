//! `[registration]`

use crate::config::key::section;
use crate::config::kind::{OneOf, Optional, Switch, Words};

section! {
    /// Who may make an account.
    [registration] Registration {
        /// "open": anybody. "invite": whoever holds an invite code. "closed": nobody new. Empty:
        /// open where everything listens on loopback, else invite. Behind a tunnel or proxy say
        /// it: what listens on loopback is open to the world then.
        mode: Option<RegistrationMode> = None, Optional(OneOf), live;

        /// Whether a registration must prove that it holds the identity key it names. Without the
        /// proof anybody can take a handle with somebody else's key; old clients may need that.
        require_proof: bool = true, Switch, live;
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Anybody.
    Open,
    /// Whoever holds an invite code.
    Invite,
    /// Nobody new.
    Closed,
}

impl Words for RegistrationMode {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("open", Self::Open),
        ("invite", Self::Invite),
        ("closed", Self::Closed),
    ];
}
