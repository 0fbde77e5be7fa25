//! Floor 3: everything that outlives the process, in one embedded database behind typed methods.
//!
//! What it promises:
//!
//! - **An answer means disk.** One writer thread commits whatever gathered while it committed before,
//!   as one group, synced in two phases; callers hear back after that, never before.
//! - **All or nothing.** What one method changes is one transaction.
//! - **A message may be spared.** One that is withdrawn before its group is never written.
//! - **Reads don't wait for writes.** They see a snapshot of the last commit.
//! - **A crash costs nothing but what was under way**, and the next start is quick.
//!
//! The way of a write: `handle` hands it in → `intake` gathers → `writer` commits → the caller hears.
//! `tables` lists what is on disk, `record` how a row is spelled, `migrate` how old databases
//! become new ones, `backup` how a copy is kept. What a row means is in `accounts`, `prekeys`, `invites`,
//! `contacts`, `calls`, `queue`, `suspensions`, `subscriptions` and `audit`; what operators do with it all is in `operate`, what
//! they see in `people`.

mod accounts;
mod audit;
pub mod backup;
mod calls;
mod contacts;
mod damage;
mod disk;
mod error;
mod figures;
mod handle;
mod intake;
mod invites;
mod look;
mod migrate;
mod offline;
mod operate;
mod pending;
mod people;
mod prekeys;
mod presence;
mod queue;
mod reader;
mod record;
mod rows;
mod space;
mod subscriptions;
mod suspensions;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

pub use accounts::{Admission, Registered, Registration, Update};
pub use audit::{Deed, MOST_DEEDS, RecordedDeed};
pub use calls::{MAX_CALLS, NewCall};
pub use contacts::{ContactStored, MAX_CONTACTS};
pub use disk::DATABASE_FILE;
pub use error::{RecordError, StoreError};
pub use figures::Work;
pub use handle::{Store, StoreOptions};
pub use invites::Revocation;
pub use look::{read_through, schema_of};
pub use migrate::Schema;
pub use offline::{Integrity, OfflineStore, QueueSize, Sizes};
pub use operate::{Change, Changed};
pub use pending::{Backlog, NewMessage, PendingWrite, Withdrawal};
pub use people::{MOST_PEOPLE, PersonFigures};
pub use prekeys::{KeyUpload, MAX_PREKEYS, Others, TakenPrekey, Uploaded};
pub use reader::{Figures, KeyStatus};
pub use record::{Account, Invite, NO_IDENTITY, QueueEntry, Standing, StoredMessage};
pub use rows::TableSize;
pub use subscriptions::{MAX_SUBSCRIPTIONS, SealedSubscription};
pub use suspensions::Suspension;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
