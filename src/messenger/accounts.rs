//! Accounts: registration, proof of identity, tokens, what is held of a member, deletion.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::error::Error;
use super::event::Event;
use super::limits::count;
use super::parse::{self, Prekey};
use super::scope::{Member, Registration, Visitor};
use super::{Messenger, mailbox::Mailbox};
use crate::auth::{
    CHALLENGE_LIFETIME, Handle, HandleTag, IdentityKey, InviteCode, KeysDigest, Nonce, TokenError,
    TokenId, UsedNonces,
};
use crate::base::{Timestamp, UserId, random};
use crate::config::RegistrationMode;
use crate::hub::Farewell;
use crate::store::{self, Admission, NO_IDENTITY};
use crate::wire::binary;
use crate::wire::body::{
    ChallengeResponse, ContactState, DeleteRequest, RegisterRequest, RegisterResponse,
    RegistrationStatus, TokenRequest, TokenResponse,
};

/// How old a token may be to come in a query string.
pub(super) const QUERY_LIFETIME: Duration = Duration::from_mins(1);

/// A registration whose every part was checked, but for its proof and its code.
struct Application {
    handle: Handle,
    identity: IdentityKey,
    keys: KeysDigest,
    record: store::Registration,
}

impl Visitor {
    /// Makes an account (PROTOCOL.md §4).
    pub async fn register(&self, request: RegisterRequest) -> Result<Registration, Error> {
        let outcome = self.apply(request).await;
        outcome.inspect_err(|error| {
            let refused = &self.messenger.counters.registrations_refused;
            refused.count(error.code());
        })
    }

    async fn apply(&self, request: RegisterRequest) -> Result<Registration, Error> {
        let messenger = &self.messenger;
        self.count(&messenger.limits.register)?;
        let application = messenger.read_application(&request)?;
        messenger.check_proof(&application, &request)?;
        let (messenger, record) = (messenger.clone(), application.record);
        Messenger::see_through(async move {
            let outcome = messenger.store.register(record).await?;
            messenger.registered(outcome).await
        })
        .await
    }

    /// A nonce to sign: the same answer, in the same time, whether or not the handle is registered.
    pub fn challenge(&self, phone_hash: &str) -> Result<ChallengeResponse, Error> {
        let messenger = &self.messenger;
        self.count(&messenger.limits.challenge)?;
        let tag = parse::handle(phone_hash)?.tag(&messenger.secrets.pepper);
        let nonce = messenger
            .challenge_key
            .issue(&tag, messenger.clock.now(), random::draw());
        messenger.counters.challenges.increment();
        Ok(ChallengeResponse {
            nonce: binary::encode(nonce.as_bytes()),
            expires_in: CHALLENGE_LIFETIME.as_secs(),
        })
    }

    /// A token for whoever signs a nonce with the account's identity key (PROTOCOL.md §3).
    pub async fn token(&self, request: TokenRequest) -> Result<TokenResponse, Error> {
        let counters = &self.messenger.counters;
        let outcome = self.log_in(request).await;
        match &outcome {
            Ok(_) => counters.tokens.increment(),
            Err(error) => counters.logins_refused.count(error.code()),
        }
        outcome
    }

    async fn log_in(&self, request: TokenRequest) -> Result<TokenResponse, Error> {
        let messenger = &self.messenger;
        self.count(&messenger.limits.token)?;
        let handle = parse::handle(&request.phone_hash)?;
        let nonce = parse::nonce(&request.nonce)?;
        let signature = parse::signature("signature", &request.signature)?;
        let account = messenger.check_login(&handle, nonce, &signature).await?;
        let now = messenger.clock.now();
        let tag = HandleTag::from_bytes(account.handle);
        count(&messenger.limits.token_account, tag, now)?;
        if account.last_seen < now.day() {
            messenger.store.seen(account.user, now.day()).await?;
        }
        Ok(messenger.issue_token(account.user, now))
    }
}

impl Member {
    /// Deletes everything the daemon holds of this member, on a fresh signature of theirs.
    pub async fn delete_account(&self, request: DeleteRequest) -> Result<(), Error> {
        self.count_change()?;
        let messenger = self.messenger();
        let handle = parse::handle(&request.phone_hash)?;
        let nonce = parse::nonce(&request.nonce)?;
        let signature = parse::signature("signature", &request.signature)?;
        let account = messenger.check_login(&handle, nonce, &signature).await?;
        if account.user != self.user() {
            return Err(Error::AuthFailed);
        }
        let (messenger, user) = (messenger.clone(), self.user());
        Messenger::see_through(async move { messenger.delete(user).await }).await
    }
}

impl Messenger {
    fn read_application(&self, request: &RegisterRequest) -> Result<Application, Error> {
        let handle = parse::handle(&request.phone_hash)?;
        let identity = parse::identity_key(&request.identity_key)?;
        let signed_prekey = parse::agreement_key("signed_prekey", &request.signed_prekey)?;
        let field = "prekey_signature";
        let prekey_signature = parse::signature(field, &request.prekey_signature)?;
        identity
            .verify_prekey(&signed_prekey, &prekey_signature)
            .map_err(|_| Error::Signature { field })?;
        let prekeys = parse::one_time_prekeys(&request.one_time_prekeys)?;
        let keys = KeysDigest::new(&signed_prekey, prekeys.iter().map(|(id, key)| (*id, key)));
        // A text that is no code is one that nobody was given.
        let code = request.invite_code.as_ref().map(|code| {
            InviteCode::parse(code).unwrap_or_else(|_| InviteCode::new(random::draw()))
        });
        let record = store::Registration {
            handle: *handle.tag(&self.secrets.pepper).as_bytes(),
            identity_key: *identity.as_bytes(),
            signed_prekey: *signed_prekey.as_bytes(),
            prekey_signature,
            registration_id: parse::registration_id(request.registration_id)?,
            prekeys: prekeys.iter().map(raw).collect(),
            candidate: UserId::random(),
            now: self.clock.now(),
            admission: match self.rules().registration {
                RegistrationMode::Open => Admission::Open,
                RegistrationMode::Invite => Admission::ByCode,
                RegistrationMode::Closed => Admission::Closed,
            },
            code: code.map(|code| *code.hash(&self.secrets.invite_key).as_bytes()),
        };
        Ok(Application {
            handle,
            identity,
            keys,
            record,
        })
    }

    /// Whether the applicant holds the identity key.
    fn check_proof(
        &self,
        application: &Application,
        request: &RegisterRequest,
    ) -> Result<(), Error> {
        let field = "registration_signature";
        let (Some(nonce), Some(signature)) = (&request.nonce, &request.registration_signature)
        else {
            let is_absent = request.nonce.is_none() && request.registration_signature.is_none();
            if is_absent && !self.rules().require_proof {
                return Ok(());
            }
            return Err(Error::field(
                field,
                "expected a nonce of POST /api/v1/auth/challenge and the identity key's signature",
            ));
        };
        let nonce = parse::nonce(nonce)?;
        let signature = parse::signature(field, signature)?;
        let is_signed = |origin: &String| {
            let Application {
                handle,
                identity,
                keys,
                ..
            } = application;
            identity
                .verify_registration(origin, handle, &nonce, keys, &signature)
                .is_ok()
        };
        if !self.settings.origins.iter().any(is_signed) {
            return Err(Error::Signature { field });
        }
        let tag = HandleTag::from_bytes(application.record.handle);
        self.spend(&self.used_registrations, &tag, nonce)
    }

    async fn registered(&self, outcome: store::Registered) -> Result<Registration, Error> {
        let status = RegistrationStatus::Registered;
        match outcome {
            store::Registered::Created(user_id) => {
                self.counters.registered.increment();
                Ok(Registration::Created(RegisterResponse { status, user_id }))
            }
            store::Registered::Unchanged(user_id) => {
                self.counters.unchanged.increment();
                Ok(Registration::Known(RegisterResponse { status, user_id }))
            }
            store::Registered::Replaced(user_id) => {
                self.counters.replaced.increment();
                self.identity_replaced(user_id).await;
                let status = RegistrationStatus::IdentityReplaced;
                Ok(Registration::Known(RegisterResponse { status, user_id }))
            }
            store::Registered::IdentityMismatch => Err(Error::IdentityMismatch),
            store::Registered::CodeRequired => Err(Error::InviteRequired),
            store::Registered::CodeInvalid => Err(Error::InviteInvalid),
            store::Registered::Closed => Err(Error::RegistrationClosed),
        }
    }

    /// The store has a new identity for `user`: what is in memory of the old one goes, and those
    /// online who allow them are told.
    async fn identity_replaced(&self, user: UserId) {
        self.evict(user, Farewell::Revoked).await;
        for mailbox in self.mailboxes.all() {
            if mailbox.lock().contacts.get(&user) == Some(&ContactState::Allowed)
                && let Some(outbox) = self.hub.find(mailbox.owner())
            {
                outbox.offer(Event::IdentityChanged { user });
            }
        }
    }

    async fn delete(&self, user: UserId) -> Result<(), Error> {
        // First, so that nothing more is taken from them while the store deletes.
        self.mailboxes.forget(user);
        let owner_tag = self.secrets.contact_key.owner_tag(user);
        self.store
            .delete_account(user, *owner_tag.as_bytes())
            .await?;
        self.evict(user, Farewell::AccountGone).await;
        Ok(())
    }

    /// Puts out of memory whatever concerns `user`: mailbox, session, calls, relay allocations,
    /// and messages of theirs that wait for others.
    pub(super) async fn evict(&self, user: UserId, farewell: Farewell) {
        self.mailboxes.forget(user);
        self.close_session(user, farewell);
        self.evict_from_relay(user).await;
        for mailbox in self.mailboxes.all() {
            forget_sender(&mailbox, user);
        }
    }

    /// The account that `signature` speaks for. One answer, in the same time, for an unknown
    /// handle, another key, a stale nonce and one that was used.
    async fn check_login(
        &self,
        handle: &Handle,
        nonce: Nonce,
        signature: &[u8; 64],
    ) -> Result<store::Account, Error> {
        let tag = handle.tag(&self.secrets.pepper);
        let account = self.store.account_by_handle(*tag.as_bytes()).await?;
        // An account that was reset has no key: nobody logs in to it.
        let account = account.filter(|account| account.identity_key != NO_IDENTITY);
        let key = account
            .as_ref()
            .map_or(NOBODY, |account| account.identity_key);
        let identity = IdentityKey::parse(key).map_err(|_| Error::Internal)?;
        let is_signed = |origin: &String| {
            identity
                .verify_login(origin, handle, &nonce, signature)
                .is_ok()
        };
        // Every origin is tried, so that an early hit isn't quicker.
        let signed = self
            .settings
            .origins
            .iter()
            .filter(|origin| is_signed(origin))
            .count();
        match account {
            Some(account) if signed > 0 => {
                self.spend(&self.used_logins, &tag, nonce)?;
                Ok(account)
            }
            _ => Err(Error::AuthFailed),
        }
    }

    /// Uses up a nonce that was signed.
    fn spend(
        &self,
        used: &std::sync::Mutex<UsedNonces>,
        tag: &HandleTag,
        nonce: Nonce,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        self.challenge_key
            .check(&nonce, tag, now)
            .map_err(|_| Error::AuthFailed)?;
        let mut used: MutexGuard<'_, UsedNonces> =
            used.lock().unwrap_or_else(PoisonError::into_inner);
        used.spend(nonce, now).map_err(|_| Error::AuthFailed)
    }

    fn issue_token(&self, user: UserId, now: Timestamp) -> TokenResponse {
        let ttl = self.settings.token_ttl;
        let id = TokenId::new(random::draw());
        TokenResponse {
            token: self.token_key.current().issue(user, id, now, ttl).into(),
            token_type: "Bearer".to_owned(),
            expires_in: ttl.as_secs(),
            user_id: user,
        }
    }

    pub(super) async fn check_token(&self, token: &str) -> Result<Member, Error> {
        let now = self.clock.now();
        let claims = self
            .token_key
            .current()
            .verify(token, now)
            .map_err(|error| match error {
                TokenError::Expired => Error::TokenExpired,
                _ => Error::Unauthorized,
            })?;
        let mailbox = self
            .mailbox(claims.user)
            .await
            .map_err(|error| match error {
                Error::UserNotFound => Error::TokenExpired,
                other => other,
            })?;
        let member = Member::new(self.clone(), mailbox, claims);
        if member.is_revoked() {
            return Err(Error::TokenExpired);
        }
        Ok(member)
    }

    pub(super) async fn check_query_token(&self, token: &str) -> Result<Member, Error> {
        let member = self.check_token(token).await?;
        let now = self.clock.now();
        if now.since(member.claims().issued_at) > QUERY_LIFETIME {
            return Err(Error::TokenExpired);
        }
        let mut used = self
            .used_queries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if used.peek(&member.claims().id).is_some() {
            return Err(Error::TokenExpired);
        }
        used.insert(member.claims().id, now);
        Ok(member)
    }
}

/// A key to verify against where there is no account, so that it takes as long: Ed25519's base
/// point. What it says isn't asked.
const NOBODY: [u8; 32] = {
    let mut point = [0x66; 32];
    point[0] = 0x58;
    point
};

fn raw((id, key): &Prekey) -> (u32, [u8; 32]) {
    (*id, *key.as_bytes())
}

/// Takes what `sender` sent out of a queue. The store has removed its part of it.
fn forget_sender(mailbox: &Mailbox, sender: UserId) {
    let mut state = mailbox.lock();
    if state.queue.count_from(sender) == 0 {
        return;
    }
    let theirs: Vec<u64> = state
        .queue
        .iter_after(0)
        .filter(|(_, entry)| entry.sender == sender)
        .map(|(seq, _)| seq)
        .collect();
    for seq in theirs {
        state.queue.remove(seq);
    }
    mailbox.count(state.queue.len());
    state.queue.announce();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_no_account_is_a_key() {
        assert!(IdentityKey::parse(NOBODY).is_ok());
    }
}
