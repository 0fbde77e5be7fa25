//! Envelope and payload (E2EE.md §7.3): what is given to the server and comes back from it.

use std::fmt::Write as _;

use serde::Deserialize;

use super::base64_bytes::{decode, encode};
use super::message::LONGEST_BODY;
use super::{Kind, Refusal};

/// The longest payload that the server takes, in characters.
const LONGEST_PAYLOAD: usize = 131_072;
const NOT_AN_ENVELOPE: Refusal = Refusal::Malformed("a payload: an envelope in base64");

/// Tells a peer of a reinstallation by changing: 1 to 16380, drawn when a client is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationId(u16);

impl RegistrationId {
    const LAST: u16 = 16_380;

    /// The id of a number, if it is one.
    pub fn new(number: u32) -> Result<Self, Refusal> {
        u16::try_from(number)
            .ok()
            .filter(|number| (1..=Self::LAST).contains(number))
            .map(Self)
            .ok_or(Refusal::Malformed("a registration id from 1 to 16380"))
    }

    /// The id that four random bytes draw. The bias is below one in 100,000.
    pub fn drawn(random: [u8; 4]) -> Self {
        let number = u32::from_be_bytes(random) % u32::from(Self::LAST) + 1;
        Self(u16::try_from(number).unwrap_or(Self::LAST))
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// A body with what the server may know of it. Registration and device are hints, never trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the body is.
    pub kind: Kind,
    /// The sender's installation.
    pub registration: RegistrationId,
    /// The sender's device: 1 in this version.
    pub device: u32,
    /// The body, which [`super::Peer`] opens.
    pub body: Vec<u8>,
}

impl Envelope {
    /// The API's `payload`.
    pub fn to_payload(&self) -> String {
        let mut json = String::with_capacity(self.body.len() * 4 / 3 + 80);
        // Writing to a string can't fail.
        let _ = write!(
            json,
            r#"{{"type":{},"registrationId":{},"deviceId":{},"body":""#,
            self.kind.number(),
            self.registration.number(),
            self.device,
        );
        json.push_str(&encode(&self.body));
        json.push_str(r#""}"#);
        encode(json.as_bytes())
    }

    /// The envelope of a `payload`.
    pub fn from_payload(payload: &str) -> Result<Self, Refusal> {
        if payload.len() > LONGEST_PAYLOAD {
            return Err(NOT_AN_ENVELOPE);
        }
        let json = decode(payload).ok_or(NOT_AN_ENVELOPE)?;
        let fields: Fields<'_> = serde_json::from_slice(&json).map_err(|_| NOT_AN_ENVELOPE)?;
        let mut body = decode(&fields.body).ok_or(NOT_AN_ENVELOPE)?;
        if body.len() > LONGEST_BODY {
            return Err(NOT_AN_ENVELOPE);
        }
        Ok(Self {
            kind: Kind::from_number(fields.kind)?,
            registration: RegistrationId::new(fields.registration)?,
            device: fields.device,
            body: std::mem::take(&mut *body),
        })
    }
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(rename = "registrationId")]
    registration: u32,
    #[serde(rename = "deviceId")]
    device: u32,
    #[serde(borrow)]
    body: std::borrow::Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload(json: &str) -> Result<Envelope, Refusal> {
        Envelope::from_payload(&encode(json.as_bytes()))
    }

    #[test]
    fn any_json_of_the_shape_is_taken() {
        let json =
            r#" {"deviceId":1, "extra":[], "body":"\u0041A==","registrationId":16380,"type":2}"#;
        let envelope = payload(json).unwrap();
        assert_eq!(envelope.body, [0]);
        assert_eq!(envelope.registration.number(), 16380);
    }

    #[test]
    fn another_shape_is_refused() {
        let with = |kind: &str, registration: &str, body: &str| {
            payload(&format!(
                r#"{{"type":{kind},"registrationId":{registration},"deviceId":1,"body":"{body}"}}"#
            ))
        };
        assert!(with("1", "1", "AA==").is_ok());
        for (kind, registration, body) in [
            ("3", "1", "AA=="),
            ("\"1\"", "1", "AA=="),
            ("1", "0", "AA=="),
            ("1", "16381", "AA=="),
            ("1", "1", "AA="),
            ("1", "1", "AB=="),
            ("1", "1", "AA =="),
        ] {
            assert!(
                with(kind, registration, body).is_err(),
                "{kind} {registration} {body}"
            );
        }
        assert!(payload("{}").is_err());
        assert!(Envelope::from_payload("{}").is_err());
    }

    #[test]
    fn the_longest_body_fits_and_no_longer_one() {
        let envelope = |length| Envelope {
            kind: Kind::First,
            registration: RegistrationId::new(16_380).unwrap(),
            device: 1,
            body: vec![7; length],
        };
        let payload = envelope(LONGEST_BODY).to_payload();
        assert!(payload.len() < 120_000);
        assert_eq!(LONGEST_BODY, 65_667);
        assert_eq!(Envelope::from_payload(&payload), Ok(envelope(LONGEST_BODY)));
        let payload = envelope(LONGEST_BODY + 1).to_payload();
        assert_eq!(Envelope::from_payload(&payload), Err(NOT_AN_ENVELOPE));
    }

    #[test]
    fn a_registration_id_is_drawn_within_its_range() {
        for (random, number) in [([0; 4], 1), ([0xff; 4], 256), ([0, 0, 0x3f, 0xfb], 16_380)] {
            assert_eq!(RegistrationId::drawn(random).number(), number, "{random:?}");
        }
    }

    proptest! {
        #[test]
        fn an_envelope_comes_back(
            first: bool,
            random: [u8; 4],
            device: u32,
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let kind = if first { Kind::First } else { Kind::Ratchet };
            let envelope = Envelope { kind, registration: RegistrationId::drawn(random), device, body };
            prop_assert_eq!(Envelope::from_payload(&envelope.to_payload()), Ok(envelope));
        }

        #[test]
        fn any_text_is_an_envelope_or_refused(text in "\\PC{0,200}") {
            let _ = (payload(&text), Envelope::from_payload(&text));
        }
    }
}
