//! What is kept, beside what [`e2ee`](crate::e2ee) keeps: the names of all records, and the shapes of
//! our own.
//!
//! | name | what |
//! |---|---|
//! | `profile` | the account: server, handle, seed |
//! | `prekeys` | private prekeys ([`crate::e2ee::Prekeys`]) |
//! | `upload` | public prekeys that the server doesn't have yet |
//! | `numbers` | the next numbers of `outbox` and `inbox`, which only rise |
//! | `session/<user>/1` | sessions and pin ([`crate::e2ee::Peer`]) |
//! | `seen/<user>` | ids of messages that came ([`crate::e2ee::Seen`]) |
//! | `contact/<user>` | what we call them, and whether they may call |
//! | `receipts/<user>` | messages that they don't know yet to have arrived |
//! | `reset/<user>` | a message of theirs didn't open: a session is to be begun anew |
//! | `outbox/<number>` | sealed messages that the server hasn't accepted |
//! | `inbox/<number>` | events that the program hasn't dealt with |

use serde::{Deserialize, Serialize};

use super::{Error, ServerUrl};
use crate::base::{MessageId, Private, Secret, UserId};
use crate::e2ee::{Handle, Identity, Refusal, RegistrationId};
use crate::wire::binary;
use crate::wire::body::ContactState;

pub(super) const PROFILE: &str = "profile";
pub(super) const PREKEYS: &str = "prekeys";
pub(super) const UPLOAD: &str = "upload";
pub(super) const NUMBERS: &str = "numbers";
pub(super) const SESSIONS: &str = "session/";
pub(super) const CONTACTS: &str = "contact/";
pub(super) const RECEIPTS: &str = "receipts/";
pub(super) const RESETS: &str = "reset/";
pub(super) const OUTBOX: &str = "outbox/";
pub(super) const INBOX: &str = "inbox/";

const VERSION: u8 = 1;

pub(super) fn seen(user: UserId) -> String {
    format!("seen/{user}")
}

pub(super) fn contact(user: UserId) -> String {
    format!("{CONTACTS}{user}")
}

pub(super) fn receipts(user: UserId) -> String {
    format!("{RECEIPTS}{user}")
}

pub(super) fn reset(user: UserId) -> String {
    format!("{RESETS}{user}")
}

/// Numbers are written so that their order is that of their names.
pub(super) fn numbered(prefix: &str, number: u64) -> String {
    format!("{prefix}{number:020}")
}

/// The number in a name.
pub(super) fn number_of(prefix: &str, name: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// The user in a name.
pub(super) fn user_of(prefix: &str, name: &str) -> Option<UserId> {
    let rest = name.strip_prefix(prefix)?;
    rest.split('/').next()?.parse().ok()
}

/// An account, from before it is registered on.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) server: ServerUrl,
    pub(super) handle: Handle,
    pub(super) registration: RegistrationId,
    pub(super) identity: Identity,
    /// None: the server hasn't confirmed the account yet.
    pub(super) user: Option<UserId>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProfileRecord {
    v: u8,
    server: String,
    handle: Private<String>,
    registration: u32,
    seed: Private<String>,
    user: Option<UserId>,
}

impl Profile {
    pub(super) fn record(&self) -> ProfileRecord {
        ProfileRecord {
            v: VERSION,
            server: self.server.to_string(),
            handle: Private(self.handle.as_str().to_owned()),
            registration: self.registration.number().into(),
            seed: Private(binary::encode(self.identity.seed().expose())),
            user: self.user,
        }
    }

    pub(super) fn of(record: &ProfileRecord) -> Result<Self, Error> {
        const NOT_OURS: Refusal = Refusal::Malformed("a profile of version 1");
        if record.v != VERSION {
            return Err(NOT_OURS.into());
        }
        let seed = binary::decode_fixed(&record.seed).map_err(|_| NOT_OURS)?;
        Ok(Self {
            server: ServerUrl::parse(&record.server)?,
            handle: Handle::parse(&record.handle)?,
            registration: RegistrationId::new(record.registration)?,
            identity: Identity::from_seed(&Secret::new(seed)),
            user: record.user,
        })
    }
}

impl Drop for ProfileRecord {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.seed.0);
    }
}

/// The next numbers.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Numbers {
    pub(super) outbox: u64,
    pub(super) inbox: u64,
}

/// A sealed message on its way: every try sends these bytes under this id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Outgoing {
    pub(super) to: UserId,
    /// The server's name for it.
    pub(super) message: MessageId,
    /// The recipient's name for it, which is the program's as well.
    pub(super) content: MessageId,
    pub(super) payload: Private<String>,
    pub(super) audience: Audience,
}

/// Who wants to know what becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Audience {
    /// The program: it sent it.
    Program,
    /// Nobody: a receipt, or a reset.
    Nobody,
}

/// What we call somebody, and what they may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ContactRecord {
    pub(super) name: Option<Private<String>>,
    pub(super) state: Option<ContactState>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_names_are_in_the_order_of_their_numbers() {
        let names = [0, 9, 10, u64::MAX].map(|number| numbered(INBOX, number));
        assert!(names.is_sorted());
        let numbers = names.map(|name| number_of(INBOX, &name));
        assert_eq!(numbers, [Some(0), Some(9), Some(10), Some(u64::MAX)]);
        assert_eq!(number_of(OUTBOX, "inbox/1"), None);
    }

    #[test]
    fn a_profile_comes_back() {
        let profile = Profile {
            server: ServerUrl::parse("https://chat.example").unwrap(),
            handle: Handle::parse(&"ab".repeat(32)).unwrap(),
            registration: RegistrationId::new(7).unwrap(),
            identity: Identity::from_seed(&Secret::new([3; 32])),
            user: Some(UserId::random()),
        };
        let again = Profile::of(&profile.record()).unwrap();
        assert_eq!(again.identity.public(), profile.identity.public());
        assert_eq!((again.user, again.server), (profile.user, profile.server));
    }
}
