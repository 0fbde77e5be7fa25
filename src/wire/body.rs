//! The bodies of the REST API (PROTOCOL.md §4, §7.4). The OpenAPI description is made from these.
//!
//! Binary members are texts here; the use cases turn them into keys and signatures, and say which
//! member was wrong.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::ServerLimits;
use super::reply::MessageStatus;
use crate::base::{CallId, MessageId, Private, Timestamp, UserId};

/// A one-time prekey.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OneTimePrekey {
    /// 1 to 2³¹−1, rising, never used twice by an account.
    pub key_id: u32,
    /// X25519 public key, 32 bytes in base64.
    pub public_key: String,
}

/// `POST /api/v1/register`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RegisterRequest {
    /// The handle: 64 hex characters.
    #[schema(value_type = String)]
    pub phone_hash: Private<String>,
    /// Ed25519 public key, 32 bytes in base64.
    pub identity_key: String,
    /// X25519 public key, 32 bytes in base64.
    pub signed_prekey: String,
    /// Ed25519 signature over the signed prekey, 64 bytes in base64.
    pub prekey_signature: String,
    /// 1 to 16380, drawn at installation.
    pub registration_id: Option<u16>,
    /// At most 100, ascending.
    #[serde(default)]
    pub one_time_prekeys: Vec<OneTimePrekey>,
    /// A nonce of `POST /api/v1/auth/challenge`.
    #[schema(value_type = Option<String>)]
    pub nonce: Option<Private<String>>,
    /// Proof that the client holds the identity key.
    pub registration_signature: Option<String>,
    /// An invite or recovery code.
    #[schema(value_type = Option<String>)]
    pub invite_code: Option<Private<String>>,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStatus {
    /// The account stands.
    Registered,
    /// The account has a new identity key.
    IdentityReplaced,
}

/// The answer to a registration.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RegisterResponse {
    /// What became of it.
    pub status: RegistrationStatus,
    /// The account.
    #[schema(value_type = String, format = Uuid)]
    pub user_id: UserId,
}

/// `POST /api/v1/auth/challenge`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChallengeRequest {
    /// The handle: 64 hex characters.
    #[schema(value_type = String)]
    pub phone_hash: Private<String>,
}

/// A nonce to sign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChallengeResponse {
    /// 32 bytes in base64.
    pub nonce: String,
    /// Seconds it is good for.
    pub expires_in: u64,
}

/// `POST /api/v1/auth/token`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenRequest {
    /// The handle: 64 hex characters.
    #[schema(value_type = String)]
    pub phone_hash: Private<String>,
    /// The nonce, as it came.
    #[schema(value_type = String)]
    pub nonce: Private<String>,
    /// Ed25519 signature, 64 bytes in base64.
    pub signature: String,
}

/// A token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenResponse {
    /// A JWT, opaque to clients.
    #[schema(value_type = String)]
    pub token: Private<String>,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds it is good for.
    pub expires_in: u64,
    /// The account.
    #[schema(value_type = String, format = Uuid)]
    pub user_id: UserId,
}

/// Everything needed to write to somebody for the first time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Bundle {
    /// Whose.
    #[schema(value_type = String, format = Uuid)]
    pub user_id: UserId,
    /// 1 to 16380, where the client gave one.
    pub registration_id: Option<u16>,
    /// 1 in this version.
    pub device_id: u32,
    /// Ed25519 public key, 32 bytes in base64.
    pub identity_key: String,
    /// The first 31 bits of the signed prekey's SHA-256.
    pub signed_prekey_id: u32,
    /// X25519 public key, 32 bytes in base64.
    pub signed_prekey: String,
    /// Ed25519 signature over it, 64 bytes in base64.
    pub prekey_signature: String,
    /// A prekey that nobody else was given; null when there is none left.
    pub one_time_prekey: Option<OneTimePrekey>,
}

/// `PUT /api/v1/keys`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeyUpload {
    /// A new signed prekey, with its signature.
    pub signed_prekey: Option<String>,
    /// Ed25519 signature over it.
    pub prekey_signature: Option<String>,
    /// More one-time prekeys.
    #[serde(default)]
    pub one_time_prekeys: Vec<OneTimePrekey>,
    /// Whether the one-time prekeys that are held and aren't among these go: their owner can't use them
    /// any more, after a restore for example. Their ids count as handed out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
}

/// What the daemon holds of one's own keys.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeyStatus {
    /// One-time prekeys left.
    pub count: usize,
    /// The first 31 bits of the signed prekey's SHA-256.
    pub signed_prekey_id: u32,
    /// Seconds since it was uploaded.
    pub signed_prekey_age_s: u64,
    /// SHA-256 over identity key, signed prekey and the sorted ids of one-time prekeys (each four
    /// bytes, big-endian), in base64.
    pub digest: String,
}

/// `POST /api/v1/messages`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SendRequest {
    /// The sender's name for it, which makes a retry harmless.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub id: Option<MessageId>,
    /// For whom.
    #[schema(value_type = String, format = Uuid)]
    pub recipient_id: UserId,
    /// Ciphertext in base64.
    #[schema(value_type = String)]
    pub payload: Private<String>,
}

/// A message is safe.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SendResponse {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub message_id: MessageId,
    /// Where it is safe.
    pub status: MessageStatus,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
}

/// One waiting message.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WaitingMessage {
    /// Its id, unique with its sender.
    #[schema(value_type = String, format = Uuid)]
    pub message_id: MessageId,
    /// Who sent it.
    #[schema(value_type = String, format = Uuid)]
    pub sender_id: UserId,
    /// Ciphertext in base64.
    #[schema(value_type = String)]
    pub payload: Private<String>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
}

/// `GET /api/v1/messages`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MessagesResponse {
    /// Oldest first.
    pub messages: Vec<WaitingMessage>,
    /// Whether more are waiting.
    pub more: bool,
}

/// `POST /api/v1/messages/ack`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AckRequest {
    /// At most 1000.
    #[schema(value_type = Vec<String>)]
    pub message_ids: Vec<MessageId>,
}

/// What one member thinks of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// May call me and fill my queue.
    Allowed,
    /// I never hear from them.
    Blocked,
}

/// `PUT /api/v1/contacts/{user_id}`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ContactRequest {
    /// What I think of them.
    pub state: ContactState,
}

/// One contact.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Contact {
    /// Who.
    #[schema(value_type = String, format = Uuid)]
    pub user_id: UserId,
    /// What I think of them.
    pub state: ContactState,
}

/// `GET /api/v1/contacts`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ContactsResponse {
    /// In no particular order.
    pub contacts: Vec<Contact>,
}

/// `GET /api/v1/turn-credentials`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TurnCredentials {
    /// Every address of every media relay, in the order in which to try them.
    pub urls: Vec<String>,
    /// `<expiry>:<random>`: it says nothing of whose it is.
    pub username: String,
    /// The password for it.
    #[schema(value_type = String)]
    pub credential: Private<String>,
    /// Seconds both are good for.
    pub ttl: u64,
    /// The same in the form that `RTCPeerConnection` takes.
    pub ice_servers: Vec<IceServer>,
}

/// An entry of `RTCConfiguration.iceServers`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// Name, where one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password, where one is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub credential: Option<Private<String>>,
}

/// One page of a member's own call history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CallsResponse {
    /// The latest first.
    pub calls: Vec<PastCall>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// A call that is over, as one of its parties saw it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PastCall {
    /// The call.
    #[schema(value_type = String, format = Uuid)]
    pub call_id: CallId,
    /// The other party.
    #[schema(value_type = String, format = Uuid)]
    pub peer_id: UserId,
    /// Who called.
    pub direction: CallDirection,
    /// When it began to ring.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it was answered, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Timestamp,
    /// Seconds from the answer to the end; 0 for a call that nobody answered.
    pub duration: u64,
    /// `hangup`, `rejected`, `timeout` or `error`.
    pub reason: String,
}

/// Who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// The member.
    Outgoing,
    /// The peer.
    Incoming,
}

/// Everything the daemon holds about one member.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The account.
    #[schema(value_type = String, format = Uuid)]
    pub user_id: UserId,
    /// Ed25519 public key, 32 bytes in base64.
    pub identity_key: String,
    /// 1 to 16380, where the client gave one.
    pub registration_id: Option<u16>,
    /// The name that is told to those one calls, where one was published.
    #[schema(value_type = Option<String>)]
    pub public_name: Option<Private<String>>,
    /// The day of registration, `YYYY-MM-DD`.
    pub member_since: String,
    /// The last day a session stood, `YYYY-MM-DD`.
    pub last_seen: String,
    /// Whether the operator suspended it.
    pub suspended: bool,
    /// Messages waiting.
    pub queued_messages: usize,
    /// Their size in bytes.
    pub queued_bytes: u64,
    /// What the daemon holds of its keys.
    pub keys: KeyStatus,
    /// How many contacts have a state.
    pub contacts: usize,
    /// Whether contacts who allow this member, and whom this member allows, see that it is there, and
    /// the other way round: where the feature `presence` is on, and they switched it on as well.
    pub presence: bool,
}

/// `PATCH /api/v1/account`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccountPatch {
    /// The name to tell those one calls, at most 64 characters; null takes it away, absent leaves it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub public_name: Option<Option<Private<String>>>,
    /// Whether to take part in presence; absent leaves it as it is. Off until it is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<bool>,
}

/// Tells a member that is null from one that is absent.
fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// `DELETE /api/v1/account`: a fresh signature as for a token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeleteRequest {
    /// A nonce of `POST /api/v1/auth/challenge`.
    #[schema(value_type = String)]
    pub nonce: Private<String>,
    /// Ed25519 signature, as for a token.
    pub signature: String,
    /// The handle: 64 hex characters.
    #[schema(value_type = String)]
    pub phone_hash: Private<String>,
}

/// `GET /api/v1/server`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ServerInfo {
    /// `privcomm`
    pub name: String,
    /// The daemon's version.
    pub version: String,
    /// What clients sign as the origin.
    pub origin: String,
    /// Salt for handles, base64.
    pub handle_salt: String,
    /// `open`, `invite` or `closed`.
    pub registration: String,
    /// What this daemon can do beyond the least: `turn`, `presence`.
    pub features: Vec<String>,
    /// WebSocket subprotocols.
    pub dialects: Vec<String>,
    /// The limits in force.
    pub limits: ServerLimits,
    /// Rises when a backup was restored.
    pub epoch: u64,
}

/// `GET /health`
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Everything together.
    pub status: HealthStatus,
    /// Each part.
    pub checks: HealthChecks,
    /// The daemon's version.
    pub version: String,
}

/// `GET /health/live`: the process answers, and nothing else was asked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Liveness {
    /// Always `healthy`.
    pub status: HealthStatus,
    /// The daemon's version.
    pub version: String,
}

/// Each part of the daemon, asked just now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HealthChecks {
    /// A write went through the database and back.
    pub store: HealthStatus,
    /// Sessions can be opened.
    pub websocket: HealthStatus,
    /// The media relay answered a Binding request.
    pub turn: HealthStatus,
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It works.
    Healthy,
    /// It doesn't.
    Degraded,
    /// It is switched off.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_a_public_name_away_and_absence_leaves_it() {
        let patch = |text| {
            serde_json::from_str::<AccountPatch>(text)
                .unwrap()
                .public_name
        };
        assert_eq!(patch("{}"), None);
        assert_eq!(patch(r#"{"public_name":null}"#), Some(None));
        assert_eq!(
            patch(r#"{"public_name":"Anna"}"#),
            Some(Some(Private("Anna".to_owned())))
        );
    }
}
