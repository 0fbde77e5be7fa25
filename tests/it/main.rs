//! The whole appliance through its public door: one file for each behaviour, one rig for all.
//!
//! The daemon runs in this process on ports that the system chooses, or as the real binary where
//! processes matter. Nothing in it is replaced. Tests wait for what the daemon says, never for
//! time to pass; the rig's one deadline turns silence into a failure.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what a test can't do without is there, or it fails"
)]

mod accounts;
mod admin;
mod backup;
mod calls;
mod checks;
mod client;
mod delivery;
mod doctor;
mod durability;
mod failures;
mod flood;
mod forgetting;
mod full_disk;
mod hostile;
mod metrics;
mod mitm;
mod operator;
mod outside;
mod people;
mod prekeys;
mod privacy;
mod push;
mod relay;
mod relays;
mod rig;
mod sessions;
mod supervised;
mod suspension;
mod transcripts;
mod web;

/// What parts shared with the benchmarks give, or why they couldn't.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
