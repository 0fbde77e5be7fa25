//! The room as a whole: the published conversation, what others know of the primitives, and
//! conversations in which everything goes wrong that can.

mod hostile;
mod interleaving;
mod peers;
mod prekeys;
mod published;
mod rig;
mod sessions;
mod wycheproof;
