//! The doors for streams, and every connection that came through one.
//!
//! A connection is known by its 5-tuple like any client, so that the data plane needs no more than
//! [`Streams::offer`] to reach it. Connections are limited in all, and per source. Where there are as
//! many as there may be, whoever has been there longest without showing a credential gives way: a
//! crowd that only sits there keeps nobody out.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, Weak};

use async_trait::async_trait;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

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

/// Connections that were told to give way and aren't gone yet; they don't count, and beyond them
/// nobody is let in.
const MOST_LEAVING: usize = 64;

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

/// One connection as the others know it.
#[derive(Debug, Default)]
struct Seat {
    outbox: Arc<Outbox>,
    /// Ends it.
    closing: CancellationToken,
    /// Whether it has shown a credential.
    is_proved: AtomicBool,
    /// Whether it was told to give way.
    is_leaving: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    seats: HashMap<FiveTuple, Arc<Seat>>,
    /// Those that may have to give way, the oldest first; some are gone.
    strangers: VecDeque<Weak<Seat>>,
    /// Seats that were told to give way.
    leaving: usize,
    /// Connections by source; no more entries than seats.
    sources: HashMap<IpAddr, usize>,
    /// Connections of this process's own health check, by where they come from.
    expected: HashMap<SocketAddr, oneshot::Sender<()>>,
}

impl Open {
    /// Has the oldest stranger give way. False: there is none, or too many are on their way out.
    fn make_room(&mut self) -> bool {
        if self.leaving >= MOST_LEAVING {
            return false;
        }
        while let Some(stranger) = self.strangers.pop_front() {
            let seat = stranger.upgrade();
            if let Some(seat) = seat.filter(|seat| !seat.is_proved.load(Ordering::Relaxed)) {
                seat.is_leaving.store(true, Ordering::Relaxed);
                seat.closing.cancel();
                self.leaving += 1;
                return true;
            }
        }
        false
    }

    fn enter(&mut self, tuple: FiveTuple) -> Arc<Seat> {
        let seat = Arc::new(Seat::default());
        self.seats.insert(tuple, Arc::clone(&seat));
        self.strangers.push_back(Arc::downgrade(&seat));
        if self.strangers.len() > 2 * self.seats.len() + MOST_LEAVING {
            self.strangers.retain(|seat| seat.strong_count() > 0);
        }
        seat
    }
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
        open.seats.len()
    }

    /// Hands a message to whoever is connected by this 5-tuple. It never waits.
    pub(super) fn offer(&self, message: &[u8], to: &FiveTuple) -> Result<(), DropReason> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let seat = open.seats.get(to).ok_or(DropReason::SendFailed)?;
        seat.outbox.offer(message).map_err(|_| DropReason::Backlog)
    }

    /// Takes note that whoever is connected by this 5-tuple has shown a credential.
    pub(super) fn prove(&self, tuple: &FiveTuple) {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = open.seats.get(tuple) {
            seat.is_proved.store(true, Ordering::Relaxed);
        }
    }

    /// A place for a connection, unless the limits are reached. A client whose former connection
    /// isn't put away yet has none either: it would inherit what was the other's.
    pub(super) fn admit(self: &Arc<Self>, tuple: FiveTuple) -> Option<Berth> {
        let mut open = self.write();
        let expected = open.expected.remove(&tuple.client);
        let source = gate::site(tuple.client.ip());
        let from_there = open.sources.get(&source).copied().unwrap_or_default();
        if open.seats.contains_key(&tuple) {
            return None;
        }
        if expected.is_none() {
            let is_full = open.seats.len() >= self.limits.in_all.saturating_add(open.leaving);
            if from_there >= self.limits.per_source || (is_full && !open.make_room()) {
                return None;
            }
        }
        open.sources.insert(source, from_there + 1);
        let seat = open.enter(tuple);
        drop(open);
        if let Some(expected) = expected {
            // Whoever asked may have given up.
            let _ = expected.send(());
        }
        Some(Berth {
            streams: Arc::clone(self),
            tuple,
            outbox: Arc::clone(&seat.outbox),
            closing: seat.closing.clone(),
            _seat: seat,
        })
    }

    fn leave(&self, tuple: &FiveTuple) {
        let mut open = self.write();
        let gone = open.seats.remove(tuple);
        if gone.is_some_and(|seat| seat.is_leaving.load(Ordering::Relaxed)) {
            open.leaving -= 1;
        }
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
    /// Cancelled when the connection is to end.
    pub(super) closing: CancellationToken,
    _seat: Arc<Seat>,
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
        let members = ["192.0.2.1:1", "192.0.2.2:1"].map(client);
        let berths = members.map(|member| streams.admit(member));
        assert!(berths.iter().all(Option::is_some));
        for member in &members {
            streams.prove(member);
        }
        assert!(streams.admit(client("192.0.2.3:1")).is_none());
        drop(berths);
        let open = streams.open.read().unwrap();
        assert!(open.seats.is_empty() && open.sources.is_empty());
    }

    #[test]
    fn the_oldest_stranger_gives_way_to_a_newcomer_and_a_member_does_not() {
        let streams = streams(9, 3);
        let [one, two, three] = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"]
            .map(|text| streams.admit(client(text)).unwrap());
        streams.prove(&one.tuple);
        let newcomer = streams.admit(client("192.0.2.4:1")).unwrap();
        assert!(two.closing.is_cancelled());
        assert!(
            ![&one, &three, &newcomer]
                .iter()
                .any(|it| it.closing.is_cancelled())
        );
        drop(two);
        assert_eq!(streams.len(), 3);
        let _next = streams.admit(client("192.0.2.5:1")).unwrap();
        assert!(three.closing.is_cancelled() && !newcomer.closing.is_cancelled());
    }

    #[test]
    fn those_who_give_way_are_few_at_a_time_and_nothing_is_kept_of_them() {
        let streams = streams(1_000, 100);
        let admit = |port: u16| {
            streams.admit(FiveTuple {
                listener: ListenerId::stream(0),
                client: SocketAddr::from(([192, 0, 2, 1], port)),
            })
        };
        let stubborn: Vec<_> = (1..=1_000).filter_map(admit).collect();
        assert_eq!(stubborn.len(), 100 + MOST_LEAVING);
        drop(stubborn);
        for port in 1..=5_000 {
            drop(admit(port).unwrap());
        }
        let open = streams.open.read().unwrap();
        assert_eq!((open.leaving, open.seats.len()), (0, 0));
        assert!(open.strangers.len() <= MOST_LEAVING + 1);
    }

    #[test]
    fn whoever_is_expected_is_let_in_over_the_limits_and_once() {
        let streams = streams(1, 1);
        let _first = streams.admit(client("192.0.2.1:1")).unwrap();
        streams.prove(&client("192.0.2.1:1"));
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
