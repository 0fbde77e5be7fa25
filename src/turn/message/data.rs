//! Headers written in front of media that already lies in a buffer: no byte of it moves.

use std::net::SocketAddr;
use std::ops::Range;

use super::numbers::message_type;
use super::writer::xored;
use super::{ATTRIBUTE_HEADER, COOKIE, Class, HEADER, Method, TransactionId, attribute, padded};

/// Room in front of media that the longest header here needs: a Data indication from an IPv6 peer.
pub(crate) const HEADROOM: usize = HEADER + ATTRIBUTE_HEADER + 20 + ATTRIBUTE_HEADER;

/// Room behind media that padding needs.
pub(crate) const TAILROOM: usize = 3;

/// Length of ChannelData's header, bytes (RFC 8656 §12.4).
pub(crate) const CHANNEL_HEADER: usize = 4;

/// Makes the media at `data` a ChannelData message, without padding, as UDP has it.
///
/// `data` begins no earlier than [`HEADROOM`], and is no longer than a datagram.
pub(crate) fn frame_channel_data(
    buffer: &mut [u8],
    data: &Range<usize>,
    channel: u16,
) -> Range<usize> {
    let start = data.start - CHANNEL_HEADER;
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
    buffer[start..start + 2].copy_from_slice(&channel.to_be_bytes());
    buffer[start + 2..data.start].copy_from_slice(&length.to_be_bytes());
    start..data.end
}

/// Makes the media at `data` a Data indication from `peer` (RFC 8656 §11.3).
///
/// `data` begins no earlier than [`HEADROOM`] and ends [`TAILROOM`] before the buffer does.
pub(crate) fn frame_data_indication(
    buffer: &mut [u8],
    data: &Range<usize>,
    peer: SocketAddr,
    transaction: &TransactionId,
) -> Range<usize> {
    let (address, address_length) = xored(peer, transaction);
    let attributes = ATTRIBUTE_HEADER + address_length + ATTRIBUTE_HEADER;
    let start = data.start - attributes - HEADER;
    let end = data.start + padded(data.len());
    buffer[data.end..end].fill(0);

    let (header, rest) = buffer[start..data.start].split_at_mut(HEADER);
    let length = u16::try_from(end - start - HEADER).unwrap_or(u16::MAX);
    header[..2].copy_from_slice(&message_type(Class::Indication, Method::Data).to_be_bytes());
    header[2..4].copy_from_slice(&length.to_be_bytes());
    header[4..8].copy_from_slice(&COOKIE);
    header[8..].copy_from_slice(transaction);

    let (peer_attribute, data_attribute) = rest.split_at_mut(ATTRIBUTE_HEADER + address_length);
    describe(peer_attribute, attribute::XOR_PEER_ADDRESS, address_length);
    peer_attribute[ATTRIBUTE_HEADER..].copy_from_slice(&address[..address_length]);
    describe(data_attribute, attribute::DATA, data.len());
    start..end
}

fn describe(header: &mut [u8], kind: u16, length: usize) {
    header[..2].copy_from_slice(&kind.to_be_bytes());
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    header[2..ATTRIBUTE_HEADER].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;

    #[test]
    fn a_data_indication_is_written_around_its_media() {
        for peer in ["192.0.2.7:5004", "[2001:db8::7]:5004"] {
            let peer: SocketAddr = peer.parse().unwrap();
            for length in 0..9 {
                let mut buffer = vec![0xEE; HEADROOM + length + TAILROOM];
                let data = HEADROOM..HEADROOM + length;
                let framed = frame_data_indication(&mut buffer, &data, peer, &[9; 12]);
                let shape = Shape::read(&buffer[framed]).unwrap();
                assert_eq!(
                    (shape.class, shape.method),
                    (Class::Indication, Method::Data)
                );
                let value = shape.attribute(attribute::XOR_PEER_ADDRESS).unwrap();
                assert_eq!(shape.xored_address(value), Some(peer));
                assert_eq!(
                    shape.attribute(attribute::DATA).unwrap(),
                    vec![0xEE; length]
                );
            }
        }
    }

    #[test]
    fn channel_data_is_four_bytes_and_its_media() {
        let mut buffer = vec![0xEE; HEADROOM + 5];
        let framed = frame_channel_data(&mut buffer, &(HEADROOM..HEADROOM + 5), 0x4001);
        assert_eq!(
            buffer[framed],
            [0x40, 0x01, 0, 5, 0xEE, 0xEE, 0xEE, 0xEE, 0xEE]
        );
    }
}
