//! Where media goes: from one client of this relay to another, by two look-ups and two permissions;
//! in the open mode also to a peer outside, and from one, by one of each and the peer policy.
//!
//! A packet passes when its sender has a live permission for the receiver's relayed address and
//! the receiver one for the sender's (RFC 8656 §9); who has no client here gives none. Nothing here
//! waits, allocates or logs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::allocation::{Allocation, AllocationId, FiveTuple};
use super::bitrate::{Bitrate, Meter};
use super::figures::DropReason;
use super::hash::Keyed;
use super::message::{CHANNEL_HEADER, Shape, attribute};
use super::moment::Moment;
use super::outlet::Outlet;
use super::peers::{Family, Peers};
use super::policy::Outsider;

/// What the receiver gets a packet as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// ChannelData on this channel of the receiver's.
    Channel(u16),
    /// A Data indication that names the sender's relayed address.
    Indication(SocketAddr),
}

/// The client a packet goes to and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) to: FiveTuple,
    pub(crate) form: Form,
}

/// Where a client's packet goes.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// To another client of this relay, in memory.
    Inside(Delivery),
    /// To a peer outside, by its sender's own socket.
    Outside(Arc<Outlet>, Outsider),
}

/// The ports of a client's relayed addresses: of one, or of one per family.
#[derive(Debug, Clone, Copy)]
struct Held {
    first: u16,
    second: Option<u16>,
}

/// Every allocation: by the port of its relayed address, and by its client. A client with relayed
/// addresses of both families has two.
#[derive(Debug)]
pub(crate) struct Table {
    ports: RangeInclusive<u16>,
    slots: Vec<Option<Box<Allocation>>>,
    len: usize,
    clients: HashMap<FiveTuple, Held, Keyed>,
    /// What every allocation may send. None: as much as it likes.
    pub(crate) max_bitrate: Option<Bitrate>,
}

impl Allocation {
    /// How its client gets a packet from `peer`.
    fn delivery_from(&self, peer: SocketAddr, now: Moment) -> Delivery {
        let channel = self.channel_to(peer, now);
        Delivery {
            to: self.tuple,
            form: channel.map_or(Form::Indication(peer), Form::Channel),
        }
    }
}

impl Table {
    pub(crate) fn new(ports: RangeInclusive<u16>) -> Self {
        Self {
            slots: ports.clone().map(|_| None).collect(),
            ports,
            len: 0,
            clients: HashMap::default(),
            max_bitrate: None,
        }
    }

    /// Allocations there are, live or not.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Enters an allocation: its client's first, or its second if that is of the other family.
    pub(crate) fn insert(&mut self, allocation: Allocation) {
        let port = allocation.relayed.port();
        if let Some(index) = self.index(port) {
            self.clients
                .entry(allocation.tuple)
                .and_modify(|held| held.second = Some(port))
                .or_insert(Held {
                    first: port,
                    second: None,
                });
            self.slots[index] = Some(Box::new(allocation));
            self.len += 1;
        }
    }

    /// Takes one of a client's allocations out, if it is there.
    pub(crate) fn remove(
        &mut self,
        tuple: &FiveTuple,
        id: AllocationId,
    ) -> Option<Box<Allocation>> {
        let gone = self.all_of_client(tuple).find(|it| it.id == id)?;
        let port = gone.relayed.port();
        let held = self.clients.get_mut(tuple)?;
        match held.second {
            Some(second) if second == port => held.second = None,
            Some(second) => {
                held.first = second;
                held.second = None;
            }
            None => {
                self.clients.remove(tuple);
            }
        }
        self.len -= 1;
        let index = self.index(port)?;
        self.slots[index].take()
    }

    /// The first allocation of a client, live or not.
    pub(crate) fn of_client(&self, tuple: &FiveTuple) -> Option<&Allocation> {
        self.at_port(self.clients.get(tuple)?.first)
    }

    /// Every allocation of a client, live or not: at most one per family.
    pub(crate) fn all_of_client(&self, tuple: &FiveTuple) -> impl Iterator<Item = &Allocation> {
        let held = self.clients.get(tuple);
        let ports = held.map(|held| [Some(held.first), held.second]);
        ports
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|port| self.at_port(port))
    }

    /// A client's allocation of this family, live or not.
    pub(crate) fn of_client_mut(
        &mut self,
        tuple: &FiveTuple,
        family: Family,
    ) -> Option<&mut Allocation> {
        let mut all = self.all_of_client(tuple);
        let port = all.find(|it| it.family() == family)?.relayed.port();
        drop(all);
        let index = self.index(port)?;
        self.slots[index].as_deref_mut()
    }

    /// The allocation at a port, live or not.
    pub(crate) fn at_port(&self, port: u16) -> Option<&Allocation> {
        self.slots[self.index(port)?].as_deref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Allocation> {
        self.clients
            .keys()
            .flat_map(|tuple| self.all_of_client(tuple))
    }

    /// Closes every outlet.
    pub(crate) fn close_outlets(&mut self) {
        for allocation in self.slots.iter_mut().flatten() {
            allocation.outlet = None;
        }
    }

    /// Where a packet of `size` bytes of media on a channel goes. The channel and the permission
    /// must both be live.
    pub(crate) fn route_channel(
        &self,
        from: &FiveTuple,
        number: u16,
        size: usize,
        now: Moment,
        peers: &Peers,
    ) -> Result<Way, DropReason> {
        let mut refusal = DropReason::NoAllocation;
        for sender in self.all_of_client(from).filter(|it| it.is_live(now)) {
            match sender.channel_peer(number, now) {
                Some(peer) => return self.route(sender, peer, size, now, peers),
                None => refusal = DropReason::NoChannel,
            }
        }
        Err(refusal)
    }

    /// Where a packet of `size` bytes of media to a peer goes.
    pub(crate) fn route_peer(
        &self,
        from: &FiveTuple,
        peer: SocketAddr,
        size: usize,
        now: Moment,
        peers: &Peers,
    ) -> Result<Way, DropReason> {
        let mut refusal = DropReason::NoAllocation;
        for sender in self.all_of_client(from).filter(|it| it.is_live(now)) {
            if sender.family() == Family::of(peer.ip()) {
                return self.route(sender, peer, size, now, peers);
            }
            refusal = DropReason::NoPermission;
        }
        Err(refusal)
    }

    /// Where a packet of `size` bytes from a peer outside goes that came to the relayed address with
    /// this port.
    pub(crate) fn route_arrival(
        &self,
        port: u16,
        peer: SocketAddr,
        size: usize,
        now: Moment,
        peers: &Peers,
    ) -> Result<Delivery, DropReason> {
        let receiver = self
            .at_port(port)
            .filter(|allocation| allocation.is_live(now))
            .ok_or(DropReason::NoAllocation)?;
        if !receiver.permits(peer.ip(), now) || peers.outsider(peer).is_none() {
            return Err(DropReason::NotWelcome);
        }
        self.charge(receiver, &receiver.received, size, now)?;
        receiver.traffic.count_to_client(size);
        Ok(receiver.delivery_from(peer, now))
    }

    fn route(
        &self,
        sender: &Allocation,
        peer: SocketAddr,
        size: usize,
        now: Moment,
        peers: &Peers,
    ) -> Result<Way, DropReason> {
        if !sender.permits(peer.ip(), now) {
            return Err(DropReason::NoPermission);
        }
        let there = self.at_port(peer.port());
        let Some(receiver) = there.filter(|allocation| allocation.relayed == peer) else {
            return self.route_outside(sender, peer, size, now, peers);
        };
        if !receiver.is_live(now) {
            return Err(DropReason::NoPeer);
        }
        if !receiver.permits(sender.relayed.ip(), now) {
            return Err(DropReason::NotWelcome);
        }
        self.charge(sender, &sender.meter, size, now)?;
        sender.traffic.count_from_client(size);
        receiver.traffic.count_to_client(size);
        Ok(Way::Inside(receiver.delivery_from(sender.relayed, now)))
    }

    fn route_outside(
        &self,
        sender: &Allocation,
        peer: SocketAddr,
        size: usize,
        now: Moment,
        peers: &Peers,
    ) -> Result<Way, DropReason> {
        let outlet = sender.outlet.as_ref().ok_or(DropReason::NoPeer)?;
        let outsider = peers.outsider(peer).ok_or(DropReason::NoPeer)?;
        self.charge(sender, &sender.meter, size, now)?;
        sender.traffic.count_from_client(size);
        Ok(Way::Outside(Arc::clone(outlet), outsider))
    }

    /// Charges what passes to whoever sends it, or to whom it comes from outside.
    fn charge(
        &self,
        payer: &Allocation,
        meter: &Meter,
        size: usize,
        now: Moment,
    ) -> Result<(), DropReason> {
        if let Some(rate) = self.max_bitrate
            && !meter.admits(size, rate, now)
        {
            payer.traffic.count_over_rate();
            return Err(DropReason::OverRate);
        }
        Ok(())
    }

    fn index(&self, port: u16) -> Option<usize> {
        self.ports
            .contains(&port)
            .then(|| usize::from(port - self.ports.start()))
    }
}

/// The channel and the place of the media in a ChannelData message (RFC 8656 §12.4).
///
/// Padding behind the media is ignored: UDP clients may send it and need not.
pub(crate) fn read_channel_data(datagram: &[u8]) -> Result<(u16, Range<usize>), DropReason> {
    let &[high, low, length_high, length_low] = datagram
        .first_chunk::<CHANNEL_HEADER>()
        .ok_or(DropReason::Malformed)?;
    let number = u16::from_be_bytes([high, low]);
    let end = CHANNEL_HEADER + usize::from(u16::from_be_bytes([length_high, length_low]));
    if end > datagram.len() {
        return Err(DropReason::Malformed);
    }
    Ok((number, CHANNEL_HEADER..end))
}

/// The peer and the place of the media in a Send indication (RFC 8656 §11.2).
///
/// One with an attribute that isn't understood is dropped (RFC 8489 §6.3.2).
pub(crate) fn read_send_indication(
    shape: &Shape<'_>,
) -> Result<(SocketAddr, Range<usize>), DropReason> {
    let is_understood = shape
        .attributes()
        .all(|(kind, _)| attribute::is_understood(kind));
    let peer = shape
        .attribute(attribute::XOR_PEER_ADDRESS)
        .and_then(|value| shape.xored_address(value));
    let data = shape.attribute(attribute::DATA);
    match (is_understood, peer, data) {
        (true, Some(peer), Some(data)) => {
            let start = shape.offset_of(data);
            Ok((peer, start..start + data.len()))
        }
        _ => Err(DropReason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::turn::allocation::{AllocationId, ListenerId};
    use crate::turn::gate::Holder;
    use crate::turn::settings::Reach;

    const RELAY: &str = "203.0.113.5";

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn relayed(port: u16) -> SocketAddr {
        SocketAddr::new(RELAY.parse().unwrap(), port)
    }

    fn client(port: u16) -> FiveTuple {
        FiveTuple {
            listener: ListenerId(0),
            client: SocketAddr::new("192.0.2.1".parse().unwrap(), port),
        }
    }

    fn closed() -> Peers {
        Peers::new(None, 5000..=5009, Reach::Closed)
    }

    fn inside(way: &Way) -> Delivery {
        match way {
            Way::Inside(delivery) => *delivery,
            Way::Outside(..) => panic!("a packet that stays inside"),
        }
    }

    fn to_peer(
        table: &Table,
        from: &FiveTuple,
        peer: SocketAddr,
        size: usize,
        now: Moment,
    ) -> Result<Delivery, DropReason> {
        table
            .route_peer(from, peer, size, now, &closed())
            .map(|way| inside(&way))
    }

    fn on_channel(
        table: &Table,
        from: &FiveTuple,
        number: u16,
        size: usize,
        now: Moment,
    ) -> Result<Delivery, DropReason> {
        table
            .route_channel(from, number, size, now, &closed())
            .map(|way| inside(&way))
    }

    /// Two allocations that permit each other; clients 1 and 2 have ports 5001 and 5002.
    fn table() -> Table {
        let mut table = Table::new(5000..=5009);
        for number in [1, 2] {
            let mut allocation = Allocation::new(
                AllocationId(u64::from(number)),
                client(number),
                relayed(5000 + number),
                Holder::Name("anna".into()),
                "anna".into(),
                at(600),
            );
            allocation.permit(relayed(1).ip(), at(0));
            table.insert(allocation);
        }
        table
    }

    #[test]
    fn a_packet_comes_from_the_senders_relayed_address() {
        let delivery = to_peer(&table(), &client(1), relayed(5002), 9, at(1));
        let expected = Delivery {
            to: client(2),
            form: Form::Indication(relayed(5001)),
        };
        assert_eq!(delivery, Ok(expected));
    }

    #[test]
    fn a_bound_channel_is_used_on_either_side() {
        let mut table = table();
        let receiver = table.of_client_mut(&client(2), Family::V4).unwrap();
        receiver.bind(0x4123, relayed(5001), at(0));
        let form = |delivery: Result<Delivery, DropReason>| delivery.unwrap().form;
        assert_eq!(
            form(to_peer(&table, &client(1), relayed(5002), 9, at(1))),
            Form::Channel(0x4123)
        );
        assert_eq!(
            form(on_channel(&table, &client(2), 0x4123, 9, at(1))),
            Form::Indication(relayed(5002))
        );
    }

    #[test]
    fn a_channel_stops_with_its_permission() {
        let mut table = table();
        table
            .of_client_mut(&client(2), Family::V4)
            .unwrap()
            .bind(0x4123, relayed(5001), at(0));
        table
            .of_client_mut(&client(1), Family::V4)
            .unwrap()
            .permit(relayed(1).ip(), at(100));
        assert!(on_channel(&table, &client(2), 0x4123, 9, at(299)).is_ok());
        assert_eq!(
            on_channel(&table, &client(2), 0x4123, 9, at(300)),
            Err(DropReason::NoPermission)
        );
        assert_eq!(
            to_peer(&table, &client(1), relayed(5002), 9, at(300)),
            Err(DropReason::NotWelcome)
        );
    }

    #[test]
    fn what_leads_nowhere_is_dropped_with_its_reason() {
        let table = table();
        let reason = |from, peer, now| to_peer(&table, &client(from), peer, 9, at(now));
        assert_eq!(reason(3, relayed(5002), 1), Err(DropReason::NoAllocation));
        assert_eq!(reason(1, relayed(5003), 1), Err(DropReason::NoPeer));
        assert_eq!(reason(1, relayed(80), 1), Err(DropReason::NoPeer));
        assert_eq!(
            reason(1, "127.0.0.1:5002".parse().unwrap(), 1),
            Err(DropReason::NoPermission)
        );
        assert_eq!(reason(1, relayed(5002), 600), Err(DropReason::NoAllocation));
        assert_eq!(
            on_channel(&table, &client(1), 0x4000, 9, at(1)),
            Err(DropReason::NoChannel)
        );
    }

    #[test]
    fn a_port_of_ours_at_another_address_is_nobody() {
        let mut table = table();
        let elsewhere: SocketAddr = "203.0.113.9:5002".parse().unwrap();
        let sender = table.of_client_mut(&client(1), Family::V4).unwrap();
        sender.permit(elsewhere.ip(), at(0));
        assert_eq!(
            to_peer(&table, &client(1), elsewhere, 9, at(1)),
            Err(DropReason::NoPeer)
        );
    }

    #[test]
    fn channel_data_says_how_long_it_is() {
        let read = read_channel_data;
        assert_eq!(read(&[0x40, 0, 0, 2, 1, 2]), Ok((0x4000, 4..6)));
        assert_eq!(read(&[0x4F, 0xFF, 0, 0]), Ok((0x4FFF, 4..4)));
        assert_eq!(read(&[0x40, 0, 0, 1, 1, 0, 0, 0]), Ok((0x4000, 4..5)));
        assert_eq!(read(&[0x40, 0, 0, 3, 1, 2]), Err(DropReason::Malformed));
        assert_eq!(read(&[0x40, 0, 0]), Err(DropReason::Malformed));
    }

    proptest! {
        #[test]
        fn media_lies_within_its_datagram(datagram in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok((_, media)) = read_channel_data(&datagram) {
                prop_assert!(media.end <= datagram.len());
            }
        }
    }
}
