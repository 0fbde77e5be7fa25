//! What a message says, once it is opened (E2EE.md §6.2): JSON of one shape.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Refusal;
use super::base64_bytes::Bytes;
use super::padding::LONGEST;
use super::session_record::write;
use crate::base::{CallId, MessageId, Private, Secret, Timestamp};

const VERSION: u8 = 1;
/// How far the sender's clock may be off before its claim is shown as one.
const PLAUSIBLE: Duration = Duration::from_mins(10);

/// A message's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The sender's id for it: one seen before from this peer is dropped.
    pub id: MessageId,
    /// When the sender says that it wrote this.
    pub written: Timestamp,
    /// What it says.
    pub says: Says,
}

/// The kinds of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// A text to show.
    Text(Private<String>),
    /// Messages were delivered or read.
    Receipt {
        /// Which ones.
        ids: Vec<MessageId>,
        /// What became of them.
        state: ReceiptState,
    },
    /// The offer of a call, with the secret that seals the rest of its signaling (§11).
    Call {
        /// The call.
        call: CallId,
        /// What its keys are derived from.
        secret: Secret<32>,
        /// The caller's session description.
        description: Private<String>,
    },
    /// The sender couldn't open something, and began anew (§8.5).
    Reset,
    /// Nothing: cover traffic, or a step of the ratchet.
    Dummy,
    /// A kind that a later version knows. Shown as "unsupported"; never sent.
    Unsupported,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptState {
    /// It reached the device.
    Delivered,
    /// It was shown.
    Read,
}

impl Content {
    /// The bytes to seal.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let about = match &self.says {
            Says::Text(text) => 2 * text.len(),
            Says::Call { description, .. } => 2 * description.len(),
            Says::Receipt { ids, .. } => 40 * ids.len(),
            Says::Reset | Says::Dummy | Says::Unsupported => 0,
        };
        let bytes = write(&Envelope::of(self)?, 256 + about);
        match bytes.len() {
            found if found > LONGEST => Err(Refusal::TooLong {
                found,
                limit: LONGEST,
            }),
            _ => Ok(bytes),
        }
    }

    /// What opened bytes say. Fields that aren't known are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        const EXPECTED: Refusal = Refusal::Malformed("content of version 1");
        let head: Head = serde_json::from_slice(bytes).map_err(|_| EXPECTED)?;
        if head.v != VERSION {
            return Err(EXPECTED);
        }
        let says = match head.kind.as_str() {
            "text" | "receipt" | "call" | "reset" | "dummy" => {
                let kind: Kind = serde_json::from_slice(bytes).map_err(|_| EXPECTED)?;
                kind.into()
            }
            _ => Says::Unsupported,
        };
        Ok(Self {
            id: head.id,
            written: Timestamp::from_millis(head.ts),
            says,
        })
    }

    /// Whether the sender's claim of when it wrote agrees with the server's time, to 10 minutes.
    pub fn is_plausible(&self, server: Timestamp) -> bool {
        let apart = self.written.since(server).max(server.since(self.written));
        apart <= PLAUSIBLE
    }
}

#[derive(Serialize)]
struct Envelope {
    v: u8,
    id: MessageId,
    ts: u64,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
struct Head {
    v: u8,
    id: MessageId,
    ts: u64,
    kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Kind {
    Text {
        text: Private<String>,
    },
    Receipt {
        ids: Vec<MessageId>,
        state: ReceiptState,
    },
    Call {
        call_id: CallId,
        secret: Bytes<32>,
        sdp: Private<String>,
    },
    Reset,
    Dummy,
}

impl Envelope {
    fn of(content: &Content) -> Result<Self, Refusal> {
        let kind = match content.says.clone() {
            Says::Text(text) => Kind::Text { text },
            Says::Receipt { ids, state } => Kind::Receipt { ids, state },
            Says::Call {
                call,
                secret,
                description,
            } => Kind::Call {
                call_id: call,
                secret: Bytes(secret),
                sdp: description,
            },
            Says::Reset => Kind::Reset,
            Says::Dummy => Kind::Dummy,
            Says::Unsupported => return Err(Refusal::Malformed("content of a kind of version 1")),
        };
        Ok(Self {
            v: VERSION,
            id: content.id,
            ts: content.written.as_millis(),
            kind,
        })
    }
}

impl From<Kind> for Says {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Text { text } => Self::Text(text),
            Kind::Receipt { ids, state } => Self::Receipt { ids, state },
            Kind::Call {
                call_id,
                secret,
                sdp,
            } => Self::Call {
                call: call_id,
                secret: secret.0,
                description: sdp,
            },
            Kind::Reset => Self::Reset,
            Kind::Dummy => Self::Dummy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3d594650-3436-4ce9-b7f3-1d2d0c4b6a10";

    fn content(says: Says) -> Content {
        Content {
            id: ID.parse().unwrap(),
            written: Timestamp::from_millis(5),
            says,
        }
    }

    #[test]
    fn each_kind_has_its_one_text() {
        let id: MessageId = ID.parse().unwrap();
        let rows = [
            (
                Says::Text("hi".to_owned().into()),
                r#""text","text":"hi"}"#.to_owned(),
            ),
            (
                Says::Receipt {
                    ids: vec![id],
                    state: ReceiptState::Read,
                },
                format!(r#""receipt","ids":["{ID}"],"state":"read"}}"#),
            ),
            (
                Says::Call {
                    call: ID.parse().unwrap(),
                    secret: Secret::new([0; 32]),
                    description: "v=0".to_owned().into(),
                },
                format!(
                    r#""call","call_id":"{ID}","secret":"{}=","sdp":"v=0"}}"#,
                    "A".repeat(43)
                ),
            ),
            (Says::Reset, r#""reset"}"#.to_owned()),
            (Says::Dummy, r#""dummy"}"#.to_owned()),
        ];
        for (says, tail) in rows {
            let bytes = content(says.clone()).to_bytes().unwrap();
            let text = format!(r#"{{"v":1,"id":"{ID}","ts":5,"kind":{tail}"#);
            assert_eq!(std::str::from_utf8(&bytes).unwrap(), text);
            assert_eq!(Content::parse(&bytes), Ok(content(says)));
        }
    }

    #[test]
    fn later_versions_may_add_fields_and_kinds() {
        let text = format!(r#"{{"new":{{}},"kind":"poll","v":1,"ts":5,"id":"{ID}","text":7}}"#);
        assert_eq!(
            Content::parse(text.as_bytes()),
            Ok(content(Says::Unsupported))
        );
        assert!(content(Says::Unsupported).to_bytes().is_err());
        let text = text.replace("poll", "text").replace(":7}", r#":"hi"}"#);
        let says = Says::Text("hi".to_owned().into());
        assert_eq!(Content::parse(text.as_bytes()), Ok(content(says)));
    }

    #[test]
    fn another_shape_is_refused() {
        for text in ["", "{}", "[]", "\u{0}"] {
            assert!(Content::parse(text.as_bytes()).is_err(), "{text}");
        }
        let version_2 = format!(r#"{{"v":2,"id":"{ID}","ts":5,"kind":"dummy"}}"#);
        assert!(Content::parse(version_2.as_bytes()).is_err());
        let no_text = format!(r#"{{"v":1,"id":"{ID}","ts":5,"kind":"text"}}"#);
        assert!(Content::parse(no_text.as_bytes()).is_err());
    }

    #[test]
    fn a_text_has_a_longest_length() {
        let envelope = content(Says::Text(String::new().into()))
            .to_bytes()
            .unwrap()
            .len();
        let text = |length| content(Says::Text("a".repeat(length).into())).to_bytes();
        assert_eq!(text(LONGEST - envelope).unwrap().len(), LONGEST);
        assert!(text(LONGEST - envelope + 1).is_err());
    }

    #[test]
    fn a_claim_is_plausible_within_ten_minutes() {
        let mut claimed = content(Says::Dummy);
        let server = Timestamp::from_millis(10_000_000);
        for (millis, plausible) in [
            (9_400_000, true),
            (9_399_999, false),
            (10_600_000, true),
            (10_600_001, false),
        ] {
            claimed.written = Timestamp::from_millis(millis);
            assert_eq!(claimed.is_plausible(server), plausible, "{millis}");
        }
    }
}
