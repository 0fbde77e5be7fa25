//! Whom a member lets call, and whom they never hear from. Kept under keyed hashes and sealed: a
//! stolen database doesn't say who knows whom.

use super::Messenger;
use super::error::Error;
use super::scope::Member;
use crate::auth;
use crate::base::{UserId, random};
use crate::store::ContactStored;
use crate::wire::body::{Contact, ContactState, ContactsResponse};

impl Member {
    /// Everybody this member has an opinion of.
    pub fn contacts(&self) -> ContactsResponse {
        let state = self.mailbox().lock();
        let contacts = state.contacts.iter();
        let contacts = contacts.map(|(user, state)| Contact {
            user_id: *user,
            state: *state,
        });
        ContactsResponse {
            contacts: contacts.collect(),
        }
    }

    /// What this member thinks of `user`.
    pub fn contact(&self, user: UserId) -> Result<Contact, Error> {
        match self.mailbox().lock().contacts.get(&user) {
            Some(state) => Ok(Contact {
                user_id: user,
                state: *state,
            }),
            None => Err(Error::NotFound("this user is neither allowed nor blocked")),
        }
    }

    /// Notes what this member thinks of `user`. Says nothing about whether that user exists.
    pub async fn put_contact(&self, user: UserId, state: ContactState) -> Result<Contact, Error> {
        self.count_change()?;
        let member = self.clone();
        Messenger::see_through(async move { member.note(user, state).await }).await?;
        Ok(Contact {
            user_id: user,
            state,
        })
    }

    /// Forgets what this member thought of `user`.
    pub async fn remove_contact(&self, user: UserId) -> Result<(), Error> {
        self.count_change()?;
        let member = self.clone();
        Messenger::see_through(async move {
            let _changing = member.mailbox().changing.lock().await;
            let (owner_tag, peer_tag) = member.tags(user);
            let store = &member.messenger().store;
            store.remove_contact(owner_tag, peer_tag).await?;
            let mut mailbox = member.mailbox().lock();
            mailbox.contacts.remove(&user);
            mailbox.swallowed.remove(&user);
            member.messenger().regard(member.user(), user, None);
            Ok(())
        })
        .await
    }

    async fn note(&self, user: UserId, state: ContactState) -> Result<(), Error> {
        let _changing = self.mailbox().changing.lock().await;
        let key = &self.messenger().secrets.contact_key;
        let contact = auth::Contact {
            peer: user,
            state: stored(state),
        };
        let sealed = key.seal(self.user(), contact, random::draw());
        let (owner_tag, peer_tag) = self.tags(user);
        let store = &self.messenger().store;
        match store
            .put_contact(owner_tag, peer_tag, sealed.to_vec())
            .await?
        {
            ContactStored::Stored => {
                let mut mailbox = self.mailbox().lock();
                mailbox.contacts.insert(user, state);
                mailbox.swallowed.remove(&user);
                self.messenger().regard(self.user(), user, Some(state));
                Ok(())
            }
            ContactStored::Full => Err(Error::Forbidden(
                "you have as many contacts as can be kept; remove some",
            )),
        }
    }

    fn tags(&self, user: UserId) -> ([u8; 16], [u8; 16]) {
        let key = &self.messenger().secrets.contact_key;
        (
            *key.owner_tag(self.user()).as_bytes(),
            *key.peer_tag(self.user(), user).as_bytes(),
        )
    }
}

impl Messenger {
    pub(super) async fn load_contacts(
        &self,
        owner: UserId,
    ) -> Result<Vec<(UserId, ContactState)>, Error> {
        let key = &self.secrets.contact_key;
        let owner_tag = key.owner_tag(owner);
        let rows = self.store.contacts(*owner_tag.as_bytes()).await?;
        let open = |(peer_tag, sealed): ([u8; 16], Vec<u8>)| {
            let contact = key.open(owner, auth::PeerTag::from_bytes(peer_tag), &sealed);
            let contact = contact.map_err(|error| {
                tracing::error!(%error, "a contact doesn't open; were the secrets replaced?");
                Error::Internal
            })?;
            Ok((contact.peer, told(contact.state)))
        };
        rows.into_iter().map(open).collect()
    }
}

const fn stored(state: ContactState) -> auth::ContactState {
    match state {
        ContactState::Allowed => auth::ContactState::Allowed,
        ContactState::Blocked => auth::ContactState::Blocked,
    }
}

const fn told(state: auth::ContactState) -> ContactState {
    match state {
        auth::ContactState::Allowed => ContactState::Allowed,
        auth::ContactState::Blocked => ContactState::Blocked,
    }
}
