//! What the operator's commands and the daemon say to each other about people: members, invites, and
//! what operators did. Part of the dialect of [`super::admin`].

use serde::{Deserialize, Serialize};

use crate::base::{Private, Timestamp, UserId};

/// A member, as `GET /v1/users` lists them. The daemon knows no handle: only who typed one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who.
    pub user_id: UserId,
    /// The beginning of the id that tells it from every other; at least four characters.
    pub short_id: String,
    /// The name that the member chose to publish.
    pub public_name: Option<Private<String>>,
    /// The day of registration, `YYYY-MM-DD`, UTC.
    pub member_since: String,
    /// The last day on which the member logged in, `YYYY-MM-DD`, UTC. Nothing finer is kept.
    pub last_seen: String,
    /// Whether there is an open session.
    pub online: bool,
    /// Whether the account may be used.
    pub standing: Standing,
    /// What else is to be said of a suspension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// Messages that wait.
    pub queued_messages: u64,
    /// Their bytes.
    pub queued_bytes: u64,
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may.
    Active,
    /// It can receive and export, and neither send nor call.
    Suspended,
    /// It has no identity, and waits for its recovery code.
    Reset,
}

/// A suspension that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself; none: when an operator ends it.
    pub until: Option<Timestamp>,
    /// Why, in an operator's words.
    pub reason: Option<String>,
}

/// `GET /v1/users?after=&limit=`: one page of members, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// The members.
    pub users: Vec<User>,
    /// Whether there are more after the last of them.
    pub more: bool,
}

/// `GET /v1/users/{who}`: one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserReport {
    /// What the list says, too.
    #[serde(flatten)]
    pub user: User,
    /// One-time prekeys that are left.
    pub one_time_prekeys: u64,
}

/// `GET /v1/users/{who}/limits`: what a member may use, and uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLimits {
    /// Each limit. They are the same for every member.
    pub limits: Vec<UserLimit>,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLimit {
    /// The setting it comes from; none: the protocol has it.
    pub setting: Option<String>,
    /// What it limits.
    pub what: String,
    /// How much of it is used; none: it is counted over a time that passes.
    pub used: Option<u64>,
    /// The limit, as the configuration writes it.
    pub limit: String,
}

/// `POST /v1/users/{who}/suspend`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspendRequest {
    /// Seconds until it ends by itself. None: an operator ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// Why, for other operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `POST /v1/invites`: asks for a code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRequest {
    /// The one handle that may register with it, as people write it. None: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Private<String>>,
    /// How often it can be used. None: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// Seconds it is to be good for. None: a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// The member whose account it recovers, as in `GET /v1/users/{who}`. None: it admits new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover: Option<Private<String>>,
}

/// A fresh code. Shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInvite {
    /// The link that carries it behind `#`, where neither a tunnel nor a log sees it.
    pub link: Private<String>,
    /// The code alone, for those who type it.
    pub code: Private<String>,
    /// What the list says of it.
    #[serde(flatten)]
    pub invite: Invite,
}

/// A code, without the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// What it is called in the list: the beginning of a keyed hash.
    pub id: String,
    /// Whether it can be used.
    pub state: InviteState,
    /// For whom it is.
    pub admits: Admits,
    /// The account it recovers, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovers: Option<UserId>,
    /// How often it can still be used.
    pub uses_left: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was taken back, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// Whether a code can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteState {
    /// It can.
    Open,
    /// It was, as often as it could.
    Used,
    /// Its time is over.
    Expired,
    /// An operator took it back.
    Revoked,
}

/// For whom a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admits {
    /// For anybody.
    Anybody,
    /// For one handle, which isn't known here.
    OneHandle,
    /// For a member who lost their keys.
    Recovery,
}

/// `GET /v1/invites`: every code that is remembered, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invites {
    /// The codes.
    pub invites: Vec<Invite>,
}

/// `GET /v1/audit?since=&limit=`: what operators did, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Each deed.
    pub deeds: Vec<Deed>,
}

/// Something that an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Its number, which rises.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The user id of the process that asked, as the system told it.
    pub uid: Option<u32>,
    /// The command: `user suspend`.
    pub action: String,
    /// To whom or what: the beginning of an id.
    pub subject: Option<String>,
    /// What else there is to say of it.
    pub note: Option<String>,
}

/// `POST /v1/token/rotate-key`: every token is worth nothing from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRotated {
    /// Sessions that were closed.
    pub sessions: u64,
}

/// `POST /v1/turn/rotate-secret`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRequest {
    /// Whether credentials that were given out are honoured until they expire.
    #[serde(default)]
    pub keep_old: bool,
}

/// The relay has a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRotated {
    /// Until when credentials of the old one are honoured; none: they ended.
    pub old_until: Option<Timestamp>,
}
