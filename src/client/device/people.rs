//! People: what we call them, what they may, and who they prove to be (E2EE.md §9).

use super::Device;
use crate::base::{Private, UserId};
use crate::client::record::{self, CONTACTS, ContactRecord, SESSIONS};
use crate::client::{Error, Trust};
use crate::e2ee::{IdentityKey, Mark, Peer, SafetyNumber};
use crate::wire::body::ContactState;

impl Device {
    /// Everybody that is known: with a session, or by a contact record.
    pub(in crate::client) fn known(&self) -> Result<Vec<UserId>, Error> {
        let mut users = Vec::new();
        for prefix in [SESSIONS, CONTACTS] {
            let names = self.vault.names(prefix, "", usize::MAX)?;
            users.extend(
                names
                    .iter()
                    .filter_map(|name| record::user_of(prefix, name)),
            );
        }
        users.sort_unstable();
        users.dedup();
        Ok(users)
    }

    /// What we call them, and what they may.
    pub(in crate::client) fn contact(&self, user: UserId) -> Result<ContactRecord, Error> {
        let contact = self.vault.read_json(&record::contact(user))?;
        Ok(contact.unwrap_or_default())
    }

    /// Whom we call this.
    pub(in crate::client) fn named(&self, name: &str) -> Result<Option<UserId>, Error> {
        for user in self.known()? {
            let contact = self.contact(user)?;
            if contact.name.is_some_and(|known| *known == name) {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// Calls them this from now on.
    pub(in crate::client) fn call_them(&self, user: UserId, name: &str) -> Result<(), Error> {
        let mut contact = self.contact(user)?;
        contact.name = Some(Private(name.to_owned()));
        self.store_contact(user, &contact)
    }

    /// The server knows what they may.
    pub(in crate::client) fn note_state(
        &self,
        user: UserId,
        state: Option<ContactState>,
    ) -> Result<(), Error> {
        let mut contact = self.contact(user)?;
        if contact.state == state {
            return Ok(());
        }
        contact.state = state;
        self.store_contact(user, &contact)
    }

    fn store_contact(&self, user: UserId, contact: &ContactRecord) -> Result<(), Error> {
        let mut change = self.vault.change();
        change.put_json(record::contact(user), contact);
        change.commit()
    }

    /// How far their identity is trusted.
    pub(in crate::client) fn trust(&self, user: UserId) -> Result<Trust, Error> {
        let peer = self.peer(user)?;
        Ok(match peer.pin() {
            None => Trust::Unknown,
            Some(pin) if pin.is_changed() => Trust::Changed,
            Some(pin) => match pin.mark() {
                Mark::Unverified => Trust::Unverified,
                Mark::Verified => Trust::Verified,
            },
        })
    }

    /// The number that both compare, and the key that it is made with.
    pub(in crate::client) fn safety_number(
        &self,
        user: UserId,
    ) -> Result<(SafetyNumber, IdentityKey), Error> {
        let peer = self.peer(user)?;
        let theirs = *peer.pin().ok_or(Error::UnknownPeer)?.present();
        let account = self.account()?;
        let own = (account.identity.public(), account.user);
        Ok((SafetyNumber::between(own, (&theirs, user)), theirs))
    }

    /// What the user decides about somebody's identity.
    pub(in crate::client) fn decide(
        &self,
        user: UserId,
        decision: impl FnOnce(&mut Peer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut peer = self.peer(user)?;
        if peer.pin().is_none() {
            return Err(Error::UnknownPeer);
        }
        decision(&mut peer)?;
        self.store_peer(&peer)
    }
}
