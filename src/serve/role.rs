//! What a process is there for.

/// What a process is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Everything.
    #[default]
    Appliance,
    /// Relaying media for an appliance on another machine, and nothing else: no accounts, no
    /// database, no HTTP.
    Relay,
}

impl Role {
    /// Every role with its word on the command line.
    pub const WORDS: [(&str, Self); 2] = [("appliance", Self::Appliance), ("relay", Self::Relay)];
}
