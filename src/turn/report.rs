//! What the relay tells its operator: figures by transport, and live allocations without a word of
//! whose they are or where.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::allocation::{Allocation, ListenerId};
use super::gate::Holder;
use super::ledger::Ledger;
use super::moment::Moment;
use super::probe::reachable;
use super::relay::{Relay, State};
use super::traffic::{Media, Transport, TransportFigures};

/// A live allocation, as its operator may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationFigures {
    /// Random, and never used again while the relay runs.
    pub name: [u8; 4],
    /// What its client reached the relay over.
    pub transport: Transport,
    /// Whether its relayed address is of IPv6.
    pub is_ipv6: bool,
    /// Allocations with the same number are on one account.
    pub holder: usize,
    /// How long ago it was opened.
    pub age: Duration,
    /// When it ends, unless it is refreshed.
    pub expires_in: Duration,
    /// Live permissions.
    pub permissions: usize,
    /// Live channels.
    pub channels: usize,
    /// From its client.
    pub from_client: Media,
    /// To its client.
    pub to_client: Media,
    /// Packets of its client beyond its rate.
    pub over_rate: u64,
}

impl Relay {
    /// Where this machine itself reaches the relay: `turn:` and `turns:` addresses (RFC 7065).
    pub fn local_urls(&self) -> Vec<String> {
        let urls = |addresses: Vec<SocketAddr>, scheme: &str, transport: &str| -> Vec<String> {
            let reached = addresses.into_iter().map(reachable);
            reached
                .map(|address| format!("{scheme}:{address}?transport={transport}"))
                .collect()
        };
        [
            urls(self.addresses().to_vec(), "turn", "udp"),
            urls(self.tcp_addresses(), "turn", "tcp"),
            urls(self.tls_addresses(), "turns", "tcp"),
        ]
        .concat()
    }

    /// The live allocations, the oldest first.
    pub fn allocations(&self) -> Vec<AllocationFigures> {
        let now = self.state.books.time.now();
        let ledger = self.state.books.read();
        let is_live = |allocation: &&Allocation| allocation.is_live(now);
        let mut live: Vec<&Allocation> = ledger.table.iter().filter(is_live).collect();
        live.sort_unstable_by_key(|allocation| allocation.id.0);
        let mut holders = Holders::default();
        live.into_iter()
            .map(|allocation| {
                let transport = self.state.transport(allocation.tuple.listener);
                figures(
                    allocation,
                    transport,
                    holders.number(&allocation.holder),
                    now,
                )
            })
            .collect()
    }
}

fn figures(
    allocation: &Allocation,
    transport: Transport,
    holder: usize,
    now: Moment,
) -> AllocationFigures {
    AllocationFigures {
        name: allocation.name,
        transport,
        is_ipv6: matches!(allocation.relayed.ip(), IpAddr::V6(_)),
        holder,
        age: now.since(allocation.opened),
        expires_in: allocation.until.since(now),
        permissions: allocation.permissions(now),
        channels: allocation.channels(now),
        from_client: allocation.traffic.inbound(),
        to_client: allocation.traffic.outbound(),
        over_rate: allocation.traffic.over_rate(),
    }
}

/// Numbers in place of holders.
#[derive(Default)]
struct Holders<'a>(HashMap<&'a Holder, usize>);

impl<'a> Holders<'a> {
    fn number(&mut self, holder: &'a Holder) -> usize {
        let next = self.0.len() + 1;
        *self.0.entry(holder).or_insert(next)
    }
}

impl State {
    /// What the transports that are listened on have carried.
    pub(super) fn by_transport(&self, ledger: &Ledger) -> Vec<(Transport, TransportFigures)> {
        let mut figures = Transport::ALL.map(|transport| (transport, TransportFigures::default()));
        for (listener, past) in ledger.past.iter() {
            figures[self.transport(listener) as usize].1.merge(past);
        }
        for allocation in ledger.table.iter() {
            let transport = self.transport(allocation.tuple.listener);
            figures[transport as usize].1.add_live(allocation);
        }
        let listening = |(transport, _): &(Transport, _)| self.listens_over(*transport);
        figures.into_iter().filter(listening).collect()
    }

    fn transport(&self, listener: ListenerId) -> Transport {
        match self.streams.door(listener) {
            None => Transport::Udp,
            Some(door) if door.encryption.is_some() => Transport::Tls,
            Some(_) => Transport::Tcp,
        }
    }

    fn listens_over(&self, transport: Transport) -> bool {
        match transport {
            Transport::Udp => !self.listeners.is_empty(),
            _ => self.streams.ids().any(|id| self.transport(id) == transport),
        }
    }
}
