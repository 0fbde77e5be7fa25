//! What the relay counts. No figure tells one client from another.

use crate::base::Counter;

use super::message::{ErrorCode, Malformed};
use super::traffic::{Transport, TransportFigures};

/// Why a datagram went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// Neither STUN nor ChannelData.
    Foreign,
    /// STUN or ChannelData of the wrong shape.
    Malformed,
    /// STUN whose FINGERPRINT isn't true.
    Fingerprint,
    /// STUN that nobody sends to a server.
    Unexpected,
    /// A stranger's request beyond the ration of answers.
    Rationed,
    /// Media from an address without an allocation.
    NoAllocation,
    /// ChannelData on a channel that isn't bound, or no longer.
    NoChannel,
    /// Media to a peer that its sender has no permission for.
    NoPermission,
    /// Media to an address that is no live allocation here.
    NoPeer,
    /// Media to an allocation that has no permission for its sender.
    NotWelcome,
    /// The system refused to send it.
    SendFailed,
    /// Its client is connected, and reads too slowly.
    Backlog,
    /// Media beyond what its sender's allocation may send in its time.
    OverRate,
    /// A member's request that came when too many were waiting.
    Overloaded,
}

impl DropReason {
    /// Every reason, in the order of the declaration.
    pub const ALL: [Self; 14] = [
        Self::Foreign,
        Self::Malformed,
        Self::Fingerprint,
        Self::Unexpected,
        Self::Rationed,
        Self::NoAllocation,
        Self::NoChannel,
        Self::NoPermission,
        Self::NoPeer,
        Self::NotWelcome,
        Self::SendFailed,
        Self::Backlog,
        Self::OverRate,
        Self::Overloaded,
    ];

    /// Its name in figures: a word that programs can rely on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Malformed => "malformed",
            Self::Fingerprint => "fingerprint",
            Self::Unexpected => "unexpected",
            Self::Rationed => "rationed",
            Self::NoAllocation => "no_allocation",
            Self::NoChannel => "no_channel",
            Self::NoPermission => "no_permission",
            Self::NoPeer => "no_peer",
            Self::NotWelcome => "not_welcome",
            Self::SendFailed => "send_failed",
            Self::Backlog => "backlog",
            Self::OverRate => "over_rate",
            Self::Overloaded => "overloaded",
        }
    }
}

impl From<Malformed> for DropReason {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Fingerprint => Self::Fingerprint,
            Malformed::Type => Self::Unexpected,
            Malformed::Length | Malformed::Cookie | Malformed::Attribute => Self::Malformed,
        }
    }
}

/// The relay's figures at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Allocations now.
    pub allocations: u64,
    /// Allocations since the start.
    pub allocations_ever: u64,
    /// Connections now, over TCP and TLS.
    pub connections: u64,
    /// Connections that were refused, because there were as many as there may be.
    pub connections_refused: u64,
    /// Messages that came in, of every kind and over every transport.
    pub datagrams: u64,
    /// Media datagrams that were handed over, those included that then
    /// couldn't be sent.
    pub packets: u64,
    /// Bytes of media that were handed over, without headers.
    pub bytes: u64,
    /// Credentials that were handed out.
    pub credentials_issued: u64,
    /// Each transport that is listened on for itself.
    pub transports: Vec<(Transport, TransportFigures)>,
    /// Datagrams that went no further, by reason.
    pub drops: Vec<(DropReason, u64)>,
    /// Requests refused, by error code.
    pub refusals: Vec<(ErrorCode, u64)>,
}

impl Figures {
    /// How many datagrams went no further for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        count_of(&self.drops, &reason)
    }

    /// How many requests were refused with this code.
    pub fn refused(&self, code: ErrorCode) -> u64 {
        count_of(&self.refusals, &code)
    }
}

fn count_of<K: PartialEq>(counts: &[(K, u64)], wanted: &K) -> u64 {
    counts
        .iter()
        .find_map(|(key, count)| (key == wanted).then_some(*count))
        .unwrap_or_default()
}

/// The counters behind [`Figures`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections_refused: Counter,
    pub(crate) credentials_issued: Counter,
    pub(crate) datagrams: Counter,
    pub(crate) packets: Counter,
    pub(crate) bytes: Counter,
    drops: [Counter; DropReason::ALL.len()],
    refusals: [Counter; ErrorCode::ALL.len()],
}

impl Counters {
    pub(crate) fn dropped(&self, reason: DropReason) {
        self.drops[reason as usize].increment();
    }

    pub(crate) fn dropped_many(&self, reason: DropReason, count: u64) {
        if count > 0 {
            self.drops[reason as usize].add(count);
        }
    }

    pub(crate) fn refused(&self, code: ErrorCode) {
        self.refusals[code as usize].increment();
    }

    /// Everything counted; what is there now others have to say.
    pub(crate) fn read(&self) -> Figures {
        Figures {
            allocations: 0,
            allocations_ever: 0,
            connections: 0,
            credentials_issued: self.credentials_issued.value(),
            transports: Vec::new(),
            connections_refused: self.connections_refused.value(),
            datagrams: self.datagrams.value(),
            packets: self.packets.value(),
            bytes: self.bytes.value(),
            drops: paired(DropReason::ALL, &self.drops),
            refusals: paired(ErrorCode::ALL, &self.refusals),
        }
    }
}

fn paired<K, const N: usize>(keys: [K; N], counters: &[Counter; N]) -> Vec<(K, u64)> {
    keys.into_iter()
        .zip(counters.iter().map(Counter::value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_and_code_counts_for_itself() {
        let counters = Counters::default();
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            (0..=index).for_each(|_| counters.dropped(reason));
        }
        for (index, code) in ErrorCode::ALL.into_iter().enumerate() {
            (0..=index).for_each(|_| counters.refused(code));
        }
        let figures = counters.read();
        for (index, reason) in (1..).zip(DropReason::ALL) {
            assert_eq!(figures.dropped(reason), index);
        }
        for (index, code) in (1..).zip(ErrorCode::ALL) {
            assert_eq!(figures.refused(code), index);
        }
    }
}
