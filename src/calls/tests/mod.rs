//! The machine against its table, its rules and random histories.

mod opening;
mod presence;
mod properties;
mod rig;
mod signals;
mod table;
