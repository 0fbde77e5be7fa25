//! What whoever runs the daemon may do and see. It never includes what members say to whom.

use std::time::Duration;

use super::Messenger;
use super::error::Error;
use super::outside::is_near;
use crate::base::{Private, Timestamp};
use crate::ratelimit::Address;
use crate::store::{Deed, StoreError};
use crate::turn::{Figures, Relay};
use crate::wire::admin::{
    Appearance, Calls, Credentials, Disk, Members, PassQuestion, PassSeen, Queue, SocketPass,
};

/// The longest life of a credential, as `turn.credential_ttl` has it.
const LONGEST_TTL: Duration = Duration::from_hours(24);

/// The scope of an operator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Operator {
    pub(super) messenger: Messenger,
    /// The user id of the process that asks, as far as the system told it.
    pub(super) uid: Option<u32>,
}

/// Why an operator isn't given what they ask for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// A use case refused.
    #[error("{}", .0.detail())]
    Refused(#[from] Error),
    /// No member answers to it.
    #[error("nobody has this handle, and no user id begins like this")]
    NoSuchUser,
    /// More than one member answers to it.
    #[error("more than one member answers to this: give more of the id, or @ before a handle")]
    AmbiguousUser,
    /// No code is called so.
    #[error("no invite has an id that begins like this")]
    NoSuchInvite,
    /// More than one code is called so.
    #[error("more than one invite has an id that begins like this: give more of it")]
    AmbiguousInvite,
    /// The secret isn't this daemon's to change.
    #[error(
        "the media relay's secret stands in turn.secret_file, where other relays have it from, too"
    )]
    SharedSecret,
    /// What must outlive a restart can't be written.
    #[error("the new key can't be kept, so nothing was changed: {0}")]
    NotKept(String),
}

impl From<StoreError> for OperatorError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// How things stand, in figures.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Accounts, and who is there.
    pub members: Members,
    /// What waits.
    pub queue: Queue,
    /// Calls.
    pub calls: Calls,
    /// The media relay of this process; none: it is switched off.
    pub relay: Option<Figures>,
    /// The disk of the database.
    pub disk: Disk,
}

impl Operator {
    pub(super) const fn new(messenger: Messenger) -> Self {
        Self {
            messenger,
            uid: None,
        }
    }

    /// The same, for a process of the user `uid`: the audit names them.
    pub fn for_user(&self, uid: Option<u32>) -> Self {
        Self {
            uid,
            ..self.clone()
        }
    }

    /// What the audit says of something done now.
    pub(super) fn deed(
        &self,
        action: &'static str,
        subject: Option<String>,
        note: Option<String>,
    ) -> Deed {
        Deed {
            at: self.messenger.clock.now(),
            by: self.uid,
            action: action.into(),
            subject,
            note,
        }
    }

    /// How things stand. Costs a few look-ups, however much there is.
    pub async fn overview(&self) -> Result<Overview, Error> {
        let messenger = &self.messenger;
        let stored = messenger.store.figures().await?;
        let (calls, _) = messenger.calls.figures();
        Ok(Overview {
            members: Members {
                accounts: stored.accounts,
                online: count(messenger.hub.len()),
            },
            queue: Queue {
                messages: stored.queued_messages,
                unwritten: messenger.store.backlog().messages,
            },
            calls: Calls {
                ringing: count(calls.ringing),
                connected: count(calls.connected),
                started: calls.started,
                answered: calls.answered,
            },
            relay: self.relay().map(Relay::figures),
            disk: Disk {
                database_bytes: stored.file_bytes,
                free_bytes: messenger.store.free_space().ok(),
                low: messenger.store.is_disk_low(),
                total_bytes: messenger.store.disk_size().ok(),
                floor_bytes: messenger.store.disk_floor(),
            },
        })
    }

    /// A pass for one socket that is only to be held, good for a minute.
    pub fn socket_pass(&self) -> SocketPass {
        SocketPass {
            pass: Private(self.messenger.passes.issue(self.messenger.clock.now())),
        }
    }

    /// From where somebody came in with a pass of late, as the daemon sees it.
    pub fn pass_seen(&self, question: &PassQuestion) -> PassSeen {
        let messenger = &self.messenger;
        let now = messenger.clock.now();
        let from = messenger.passes.came_from(&question.pass.0, now);
        let is_theirs = |from| question.own.iter().any(|own| Address::from(*own) == from);
        PassSeen {
            from: from.map(|from| match from {
                from if is_theirs(from) => Appearance::Itself,
                from if is_near(from.into()) => Appearance::Near,
                _ => Appearance::Outside,
            }),
        }
    }

    /// The media relay of this process; none: it is switched off.
    pub fn relay(&self) -> Option<&Relay> {
        self.messenger.relay.as_ref()?.relay.as_ref()
    }

    /// A credential for the relay that is nobody's, for tests and for other programs. Counts for
    /// itself in the relay's quotas.
    pub fn turn_credentials(&self, ttl: Option<Duration>) -> Result<Credentials, Error> {
        let access = self.messenger.relay.as_ref();
        let access = access.ok_or(Error::NotFound("the media relay is switched off"))?;
        let ttl = ttl.unwrap_or(access.ttl);
        if ttl < Duration::from_secs(1) || ttl > LONGEST_TTL {
            return Err(Error::field("ttl", "1 to 86400 seconds"));
        }
        let now: Timestamp = self.messenger.clock.now();
        let issued = access.secret.issue(now, ttl);
        if let Some(relay) = self.relay() {
            relay.note_issued();
        }
        Ok(Credentials {
            urls: access.urls(),
            local_urls: self.relay().map(Relay::local_urls).unwrap_or_default(),
            username: issued.username,
            credential: Private(issued.credential),
            ttl: ttl.as_secs(),
            expires_at: now.saturating_add(ttl),
        })
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
