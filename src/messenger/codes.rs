//! Invite and recovery codes, as operators make them. A code is known when it is made, and its hash
//! after that.

use std::fmt::Write as _;
use std::time::Duration;

use super::operator::{Operator, OperatorError};
use super::{Messenger, error::Error};
use crate::auth::{CodeHash, InviteCode};
use crate::base::{Private, Timestamp, UserId, random};
use crate::store::{self, Change, Changed};
use crate::wire::people::{Admits, Invite, InviteRequest, InviteState, Invites, NewInvite};

/// How long a code is good for unless it is said.
const USUAL_LIFE: Duration = Duration::from_hours(24);
/// The longest a code may be good for.
const LONGEST_LIFE: Duration = Duration::from_hours(365 * 24);
/// The most uses a code may have.
const MOST_USES: u32 = 1000;
/// The digits of a code's hash that it is called by.
const ID_DIGITS: usize = 12;

impl Operator {
    /// Makes a code.
    pub async fn create_invite(&self, request: InviteRequest) -> Result<NewInvite, OperatorError> {
        let life = request.ttl.map_or(USUAL_LIFE, Duration::from_secs);
        if life < Duration::from_mins(1) || life > LONGEST_LIFE {
            return Err(Error::field("ttl", "expected 60 to 31536000 seconds").into());
        }
        let uses = request.uses.unwrap_or(1);
        if !(1..=MOST_USES).contains(&uses) {
            return Err(Error::field("uses", "expected 1 to 1000").into());
        }
        if request.recover.is_some() && (uses != 1 || request.handle.is_some()) {
            let expected = "expected neither uses nor a handle: it is for one member, once";
            return Err(Error::field("recover", expected).into());
        }
        let recover = match &request.recover {
            Some(name) => Some(self.find(name).await?),
            None => None,
        };
        let messenger = &self.messenger;
        let label = match &request.handle {
            Some(name) if name.trim().is_empty() => {
                return Err(Error::field("handle", "expected a name").into());
            }
            Some(name) => Some(self.handle(name).await?.tag(&messenger.secrets.pepper)),
            None => None,
        };
        let created = messenger.clock.now();
        let invite = store::Invite {
            created,
            expires: created.saturating_add(life),
            uses_left: uses,
            revoked: None,
            recover,
            label: label.map(|tag| *tag.as_bytes()),
        };
        let (code, hash) = messenger.draw_code();
        let made = messenger.told(&code, hash, &invite);
        let deed = self.deed(
            "invite create",
            Some(made.invite.id.clone()),
            Some(note(&invite)),
        );
        let change = Change::Invite(*hash.as_bytes(), invite);
        match messenger.store.operate(change, deed).await? {
            Changed::Done => Ok(made),
            Changed::Missing => Err(OperatorError::NoSuchUser),
        }
    }

    /// Every code that is remembered, the newest first.
    pub async fn invites(&self) -> Result<Invites, OperatorError> {
        let now = self.messenger.clock.now();
        let mut stored = self.messenger.store.invites().await?;
        stored.sort_by_key(|(_, invite)| std::cmp::Reverse(invite.created));
        let invites = stored
            .iter()
            .map(|(hash, invite)| report(hash, invite, now));
        Ok(Invites {
            invites: invites.collect(),
        })
    }

    /// The code whose id begins like `name`.
    pub async fn invite(&self, name: &str) -> Result<Invite, OperatorError> {
        let (hash, invite) = self.find_invite(name).await?;
        Ok(report(&hash, &invite, self.messenger.clock.now()))
    }

    /// Takes the code back whose id begins like `name`.
    pub async fn revoke_invite(&self, name: &str) -> Result<Invite, OperatorError> {
        let (hash, mut invite) = self.find_invite(name).await?;
        let now = self.messenger.clock.now();
        let deed = self.deed("invite revoke", Some(id_of(&hash)), None);
        let change = Change::Revoke(hash, now);
        if self.messenger.store.operate(change, deed).await? == Changed::Missing {
            return Err(OperatorError::NoSuchInvite);
        }
        invite.revoked = invite.revoked.or(Some(now));
        Ok(report(&hash, &invite, now))
    }

    async fn find_invite(&self, name: &str) -> Result<([u8; 32], store::Invite), OperatorError> {
        let name = name.trim().trim_end_matches(['…', '.']).to_lowercase();
        let invites = self.messenger.store.invites().await?;
        let mut found = invites
            .into_iter()
            .filter(|(hash, _)| !name.is_empty() && id_of(hash).starts_with(&name));
        match (found.next(), found.next()) {
            (Some(invite), None) => Ok(invite),
            (Some(_), Some(_)) => Err(OperatorError::AmbiguousInvite),
            (None, _) => Err(OperatorError::NoSuchInvite),
        }
    }
}

impl Messenger {
    /// A fresh code, and what is stored of it.
    pub(super) fn draw_code(&self) -> (InviteCode, CodeHash) {
        let code = InviteCode::new(random::draw());
        let hash = code.hash(&self.secrets.invite_key);
        (code, hash)
    }

    /// A code that recovers the account of `user`, once, within the usual time.
    pub(super) fn draw_recovery(&self, user: UserId) -> (InviteCode, CodeHash, store::Invite) {
        let (code, hash) = self.draw_code();
        let created = self.clock.now();
        let invite = store::Invite {
            created,
            expires: created.saturating_add(USUAL_LIFE),
            uses_left: 1,
            revoked: None,
            recover: Some(user),
            label: None,
        };
        (code, hash, invite)
    }

    /// A code as it is told, this once.
    pub(super) fn told(
        &self,
        code: &InviteCode,
        hash: CodeHash,
        invite: &store::Invite,
    ) -> NewInvite {
        let origin = self.settings.origins.first();
        NewInvite {
            link: Private(format!("{}/i#{code}", origin.map_or("", String::as_str))),
            code: Private(code.to_string()),
            invite: report(hash.as_bytes(), invite, invite.created),
        }
    }
}

fn report(hash: &[u8; 32], invite: &store::Invite, now: Timestamp) -> Invite {
    Invite {
        id: id_of(hash),
        state: if invite.revoked.is_some() {
            InviteState::Revoked
        } else if invite.uses_left == 0 {
            InviteState::Used
        } else if now >= invite.expires {
            InviteState::Expired
        } else {
            InviteState::Open
        },
        admits: match (invite.recover, invite.label) {
            (Some(_), _) => Admits::Recovery,
            (None, Some(_)) => Admits::OneHandle,
            (None, None) => Admits::Anybody,
        },
        recovers: invite.recover,
        uses_left: invite.uses_left,
        created_at: invite.created,
        expires_at: invite.expires,
        revoked_at: invite.revoked,
    }
}

/// What a code is called: the first digits of its keyed hash, of which nobody learns the code.
fn id_of(hash: &[u8; 32]) -> String {
    let mut digits = String::new();
    for byte in &hash[..ID_DIGITS / 2] {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// What the audit says of a new code.
fn note(invite: &store::Invite) -> String {
    let times = match invite.uses_left {
        1 => "once".to_owned(),
        uses => format!("{uses} times"),
    };
    let what = match (invite.recover, invite.label) {
        (Some(user), _) => format!("recovers {}", &user.to_string()[..8]),
        (None, Some(_)) => format!("for one handle, {times}"),
        (None, None) => format!("for anybody, {times}"),
    };
    let minutes = invite.expires.since(invite.created).as_secs() / 60;
    match minutes % 60 {
        0 => format!("{what}, within {} h", minutes / 60),
        _ => format!("{what}, within {minutes} min"),
    }
}
