//! Where one message ends on a stream and the next begins: STUN says by its length (RFC 8489
//! §6.2.2), ChannelData by its length and its padding to a multiple of four (RFC 8656 §12.5).
//!
//! However the bytes of a stream come in, the same messages come out. What can't be a message is
//! found as soon as it shows, and no connection makes this keep more than one message and what
//! little was read behind it.

use super::message::{CHANNEL_HEADER, COOKIE, HEADER, HEADROOM, padded};

/// The longest message: STUN of the largest length that is a multiple of four.
pub(super) const MAX_MESSAGE: usize = HEADER + 65_532;
const _: () = assert!(MAX_MESSAGE >= CHANNEL_HEADER + padded(u16::MAX as usize));

/// Room to read into while no longer message is under way: most connections are idle.
const ROOM: usize = 8 * 1024;

/// Bytes that begin neither STUN nor ChannelData: where the next message begins is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Garbage;

/// A message that came in whole.
#[derive(Debug)]
pub(super) struct Framed<'a> {
    /// [`HEADROOM`] bytes without meaning, the message, and its padding.
    pub(super) buffer: &'a mut [u8],
    /// Of the message, without padding.
    pub(super) length: usize,
}

/// What was read from a stream and isn't served yet.
#[derive(Debug)]
pub(super) struct Inlet {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inlet {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; HEADROOM + ROOM],
            start: HEADROOM,
            end: HEADROOM,
        }
    }

    /// Where the next bytes are read to. There is room once [`Inlet::next`] wants more.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }

    /// So many bytes were read into the room.
    pub(super) fn fill(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
    }

    /// The next message; none: more must be read first.
    pub(super) fn next(&mut self) -> Result<Option<Framed<'_>>, Garbage> {
        let held = &self.buffer[self.start..self.end];
        let length = message_length(held)?;
        match length {
            Some(length) if padded(length) <= held.len() => {
                let start = self.start;
                self.start += padded(length);
                Ok(Some(Framed {
                    buffer: &mut self.buffer[start - HEADROOM..self.start],
                    length,
                }))
            }
            _ => {
                self.make_room(length.map_or(0, padded));
                Ok(None)
            }
        }
    }

    /// Moves what is held to the front, and makes the buffer as long as this message needs it.
    fn make_room(&mut self, needed: usize) {
        self.buffer.copy_within(self.start..self.end, HEADROOM);
        self.end = HEADROOM + (self.end - self.start);
        self.start = HEADROOM;
        let length = HEADROOM + needed.max(ROOM);
        if length != self.buffer.len() {
            self.buffer.resize(length, 0);
            self.buffer.shrink_to_fit();
        }
    }
}

/// The message at the front of `messages`, which are whole, with its padding; and what follows.
pub(super) fn split_first(messages: &[u8]) -> (&[u8], &[u8]) {
    let length = message_length(messages).ok().flatten();
    let length = length.map_or(messages.len(), padded);
    messages.split_at(length.min(messages.len()))
}

/// How long the message at the front is, as soon as that can be told.
fn message_length(bytes: &[u8]) -> Result<Option<usize>, Garbage> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    match first >> 6 {
        0b00 => stun_length(bytes),
        0b01 => Ok(claimed(bytes).map(|length| CHANNEL_HEADER + length)),
        _ => Err(Garbage),
    }
}

fn stun_length(bytes: &[u8]) -> Result<Option<usize>, Garbage> {
    let length = claimed(bytes);
    let shown = bytes.get(4..).unwrap_or_default();
    let shown = &shown[..shown.len().min(COOKIE.len())];
    if !COOKIE.starts_with(shown) || length.is_some_and(|length| length % 4 != 0) {
        return Err(Garbage);
    }
    let is_sure = shown.len() == COOKIE.len();
    Ok(length.filter(|_| is_sure).map(|length| HEADER + length))
}

/// The length field, which both kinds of message have at the same place.
fn claimed(bytes: &[u8]) -> Option<usize> {
    let &[_, _, high, low] = bytes.first_chunk::<4>()?;
    Some(usize::from(u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::turn::message::{Class, Method, Writer, attribute};

    /// Everything that comes out when the stream comes in pieces; none: it was garbage.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<Vec<u8>>> {
        let mut inlet = Inlet::new();
        let mut messages = Vec::new();
        for mut piece in pieces {
            while !piece.is_empty() {
                let room = inlet.room();
                let count = room.len().min(piece.len());
                assert!(count > 0, "room to read into");
                room[..count].copy_from_slice(&piece[..count]);
                inlet.fill(count);
                piece = &piece[count..];
                while let Some(framed) = inlet.next().ok()? {
                    let message = &framed.buffer[HEADROOM..HEADROOM + framed.length];
                    messages.push(message.to_vec());
                    framed.buffer.fill(0xEE);
                }
                assert!(inlet.buffer.capacity() <= HEADROOM + MAX_MESSAGE);
            }
        }
        Some(messages)
    }

    fn stun(data: &[u8]) -> Vec<u8> {
        Writer::new(Class::Indication, Method::Send, [7; 12])
            .attribute(attribute::DATA, data)
            .finish()
    }

    fn channel_data(number: u16, media: &[u8]) -> Vec<u8> {
        let length = u16::try_from(media.len()).unwrap();
        let mut message = [number.to_be_bytes(), length.to_be_bytes()].concat();
        message.extend_from_slice(media);
        message
    }

    fn on_the_wire(messages: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = Vec::new();
        for message in messages {
            stream.extend_from_slice(message);
            stream.resize(padded(stream.len()), 0);
        }
        stream
    }

    fn message() -> impl Strategy<Value = Vec<u8>> {
        let media = prop_oneof![
            8 => proptest::collection::vec(any::<u8>(), 0..40),
            1 => proptest::collection::vec(any::<u8>(), 8_000..20_000),
        ];
        let kind = prop_oneof![Just(None), (0x4000..=0x7FFF_u16).prop_map(Some)];
        (kind, media).prop_map(|(kind, media)| match kind {
            Some(number) => channel_data(number, &media),
            None => stun(&media),
        })
    }

    /// Cuts a stream into pieces of these lengths, again and again.
    fn cut<'a>(stream: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
        let mut lengths = lengths.iter().cycle();
        let mut rest = stream;
        let mut pieces = Vec::new();
        while let (false, Some(length)) = (rest.is_empty(), lengths.next()) {
            let (piece, behind) = rest.split_at(rest.len().min(*length));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }

    #[test]
    fn the_longest_messages_come_out_whole() {
        let longest = [
            channel_data(0x4001, &vec![1; 65_535]),
            stun(&vec![2; 65_528]),
            channel_data(0x4001, b""),
        ];
        assert_eq!(longest[1].len(), MAX_MESSAGE);
        let stream = on_the_wire(&longest);
        assert_eq!(read([&stream[..]]).unwrap(), longest);
        assert_eq!(read(stream.chunks(1_460)).unwrap(), longest);
    }

    #[test]
    fn a_long_message_leaves_no_long_buffer_behind() {
        let mut inlet = Inlet::new();
        let stream = on_the_wire(&[channel_data(0x4000, &vec![1; 65_535])]);
        for piece in stream.chunks(ROOM) {
            assert!(inlet.next().unwrap().is_none());
            inlet.room()[..piece.len()].copy_from_slice(piece);
            inlet.fill(piece.len());
        }
        assert!(inlet.next().unwrap().is_some());
        assert!(inlet.next().unwrap().is_none());
        assert!(inlet.buffer.capacity() <= HEADROOM + ROOM);
    }

    #[test]
    fn garbage_is_found_at_its_first_byte() {
        let binding = Writer::new(Class::Request, Method::Binding, [7; 12]).finish();
        for (position, byte) in [(0, 0x80), (0, 0xFF), (3, 1), (4, 0), (7, 0)] {
            let mut mangled = binding.clone();
            mangled[position] = byte;
            assert_eq!(read([&mangled[..=position]]), None, "byte {position}");
            assert_eq!(read([&mangled[..position]]), Some(Vec::new()));
        }
        assert_eq!(read([&b"GET / HTTP/1.1\r\n"[..]]), Some(Vec::new()));
        assert_eq!(read([&b"\x16\x03\x01\x02\x00\x01"[..]]), None);
    }

    proptest! {
        #[test]
        fn messages_on_the_wire_are_told_apart(
            messages in proptest::collection::vec(message(), 0..8),
        ) {
            let stream = on_the_wire(&messages);
            let mut rest = &stream[..];
            for message in &messages {
                let (first, behind) = split_first(rest);
                prop_assert_eq!(first, on_the_wire(std::slice::from_ref(message)));
                rest = behind;
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn any_cut_of_a_stream_gives_the_same_messages(
            messages in proptest::collection::vec(message(), 0..8),
            lengths in proptest::collection::vec(1..3_000_usize, 1..20),
        ) {
            let stream = on_the_wire(&messages);
            prop_assert_eq!(read(cut(&stream, &lengths)), Some(messages));
        }

        #[test]
        fn a_stream_may_come_byte_by_byte(
            messages in proptest::collection::vec(message(), 0..3),
        ) {
            let stream = on_the_wire(&messages);
            prop_assert_eq!(read(stream.chunks(1)), Some(messages));
        }

        #[test]
        fn garbage_never_panics_however_it_is_cut(
            stream in proptest::collection::vec(any::<u8>(), 0..3_000),
            lengths in proptest::collection::vec(1..300_usize, 1..9),
            channel: bool,
        ) {
            let mut stream = stream;
            if let (true, Some(first)) = (channel, stream.first_mut()) {
                *first = 0x40;
            }
            prop_assert_eq!(read(cut(&stream, &lengths)), read([&stream[..]]));
        }
    }
}
