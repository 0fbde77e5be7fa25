//! The call state machine of PROTOCOL.md §7, for both dialects: [`Machine::handle`] takes what
//! happened and the time, and says what is to be told to whom. It has no sockets, no clock and no
//! randomness, and it never looks into an SDP or a candidate.
//!
//! # The legal paths
//!
//! What each input does, by the state of the call and by what its sender is in it. The requests
//! name the call; `Initiate` can't.
//!
//! ```text
//!                none      ringing             connected           ended
//!                          caller    callee    caller    callee    either
//! Offer          rings     passes    glare     passes    passes    over
//! Initiate       rings     repeats   glare     busy      busy      rings
//! Answer         unknown   role      connects  passes    passes    over
//! Accept         unknown   role      connects  role      repeats   over
//! Signal offer   unknown   passes    holds     passes    passes    over
//! Signal answer  unknown   role      holds     passes    passes    over
//! Candidate      unknown   passes    holds     passes    passes    over
//! Reject         unknown   role      rejected  state     state     over
//! End            unknown   hangup    hangup    hangup    hangup    over
//! Lost           nothing   waits-5   waits-5   waits-30  waits-30  nothing
//! Returned       nothing   tells     tells     tells     tells     nothing
//! Gone           nothing   error     error     error     error     nothing
//! ```
//!
//! * *rings*, *connects*, *rejected*, *hangup*, *error*: the call becomes that, or ends for that
//!   reason, and both parties are told.
//! * *passes*: the other side gets it. *holds*: the caller gets it once the callee has answered.
//! * *repeats*: granted again, and the asker alone is told the state again. *tells*: the same for a
//!   user who came back, with every signal that may not have reached it.
//! * *waits-5*, *waits-30*: the call ends with `error` unless the party is back in so many seconds.
//! * *glare*, *busy*, *role*, *state*: refused with [`Refusal::Glare`], `Busy`, `WrongRole`,
//!   `WrongState`. *unknown*: [`Refusal::NotFound`], which is also what a stranger hears in every
//!   column. *over*: [`Refusal::Ended`], for a minute; then *unknown*.
//! * Time: a call that nobody answers ends with `timeout`.
//!
//! # What the protocol leaves open
//!
//! * A user has one connected call or one that it is calling with, never both, and up to three that
//!   ring it. Taking a call gives up the one it was calling with (`hangup`). Calls that ring a user
//!   who takes another go on ringing, and can be taken once that one is over; new ones are `busy`.
//! * On `connects` both are told the state first; then the caller gets the answer, then what was
//!   held, SDPs before candidates.
//! * A request without a call id that finds no live call with that peer is taken to mean the last
//!   one, so that a repeated `call_end` gets the answer that the call is over.
//! * A call id that somebody chose and that is in use by others is *unknown*.
//! * Every attempt to start a call counts against the rates, refused ones too: they would tell who
//!   is online. Repeats, renegotiation and glare don't.
//! * Nothing is told to a user who is away. Signals wait for it, within `inbox_bytes` and
//!   `kept_bytes`; beyond that they are refused. What was sent is kept too, where there is room,
//!   until its receiver sends an SDP in the connected call or nothing was sent for 90 s, because a
//!   socket may be dead for a while before that shows. So a user who returns may be told something twice, but misses nothing; a
//!   call that ended in its absence is told as `ended`.
//! * A request from a user who is away counts as its return.
//!
//! # Using it
//!
//! One owner at a time: it passes in what happens, does what the outputs say in order, and calls
//! [`Machine::handle_timeout`] at [`Machine::next_deadline`]. It drops events for users who
//! have no session at that moment; a session that takes the place of another is
//! [`Input::Returned`], without [`Input::Lost`] before it.

mod book;
mod call;
mod event;
mod figures;
mod limits;
mod machine;
mod memory;
mod opening;
mod presence;
mod steps;
#[cfg(test)]
mod tests;

pub use event::{
    CallEvent, CallState, Input, Invitation, Output, Over, Payload, Reason, Refusal, Request,
    Signal, Standing, Target,
};
pub use figures::{Figures, Refused};
pub use limits::{Rate, Settings};
pub use machine::Machine;
