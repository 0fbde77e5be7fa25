//! Floor 2: how often somebody may do something, in bounded memory.
//!
//! The algorithm is GCRA (the generic cell rate algorithm of ITU-T I.371): one moment per key says
//! when its allowance will be whole again, so a [`Bucket`] is eight bytes and nothing runs in the
//! background. A [`Limiter`] keeps a bucket for each key, such as an [`Address`] or a user.
//!
//! A limit slows down the one who is counted, and never anybody else: there is no ceiling over all
//! keys together, because strangers could fill it and shut the members out (PROTOCOL.md §9).

mod address;
mod bucket;
mod limiter;

pub use address::Address;
pub use bucket::{Bucket, Quota, Verdict};
pub use limiter::Limiter;
