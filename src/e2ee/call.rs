//! Call signaling that the server can't read or change (E2EE.md §11).
//!
//! The offer is an ordinary message that carries a secret. Everything after it is sealed under keys
//! derived from that, apart from the ratchet: candidates are many and often lost.

use zeroize::Zeroizing;

use super::base64_bytes::{decode, encode};
use super::kdf::{halves, hkdf};
use super::padding::{pad, unpad};
use super::{Refusal, Role, aead};
use crate::base::{CallId, Secret};

const WINDOW: u64 = 64;
const LABEL: &[u8] = b"PrivComm_CallMsg_v1\n";
const COUNTER: usize = 8;
/// The longest text: a counter, the largest padded size and a tag, in base64.
const LONGEST_TEXT: usize = (COUNTER + 65_536 + aead::TAG).div_ceil(3) * 4;

/// One side of a call's signaling.
#[derive(Debug, Clone)]
pub struct CallChannel {
    sending: Secret<32>,
    next: u64,
    receiving: Secret<32>,
    seen: Window,
}

/// What a sealed call message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallAction {
    /// The callee's description.
    Answer,
    /// A description that renegotiates a standing call.
    Offer,
    /// A candidate, as JSON.
    Candidate,
}

impl CallAction {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Answer => b"answer",
            Self::Offer => b"offer",
            Self::Candidate => b"ice",
        }
    }
}

impl CallChannel {
    /// The channel of a call, from the secret in its offer; the caller is the initiator.
    pub fn new(role: Role, call: CallId, secret: &Secret<32>) -> Self {
        let both = hkdf::<64>(call.as_bytes(), &[secret.expose()], b"PrivComm_Call_v1");
        let (callers, answerers) = halves(&both);
        let (sending, receiving) = match role {
            Role::Initiator => (callers, answerers),
            Role::Responder => (answerers, callers),
        };
        Self {
            sending,
            next: 0,
            receiving,
            seen: Window::default(),
        }
    }

    /// Seals a description or a candidate; the text stands where it would have stood in the clear.
    pub fn seal(&mut self, action: CallAction, data: &[u8]) -> Result<String, Refusal> {
        let mut message = self.next.to_be_bytes().to_vec();
        pad(data, &mut message)?;
        let nonce = nonce(self.next);
        let associated = [LABEL, action.name()].concat();
        aead::seal(&self.sending, nonce, &associated, &mut message, COUNTER);
        self.next += 1;
        Ok(encode(&message))
    }

    /// Opens what the peer sealed. A refusal leaves the channel as it was.
    pub fn open(&mut self, action: CallAction, text: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        const EXPECTED: Refusal = Refusal::Malformed("a sealed call message");
        refuse_in_clear(text)?;
        if text.len() > LONGEST_TEXT {
            return Err(EXPECTED);
        }
        let message = decode(text).ok_or(EXPECTED)?;
        let (counter, sealed) = message.split_first_chunk().ok_or(EXPECTED)?;
        let counter = u64::from_be_bytes(*counter);
        let seen = self.seen.with(counter).ok_or(Refusal::CallReplayed)?;
        let associated = [LABEL, action.name()].concat();
        let data = unpad(aead::open(
            &self.receiving,
            nonce(counter),
            &associated,
            sealed,
        )?)?;
        self.seen = seen;
        Ok(data)
    }
}

/// Refuses a session description where a sealed one must stand: someone wants to listen.
pub fn refuse_in_clear(text: &str) -> Result<(), Refusal> {
    if text.starts_with("v=") {
        Err(Refusal::DescriptionInClear)
    } else {
        Ok(())
    }
}

/// Refuses an opened session description whose fingerprints aren't SHA-256, or that has none.
pub fn check_fingerprints(description: &str) -> Result<(), Refusal> {
    let mut fingerprints = description
        .lines()
        .filter_map(|line| line.trim().strip_prefix("a=fingerprint:"))
        .peekable();
    let is_sha_256 = |fingerprint: &str| {
        let name = fingerprint.split_ascii_whitespace().next();
        name.is_some_and(|name| name.eq_ignore_ascii_case("sha-256"))
    };
    if fingerprints.peek().is_some() && fingerprints.all(is_sha_256) {
        Ok(())
    } else {
        Err(Refusal::Fingerprint)
    }
}

fn nonce(counter: u64) -> [u8; aead::NONCE] {
    let mut nonce = [0; aead::NONCE];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// Which of the last 64 counters came.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// One above the highest that came; 0 before any did.
    end: u64,
    /// Bit n: `end - 1 - n` came.
    came: u64,
}

impl Window {
    /// The window once `counter` came too, if it hadn't yet and isn't too old to tell.
    fn with(self, counter: u64) -> Option<Self> {
        let end = counter.checked_add(1)?;
        if end > self.end {
            let by = end - self.end;
            let came = if by < WINDOW { self.came << by } else { 0 };
            return Some(Self {
                end,
                came: came | 1,
            });
        }
        let age = self.end - end;
        let bit = (age < WINDOW).then(|| 1 << age)?;
        (self.came & bit == 0).then_some(Self {
            end: self.end,
            came: self.came | bit,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::e2ee::vectors::{hex, secret, vectors};

    fn channels() -> (CallChannel, CallChannel) {
        let vector = vectors().call;
        let (call, secret) = (vector.id.parse().unwrap(), secret(&vector.secret));
        let channel = |role| CallChannel::new(role, call, &secret);
        (channel(Role::Initiator), channel(Role::Responder))
    }

    #[test]
    fn keys_and_message_are_the_published_ones() {
        let vector = vectors().call;
        let (mut alice, mut bob) = channels();
        assert_eq!(alice.sending, secret(&vector.caller_key));
        assert_eq!(alice.receiving, secret(&vector.callee_key));
        assert_eq!(
            (vector.counter, vector.action.as_bytes()),
            (3, CallAction::Candidate.name())
        );
        alice.next = vector.counter;
        let data = hex(&vector.data);
        let text = alice.seal(CallAction::Candidate, &data).unwrap();
        assert_eq!(text, encode(&hex(&vector.sealed)));
        assert_eq!(*bob.open(CallAction::Candidate, &text).unwrap(), data);
        let again = bob.open(CallAction::Candidate, &text);
        assert_eq!(again, Err(Refusal::CallReplayed));
    }

    #[test]
    fn a_message_is_what_it_was_sealed_as_and_from_the_other_side() {
        let (mut alice, mut bob) = channels();
        let text = alice.seal(CallAction::Offer, b"v=0").unwrap();
        assert_eq!(bob.open(CallAction::Answer, &text), Err(Refusal::Tag));
        assert_eq!(alice.open(CallAction::Offer, &text), Err(Refusal::Tag));
        assert!(bob.open(CallAction::Offer, &text).is_ok());
    }

    #[test]
    fn a_description_in_the_clear_is_refused() {
        let (_, mut bob) = channels();
        let opened = bob.open(CallAction::Answer, "v=0\r\n");
        assert_eq!(opened, Err(Refusal::DescriptionInClear));
    }

    #[test]
    fn every_fingerprint_is_sha_256() {
        let good = "v=0\r\na=fingerprint:sha-256 AB:CD\r\n";
        assert_eq!(check_fingerprints(good), Ok(()));
        let also_other = format!("{good}a=fingerprint:sha-1 AB:CD\r\n");
        for bad in [
            "v=0\r\n",
            "a=fingerprint:sha-1 AB",
            "a=fingerprint:",
            &also_other,
        ] {
            assert_eq!(check_fingerprints(bad), Err(Refusal::Fingerprint), "{bad}");
        }
    }

    #[test]
    fn the_window_is_64_wide() {
        let window = Window::default().with(100).unwrap();
        assert!(window.with(37).is_some());
        assert!(window.with(36).is_none());
        assert!(window.with(100).is_none());
        assert!(window.with(u64::MAX).is_none());
        assert!(window.with(164).unwrap().with(101).is_some());
    }

    proptest! {
        #[test]
        fn a_counter_comes_once(counters in proptest::collection::vec(0u64..200, 0..300)) {
            let mut window = Window::default();
            let mut came = std::collections::BTreeSet::new();
            for counter in counters {
                let highest = came.last().copied().unwrap_or(0);
                let expected = !came.contains(&counter) && counter + 64 > highest;
                match window.with(counter) {
                    Some(next) => { prop_assert!(expected); window = next; came.insert(counter); }
                    None => prop_assert!(!expected),
                }
            }
        }
    }
}
