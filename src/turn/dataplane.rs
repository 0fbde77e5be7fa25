//! Where media goes: from one client of this relay to another, by two look-ups and two permissions.
//!
//! A packet passes when its sender has a live permission for the receiver's relayed address and
//! the receiver one for the sender's (RFC 8656 §9). Nothing here waits, allocates or logs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};

use super::allocation::{Allocation, FiveTuple};
use super::bitrate::Bitrate;
use super::figures::DropReason;
use super::hash::Keyed;
use super::message::{CHANNEL_HEADER, Shape, attribute};
use super::moment::Moment;

/// What the receiver gets a packet as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// ChannelData on this channel of the receiver's.
    Channel(u16),
    /// A Data indication that names the sender's relayed address.
    Indication(SocketAddr),
}

/// Where a packet goes and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) to: FiveTuple,
    pub(crate) form: Form,
}

/// Every allocation: by the port of its relayed address, and by its client.
#[derive(Debug)]
pub(crate) struct Table {
    ports: RangeInclusive<u16>,
    slots: Vec<Option<Box<Allocation>>>,
    clients: HashMap<FiveTuple, u16, Keyed>,
    /// What every allocation may send. None: as much as it likes.
    pub(crate) max_bitrate: Option<Bitrate>,
}

impl Table {
    pub(crate) fn new(ports: RangeInclusive<u16>) -> Self {
        Self {
            slots: ports.clone().map(|_| None).collect(),
            ports,
            clients: HashMap::default(),
            max_bitrate: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn insert(&mut self, allocation: Allocation) {
        let port = allocation.relayed.port();
        if let Some(index) = self.index(port) {
            self.clients.insert(allocation.tuple, port);
            self.slots[index] = Some(Box::new(allocation));
        }
    }

    pub(crate) fn remove(&mut self, tuple: &FiveTuple) -> Option<Box<Allocation>> {
        let port = self.clients.remove(tuple)?;
        let index = self.index(port)?;
        self.slots[index].take()
    }

    /// The allocation of a client, live or not.
    pub(crate) fn of_client(&self, tuple: &FiveTuple) -> Option<&Allocation> {
        self.at_port(*self.clients.get(tuple)?)
    }

    pub(crate) fn of_client_mut(&mut self, tuple: &FiveTuple) -> Option<&mut Allocation> {
        let index = self.index(*self.clients.get(tuple)?)?;
        self.slots[index].as_deref_mut()
    }

    /// The allocation at a port, live or not.
    pub(crate) fn at_port(&self, port: u16) -> Option<&Allocation> {
        self.slots[self.index(port)?].as_deref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Allocation> {
        self.clients
            .keys()
            .filter_map(|tuple| self.of_client(tuple))
    }

    /// Where a packet of `size` bytes of media on a channel goes. The channel and the permission
    /// must both be live.
    pub(crate) fn route_channel(
        &self,
        from: &FiveTuple,
        number: u16,
        size: usize,
        now: Moment,
    ) -> Result<Delivery, DropReason> {
        let sender = self.sender(from, now)?;
        let peer = sender
            .channel_peer(number, now)
            .ok_or(DropReason::NoChannel)?;
        self.route(sender, peer, size, now)
    }

    /// Where a packet of `size` bytes of media to a peer goes.
    pub(crate) fn route_peer(
        &self,
        from: &FiveTuple,
        peer: SocketAddr,
        size: usize,
        now: Moment,
    ) -> Result<Delivery, DropReason> {
        self.route(self.sender(from, now)?, peer, size, now)
    }

    fn sender(&self, from: &FiveTuple, now: Moment) -> Result<&Allocation, DropReason> {
        self.of_client(from)
            .filter(|allocation| allocation.is_live(now))
            .ok_or(DropReason::NoAllocation)
    }

    fn route(
        &self,
        sender: &Allocation,
        peer: SocketAddr,
        size: usize,
        now: Moment,
    ) -> Result<Delivery, DropReason> {
        if !sender.permits(peer.ip(), now) {
            return Err(DropReason::NoPermission);
        }
        let receiver = self
            .at_port(peer.port())
            .filter(|allocation| allocation.relayed == peer && allocation.is_live(now))
            .ok_or(DropReason::NoPeer)?;
        if !receiver.permits(sender.relayed.ip(), now) {
            return Err(DropReason::NotWelcome);
        }
        if let Some(rate) = self.max_bitrate
            && !sender.meter.admits(size, rate, now)
        {
            return Err(DropReason::OverRate);
        }
        let form = receiver
            .channel_to(sender.relayed, now)
            .map_or(Form::Indication(sender.relayed), Form::Channel);
        Ok(Delivery {
            to: receiver.tuple,
            form,
        })
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
        let delivery = table().route_peer(&client(1), relayed(5002), 9, at(1));
        let expected = Delivery {
            to: client(2),
            form: Form::Indication(relayed(5001)),
        };
        assert_eq!(delivery, Ok(expected));
    }

    #[test]
    fn a_bound_channel_is_used_on_either_side() {
        let mut table = table();
        let receiver = table.of_client_mut(&client(2)).unwrap();
        receiver.bind(0x4123, relayed(5001), at(0));
        let form = |delivery: Result<Delivery, DropReason>| delivery.unwrap().form;
        assert_eq!(
            form(table.route_peer(&client(1), relayed(5002), 9, at(1))),
            Form::Channel(0x4123)
        );
        assert_eq!(
            form(table.route_channel(&client(2), 0x4123, 9, at(1))),
            Form::Indication(relayed(5002))
        );
    }

    #[test]
    fn a_channel_stops_with_its_permission() {
        let mut table = table();
        table
            .of_client_mut(&client(2))
            .unwrap()
            .bind(0x4123, relayed(5001), at(0));
        table
            .of_client_mut(&client(1))
            .unwrap()
            .permit(relayed(1).ip(), at(100));
        assert!(table.route_channel(&client(2), 0x4123, 9, at(299)).is_ok());
        assert_eq!(
            table.route_channel(&client(2), 0x4123, 9, at(300)),
            Err(DropReason::NoPermission)
        );
        assert_eq!(
            table.route_peer(&client(1), relayed(5002), 9, at(300)),
            Err(DropReason::NotWelcome)
        );
    }

    #[test]
    fn what_leads_nowhere_is_dropped_with_its_reason() {
        let table = table();
        let reason = |from, peer, now| table.route_peer(&client(from), peer, 9, at(now));
        assert_eq!(reason(3, relayed(5002), 1), Err(DropReason::NoAllocation));
        assert_eq!(reason(1, relayed(5003), 1), Err(DropReason::NoPeer));
        assert_eq!(reason(1, relayed(80), 1), Err(DropReason::NoPeer));
        assert_eq!(
            reason(1, "127.0.0.1:5002".parse().unwrap(), 1),
            Err(DropReason::NoPermission)
        );
        assert_eq!(reason(1, relayed(5002), 600), Err(DropReason::NoAllocation));
        assert_eq!(
            table.route_channel(&client(1), 0x4000, 9, at(1)),
            Err(DropReason::NoChannel)
        );
    }

    #[test]
    fn a_port_of_ours_at_another_address_is_nobody() {
        let mut table = table();
        let elsewhere: SocketAddr = "203.0.113.9:5002".parse().unwrap();
        let sender = table.of_client_mut(&client(1)).unwrap();
        sender.permit(elsewhere.ip(), at(0));
        assert_eq!(
            table.route_peer(&client(1), elsewhere, 9, at(1)),
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
