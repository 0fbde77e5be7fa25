//! An allocation's own socket in the open mode: the only way to peers outside, and back.
//!
//! It sends to nobody but an [`Outsider`], whom only the peer policy makes; so what it sends was
//! checked, and there is no second way around. An error it reports, such as a peer's port that is
//! closed, is that packet's end and nothing else's.

use std::io::{self, ErrorKind, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::socket::{setsockopt, sockopt::UdpGroSegment};
use rustix::event::epoll;
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, Socket, Type};

use super::policy::Outsider;
use super::post::{Patience, Post, Trains};

/// A relayed address's socket. It is closed when nobody holds it any more.
#[derive(Debug)]
pub(crate) struct Outlet {
    socket: UdpSocket,
    /// Everybody it was asked to send to.
    #[cfg(test)]
    pub(crate) asked: std::sync::Mutex<Vec<SocketAddr>>,
}

impl Outlet {
    /// Binds the first of these addresses that this machine has.
    pub(crate) fn bind(candidates: impl IntoIterator<Item = SocketAddr>) -> io::Result<Self> {
        let mut outcome = Err(ErrorKind::AddrNotAvailable.into());
        for address in candidates {
            outcome = open(address);
            match &outcome {
                Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {}
                _ => break,
            }
        }
        Ok(Self {
            socket: outcome?,
            #[cfg(test)]
            asked: std::sync::Mutex::default(),
        })
    }

    /// Sends these packets in order, and says how many the system refused. It waits for room as long
    /// as there is patience; a lone packet doesn't.
    pub(super) fn send(
        &self,
        to: Outsider,
        packets: &[IoSlice<'_>],
        trains: &mut Trains,
        patience: &mut Patience,
    ) -> u64 {
        let to = to.address();
        #[cfg(test)]
        self.asked.lock().unwrap().push(to);
        if let [packet] = packets {
            return u64::from(self.socket.send_to(packet, to).is_err());
        }
        let receivers = vec![to; packets.len()];
        let mut post = Post {
            socket: &self.socket,
            receivers: &receivers,
            packets,
            trains: *trains,
            patience,
            refused: 0,
        };
        post.send_all();
        *trains = post.trains;
        post.refused
    }
}

/// To read from.
impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    // As at the listeners: nobody on the way may cut a packet up.
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
        set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?;
    } else {
        set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?;
    }
    socket.set_nonblocking(true)?;
    let _ = setsockopt(&socket, UdpGroSegment, &true);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// What the shards watch their outlets with, one each.
#[derive(Debug)]
pub(crate) struct Watches(Vec<OwnedFd>);

impl Watches {
    pub(crate) fn new(shards: usize) -> io::Result<Self> {
        let watches = (0..shards).map(|_| epoll::create(epoll::CreateFlags::CLOEXEC));
        Ok(Self(watches.collect::<rustix::io::Result<_>>()?))
    }

    /// What this shard waits for.
    pub(crate) fn of_shard(&self, shard: usize) -> Option<&OwnedFd> {
        self.0.get(shard)
    }

    /// Has one of the shards serve what comes to the outlet of the relayed address with this port,
    /// until the outlet is closed.
    pub(crate) fn add(&self, outlet: &Outlet, port: u16) -> io::Result<()> {
        let shard = usize::from(port) % self.0.len().max(1);
        let watch = self.0.get(shard).ok_or(ErrorKind::NotFound)?;
        let port = epoll::EventData::new_u64(u64::from(port));
        Ok(epoll::add(watch, outlet, port, epoll::EventFlags::IN)?)
    }
}
