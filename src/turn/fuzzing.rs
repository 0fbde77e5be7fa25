//! What fuzzing reaches of this room: compiled by `cargo fuzz` only. Each entry takes any bytes, and
//! panics where a promise is broken.

mod conversation;

use std::net::SocketAddr;
use std::time::Duration;

use super::allocation::{FiveTuple, ListenerId};
use super::dataplane::{read_channel_data, read_send_indication};
use super::framing::Inlet;
use super::gate::{AnswerRates, Gate, TurnSecret, Verdict};
use super::message::{HEADROOM, Key, PasswordAlgorithm, Shape, attribute};
use super::moment::Moment;
use crate::base::Timestamp;

pub use conversation::conversation;

/// The longest answer to a short question, with FINGERPRINT.
const LONGEST_ANSWER: usize = 64 + 8;

/// Reads a datagram in every way that there is.
pub fn message(datagram: &[u8]) {
    if let Ok((_, media)) = read_channel_data(datagram) {
        assert!(media.end <= datagram.len());
    }
    let Ok(shape) = Shape::read(datagram) else {
        return;
    };
    for (kind, value) in shape.attributes() {
        let offset = shape.offset_of(value);
        assert_eq!(&datagram[offset..offset + value.len()], value);
        assert!(shape.attribute(kind).is_some());
        let _ = (shape.xored_address(value), shape.text(kind));
    }
    if let Ok((_, media)) = read_send_indication(&shape) {
        assert!(media.end <= datagram.len());
    }
    assert!(shape.not_understood().len() <= datagram.len() / 4);
    for algorithm in [PasswordAlgorithm::Md5, PasswordAlgorithm::Sha256] {
        let key = Key::long_term(algorithm, "a", "b", "c");
        assert!(shape.protection().is_some() || !shape.is_signed_with(&key));
        let _ = shape.is_signed_with(&key);
    }
}

/// Cuts a stream into messages: what comes out doesn't depend on how it comes in. The first byte
/// says how many of those behind it are lengths of pieces.
pub fn framing(input: &[u8]) {
    let Some((count, rest)) = input.split_first() else {
        return;
    };
    let (lengths, stream) = rest.split_at(usize::from(*count).min(rest.len()));
    let mut pieces = Vec::new();
    let mut behind = stream;
    for length in lengths {
        let (piece, rest) = behind.split_at(usize::from(*length).min(behind.len()));
        pieces.push(piece);
        behind = rest;
    }
    pieces.push(behind);
    let (whole, of_whole) = framed(&[stream]);
    let (split, of_split) = framed(&pieces);
    assert_eq!((whole, of_whole), (split, of_split));
    let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(framed(&[stream]), framed(&bytewise));
}

/// Every message of a stream, and whether it is one to the end.
fn framed(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut inlet = Inlet::new();
    let mut messages = Vec::new();
    for piece in pieces {
        let mut piece = *piece;
        while !piece.is_empty() {
            let room = inlet.room();
            assert!(!room.is_empty());
            let count = room.len().min(piece.len());
            room[..count].copy_from_slice(&piece[..count]);
            inlet.fill(count);
            piece = &piece[count..];
            loop {
                match inlet.next() {
                    Ok(Some(framed)) => {
                        messages.push(framed.buffer[HEADROOM..][..framed.length].to_vec())
                    }
                    Ok(None) => break,
                    Err(_) => return (messages, false),
                }
            }
        }
    }
    (messages, true)
}

/// Judges a datagram, of whomever: one answer at most, no longer than it may be.
pub fn gate(datagram: &[u8]) {
    let rates = AnswerRates {
        per_source: 1_000_000,
        in_all: 1_000_000,
    };
    let secret = TurnSecret::new(b"secret".to_vec());
    let gate = Gate::new("north".to_owned(), secret, Duration::from_secs(600), rates);
    for listener in [ListenerId(0), ListenerId::stream(0)] {
        let from = FiveTuple {
            listener,
            client: SocketAddr::from(([192, 0, 2, 1], 4000)),
        };
        let mut answers = b"before".to_vec();
        let now = Moment::from_start(Duration::from_secs(1));
        let verdict = gate.judge(datagram, &from, now, Timestamp::default, &mut answers);
        let answer = answers
            .strip_prefix(b"before")
            .expect("nothing else is touched");
        assert_eq!(matches!(verdict, Verdict::Answered(_)), !answer.is_empty());
        if let Verdict::Answered(_) = verdict {
            let most = LONGEST_ANSWER.max(datagram.len());
            assert!(listener.stream_index().is_some() || answer.len() <= most);
            let shape = Shape::read(answer).expect("an answer");
            assert_eq!(&shape.transaction[..], &datagram[8..20]);
            assert!(shape.attribute(attribute::SOFTWARE).is_none());
        }
        assert!(
            !matches!(verdict, Verdict::Request(_)),
            "nobody knows the nonce"
        );
    }
}
