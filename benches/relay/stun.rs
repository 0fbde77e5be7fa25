//! The requests that set an allocation up, and what is read from their answers (RFC 8489, 8656).

use std::net::{Ipv4Addr, SocketAddrV4};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;

use crate::Outcome;

pub(crate) const BINDING: u16 = 0x001;
pub(crate) const ALLOCATE: u16 = 0x003;
pub(crate) const CREATE_PERMISSION: u16 = 0x008;
pub(crate) const CHANNEL_BIND: u16 = 0x009;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const CHANNEL_NUMBER: u16 = 0x000C;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const REQUESTED_TRANSPORT: u16 = 0x0019;

const COOKIE: u32 = 0x2112_A442;
const HEADER: usize = 20;
/// UDP, as REQUESTED-TRANSPORT numbers it.
const UDP: u8 = 17;

/// What one transaction is told from others by.
pub(crate) type Transaction = [u8; 12];

/// The transaction of a client at a step.
pub(crate) fn transaction(step: u16, client: usize) -> Transaction {
    let mut transaction = *b"relay-bench-";
    transaction[2..4].copy_from_slice(&step.to_be_bytes());
    transaction[4..].copy_from_slice(&(client as u64).to_be_bytes());
    transaction
}

/// A request under way to its bytes.
#[derive(Debug)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    pub(crate) fn new(method: u16, transaction: Transaction) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend(method.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(COOKIE.to_be_bytes());
        bytes.extend(transaction);
        Self(bytes)
    }

    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0.extend(short(value.len()).to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.set_length(self.0.len());
        self
    }

    pub(crate) fn with_transport(self) -> Self {
        self.with(REQUESTED_TRANSPORT, &[UDP, 0, 0, 0])
    }

    pub(crate) fn with_channel(self, number: u16) -> Self {
        let [high, low] = number.to_be_bytes();
        self.with(CHANNEL_NUMBER, &[high, low, 0, 0])
    }

    pub(crate) fn with_peer(self, peer: SocketAddrV4) -> Self {
        let mut value = vec![0, 1];
        value.extend((peer.port() ^ PORT_MASK).to_be_bytes());
        value.extend((u32::from(*peer.ip()) ^ COOKIE).to_be_bytes());
        self.with(XOR_PEER_ADDRESS, &value)
    }

    /// The request as `pass` shows who asks.
    pub(crate) fn signed(self, pass: &Pass) -> Vec<u8> {
        let mut request = self
            .with(USERNAME, pass.username.as_bytes())
            .with(REALM, &pass.realm)
            .with(NONCE, &pass.nonce);
        // The MAC covers a length that counts it.
        request.set_length(request.0.len() + 24);
        let mac = mac(&pass.key, &request.0);
        request.with(MESSAGE_INTEGRITY, &mac).0
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }

    fn set_length(&mut self, end: usize) {
        self.0[2..4].copy_from_slice(&short(end - HEADER).to_be_bytes());
    }
}

/// The upper half of the cookie, which hides ports.
const PORT_MASK: u16 = 0x2112;

/// What a client shows to a server.
#[derive(Debug)]
pub(crate) struct Pass {
    username: String,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: [u8; 16],
}

impl Pass {
    /// A credential of the TURN REST scheme, for the realm and nonce of a challenge.
    pub(crate) fn new(secret: &str, username: String, challenge: &Answer<'_>) -> Outcome<Self> {
        let realm = challenge
            .attribute(REALM)
            .ok_or("a challenge has no REALM")?;
        let nonce = challenge
            .attribute(NONCE)
            .ok_or("a challenge has no NONCE")?;
        let password = STANDARD.encode(mac(secret.as_bytes(), username.as_bytes()));
        let key = Md5::new()
            .chain_update(&username)
            .chain_update(b":")
            .chain_update(realm)
            .chain_update(b":")
            .chain_update(password)
            .finalize()
            .into();
        Ok(Self {
            username,
            realm: realm.to_vec(),
            nonce: nonce.to_vec(),
            key,
        })
    }
}

/// What a server answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a>(&'a [u8]);

impl<'a> Answer<'a> {
    /// Reads an answer; none: it is something else.
    pub(crate) fn read(datagram: &'a [u8]) -> Option<Self> {
        let is_answer = datagram.len() >= HEADER && datagram[0] == 0x01;
        is_answer.then_some(Self(datagram))
    }

    /// Whether it answers that transaction.
    pub(crate) fn answers(&self, transaction: &Transaction) -> bool {
        self.0[8..HEADER] == *transaction
    }

    /// The client that [`transaction`] was made of.
    pub(crate) fn client(&self) -> usize {
        let tail: [u8; 8] = self.0[12..HEADER].try_into().unwrap_or_default();
        usize::try_from(u64::from_be_bytes(tail)).unwrap_or(usize::MAX)
    }

    /// The code of a refusal.
    pub(crate) fn refusal(&self) -> Option<u16> {
        let value = self.attribute(ERROR_CODE)?;
        let (class, number) = (value.get(2)?, value.get(3)?);
        Some(u16::from(class & 7) * 100 + u16::from(*number))
    }

    pub(crate) fn relayed(&self) -> Option<SocketAddrV4> {
        let value = self.attribute(XOR_RELAYED_ADDRESS)?;
        let [0, 1, high, low, a, b, c, d] = *value else {
            return None;
        };
        let ip = Ipv4Addr::from(u32::from_be_bytes([a, b, c, d]) ^ COOKIE);
        let port = u16::from_be_bytes([high, low]) ^ PORT_MASK;
        Some(SocketAddrV4::new(ip, port))
    }

    fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        let mut rest = self.0.get(HEADER..)?;
        while let [k0, k1, l0, l1, ..] = *rest {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            if u16::from_be_bytes([k0, k1]) == kind {
                return rest.get(4..4 + length);
            }
            rest = rest.get(4 + length.next_multiple_of(4)..)?;
        }
        None
    }
}

/// The four bytes before the data of a channel.
pub(crate) fn channel_header(number: u16, length: usize) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_be_bytes(), short(length).to_be_bytes());
    [a, b, c, d]
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("any key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[expect(clippy::expect_used, reason = "messages of this benchmark are short")]
fn short(length: usize) -> u16 {
    u16::try_from(length).expect("a short message")
}
