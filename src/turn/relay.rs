//! The media relay as the rest of the daemon knows it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::base::task::Tasks;
use crate::base::{Clock, Timestamp, UserId};

use super::allocation::{FiveTuple, ListenerId};
use super::bitrate::Bitrate;
use super::control::{Answer, Books, Control, Surroundings};
use super::desk::Desk;
use super::error::TurnError;
use super::figures::{Counters, DropReason, Figures};
use super::gate::Gate;
use super::host;
use super::ledger::Ledger;
use super::listener::Listener;
use super::moment::Timekeeper;
use super::outlet::Watches;
use super::probe;
use super::settings::{ChannelNumbers, Reach, Settings, TlsSettings};
use super::shard::Shard;
use super::stream;
use super::streams::{Door, Privacy, Streams};

/// How often lapsed allocations are ended. Nothing passes through one meanwhile.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How often the open mode asks anew which addresses this machine has, none of which is a peer.
const HOST_INTERVAL: Duration = Duration::from_secs(30);

/// Times that the system may choose a port over UDP before one is free over TCP too.
const PORT_ATTEMPTS: usize = 16;

/// A running media relay: STUN and TURN over UDP, TCP and TLS. Cheap to clone.
///
/// Allocations of this relay reach each other in memory. In the closed mode relayed addresses are
/// names without sockets, and nothing else is reachable; in the open mode each has a socket, and
/// reaches whom the peer policy admits. The relay runs until the tasks it was given stop.
#[derive(Debug, Clone)]
pub struct Relay {
    pub(super) state: Arc<State>,
}

impl Relay {
    /// Binds every address and begins to serve. To be called within a Tokio runtime.
    pub fn start(settings: Settings, clock: Clock, tasks: &Tasks) -> Result<Self, TurnError> {
        settings.check()?;
        let shards = settings.shards();
        let state = Arc::new(State::new(settings, clock)?);
        let desk = Desk::open(Arc::clone(&state), tasks);
        for number in 0..shards {
            Shard::start(number, Arc::clone(&state), desk.clone(), tasks)
                .map_err(TurnError::Thread)?;
        }
        for id in state.streams.ids() {
            let acceptor = stream::accept(id, Arc::clone(&state), tasks.clone());
            tasks.spawn("turn acceptor", acceptor);
        }
        let (sweeper, stopping) = (Arc::clone(&state), tasks.clone());
        tasks.spawn("turn sweeper", async move {
            tokio::select! {
                () = stopping.stopping() => sweeper.books.ledger().close_outlets(),
                () = sweeper.sweep_for_ever() => {}
                () = sweeper.know_the_host() => {}
            }
        });
        Ok(Self { state })
    }

    /// The addresses it really listens on over UDP, in the order of the settings. Where IPv4 is
    /// listened on too, `[::]` is left out on a machine that has no IPv6.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.state.addresses
    }

    /// The smallest receive buffer that the system gave to one of its UDP addresses, bytes.
    pub fn receive_buffer(&self) -> Option<usize> {
        let listeners = self.state.listeners.iter();
        listeners.filter_map(Listener::receive_buffer).min()
    }

    /// The addresses it really listens on over plain TCP.
    pub fn tcp_addresses(&self) -> Vec<SocketAddr> {
        self.state.streams.addresses(Privacy::Plain)
    }

    /// The addresses it really listens on over TLS.
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.state.streams.addresses(Privacy::Encrypted)
    }

    /// Takes note of whose the random name of a credential is, until it expires: allocations under
    /// it count for that user, and end with them. A name never noted counts by itself.
    pub fn remember(&self, username: &str, user: UserId, expires: Timestamp) {
        let now = self.state.books.time.calendar();
        self.state.gate.remember(username, user, expires, now);
        self.note_issued();
    }

    /// Forgets whose the names of credentials were that have expired. How many.
    pub fn forget_expired(&self, now: Timestamp) -> usize {
        self.state.gate.forget_expired(now)
    }

    /// Counts a credential that was handed out and is nobody's.
    pub fn note_issued(&self) {
        self.state.counters.credentials_issued.increment();
    }

    /// Honours credentials made with `secret` from now on, and those made with the one before that
    /// expire by `old_until`. What was opened with others can't be refreshed any more.
    pub fn rotate(&self, secret: super::TurnSecret, old_until: Option<Timestamp>) {
        self.state.gate.rotate(secret, old_until);
    }

    /// Ends this user's allocations at once, and refuses every credential noted as theirs so far.
    pub async fn evict(&self, user: UserId) {
        let names = self.state.gate.refuse(user);
        let mut control = self.state.control.lock().await;
        control.evict(user, &names, &self.state.books).await;
    }

    /// What was counted so far.
    pub fn figures(&self) -> Figures {
        let ledger = self.state.books.read();
        Figures {
            allocations: u64::try_from(ledger.table.len()).unwrap_or(u64::MAX),
            allocations_ever: ledger.opened(),
            connections: u64::try_from(self.state.streams.len()).unwrap_or(u64::MAX),
            transports: self.state.by_transport(&ledger),
            ..self.state.counters.read()
        }
    }

    /// Whether every listener answers: each is really asked, over the network, by a Binding; those
    /// behind TLS, whether they accept.
    pub async fn check(&self) -> bool {
        let state = &self.state;
        for address in &state.addresses {
            if !probe::own_datagrams(*address, state.gate.probe()).await {
                return false;
            }
        }
        for door in state.streams.doors() {
            if !probe::own_door(&state.streams, door, state.gate.probe()).await {
                return false;
            }
        }
        true
    }

    /// Lets nobody new in from now on: Allocate is refused with 508, so that clients turn to another
    /// relay. What there is goes on, and may be refreshed.
    pub async fn drain(&self) {
        // Whoever is being let in at this moment is in when it returns.
        let _control = self.state.control.lock().await;
        self.state.books.ledger().drain();
    }

    /// Resolves when there is no allocation.
    pub async fn emptied(&self) {
        let emptied = self.state.books.read().emptied();
        loop {
            let next = emptied.notified();
            tokio::pin!(next);
            // Before the look, so that an end between the two is heard.
            next.as_mut().enable();
            if self.state.books.read().table.len() == 0 {
                return;
            }
            next.await;
        }
    }
}

fn is_every_v6(address: SocketAddr) -> bool {
    address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

/// Binds an address for datagrams, and for streams too if `tcp` is wanted: on the same port, also
/// where the system chooses it.
fn bind(
    address: SocketAddr,
    beside_v4: bool,
    shards: usize,
    tcp: bool,
) -> Result<(Listener, Option<Door>), TurnError> {
    let mut attempts = if address.port() == 0 {
        PORT_ATTEMPTS
    } else {
        1
    };
    loop {
        let listener = Listener::bind(address, beside_v4, shards)?;
        if !tcp {
            return Ok((listener, None));
        }
        attempts -= 1;
        match Door::bind(listener.address, beside_v4, None) {
            Err(error) if error.is_in_use() && attempts > 0 => {}
            door => return Ok((listener, Some(door?))),
        }
    }
}

fn encrypted_doors(tls: Option<TlsSettings>) -> Result<Vec<Door>, TurnError> {
    let Some(tls) = tls else {
        return Ok(Vec::new());
    };
    let beside_v4 = tls.listen.iter().any(SocketAddr::is_ipv4);
    let bound = tls
        .listen
        .iter()
        .map(|address| Door::bind(*address, beside_v4, Some(Arc::clone(&tls.encryption))));
    let inherited = tls
        .inherited
        .iter()
        .map(|socket| Door::inherit(socket, Arc::clone(&tls.encryption)));
    bound.chain(inherited).collect()
}

/// Every address of this machine, those it listens on included.
fn own_addresses(listeners: &[SocketAddr]) -> Vec<IpAddr> {
    let mut own = host::addresses();
    own.extend(listeners.iter().map(SocketAddr::ip));
    own
}

/// What the listeners share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) gate: Gate,
    pub(super) books: Arc<Books>,
    pub(super) control: Mutex<Control>,
    pub(super) counters: Counters,
    pub(super) streams: Arc<Streams>,
    pub(super) listeners: Vec<Listener>,
    /// None: the mode is closed.
    pub(super) watches: Option<Watches>,
    addresses: Vec<SocketAddr>,
    public: Option<IpAddr>,
    channels: ChannelNumbers,
    max_peers: usize,
}

impl State {
    pub(super) fn new(settings: Settings, clock: Clock) -> Result<Self, TurnError> {
        let beside_v4 = settings.listen.iter().any(SocketAddr::is_ipv4);
        let shards = settings.shards();
        let mut listeners = Vec::with_capacity(settings.listen.len());
        let mut doors = Vec::new();
        for address in settings.listen {
            let (listener, door) = match bind(address, beside_v4, shards, settings.tcp) {
                Err(error) if beside_v4 && is_every_v6(address) && error.is_missing_family() => {
                    tracing::warn!("this machine has no IPv6; the media relay goes without");
                    continue;
                }
                bound => bound?,
            };
            listeners.push(listener);
            doors.extend(door);
        }
        doors.extend(encrypted_doors(settings.tls)?);
        let watches = match &settings.reach {
            Reach::Closed => None,
            Reach::Open(_) => Some(Watches::new(shards).map_err(TurnError::Watch)?),
        };
        let mut ledger = Ledger::new(
            settings.public_address,
            settings.relay_ports,
            settings.reach,
            settings.max_allocations,
            settings.max_allocations_per_user,
        );
        ledger.table.max_bitrate = settings.max_bitrate.map(Bitrate);
        let addresses: Vec<SocketAddr> = listeners.iter().map(|it| it.address).collect();
        if watches.is_some() {
            ledger.peers.set_own(own_addresses(&addresses));
        }
        Ok(Self {
            gate: Gate::new(
                settings.realm,
                settings.secret,
                settings.nonce_ttl,
                settings.answers,
            ),
            books: Arc::new(Books::new(ledger, Timekeeper::new(clock))),
            control: Mutex::new(Control::new(settings.max_allocations)),
            counters: Counters::default(),
            streams: Arc::new(Streams::new(doors, settings.connections)),
            addresses,
            listeners,
            watches,
            public: settings.public_address,
            channels: settings.channels,
            max_peers: settings.max_peers,
        })
    }

    /// What a request to this listener is asked amid.
    pub(super) fn surroundings(&self, id: ListenerId) -> Surroundings<'_> {
        let listener = match self.streams.door(id) {
            Some(door) => Some(&door.address),
            None => self.addresses.get(usize::from(id.0)),
        };
        Surroundings {
            gate: &self.gate,
            books: &self.books,
            public: self.public,
            channels: self.channels,
            max_peers: self.max_peers,
            listener: listener.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip),
            listeners: &self.addresses,
            watches: self.watches.as_ref(),
        }
    }

    /// Sends over the transport that the client came by, from the address that it knows. Never
    /// waits.
    pub(super) fn send(&self, message: &[u8], to: &FiveTuple) -> Result<(), DropReason> {
        if to.listener.stream_index().is_some() {
            return self.streams.offer(message, to);
        }
        let listener = self.listeners.get(usize::from(to.listener.0));
        let socket = listener.and_then(|listener| listener.socket(0));
        let socket = socket.ok_or(DropReason::SendFailed)?;
        let sent = socket.send_to(message, to.client);
        sent.map(|_| ()).map_err(|_| DropReason::SendFailed)
    }

    /// Sends an answer to whoever asked, or counts why there is none.
    pub(super) fn send_answer(&self, answer: Result<Answer, DropReason>, to: &FiveTuple) {
        let sent = answer.and_then(|answer| {
            if let Some(code) = answer.refused {
                self.counters.refused(code);
            }
            self.send(&answer.bytes, to)
        });
        if let Err(reason) = sent {
            self.counters.dropped(reason);
        }
    }

    async fn sweep_for_ever(&self) {
        let mut interval = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            interval.tick().await;
            self.control.lock().await.sweep(&self.books).await;
        }
    }

    /// Keeps the peer policy's list of this machine's addresses true; in the closed mode nobody
    /// asks for it.
    async fn know_the_host(&self) {
        loop {
            tokio::time::sleep(HOST_INTERVAL).await;
            if self.watches.is_some() {
                let own = own_addresses(&self.addresses);
                self.books.ledger().peers.set_own(own);
            }
        }
    }
}
