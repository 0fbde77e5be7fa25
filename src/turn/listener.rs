//! The UDP sockets of one listening address: one per shard, among which the system divides the
//! clients, always the same to the same shard.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::{setsockopt, sockopt::UdpGroSegment};
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::error::TurnError;

/// What the system is asked to keep for a busy shard, bytes; it may give less.
pub const SOCKET_BUFFER: usize = 8 * 1024 * 1024;

/// An address that is listened on.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    sockets: Vec<UdpSocket>,
}

impl Listener {
    /// Binds a socket for every shard. An IPv6 one serves IPv4 too unless `beside_v4`.
    ///
    /// An address that anybody listens on already is refused: the first socket is bound for itself
    /// alone and only then opened to its siblings.
    pub(super) fn bind(
        address: SocketAddr,
        beside_v4: bool,
        shards: usize,
    ) -> Result<Self, TurnError> {
        let listen = || -> io::Result<Self> {
            let first = open(address, beside_v4)?;
            first.bind(&address.into())?;
            let bound = UdpSocket::from(first.try_clone()?).local_addr()?;
            first.set_reuse_port(shards > 1)?;
            note_buffers(&first);
            let mut sockets = vec![UdpSocket::from(first)];
            while sockets.len() < shards {
                let sibling = open(bound, beside_v4)?;
                sibling.set_reuse_port(true)?;
                sibling.bind(&bound.into())?;
                sockets.push(UdpSocket::from(sibling));
            }
            Ok(Self {
                address: bound,
                sockets,
            })
        };
        listen().map_err(|source| TurnError::Listen { address, source })
    }

    /// What the system really keeps for a socket, bytes; none: it doesn't say.
    pub(super) fn receive_buffer(&self) -> Option<usize> {
        let size = SockRef::from(self.sockets.first()?)
            .recv_buffer_size()
            .ok()?;
        // Linux counts its own overhead in, and says twice what it took (socket(7)).
        Some(size / 2)
    }

    /// A shard's socket. Any of them sends to any client, because their address is one.
    pub(super) fn socket(&self, shard: usize) -> Option<&UdpSocket> {
        self.sockets.get(shard)
    }
}

fn open(address: SocketAddr, beside_v4: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    // Nobody on the way may cut a packet up, and no path's history decides what is sent.
    if address.is_ipv6() {
        socket.set_only_v6(beside_v4)?;
        set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?;
    } else {
        set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?;
    }
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    // A system without it hands over every datagram by itself, which is served as well.
    let _ = setsockopt(&socket, UdpGroSegment, &true);
    Ok(socket)
}

fn note_buffers(socket: &Socket) {
    tracing::debug!(
        asked = SOCKET_BUFFER,
        to_receive = socket.recv_buffer_size().unwrap_or_default(),
        to_send = socket.send_buffer_size().unwrap_or_default(),
        "buffers of a socket of the media relay, bytes"
    );
}
