//! A stranger's STUN message, checked for shape before anything is believed.
//!
//! Attributes behind the first MESSAGE-INTEGRITY don't exist here (RFC 8489 §14.5): anybody on the
//! way could have appended them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::integrity::{SHA1_LENGTH, SHA256_LENGTH, fingerprint};
use super::numbers::class_and_method;
use super::{
    ATTRIBUTE_HEADER, Algorithm, COOKIE, Class, HEADER, Key, Method, TransactionId, attribute,
    padded,
};

/// More attributes than any client sends; looking one up is a walk past those before it.
const MAX_ATTRIBUTES: usize = 64;

/// Why a datagram is no STUN message that could be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Too short, or its length field doesn't say how long it is.
    Length,
    /// No magic cookie.
    Cookie,
    /// No class and method of this protocol.
    Type,
    /// An attribute reaches beyond the end, or there are too many.
    Attribute,
    /// FINGERPRINT isn't last, or is another message's.
    Fingerprint,
}

/// A well-formed STUN message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) class: Class,
    pub(crate) method: Method,
    pub(crate) transaction: TransactionId,
    /// Whether it came with a FINGERPRINT, so that the answer gets one too.
    pub(crate) fingerprinted: bool,
    datagram: &'a [u8],
    /// Where the attributes that count end: at the first MESSAGE-INTEGRITY, or FINGERPRINT.
    cut: usize,
    integrity: Option<(Algorithm, usize)>,
}

impl<'a> Shape<'a> {
    /// Reads a whole datagram.
    pub(crate) fn read(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let header = datagram.first_chunk::<HEADER>().ok_or(Malformed::Length)?;
        let claimed = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if claimed % 4 != 0 || datagram.len() != HEADER + claimed {
            return Err(Malformed::Length);
        }
        if header[4..8] != COOKIE {
            return Err(Malformed::Cookie);
        }
        let message_type = u16::from_be_bytes([header[0], header[1]]);
        let (class, method) = class_and_method(message_type).ok_or(Malformed::Type)?;
        let mut transaction = TransactionId::default();
        transaction.copy_from_slice(&header[8..]);
        let mut shape = Self {
            class,
            method,
            transaction,
            fingerprinted: false,
            datagram,
            cut: datagram.len(),
            integrity: None,
        };
        shape.walk()?;
        Ok(shape)
    }

    /// Checks every attribute's bounds, and finds those that protect the message.
    fn walk(&mut self) -> Result<(), Malformed> {
        let mut offset = HEADER;
        let mut count = 0;
        while offset < self.datagram.len() {
            let (kind, value) = self.attribute_at(offset).ok_or(Malformed::Attribute)?;
            count += 1;
            if count > MAX_ATTRIBUTES {
                return Err(Malformed::Attribute);
            }
            let next = offset + ATTRIBUTE_HEADER + padded(value.len());
            match kind {
                attribute::MESSAGE_INTEGRITY if self.integrity.is_none() => {
                    if value.len() != SHA1_LENGTH {
                        return Err(Malformed::Attribute);
                    }
                    self.protect(Algorithm::Sha1, offset);
                }
                attribute::MESSAGE_INTEGRITY_SHA256 if self.expects_sha256() => {
                    if !(16..=SHA256_LENGTH).contains(&value.len()) || value.len() % 4 != 0 {
                        return Err(Malformed::Attribute);
                    }
                    self.protect(Algorithm::Sha256, offset);
                }
                attribute::FINGERPRINT => {
                    let is_last = next == self.datagram.len();
                    if !is_last || value != fingerprint(&self.datagram[..offset]) {
                        return Err(Malformed::Fingerprint);
                    }
                    self.fingerprinted = true;
                    self.cut = self.cut.min(offset);
                }
                _ => {}
            }
            offset = next;
        }
        Ok(())
    }

    fn protect(&mut self, algorithm: Algorithm, offset: usize) {
        self.integrity = Some((algorithm, offset));
        self.cut = self.cut.min(offset);
    }

    /// MESSAGE-INTEGRITY-SHA256 may follow MESSAGE-INTEGRITY and is then the one to check.
    fn expects_sha256(&self) -> bool {
        !matches!(self.integrity, Some((Algorithm::Sha256, _)))
    }

    fn attribute_at(&self, offset: usize) -> Option<(u16, &'a [u8])> {
        let rest = self.datagram.get(offset..)?;
        let header = rest.first_chunk::<ATTRIBUTE_HEADER>()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let whole = rest.get(..ATTRIBUTE_HEADER + padded(length))?;
        let value = &whole[ATTRIBUTE_HEADER..ATTRIBUTE_HEADER + length];
        Some((u16::from_be_bytes([header[0], header[1]]), value))
    }

    /// Length of the whole message, bytes.
    pub(crate) fn length(&self) -> usize {
        self.datagram.len()
    }

    /// Every attribute that counts, in order.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let shape = *self;
        let mut offset = HEADER;
        std::iter::from_fn(move || {
            if offset >= shape.cut {
                return None;
            }
            let (kind, value) = shape.attribute_at(offset)?;
            offset += ATTRIBUTE_HEADER + padded(value.len());
            Some((kind, value))
        })
    }

    /// The first attribute of a type (RFC 8489 §14: later ones are ignored).
    pub(crate) fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        self.attributes()
            .find_map(|(kind, value)| (kind == wanted).then_some(value))
    }

    /// The first attribute of a type as text.
    pub(crate) fn text(&self, wanted: u16) -> Option<&'a str> {
        self.attribute(wanted)
            .and_then(|value| str::from_utf8(value).ok())
    }

    /// Types of attributes that had to be understood and aren't, each once.
    pub(crate) fn not_understood(&self) -> Vec<u16> {
        let mut unknown: Vec<u16> = self
            .attributes()
            .map(|(kind, _)| kind)
            .filter(|kind| !attribute::is_understood(*kind))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// Which attribute protects the message; none: it isn't authenticated.
    pub(crate) fn protection(&self) -> Option<Algorithm> {
        self.integrity.map(|(algorithm, _)| algorithm)
    }

    /// Whether the message is as a holder of `key` wrote it.
    pub(crate) fn is_signed_with(&self, key: &Key) -> bool {
        let Some((algorithm, offset)) = self.integrity else {
            return false;
        };
        self.attribute_at(offset)
            .is_some_and(|(_, tag)| key.verifies(algorithm, &self.datagram[..offset], tag))
    }

    /// Where `value`, which is part of this message, begins in its datagram.
    pub(crate) fn offset_of(&self, value: &[u8]) -> usize {
        value.as_ptr().addr() - self.datagram.as_ptr().addr()
    }

    /// Reads the value of an attribute of the XOR-PEER-ADDRESS kind (RFC 8489 §14.2).
    pub(crate) fn xored_address(&self, value: &[u8]) -> Option<SocketAddr> {
        let (&[_, family, high, low], address) = value.split_first_chunk::<4>()?;
        let port = u16::from_be_bytes([high ^ COOKIE[0], low ^ COOKIE[1]]);
        let ip = match (family, address.len()) {
            (1, 4) => IpAddr::V4(Ipv4Addr::from(self.unmask::<4>(address))),
            (2, 16) => IpAddr::V6(Ipv6Addr::from(self.unmask::<16>(address))),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    fn unmask<const N: usize>(&self, address: &[u8]) -> [u8; N] {
        let mask = COOKIE.iter().chain(&self.transaction);
        let mut plain = [0; N];
        for ((byte, masked), mask) in plain.iter_mut().zip(address).zip(mask) {
            *byte = masked ^ mask;
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{PasswordAlgorithm, Writer};
    use super::*;

    /// RFC 5769 §2.1: the sample request, with MESSAGE-INTEGRITY and FINGERPRINT.
    const SAMPLE_REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae\
        802200105354554e207465737420636c69656e74\
        002400046e0001ff80290008932ff9b151263b36\
        000600096576746a3a68367659202020\
        000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2\
        80280004e57a3bcf";

    /// RFC 5769 §2.4: a request with long-term authentication.
    const LONG_TERM_REQUEST: &str = "000100602112a44278ad3433c6ad72c029da412e\
        00060012e3839ee38388e383aae38383e382afe382b90000\
        0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473 41\
        0014000b6578616d706c652e6f726700\
        00080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn the_sample_request_of_rfc_5769_has_a_true_fingerprint() {
        let datagram = bytes(SAMPLE_REQUEST);
        let shape = Shape::read(&datagram).unwrap();
        assert!(shape.fingerprinted);
        assert_eq!(shape.text(attribute::USERNAME), Some("evtj:h6vY"));
        assert_eq!(shape.protection(), Some(Algorithm::Sha1));

        let mut mangled = datagram;
        mangled[40] ^= 1;
        assert_eq!(Shape::read(&mangled).unwrap_err(), Malformed::Fingerprint);
    }

    #[test]
    fn the_long_term_request_of_rfc_5769_is_signed() {
        let datagram = bytes(LONG_TERM_REQUEST);
        let shape = Shape::read(&datagram).unwrap();
        let username = shape.text(attribute::USERNAME).unwrap();
        assert_eq!(username, "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}");
        let realm = shape.text(attribute::REALM).unwrap();
        assert!(shape.is_signed_with(&Key::long_term(
            PasswordAlgorithm::Md5,
            username,
            realm,
            "TheMatrIX"
        )));
        assert!(!shape.is_signed_with(&Key::long_term(
            PasswordAlgorithm::Md5,
            username,
            realm,
            "TheMatrix"
        )));
    }

    #[test]
    fn what_follows_the_integrity_does_not_exist() {
        let key = Key::long_term(PasswordAlgorithm::Md5, "a", "b", "c");
        let mut datagram = Writer::new(Class::Request, Method::Refresh, [7; 12])
            .sign(Algorithm::Sha1, &key)
            .finish();
        datagram.extend_from_slice(&[0, 0x0D, 0, 4, 0, 0, 0, 0]);
        datagram[3] += 8;
        let shape = Shape::read(&datagram).unwrap();
        assert!(shape.is_signed_with(&key));
        assert_eq!(shape.attribute(attribute::LIFETIME), None);
    }

    #[test]
    fn a_truncated_sha256_counts_from_sixteen_bytes() {
        let key = Key::long_term(PasswordAlgorithm::Md5, "a", "b", "c");
        let whole = Writer::new(Class::Request, Method::Refresh, [7; 12])
            .sign(Algorithm::Sha256, &key)
            .finish();
        assert!(Shape::read(&whole).unwrap().is_signed_with(&key));
        let message = Writer::new(Class::Request, Method::Refresh, [7; 12]).finish();
        for (length, accepted) in [
            (12, false),
            (16, true),
            (18, false),
            (28, true),
            (32, true),
            (36, false),
        ] {
            let mut tag = key.mac(Algorithm::Sha256, &message, ATTRIBUTE_HEADER + length);
            tag.resize(length, 0);
            let datagram = Writer::new(Class::Request, Method::Refresh, [7; 12])
                .attribute(attribute::MESSAGE_INTEGRITY_SHA256, &tag)
                .finish();
            let is_accepted = Shape::read(&datagram).is_ok_and(|shape| shape.is_signed_with(&key));
            assert_eq!(is_accepted, accepted, "{length} bytes");
        }
    }

    #[test]
    fn lengths_are_checked_on_both_sides() {
        let empty = Writer::new(Class::Request, Method::Binding, [0; 12]).finish();
        assert!(Shape::read(&empty).is_ok());
        assert_eq!(Shape::read(&empty[..19]).unwrap_err(), Malformed::Length);
        let mut longer = empty.clone();
        longer.push(0);
        assert_eq!(Shape::read(&longer).unwrap_err(), Malformed::Length);
        let mut with_overrun = empty;
        with_overrun.extend_from_slice(&[0, 6, 0, 1]);
        with_overrun[3] = 4;
        assert_eq!(
            Shape::read(&with_overrun).unwrap_err(),
            Malformed::Attribute
        );
    }

    /// Attributes with a meaning for the message as a whole.
    const PROTECTION: [u16; 3] = [
        attribute::MESSAGE_INTEGRITY,
        attribute::MESSAGE_INTEGRITY_SHA256,
        attribute::FINGERPRINT,
    ];

    fn attributes() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
        let kind = any::<u16>().prop_filter("no protection", |kind| !PROTECTION.contains(kind));
        proptest::collection::vec((kind, proptest::collection::vec(any::<u8>(), 0..20)), 0..8)
    }

    fn message(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let request = Writer::new(Class::Request, Method::Allocate, [3; 12]);
        let add = |it: Writer, (kind, value): &(u16, Vec<u8>)| it.attribute(*kind, value);
        attributes.iter().fold(request, add).finish()
    }

    proptest! {
        #[test]
        fn garbage_never_panics(mut datagram in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Shape::read(&datagram);
            if let Some(header) = datagram.first_chunk_mut::<HEADER>() {
                header[..2].copy_from_slice(&[0, 3]);
                header[4..8].copy_from_slice(&COOKIE);
                let whole = datagram.len() / 4 * 4;
                datagram.truncate(whole);
                datagram[2] = 0;
                datagram[3] = u8::try_from(whole - HEADER).unwrap();
                if let Ok(shape) = Shape::read(&datagram) {
                    for (_, value) in shape.attributes() {
                        let _ = shape.xored_address(value);
                    }
                }
            }
        }

        #[test]
        fn a_message_is_exactly_as_long_as_it_says(
            attributes in attributes(),
            more in proptest::collection::vec(any::<u8>(), 1..40),
            claimed: u16,
        ) {
            let whole = message(&attributes);
            prop_assert!(Shape::read(&whole).is_ok());
            for cut in 0..whole.len() {
                prop_assert_eq!(Shape::read(&whole[..cut]).unwrap_err(), Malformed::Length);
            }
            let longer = [&whole[..], &more].concat();
            prop_assert_eq!(Shape::read(&longer).unwrap_err(), Malformed::Length);
            let mut lying = whole.clone();
            lying[2..4].copy_from_slice(&claimed.to_be_bytes());
            prop_assert_eq!(Shape::read(&lying).is_ok(), lying == whole);
        }

        #[test]
        fn attributes_are_read_as_they_were_written_whatever_the_padding(
            attributes in attributes(),
            padding: u8,
        ) {
            let mut datagram = message(&attributes);
            let mut end = HEADER;
            for (_, value) in &attributes {
                end += ATTRIBUTE_HEADER + value.len();
                let padded_end = end.next_multiple_of(4);
                datagram[end..padded_end].fill(padding);
                end = padded_end;
            }
            let shape = Shape::read(&datagram).unwrap();
            let read: Vec<_> = shape.attributes().map(|(kind, value)| (kind, value.to_vec())).collect();
            prop_assert_eq!(read, attributes);
        }

        #[test]
        fn an_attribute_that_lies_about_its_length_reaches_nowhere(
            attributes in attributes(),
            which: proptest::sample::Index,
            claimed: u16,
        ) {
            prop_assume!(!attributes.is_empty());
            let mut datagram = message(&attributes);
            let before = &attributes[..which.index(attributes.len())];
            let at = message(before).len() + 2;
            datagram[at..at + 2].copy_from_slice(&claimed.to_be_bytes());
            let rest = datagram.len() - at - 2;
            let shape = Shape::read(&datagram);
            if usize::from(claimed) > rest {
                prop_assert_eq!(shape.unwrap_err(), Malformed::Attribute);
            } else if let Ok(shape) = shape {
                let total: usize = shape.attributes().map(|(_, value)| padded(value.len()) + 4).sum();
                prop_assert!(total <= datagram.len() - HEADER);
            }
        }

        #[test]
        fn what_must_be_understood_and_is_not_is_named(kinds in proptest::collection::vec(any::<u16>(), 0..9)) {
            let attributes: Vec<_> = kinds
                .into_iter()
                .filter(|kind| !PROTECTION.contains(kind))
                .map(|kind| (kind, Vec::new()))
                .collect();
            let datagram = message(&attributes);
            let named = Shape::read(&datagram).unwrap().not_understood();
            for (kind, _) in attributes {
                prop_assert_eq!(named.contains(&kind), !attribute::is_understood(kind));
            }
        }

        #[test]
        fn an_address_survives_its_mask(ip: [u8; 16], is_v6: bool, port: u16, transaction: [u8; 12]) {
            let ip = if is_v6 {
                IpAddr::from(ip)
            } else {
                IpAddr::from([ip[0], ip[1], ip[2], ip[3]])
            };
            let address = SocketAddr::new(ip, port);
            let datagram = Writer::new(Class::Request, Method::CreatePermission, transaction)
                .xored_address(attribute::XOR_PEER_ADDRESS, address)
                .finish();
            let shape = Shape::read(&datagram).unwrap();
            let value = shape.attribute(attribute::XOR_PEER_ADDRESS).unwrap();
            prop_assert_eq!(shape.xored_address(value), Some(address));
        }
    }
}
