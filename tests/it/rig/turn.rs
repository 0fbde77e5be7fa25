//! A TURN client over UDP (RFC 8656), with credentials as the daemon hands them out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use privcomm::base::random;
use serde_json::Value;
use sha1::Sha1;
use tokio::net::UdpSocket;

use super::soon;

const COOKIE: u32 = 0x2112_A442;
const HEADER: usize = 20;

mod method {
    pub(super) const BINDING: u16 = 0x001;
    pub(super) const ALLOCATE: u16 = 0x003;
    pub(super) const REFRESH: u16 = 0x004;
    pub(super) const SEND: u16 = 0x016;
    pub(super) const DATA: u16 = 0x017;
    pub(super) const CREATE_PERMISSION: u16 = 0x008;
}

mod attribute {
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(super) const ERROR_CODE: u16 = 0x0009;
    pub(super) const LIFETIME: u16 = 0x000D;
    pub(super) const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub(super) const DATA: u16 = 0x0013;
    pub(super) const REALM: u16 = 0x0014;
    pub(super) const NONCE: u16 = 0x0015;
    pub(super) const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub(super) const REQUESTED_TRANSPORT: u16 = 0x0019;
}

const INDICATION: u16 = 0x0010;
const SUCCESS: u16 = 0x0100;
const CLASSES: u16 = 0x0110;

/// The relays in the order in which somebody is told to try them, over UDP.
pub(crate) fn told(credentials: &Value) -> Vec<SocketAddr> {
    let urls = credentials["urls"].as_array().unwrap().iter();
    urls.filter_map(|url| {
        let rest = url.as_str().unwrap().strip_prefix("turn:")?;
        rest.strip_suffix("?transport=udp")?.parse().ok()
    })
    .collect()
}

/// A client of one relay.
#[derive(Debug)]
pub(crate) struct TurnClient {
    socket: UdpSocket,
    username: String,
    password: String,
    realm: Vec<u8>,
    nonce: Vec<u8>,
}

impl TurnClient {
    /// A client with the credentials in this answer of `GET /api/v1/turn-credentials`.
    pub(crate) async fn new(relay: SocketAddr, credentials: &Value) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(relay).await.unwrap();
        Self {
            socket,
            username: credentials["username"].as_str().unwrap().to_owned(),
            password: credentials["credential"].as_str().unwrap().to_owned(),
            realm: Vec::new(),
            nonce: Vec::new(),
        }
    }

    /// A client with an allocation at the first relay that gives it one, as clients try them.
    pub(crate) async fn allocate_at_first(credentials: &Value) -> (Self, SocketAddr, SocketAddr) {
        for relay in told(credentials) {
            let mut client = Self::new(relay, credentials).await;
            if !client.is_heard().await {
                continue;
            }
            let relayed = client.allocate().await.unwrap();
            return (client, relay, relayed);
        }
        panic!("no relay answers");
    }

    /// Whether anybody is there. On loopback the system tells at once when nobody is.
    async fn is_heard(&self) -> bool {
        let question = message(method::BINDING, random::draw(), &[]);
        let mut answer = [0; 2048];
        let exchange = async {
            self.socket.send(&question).await?;
            self.socket.recv(&mut answer).await
        };
        soon("an answer or a refusal", exchange).await.is_ok()
    }

    /// An allocation's relayed address, or the error code.
    pub(crate) async fn allocate(&mut self) -> Result<SocketAddr, u16> {
        let wish = (attribute::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
        let answer = self.ask(method::ALLOCATE, &[wish]).await?;
        let relayed = find(&answer, attribute::XOR_RELAYED_ADDRESS).unwrap();
        Ok(read_address(relayed))
    }

    /// Keeps the allocation up for so many seconds; none end it.
    pub(crate) async fn refresh(&mut self, seconds: u32) -> Result<(), u16> {
        let lifetime = (attribute::LIFETIME, seconds.to_be_bytes().to_vec());
        self.ask(method::REFRESH, &[lifetime]).await.map(drop)
    }

    /// Lets `peer` through.
    pub(crate) async fn permit(&mut self, peer: SocketAddr) -> Result<(), u16> {
        let peer = (attribute::XOR_PEER_ADDRESS, xored(peer));
        self.ask(method::CREATE_PERMISSION, &[peer]).await.map(drop)
    }

    /// Sends media.
    pub(crate) async fn send(&self, peer: SocketAddr, media: &[u8]) {
        let attributes = [
            (attribute::XOR_PEER_ADDRESS, xored(peer)),
            (attribute::DATA, media.to_vec()),
        ];
        let indication = message(method::SEND | INDICATION, random::draw(), &attributes);
        self.socket.send(&indication).await.unwrap();
    }

    /// The media that comes next, and from whom.
    pub(crate) async fn receive(&self) -> (SocketAddr, Vec<u8>) {
        let came = self.hear().await;
        assert_eq!(kind(&came), method::DATA | INDICATION);
        let peer = read_address(find(&came, attribute::XOR_PEER_ADDRESS).unwrap());
        (peer, find(&came, attribute::DATA).unwrap().to_vec())
    }

    /// Passes once the relay has dealt with all that was sent from here, and nothing came of it.
    pub(crate) async fn assert_nothing_came(&self) {
        let question = message(method::BINDING, random::draw(), &[]);
        self.socket.send(&question).await.unwrap();
        let answer = self.hear().await;
        assert_eq!(kind(&answer), method::BINDING | SUCCESS, "something came");
    }

    /// A request with credentials; realm and nonce are taken up from the refusal without.
    async fn ask(&mut self, method: u16, attributes: &[(u16, Vec<u8>)]) -> Result<Vec<u8>, u16> {
        loop {
            let is_first = self.nonce.is_empty();
            let request = self.request(method, attributes);
            self.socket.send(&request).await.unwrap();
            let answer = self.hear().await;
            if kind(&answer) & CLASSES == SUCCESS {
                return Ok(answer);
            }
            let code = find(&answer, attribute::ERROR_CODE).unwrap();
            let code = u16::from(code[2]) * 100 + u16::from(code[3]);
            if !(is_first && code == 401) {
                return Err(code);
            }
            self.realm = find(&answer, attribute::REALM).unwrap().to_vec();
            self.nonce = find(&answer, attribute::NONCE).unwrap().to_vec();
        }
    }

    fn request(&self, method: u16, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let transaction = random::draw();
        if self.nonce.is_empty() {
            return message(method, transaction, attributes);
        }
        let mut all = attributes.to_vec();
        all.push((attribute::USERNAME, self.username.clone().into_bytes()));
        all.push((attribute::REALM, self.realm.clone()));
        all.push((attribute::NONCE, self.nonce.clone()));
        let realm = String::from_utf8_lossy(&self.realm);
        let key = Md5::digest(format!("{}:{realm}:{}", self.username, self.password));
        // The length counts what isn't there yet (RFC 8489 §14.5).
        all.push((attribute::MESSAGE_INTEGRITY, vec![0; 20]));
        let mut signed = message(method, transaction, &all);
        let end = signed.len() - 24;
        let mac = Hmac::<Sha1>::new_from_slice(&key).unwrap();
        let mac = mac.chain_update(&signed[..end]).finalize().into_bytes();
        signed[end + 4..].copy_from_slice(&mac);
        signed
    }

    async fn hear(&self) -> Vec<u8> {
        let mut datagram = vec![0; 2048];
        let received = soon("a datagram", self.socket.recv(&mut datagram)).await;
        datagram.truncate(received.unwrap());
        datagram
    }
}

fn message(kind: u16, transaction: [u8; 12], attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut message = kind.to_be_bytes().to_vec();
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(COOKIE.to_be_bytes());
    message.extend(transaction);
    message.extend(body);
    message
}

fn kind(message: &[u8]) -> u16 {
    u16::from_be_bytes([message[0], message[1]])
}

fn find(message: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = &message[HEADER..];
    while let [k0, k1, l0, l1, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        if u16::from_be_bytes([*k0, *k1]) == wanted {
            return Some(&behind[..length]);
        }
        rest = &behind[length.next_multiple_of(4)..];
    }
    None
}

/// An IPv4 address as XOR-PEER-ADDRESS has it (RFC 8489 §14.2).
fn xored(address: SocketAddr) -> Vec<u8> {
    let IpAddr::V4(ip) = address.ip() else {
        panic!("this client speaks IPv4");
    };
    let [high, low, ..] = COOKIE.to_be_bytes();
    let mut value = vec![0, 1];
    value.extend((address.port() ^ u16::from_be_bytes([high, low])).to_be_bytes());
    value.extend((u32::from(ip) ^ COOKIE).to_be_bytes());
    value
}

fn read_address(value: &[u8]) -> SocketAddr {
    let [high, low, ..] = COOKIE.to_be_bytes();
    let port = u16::from_be_bytes([value[2], value[3]]) ^ u16::from_be_bytes([high, low]);
    let ip = u32::from_be_bytes([value[4], value[5], value[6], value[7]]) ^ COOKIE;
    SocketAddr::from((Ipv4Addr::from(ip), port))
}
