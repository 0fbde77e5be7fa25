//! Our own STUN messages.

use std::net::{IpAddr, SocketAddr};

use super::integrity::{SHA1_LENGTH, SHA256_LENGTH, claimed_length, fingerprint};
use super::numbers::message_type;
use super::{
    ATTRIBUTE_HEADER, Algorithm, COOKIE, Class, ErrorCode, HEADER, Key, Method, TransactionId,
    attribute, padded,
};

/// A message in the making: attributes in order, then integrity, then fingerprint.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// Where the message begins; what is before it is none of it.
    start: usize,
}

impl Writer {
    /// A message without attributes.
    pub(crate) fn new(class: Class, method: Method, transaction: TransactionId) -> Self {
        Self::behind(Vec::with_capacity(128), class, method, transaction)
    }

    /// The same, behind whatever `bytes` holds already.
    pub(crate) fn behind(
        mut bytes: Vec<u8>,
        class: Class,
        method: Method,
        transaction: TransactionId,
    ) -> Self {
        let start = bytes.len();
        let mut header = [0; HEADER];
        header[..2].copy_from_slice(&message_type(class, method).to_be_bytes());
        header[4..8].copy_from_slice(&COOKIE);
        header[8..].copy_from_slice(&transaction);
        bytes.extend_from_slice(&header);
        Self { bytes, start }
    }

    /// Appends an attribute.
    pub(crate) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        let value = &value[..usize::from(length)];
        let [[k0, k1], [l0, l1]] = [kind, length].map(u16::to_be_bytes);
        self.bytes.extend_from_slice(&[k0, k1, l0, l1]);
        self.bytes.extend_from_slice(value);
        let padding = padded(value.len()) - value.len();
        self.bytes.extend_from_slice(&[0; 3][..padding]);
        self
    }

    fn message(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Appends an address in the clear, as MAPPED-ADDRESS has it (RFC 8489 §14.1).
    pub(crate) fn address(self, kind: u16, address: SocketAddr) -> Self {
        let (value, length) = encode(address);
        self.attribute(kind, &value[..length])
    }

    /// Appends an address XORed with cookie and transaction (RFC 8489 §14.2).
    pub(crate) fn xored_address(self, kind: u16, address: SocketAddr) -> Self {
        let mut transaction = TransactionId::default();
        transaction.copy_from_slice(&self.message()[8..HEADER]);
        let (value, length) = xored(address, &transaction);
        self.attribute(kind, &value[..length])
    }

    /// Appends ERROR-CODE with no reason phrase: for strangers, who get as few bytes as possible.
    pub(crate) fn error(self, code: ErrorCode) -> Self {
        let (class, number) = code.class_and_number();
        self.attribute(attribute::ERROR_CODE, &[0, 0, class, number])
    }

    /// Appends ERROR-CODE with its reason phrase.
    pub(crate) fn explained_error(self, code: ErrorCode) -> Self {
        let (class, number) = code.class_and_number();
        let mut value = vec![0, 0, class, number];
        value.extend_from_slice(code.reason().as_bytes());
        self.attribute(attribute::ERROR_CODE, &value)
    }

    /// Appends the attribute that protects all before it.
    pub(crate) fn sign(self, algorithm: Algorithm, key: &Key) -> Self {
        let (kind, length) = match algorithm {
            Algorithm::Sha1 => (attribute::MESSAGE_INTEGRITY, SHA1_LENGTH),
            Algorithm::Sha256 => (attribute::MESSAGE_INTEGRITY_SHA256, SHA256_LENGTH),
        };
        let tag = key.mac(algorithm, self.message(), ATTRIBUTE_HEADER + length);
        self.attribute(kind, &tag)
    }

    /// Appends FINGERPRINT, which must come last.
    pub(crate) fn fingerprint(self) -> Self {
        let value = fingerprint(self.message());
        self.attribute(attribute::FINGERPRINT, &value)
    }

    /// The message with its true length, and what is before it.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let length = claimed_length(self.message().len());
        self.bytes[self.start + 2..self.start + 4].copy_from_slice(&length);
        self.bytes
    }
}

/// The value of an XORed address and its length.
pub(super) fn xored(address: SocketAddr, transaction: &TransactionId) -> ([u8; 20], usize) {
    let (mut value, length) = encode(address);
    value[2] ^= COOKIE[0];
    value[3] ^= COOKIE[1];
    let mask = COOKIE.iter().chain(transaction);
    for (byte, mask) in value[4..length].iter_mut().zip(mask) {
        *byte ^= mask;
    }
    (value, length)
}

fn encode(address: SocketAddr) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    value[2..4].copy_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => {
            value[1] = 1;
            value[4..8].copy_from_slice(&ip.octets());
            (value, 8)
        }
        IpAddr::V6(ip) => {
            value[1] = 2;
            value[4..20].copy_from_slice(&ip.octets());
            (value, 20)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PasswordAlgorithm;
    use super::*;

    #[test]
    fn a_message_behind_others_is_the_same_message() {
        let key = Key::long_term(PasswordAlgorithm::Md5, "a", "b", "c");
        let write = |bytes| {
            Writer::behind(bytes, Class::Success, Method::Binding, [5; 12])
                .xored_address(
                    attribute::XOR_MAPPED_ADDRESS,
                    "192.0.2.1:9".parse().unwrap(),
                )
                .attribute(attribute::REALM, b"north")
                .sign(Algorithm::Sha1, &key)
                .fingerprint()
                .finish()
        };
        let alone = write(Vec::new());
        let together = write(vec![0xEE; 5]);
        assert_eq!(
            (&together[..5], &together[5..]),
            (&[0xEE; 5][..], &alone[..])
        );
    }
}
