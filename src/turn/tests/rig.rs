//! A relay on loopback with a clock that stands still, and clients that say any byte.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;

use super::wire::{StreamWire, Wire};
use crate::base::task::Tasks;
use crate::base::{Clock, Timestamp, random};
use crate::turn::message::{
    Algorithm, Class, Key, Method, PasswordAlgorithm, Shape, TransactionId, Writer, attribute,
};
use crate::turn::{
    AnswerRates, ChannelNumbers, ConnectionLimits, DropReason, ErrorCode, PeerRules, Reach, Relay,
    Settings, TurnSecret,
};

pub(super) const REALM: &str = "privcomm";
const SECRET: &[u8] = b"a secret for tests";

/// Longer than any answer takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// UDP, in REQUESTED-TRANSPORT.
pub(super) const UDP: [u8; 4] = [17, 0, 0, 0];

/// What a relay at `listen` is told where a test doesn't care.
pub(super) fn settings_at(listen: SocketAddr) -> Settings {
    Settings {
        listen: vec![listen],
        tcp: true,
        tls: None,
        connections: ConnectionLimits::default(),
        realm: REALM.to_owned(),
        public_address: None,
        reach: Reach::Closed,
        relay_ports: 49_152..=65_535,
        max_allocations: 100,
        max_allocations_per_user: 4,
        nonce_ttl: Duration::from_mins(10),
        secret: TurnSecret::new(SECRET.to_vec()),
        answers: AnswerRates::default(),
        channels: ChannelNumbers::default(),
        max_peers: 32,
        max_bitrate: None,
        shards: None,
    }
}

/// Whom the open mode reaches in tests: nobody but this machine by itself.
pub(super) fn open_to_loopback() -> Reach {
    Reach::Open(PeerRules {
        denied: Vec::new(),
        allowed: vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
    })
}

pub(super) struct Rig {
    pub(super) relay: Relay,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
}

impl Rig {
    pub(super) fn start() -> Self {
        Self::start_with(|_| ())
    }

    /// A relay in the open mode, with peers on this machine.
    pub(super) fn start_open() -> Self {
        Self::start_with(|settings| settings.reach = open_to_loopback())
    }

    pub(super) fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings_at("127.0.0.1:0".parse().unwrap());
        change(&mut settings);
        let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
        let tasks = Tasks::default();
        let relay = Relay::start(settings, clock.clone(), &tasks).unwrap();
        Self {
            relay,
            clock,
            tasks,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.relay.addresses()[0]
    }

    /// Ends what has lapsed, as the relay does every second.
    pub(super) async fn sweep(&self) {
        let state = &self.relay.state;
        state.control.lock().await.sweep(&state.books).await;
    }

    /// Passes once so many datagrams were dropped for this reason.
    pub(super) async fn until_dropped(&self, reason: DropReason, count: u64) {
        let waited = async {
            while self.relay.figures().dropped(reason) < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waited)
            .await
            .expect("drops in time");
        assert_eq!(self.relay.figures().dropped(reason), count);
    }

    /// Everybody whom the socket of a client's allocation was asked to send to.
    pub(super) fn asked(&self, relayed: SocketAddr) -> Vec<SocketAddr> {
        let ledger = self.relay.state.books.read();
        let allocation = ledger.table.at_port(relayed.port()).unwrap();
        let outlet = allocation.outlet.as_ref();
        outlet.map_or_else(Vec::new, |outlet| outlet.asked.lock().unwrap().clone())
    }

    pub(super) fn tcp_address(&self) -> SocketAddr {
        self.relay.tcp_addresses()[0]
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A new name that is good for so many seconds.
    pub(super) fn name(&self, seconds: u64) -> String {
        let expiry = self.clock.now().as_secs() + seconds;
        let random = u64::from_ne_bytes(random::draw());
        format!("{expiry}:{random:016x}")
    }

    /// A client with a credential of its own.
    pub(super) async fn client(&self) -> Client {
        self.client_named(&self.name(3600)).await
    }

    pub(super) async fn client_named(&self, username: &str) -> Client {
        Client::connect(self.address(), username).await
    }

    /// A client with a credential of its own, over TCP.
    pub(super) async fn stream_client(&self) -> Client {
        let wire = StreamWire::connect(self.tcp_address()).await;
        Client::over(Wire::Stream(wire), &self.name(3600))
    }

    /// Clients over TCP and over UDP with allocations that permit each other.
    pub(super) async fn mixed_pair(&self) -> [(Client, SocketAddr); 2] {
        self.acquainted([self.stream_client().await, self.client().await])
            .await
    }

    /// The same clients with allocations that permit each other.
    pub(super) async fn acquainted(
        &self,
        [mut one, mut other]: [Client; 2],
    ) -> [(Client, SocketAddr); 2] {
        let (one_relayed, other_relayed) = (one.allocate().await, other.allocate().await);
        one.permit(other_relayed).await;
        other.permit(one_relayed).await;
        [(one, one_relayed), (other, other_relayed)]
    }

    /// A client with an allocation, and its relayed address.
    pub(super) async fn allocated(&self) -> (Client, SocketAddr) {
        let mut client = self.client().await;
        let relayed = client.allocate().await;
        (client, relayed)
    }

    /// Two clients with allocations that permit each other.
    pub(super) async fn pair(&self) -> [(Client, SocketAddr); 2] {
        self.acquainted([self.client().await, self.client().await])
            .await
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

pub(super) struct Client {
    pub(super) wire: Wire,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) realm: String,
    pub(super) nonce: Vec<u8>,
    pub(super) algorithm: Algorithm,
    pub(super) choice: Option<Choice>,
}

/// What a client makes of an offer of algorithms.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// What it says it was offered.
    pub(super) offered: Vec<u8>,
    pub(super) chosen: PasswordAlgorithm,
}

impl Client {
    pub(super) async fn connect(relay: SocketAddr, username: &str) -> Self {
        Self::over(Wire::datagrams(relay).await, username)
    }

    /// The password that goes with a name.
    pub(super) fn password(username: &str) -> String {
        let password = TurnSecret::new(SECRET.to_vec()).password(username);
        password.to_string()
    }

    /// A client over a connection of its own.
    pub(super) fn over(wire: Wire, username: &str) -> Self {
        Self {
            wire,
            username: username.to_owned(),
            password: Self::password(username),
            realm: REALM.to_owned(),
            nonce: Vec::new(),
            algorithm: Algorithm::Sha1,
            choice: None,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.wire.address()
    }

    pub(super) fn key(&self) -> Key {
        let chosen = self.choice.as_ref().map(|choice| choice.chosen);
        Key::long_term(
            chosen.unwrap_or(PasswordAlgorithm::Md5),
            &self.username,
            &self.realm,
            &self.password,
        )
    }

    /// A request with credentials, ready to be signed.
    pub(super) fn unsigned(&self, method: Method, build: impl FnOnce(Writer) -> Writer) -> Writer {
        let request = build(Writer::new(Class::Request, method, random::draw()))
            .attribute(attribute::USERNAME, self.username.as_bytes())
            .attribute(attribute::REALM, self.realm.as_bytes())
            .attribute(attribute::NONCE, &self.nonce);
        let Some(choice) = &self.choice else {
            return request;
        };
        request
            .attribute(attribute::PASSWORD_ALGORITHMS, &choice.offered)
            .attribute(attribute::PASSWORD_ALGORITHM, &choice.chosen.spelled())
    }

    /// A whole request.
    pub(super) fn request(&self, method: Method, build: impl FnOnce(Writer) -> Writer) -> Vec<u8> {
        self.unsigned(method, build)
            .sign(self.algorithm, &self.key())
            .finish()
    }

    pub(super) async fn send(&self, datagram: &[u8]) {
        self.wire.send(datagram).await;
    }

    pub(super) async fn receive(&self) -> Vec<u8> {
        tokio::time::timeout(PATIENCE, self.wire.receive())
            .await
            .expect("an answer in time")
    }

    pub(super) async fn exchange(&self, datagram: &[u8]) -> Reply {
        self.send(datagram).await;
        Reply(self.receive().await)
    }

    /// Takes up a nonce, as clients do: by asking without.
    pub(super) async fn take_nonce(&mut self) {
        let plain = Writer::new(Class::Request, Method::Allocate, random::draw())
            .attribute(attribute::REQUESTED_TRANSPORT, &UDP)
            .finish();
        let reply = self.exchange(&plain).await;
        assert_eq!(reply.code(), Some(ErrorCode::Unauthenticated));
        self.nonce = reply.value(attribute::NONCE).unwrap();
    }

    /// Takes up a nonce with an offer of algorithms, and chooses: by a request so long that the
    /// answer to it may offer.
    pub(super) async fn take_offer(&mut self, chosen: PasswordAlgorithm) {
        self.nonce = vec![b'x'; 33];
        let reply = self.try_allocate().await;
        assert_eq!(reply.code(), Some(ErrorCode::StaleNonce));
        self.nonce = reply.value(attribute::NONCE).unwrap();
        self.algorithm = Algorithm::Sha256;
        self.choice = Some(Choice {
            offered: reply.value(attribute::PASSWORD_ALGORITHMS).unwrap(),
            chosen,
        });
    }

    /// Asks with credentials, taking up a nonce where there is none yet.
    pub(super) async fn ask(
        &mut self,
        method: Method,
        build: impl FnOnce(Writer) -> Writer,
    ) -> Reply {
        if self.nonce.is_empty() {
            self.take_nonce().await;
        }
        let request = self.request(method, build);
        self.exchange(&request).await
    }

    pub(super) async fn try_allocate(&mut self) -> Reply {
        self.ask(Method::Allocate, |it| {
            it.attribute(attribute::REQUESTED_TRANSPORT, &UDP)
        })
        .await
    }

    pub(super) async fn allocate(&mut self) -> SocketAddr {
        let reply = self.try_allocate().await;
        assert_eq!(reply.code(), None);
        reply.address(attribute::XOR_RELAYED_ADDRESS).unwrap()
    }

    pub(super) async fn try_refresh(&mut self, seconds: u32) -> Reply {
        self.ask(Method::Refresh, |it| {
            it.attribute(attribute::LIFETIME, &seconds.to_be_bytes())
        })
        .await
    }

    pub(super) async fn try_permit(&mut self, peers: &[SocketAddr]) -> Reply {
        self.ask(Method::CreatePermission, |it| {
            peers.iter().fold(it, |it, peer| {
                it.xored_address(attribute::XOR_PEER_ADDRESS, *peer)
            })
        })
        .await
    }

    pub(super) async fn permit(&mut self, peer: SocketAddr) {
        assert_eq!(self.try_permit(&[peer]).await.code(), None);
    }

    pub(super) async fn try_bind(&mut self, number: u16, peer: SocketAddr) -> Reply {
        let [high, low] = number.to_be_bytes();
        self.ask(Method::ChannelBind, |it| {
            it.attribute(attribute::CHANNEL_NUMBER, &[high, low, 0, 0])
                .xored_address(attribute::XOR_PEER_ADDRESS, peer)
        })
        .await
    }

    pub(super) async fn bind(&mut self, number: u16, peer: SocketAddr) {
        assert_eq!(self.try_bind(number, peer).await.code(), None);
    }

    /// Sends media by a Send indication.
    pub(super) async fn send_to(&self, peer: SocketAddr, media: &[u8]) {
        let indication = Writer::new(Class::Indication, Method::Send, random::draw())
            .xored_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, media)
            .finish();
        self.send(&indication).await;
    }

    /// Sends media on a channel.
    pub(super) async fn send_on(&self, number: u16, media: &[u8]) {
        let mut datagram = number.to_be_bytes().to_vec();
        datagram.extend_from_slice(&u16::try_from(media.len()).unwrap().to_be_bytes());
        datagram.extend_from_slice(media);
        self.send(&datagram).await;
    }

    /// Passes once everything this client sent was dealt with, and nothing came of it for it.
    pub(super) async fn assert_nothing_came(&self) {
        let transaction: TransactionId = random::draw();
        let binding = Writer::new(Class::Request, Method::Binding, transaction).finish();
        let reply = self.exchange(&binding).await;
        assert_eq!(reply.shape().transaction, transaction, "something came");
    }

    /// The peer and the media of the Data indication that comes next.
    pub(super) async fn receive_indication(&self) -> (SocketAddr, Vec<u8>) {
        let reply = Reply(self.receive().await);
        let shape = reply.shape();
        assert_eq!(
            (shape.class, shape.method),
            (Class::Indication, Method::Data)
        );
        let peer = reply.address(attribute::XOR_PEER_ADDRESS).unwrap();
        (peer, reply.value(attribute::DATA).unwrap())
    }
}

/// A datagram that came from the relay.
#[derive(Debug)]
pub(super) struct Reply(pub(super) Vec<u8>);

impl Reply {
    pub(super) fn shape(&self) -> Shape<'_> {
        Shape::read(&self.0).unwrap()
    }

    pub(super) fn value(&self, kind: u16) -> Option<Vec<u8>> {
        self.shape().attribute(kind).map(<[u8]>::to_vec)
    }

    pub(super) fn address(&self, kind: u16) -> Option<SocketAddr> {
        let shape = self.shape();
        shape.xored_address(shape.attribute(kind)?)
    }

    pub(super) fn lifetime(&self) -> u32 {
        u32::from_be_bytes(self.value(attribute::LIFETIME).unwrap().try_into().unwrap())
    }

    /// Why a request was refused; none: it wasn't.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        let shape = self.shape();
        if shape.class == Class::Success {
            return None;
        }
        let value = shape.attribute(attribute::ERROR_CODE).unwrap();
        let number = u16::from(value[2]) * 100 + u16::from(value[3]);
        let code = ErrorCode::ALL.into_iter().find(|it| it.number() == number);
        assert!(code.is_some(), "an error code of ours, not {number}");
        code
    }

    pub(super) fn is_signed_for(&self, client: &Client) -> bool {
        self.shape().is_signed_with(&client.key())
    }
}

/// A host outside the relay: a plain socket that knows nothing of TURN.
pub(super) struct Peer(UdpSocket);

impl Peer {
    /// A peer at this address, at any port.
    pub(super) async fn at(ip: &str) -> Self {
        let ip: std::net::IpAddr = ip.parse().unwrap();
        Self(UdpSocket::bind((ip, 0)).await.unwrap())
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(super) fn socket(&self) -> &UdpSocket {
        &self.0
    }

    pub(super) async fn send_to(&self, relayed: SocketAddr, media: &[u8]) {
        self.0.send_to(media, relayed).await.unwrap();
    }

    pub(super) async fn receive(&self) -> (SocketAddr, Vec<u8>) {
        let mut buffer = vec![0; 70_000];
        let received = tokio::time::timeout(PATIENCE, self.0.recv_from(&mut buffer));
        let (length, from) = received.await.expect("a packet in time").unwrap();
        buffer.truncate(length);
        (from, buffer)
    }

    /// Passes if nothing lies at the socket. To be called once everything that could come of what
    /// was sent has come.
    pub(super) async fn assert_nothing_came(&self) {
        let mark: [u8; 16] = random::draw();
        let (ip, port) = (self.address().ip(), self.address().port());
        let reached: std::net::IpAddr = if ip.is_unspecified() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            ip
        };
        self.0.send_to(&mark, (reached, port)).await.unwrap();
        assert_eq!(self.receive().await.1, mark, "something came");
    }
}
