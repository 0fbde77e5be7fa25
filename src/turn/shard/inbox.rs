//! Datagrams in batches: read into slots that are used again, trains left where they came in.

use std::io::IoSliceMut;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg, recvmsg,
};

use crate::turn::outlet::Outlet;

/// Datagrams, or trains of them, that one call reads.
pub(super) const BATCH: usize = 64;

/// The least that is asked for at once, so that a lone packet costs little preparation.
const NARROWEST: usize = 4;

/// More than the longest datagram and the longest train, with room in front. The odd lines keep
/// slots from falling onto the same places of the processor's caches.
const SLOT: usize = 65_536 + 3 * 64;

/// Room in front of what comes to an outlet, for the header that it goes on with.
const FRONT: usize = 64;

/// A datagram, or a train of them: all `stride` long but the last, which may be shorter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) from: SocketAddr,
    start: usize,
    length: usize,
    stride: usize,
}

impl Arrival {
    /// Where its datagrams lie in the slab.
    pub(super) fn datagrams(self) -> impl Iterator<Item = Range<usize>> {
        let end = self.start + self.length;
        let count = self.length.div_ceil(self.stride).max(1);
        (0..count).map(move |index| {
            let start = self.start + index * self.stride;
            start..(start + self.stride).min(end)
        })
    }
}

/// What came to the relayed address with this port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) port: u16,
    pub(super) arrival: Arrival,
}

/// The slots of a shard.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) slab: Vec<u8>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) visits: Vec<Visit>,
    width: usize,
    /// Where the system writes how long the datagrams of a train are.
    control: Vec<u8>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            slab: vec![0; BATCH * SLOT],
            arrivals: Vec::with_capacity(BATCH),
            visits: Vec::with_capacity(BATCH),
            width: NARROWEST,
            control: nix::cmsg_space!(i32),
        }
    }

    /// Reads what waits at these outlets, at most a batch and from each its share, in the place of
    /// what was read before. An outlet that reports an error has nothing to read this time.
    pub(super) fn visit(&mut self, outlets: &[(u16, Arc<Outlet>)]) {
        self.visits.clear();
        let share = (BATCH / outlets.len().max(1)).max(1);
        let mut taken = 0;
        for (port, outlet) in outlets.iter().take(BATCH) {
            taken += if share == 1 {
                self.visit_once(*port, outlet, taken)
            } else {
                let width = share.min(BATCH - taken);
                self.visit_often(*port, outlet, taken, width)
            };
        }
    }

    /// How many slots were taken, from `slot` on.
    fn visit_once(&mut self, port: u16, outlet: &Outlet, slot: usize) -> usize {
        let start = slot * SLOT + FRONT;
        let end = (slot + 1) * SLOT;
        let mut place = [IoSliceMut::new(&mut self.slab[start..end])];
        let received = recvmsg(
            outlet.as_fd().as_raw_fd(),
            &mut place,
            Some(&mut self.control),
            MsgFlags::MSG_DONTWAIT,
        );
        let Ok(message) = received else {
            return 0;
        };
        let arrival = read(&message, start);
        self.visits
            .extend(arrival.map(|arrival| Visit { port, arrival }));
        1
    }

    /// How many slots were taken, from `slot` on and at most `width`.
    fn visit_often(&mut self, port: u16, outlet: &Outlet, slot: usize, width: usize) -> usize {
        let mut headers: MultiHeaders<SockaddrStorage> =
            MultiHeaders::preallocate(width, Some(nix::cmsg_space!(i32)));
        let mut places: Vec<[IoSliceMut<'_>; 1]> = self
            .slab
            .chunks_mut(SLOT)
            .skip(slot)
            .take(width)
            .map(|place| [IoSliceMut::new(&mut place[FRONT..])])
            .collect();
        let fd = outlet.as_fd().as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        let Ok(received) = recvmmsg(fd, &mut headers, places.iter_mut(), flags, None) else {
            return 0;
        };
        let mut count = 0;
        for message in received {
            let arrival = read(&message, (slot + count) * SLOT + FRONT);
            self.visits
                .extend(arrival.map(|arrival| Visit { port, arrival }));
            count += 1;
        }
        count
    }

    /// Reads what waits at a socket, at most a batch, in the place of what was read before.
    pub(super) fn receive(&mut self, socket: &UdpSocket) -> Result<(), Errno> {
        self.arrivals.clear();
        let width = self.width;
        // Made anew each time: the system shortens their room for control messages as it reads.
        let mut headers: MultiHeaders<SockaddrStorage> =
            MultiHeaders::preallocate(width, Some(nix::cmsg_space!(i32)));
        let mut slots: Vec<[IoSliceMut<'_>; 1]> = self
            .slab
            .chunks_mut(SLOT)
            .take(width)
            .map(|slot| [IoSliceMut::new(slot)])
            .collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        let received = recvmmsg(
            socket.as_raw_fd(),
            &mut headers,
            slots.iter_mut(),
            flags,
            None,
        )?;
        let mut count = 0;
        for message in received {
            self.arrivals.extend(read(&message, count * SLOT));
            count += 1;
        }
        self.adapt(count);
        Ok(())
    }

    /// Asks for as many next time as there may be.
    fn adapt(&mut self, received: usize) {
        if received == self.width {
            self.width = (self.width * 4).min(BATCH);
        } else if received < self.width / 4 {
            self.width = (self.width / 2).max(NARROWEST);
        }
    }
}

/// None: it has no sender that could be answered, or isn't whole.
fn read(message: &RecvMsg<'_, '_, SockaddrStorage>, start: usize) -> Option<Arrival> {
    let is_cut = message
        .flags
        .intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC);
    let from = message.address.as_ref().and_then(socket_address)?;
    let segment = message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::UdpGroSegments(bytes) => usize::try_from(bytes).ok(),
        _ => None,
    });
    let length = message.bytes;
    let stride = segment.unwrap_or(length).max(1);
    (!is_cut).then_some(Arrival {
        from,
        start,
        length,
        stride,
    })
}

fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage
        .as_sockaddr_in()
        .map(|it| SocketAddr::V4((*it).into()));
    v4.or_else(|| {
        storage
            .as_sockaddr_in6()
            .map(|it| SocketAddr::V6((*it).into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(length: usize, stride: usize) -> Arrival {
        Arrival {
            from: SocketAddr::from(([192, 0, 2, 1], 4000)),
            start: 100,
            length,
            stride,
        }
    }

    #[test]
    fn a_train_is_its_datagrams_and_the_last_may_be_shorter() {
        let cut = |length, stride| {
            let places = arrival(length, stride).datagrams();
            places.map(|it| (it.start, it.end)).collect::<Vec<_>>()
        };
        assert_eq!(cut(7, 7), [(100, 107)]);
        assert_eq!(cut(8, 4), [(100, 104), (104, 108)]);
        assert_eq!(cut(9, 4), [(100, 104), (104, 108), (108, 109)]);
        assert_eq!(cut(0, 1), [(100, 100)]);
    }

    #[test]
    fn rounds_are_as_wide_as_the_traffic() {
        let mut inbox = Inbox::new();
        for (received, width) in [
            (4, 16),
            (16, 64),
            (64, 64),
            (15, 32),
            (8, 32),
            (1, 16),
            (3, 8),
            (1, 4),
            (0, 4),
        ] {
            inbox.adapt(received);
            assert_eq!(inbox.width, width);
        }
    }

    /// Outlets with what they are sent from.
    fn outlets(count: u16) -> (Vec<(u16, Arc<Outlet>)>, UdpSocket) {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let bind = |number| (number, Arc::new(Outlet::bind([anywhere]).unwrap()));
        ((1..=count).map(bind).collect(), peer)
    }

    fn address(outlet: &Outlet) -> SocketAddr {
        let socket = socket2::SockRef::from(outlet);
        socket.local_addr().unwrap().as_socket().unwrap()
    }

    #[test]
    fn every_outlet_has_its_share_of_a_batch_and_the_rest_waits() {
        for (count, packets, first, second) in [(1, 70, 64, 6), (3, 30, 63, 27), (64, 2, 64, 64)] {
            let (outlets, peer) = outlets(count);
            for number in 0..packets {
                for (port, outlet) in &outlets {
                    let packet = [*port, number].map(u16::to_be_bytes).concat();
                    peer.send_to(&packet, address(outlet)).unwrap();
                }
            }
            let mut inbox = Inbox::new();
            let mut next = vec![0; outlets.len() + 1];
            for expected in [first, second, 0] {
                inbox.visit(&outlets);
                assert_eq!(inbox.visits.len(), expected);
                for Visit { port, arrival } in &inbox.visits {
                    let number: &mut u16 = &mut next[usize::from(*port)];
                    let packet = [*port, *number].map(u16::to_be_bytes).concat();
                    let places: Vec<_> = arrival.datagrams().collect();
                    assert_eq!(places.len(), 1);
                    assert_eq!(inbox.slab[places[0].clone()], packet);
                    assert_eq!(arrival.from, peer.local_addr().unwrap());
                    *number += 1;
                }
            }
        }
    }

    #[test]
    fn trains_to_outlets_are_read_whole_however_many_there_are() {
        for count in [1, 64] {
            let (outlets, peer) = outlets(count);
            let train: Vec<u8> = (0..=u8::MAX).cycle().take(10 * 1200 - 7).collect();
            for (_, outlet) in &outlets {
                nix::sys::socket::sendmsg(
                    peer.as_raw_fd(),
                    &[std::io::IoSlice::new(&train)],
                    &[nix::sys::socket::ControlMessage::UdpGsoSegments(&1200)],
                    MsgFlags::empty(),
                    Some(&SockaddrStorage::from(address(outlet))),
                )
                .unwrap();
            }
            let mut inbox = Inbox::new();
            inbox.visit(&outlets);
            assert_eq!(inbox.visits.len(), outlets.len());
            for Visit { arrival, .. } in &inbox.visits {
                let places: Vec<_> = arrival.datagrams().collect();
                assert_eq!(places.len(), 10);
                assert_eq!(inbox.slab[places[0].start..places[9].end], train);
            }
        }
    }
}
