//! What an allocation and a transport have carried, and how allocations end.
//!
//! An allocation counts for itself, by plain additions beside the look-ups of each packet. A
//! transport's figures are those of its live allocations and of its past ones, which are added up as
//! they end: nothing is counted twice.

use std::collections::HashMap;

use crate::base::Counter;

use super::allocation::{Allocation, ListenerId};

/// What clients reach the relay over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A plain connection.
    Tcp,
    /// An encrypted connection.
    Tls,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 3] = [Self::Udp, Self::Tcp, Self::Tls];

    /// Its name in figures: a word that programs can rely on.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// How an allocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// Its time was over.
    #[default]
    Expired,
    /// Its client gave it back: a Refresh with no lifetime (RFC 8656 §8.2).
    Closed,
    /// Its user was suspended or deleted.
    Evicted,
    /// Its connection ended.
    Disconnected,
}

/// Packets of media and their bytes, without headers. Handed over, those included that then couldn't
/// be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Media {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl std::ops::AddAssign for Media {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// What one allocation has carried so far.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    from_client: Flow,
    to_client: Flow,
    over_rate: Counter,
}

/// One direction.
#[derive(Debug, Default)]
struct Flow {
    packets: Counter,
    bytes: Counter,
}

impl Flow {
    fn count(&self, bytes: usize) {
        self.packets.increment();
        self.bytes.add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn media(&self) -> Media {
        Media {
            packets: self.packets.value(),
            bytes: self.bytes.value(),
        }
    }
}

impl Traffic {
    /// Counts a packet of the client's that goes on its way.
    pub(crate) fn count_from_client(&self, bytes: usize) {
        self.from_client.count(bytes);
    }

    /// Counts a packet that goes on its way to the client.
    pub(crate) fn count_to_client(&self, bytes: usize) {
        self.to_client.count(bytes);
    }

    /// Counts a packet of the client's beyond its rate.
    pub(crate) fn count_over_rate(&self) {
        self.over_rate.increment();
    }

    /// From the client.
    pub(crate) fn inbound(&self) -> Media {
        self.from_client.media()
    }

    /// To the client.
    pub(crate) fn outbound(&self) -> Media {
        self.to_client.media()
    }

    /// Packets beyond the rate.
    pub(crate) fn over_rate(&self) -> u64 {
        self.over_rate.value()
    }
}

/// What one transport has carried since the start.
///
/// `allocations_ever` = `allocations` + `expired` + `closed` + `evicted` + `disconnected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransportFigures {
    /// Allocations now.
    pub allocations: u64,
    /// Allocations since the start.
    pub allocations_ever: u64,
    /// [`End::Expired`].
    pub expired: u64,
    /// [`End::Closed`].
    pub closed: u64,
    /// [`End::Evicted`].
    pub evicted: u64,
    /// [`End::Disconnected`].
    pub disconnected: u64,
    /// From clients.
    pub from_clients: Media,
    /// To clients.
    pub to_clients: Media,
}

impl TransportFigures {
    /// Counts a live allocation.
    pub(crate) fn add_live(&mut self, allocation: &Allocation) {
        self.allocations += 1;
        self.allocations_ever += 1;
        self.carry(&allocation.traffic);
    }

    fn add_past(&mut self, allocation: &Allocation) {
        self.allocations_ever += 1;
        let ended = match allocation.end {
            End::Expired => &mut self.expired,
            End::Closed => &mut self.closed,
            End::Evicted => &mut self.evicted,
            End::Disconnected => &mut self.disconnected,
        };
        *ended += 1;
        self.carry(&allocation.traffic);
    }

    fn carry(&mut self, traffic: &Traffic) {
        self.from_clients += traffic.inbound();
        self.to_clients += traffic.outbound();
    }

    /// Adds another listener's of the same transport.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.allocations += other.allocations;
        self.allocations_ever += other.allocations_ever;
        self.expired += other.expired;
        self.closed += other.closed;
        self.evicted += other.evicted;
        self.disconnected += other.disconnected;
        self.from_clients += other.from_clients;
        self.to_clients += other.to_clients;
    }
}

/// The allocations that are gone, by listener: as many entries as there are listeners.
#[derive(Debug, Default)]
pub(crate) struct Past(HashMap<ListenerId, TransportFigures>);

impl Past {
    /// Adds an allocation that has ended.
    pub(crate) fn add(&mut self, allocation: &Allocation) {
        let figures = self.0.entry(allocation.tuple.listener).or_default();
        figures.add_past(allocation);
    }

    /// Every listener that had one.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ListenerId, &TransportFigures)> {
        self.0
            .iter()
            .map(|(listener, figures)| (*listener, figures))
    }
}
