//! STUN messages as bytes (RFC 8489 §5 and §14): reading strangers' and writing our own.
//!
//! Nothing here trusts a length it was told, and nothing is copied while reading.

mod data;
mod integrity;
mod numbers;
mod shape;
mod writer;

pub(crate) use data::{
    CHANNEL_HEADER, HEADROOM, TAILROOM, frame_channel_data, frame_data_indication,
};
pub(crate) use integrity::{Algorithm, Key, PasswordAlgorithm};
pub use numbers::ErrorCode;
pub(crate) use numbers::{Class, Method, attribute};
pub(crate) use shape::{Malformed, Shape};
pub(crate) use writer::Writer;

/// The magic cookie, which tells STUN from everything else (RFC 8489 §5).
pub(crate) const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// Length of the header in front of the attributes, bytes.
pub(crate) const HEADER: usize = 20;

/// Length of an attribute's type and length, bytes.
pub(crate) const ATTRIBUTE_HEADER: usize = 4;

/// What pairs an answer with its request (RFC 8489 §5).
pub(crate) type TransactionId = [u8; 12];

/// The length of a value of `length` bytes with its padding to a multiple of four.
pub(crate) const fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}
