//! The doors for streams, and every connection that came through one.
//!
//! A connection is known by its 5-tuple like any client, so that the data plane needs no more than
//! [`Streams::offer`] to reach it. Connections are limited in all, and per source.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use async_trait::async_trait;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::allocation::{FiveTuple, ListenerId};
use super::error::TurnError;
use super::figures::DropReason;
use super::gate;
use super::outbox::Outbox;

/// Connections that wait in the kernel to be accepted; it may keep fewer.
const BACKLOG: i32 = 1024;

/// What the kernel keeps for a connection that doesn't read, bytes (it doubles this): enough for
/// video over any distance, and little enough that what is in it isn't stale.
const SEND_BUFFER: usize = 64 * 1024;

/// A connection as this relay needs it.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// What stands between a socket and the bytes of its client: TLS.
#[async_trait]
pub trait Encryption: std::fmt::Debug + Send + Sync {
    /// Shakes hands with a client that has just connected. May take as long as the client likes:
    /// the relay gives up by itself.
    async fn shake_hands(&self, socket: TcpStream) -> io::Result<Box<dyn Connection>>;
}

/// How many connections there may be at once, those that have proved nothing yet included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// From one IPv4 address or IPv6 /64.
    pub per_source: usize,
    /// From everybody together.
    pub in_all: usize,
}

impl Default for ConnectionLimits {
    /// Enough for a carrier's NAT address, and for twice the default number of allocations.
    fn default() -> Self {
        Self {
            per_source: 200,
            in_all: 2_000,
        }
    }
}

/// Whether others can read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    Plain,
    Encrypted,
}

/// A socket that accepts.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) socket: TcpListener,
    pub(super) address: SocketAddr,
    /// None: plain TCP.
    pub(super) encryption: Option<Arc<dyn Encryption>>,
}

impl Door {
    /// Binds a TCP socket. An IPv6 socket serves IPv4 too unless `beside_v4`.
    pub(super) fn bind(
        address: SocketAddr,
        beside_v4: bool,
        encryption: Option<Arc<dyn Encryption>>,
    ) -> Result<Self, TurnError> {
        let listen = || -> io::Result<Self> {
            let domain = Domain::for_address(address);
            let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
            if address.is_ipv6() {
                socket.set_only_v6(beside_v4)?;
            }
            socket.set_nonblocking(true)?;
            socket.set_reuse_address(true)?;
            socket.set_send_buffer_size(SEND_BUFFER)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            let socket = TcpListener::from_std(socket.into())?;
            Ok(Self {
                address: socket.local_addr()?,
                socket,
                encryption,
            })
        };
        listen().map_err(|source| TurnError::ListenStream { address, source })
    }

    /// Accepts at a socket that listens already: one that systemd holds.
    pub(super) fn inherit(
        socket: &std::net::TcpListener,
        encryption: Arc<dyn Encryption>,
    ) -> Result<Self, TurnError> {
        let open = || -> io::Result<Self> {
            let socket = socket.try_clone()?;
            SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER)?;
            socket.set_nonblocking(true)?;
            let socket = TcpListener::from_std(socket)?;
            Ok(Self {
                address: socket.local_addr()?,
                socket,
                encryption: Some(encryption),
            })
        };
        open().map_err(TurnError::Inherit)
    }
}

/// Who is connected, and how to write to them.
#[derive(Debug)]
pub(super) struct Streams {
    doors: Vec<Door>,
    limits: ConnectionLimits,
    open: RwLock<Open>,
}

#[derive(Debug, Default)]
struct Open {
    outboxes: HashMap<FiveTuple, Arc<Outbox>>,
    /// Connections by source; no more entries than outboxes.
    sources: HashMap<IpAddr, usize>,
    /// Connections of this process's own health check, by where they come from.
    expected: HashMap<SocketAddr, oneshot::Sender<()>>,
}

impl Streams {
    pub(super) fn new(doors: Vec<Door>, limits: ConnectionLimits) -> Self {
        Self {
            doors,
            limits,
            open: RwLock::default(),
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ListenerId> + use<> {
        (0..=u16::MAX)
            .take(self.doors.len())
            .map(ListenerId::stream)
    }

    /// Where it listens for plain streams, or for encrypted ones.
    pub(super) fn addresses(&self, privacy: Privacy) -> Vec<SocketAddr> {
        self.doors
            .iter()
            .filter(|door| door.encryption.is_some() == (privacy == Privacy::Encrypted))
            .map(|door| door.address)
            .collect()
    }

    pub(super) fn door(&self, id: ListenerId) -> Option<&Door> {
        self.doors.get(usize::from(id.stream_index()?))
    }

    pub(super) fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// Lets one connection from `client` in whatever the limits say, and tells when it came.
    pub(super) fn expect(&self, client: SocketAddr) -> Expected<'_> {
        let (sender, arrived) = oneshot::channel();
        self.write().expected.insert(client, sender);
        Expected {
            streams: self,
            client,
            arrived,
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.outboxes.len()
    }

    /// Hands a message to whoever is connected by this 5-tuple. It never waits.
    pub(super) fn offer(&self, message: &[u8], to: &FiveTuple) -> Result<(), DropReason> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let outbox = open.outboxes.get(to).ok_or(DropReason::SendFailed)?;
        outbox.offer(message).map_err(|_| DropReason::Backlog)
    }

    /// A place for a connection, unless the limits are reached. A client whose former connection
    /// isn't put away yet has none either: it would inherit what was the other's.
    pub(super) fn admit(self: &Arc<Self>, tuple: FiveTuple) -> Option<Berth> {
        let mut open = self.write();
        let expected = open.expected.remove(&tuple.client);
        let source = gate::site(tuple.client.ip());
        let from_there = open.sources.get(&source).copied().unwrap_or_default();
        let is_full =
            from_there >= self.limits.per_source || open.outboxes.len() >= self.limits.in_all;
        let is_refused = is_full && expected.is_none();
        if is_refused || open.outboxes.contains_key(&tuple) {
            return None;
        }
        let outbox = Arc::new(Outbox::default());
        open.sources.insert(source, from_there + 1);
        open.outboxes.insert(tuple, Arc::clone(&outbox));
        drop(open);
        if let Some(expected) = expected {
            // Whoever asked may have given up.
            let _ = expected.send(());
        }
        Some(Berth {
            streams: Arc::clone(self),
            tuple,
            outbox,
        })
    }

    fn leave(&self, tuple: &FiveTuple) {
        let mut open = self.write();
        open.outboxes.remove(tuple);
        let source = gate::site(tuple.client.ip());
        if let Some(count) = open.sources.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                open.sources.remove(&source);
            }
        }
    }
}

/// A connection of this process's own that is on its way; dropping it withdraws the invitation.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    streams: &'a Streams,
    client: SocketAddr,
    arrived: oneshot::Receiver<()>,
}

impl Expected<'_> {
    /// Whether it was accepted, once that is known.
    pub(super) async fn accepted(mut self) -> bool {
        (&mut self.arrived).await.is_ok()
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.streams.write().expected.remove(&self.client);
    }
}

/// The place of one connection; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Berth {
    streams: Arc<Streams>,
    pub(super) tuple: FiveTuple,
    pub(super) outbox: Arc<Outbox>,
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.streams.leave(&self.tuple);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(per_source: usize, in_all: usize) -> Arc<Streams> {
        let limits = ConnectionLimits { per_source, in_all };
        Arc::new(Streams::new(Vec::new(), limits))
    }

    fn client(text: &str) -> FiveTuple {
        FiveTuple {
            listener: ListenerId::stream(0),
            client: text.parse().unwrap(),
        }
    }

    #[test]
    fn a_source_has_its_number_of_connections() {
        let streams = streams(2, 9);
        let first = streams.admit(client("192.0.2.1:1")).unwrap();
        let _second = streams.admit(client("192.0.2.1:2")).unwrap();
        assert!(streams.admit(client("192.0.2.1:3")).is_none());
        assert!(streams.admit(client("[::ffff:192.0.2.1]:3")).is_none());
        let _other = streams.admit(client("192.0.2.2:3")).unwrap();
        drop(first);
        assert!(streams.admit(client("192.0.2.1:3")).is_some());
    }

    #[test]
    fn a_site_is_one_source_in_ipv6() {
        let streams = streams(1, 9);
        let _first = streams.admit(client("[2001:db8::1]:1")).unwrap();
        assert!(streams.admit(client("[2001:db8::2]:1")).is_none());
        assert!(streams.admit(client("[2001:db8:0:1::1]:1")).is_some());
    }

    #[test]
    fn everybody_together_has_a_limit_and_nothing_stays_behind() {
        let streams = streams(9, 2);
        let berths = ["192.0.2.1:1", "192.0.2.2:1"].map(|text| streams.admit(client(text)));
        assert!(berths.iter().all(Option::is_some));
        assert!(streams.admit(client("192.0.2.3:1")).is_none());
        drop(berths);
        let open = streams.open.read().unwrap();
        assert!(open.outboxes.is_empty() && open.sources.is_empty());
    }

    #[test]
    fn whoever_is_expected_is_let_in_over_the_limits_and_once() {
        let streams = streams(1, 1);
        let _first = streams.admit(client("192.0.2.1:1")).unwrap();
        let expected = streams.expect("192.0.2.1:2".parse().unwrap());
        assert!(streams.admit(client("192.0.2.1:3")).is_none());
        let own = streams.admit(client("192.0.2.1:2")).unwrap();
        drop((own, expected));
        assert!(streams.admit(client("192.0.2.1:2")).is_none());
        drop(streams.expect("192.0.2.1:2".parse().unwrap()));
        assert!(streams.admit(client("192.0.2.1:2")).is_none());
    }

    #[test]
    fn one_client_has_one_connection() {
        let streams = streams(9, 9);
        let first = streams.admit(client("192.0.2.1:1")).unwrap();
        assert!(streams.admit(client("192.0.2.1:1")).is_none());
        drop(first);
        assert!(streams.admit(client("192.0.2.1:1")).is_some());
    }

    #[test]
    fn a_message_for_nobody_is_dropped() {
        let to = client("192.0.2.1:1");
        assert_eq!(streams(9, 9).offer(b"x", &to), Err(DropReason::SendFailed));
    }
}
