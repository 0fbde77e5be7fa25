//! An account as this device keeps it: every step of E2EE.md §8.4, each in one transaction.
//!
//! Nothing here waits for a network, and everything may wait for a disk. What a step needs is read
//! from the vault and what it changed is written there, so that memory never says otherwise than the
//! disk; the prekeys alone are kept in memory too, and let go when a step fails.

mod calls;
mod events;
mod keys;
mod people;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;

use super::core::Progress;
use super::record::{
    self, ContactRecord, INBOX, NUMBERS, Numbers, OUTBOX, PREKEYS, PROFILE, Profile, ProfileRecord,
};
use super::vault::Transaction;
use super::{Error, Event, ServerUrl, Vault};
use crate::base::{Clock, Secret, UserId, random};
use crate::e2ee::{
    Account, Backup, Handle, Identity, KnownContact, Peer, Prekeys, RegistrationId, Seen,
};

pub(super) use calls::{CallOffer, OfferedCall};
pub(super) use keys::{Age, Upkeep};
pub(super) use receiving::{Aftermath, Arrival};

/// How many events wait for the program before no more messages are taken from the server.
pub(super) const MAX_INBOX: usize = 1000;

#[derive(Debug)]
pub(super) struct Device {
    vault: Vault,
    clock: Clock,
    profile: Profile,
    prekeys: Option<Prekeys>,
    /// How many messages wait to be sent, and how many events to be dealt with.
    outgoing: usize,
    waiting: usize,
}

impl Device {
    /// The account in a vault, if there is one.
    pub(super) fn open(vault: Vault, clock: Clock) -> Result<Option<Self>, Error> {
        let Some(record) = vault.read_json::<ProfileRecord>(PROFILE)? else {
            return Ok(None);
        };
        let profile = Profile::of(&record)?;
        let outgoing = vault.names(OUTBOX, "", usize::MAX)?.len();
        let waiting = vault.names(INBOX, "", usize::MAX)?.len();
        Ok(Some(Self {
            vault,
            clock,
            profile,
            prekeys: None,
            outgoing,
            waiting,
        }))
    }

    /// A new account, kept before anybody hears of it: a seed that was registered is never lost.
    pub(super) fn create(
        vault: Vault,
        clock: Clock,
        server: ServerUrl,
        handle: Handle,
    ) -> Result<Self, Error> {
        let now = clock.now();
        let mut prekeys = Prekeys::new(&mut Secret::random, now);
        prekeys.refill(0, &mut Secret::random, now)?;
        let profile = Profile {
            server,
            handle,
            registration: RegistrationId::drawn(random::draw()),
            identity: Identity::from_seed(&Secret::random()),
            user: None,
        };
        let mut change = vault.change();
        change.put_json(PROFILE.to_owned(), &profile.record());
        change.put(PREKEYS.to_owned(), &prekeys.to_record());
        change.commit()?;
        Ok(Self {
            vault,
            clock,
            profile,
            prekeys: Some(prekeys),
            outgoing: 0,
            waiting: 0,
        })
    }

    /// An account from a backup: its identity and pins, a new installation otherwise.
    pub(super) fn restore(
        vault: Vault,
        clock: Clock,
        server: ServerUrl,
        backup: &Backup,
    ) -> Result<Self, Error> {
        let prekeys = Prekeys::restored(&mut Secret::random, clock.now())?;
        let profile = Profile {
            server,
            handle: backup.handle.clone(),
            registration: RegistrationId::drawn(random::draw()),
            identity: Identity::from_seed(&backup.seed),
            user: Some(backup.user),
        };
        let mut change = vault.change();
        change.put_json(PROFILE.to_owned(), &profile.record());
        change.put(PREKEYS.to_owned(), &prekeys.to_record());
        for known in &backup.contacts {
            let peer = known.peer();
            change.put(peer.record_name(), &peer.to_record());
            let contact = ContactRecord {
                name: known.name.clone(),
                state: None,
            };
            change.put_json(record::contact(known.user), &contact);
        }
        change.commit()?;
        Ok(Self {
            vault,
            clock,
            profile,
            prekeys: Some(prekeys),
            outgoing: 0,
            waiting: 0,
        })
    }

    /// What is needed to have the account again: never a session or a prekey (§10.4).
    pub(super) fn backup(&self) -> Result<Backup, Error> {
        let mut contacts = Vec::new();
        for user in self.known()? {
            let (peer, contact) = (self.peer(user)?, self.contact(user)?);
            contacts.push(KnownContact::of(&peer, contact.name));
        }
        let profile = &self.profile;
        Ok(Backup {
            origin: profile.server.origin().clone(),
            user: self.account()?.user,
            handle: profile.handle.clone(),
            name: None,
            seed: profile.identity.seed(),
            made: self.clock.now(),
            contacts,
        })
    }

    /// The server confirmed the account.
    pub(super) fn registered(&mut self, user: UserId) -> Result<(), Error> {
        self.store_profile(Profile {
            user: Some(user),
            ..self.profile.clone()
        })
    }

    /// The server is found elsewhere from now on.
    pub(super) fn move_to(&mut self, server: ServerUrl) -> Result<(), Error> {
        self.store_profile(Profile {
            server,
            ..self.profile.clone()
        })
    }

    /// An account that isn't confirmed is to be another one: the handle was taken, say.
    pub(super) fn apply_for(&mut self, server: ServerUrl, handle: Handle) -> Result<(), Error> {
        if self.profile.user.is_some() {
            return Err(Error::OtherAccount);
        }
        self.store_profile(Profile {
            server,
            handle,
            ..self.profile.clone()
        })
    }

    fn store_profile(&mut self, profile: Profile) -> Result<(), Error> {
        let mut change = self.vault.change();
        change.put_json(PROFILE.to_owned(), &profile.record());
        change.commit()?;
        self.profile = profile;
        Ok(())
    }

    pub(super) const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The account, once it is registered.
    pub(super) fn account(&self) -> Result<Account, Error> {
        Ok(Account {
            user: self.profile.user.ok_or(Error::NoAccount)?,
            identity: self.profile.identity.clone(),
        })
    }

    /// How far things have come.
    pub(super) const fn progress(&self) -> Progress {
        Progress {
            outgoing: self.outgoing,
            waiting: self.waiting,
        }
    }

    /// Removes everything that is kept.
    pub(super) fn forget_all(&mut self) -> Result<(), Error> {
        let names = self.vault.names("", "", usize::MAX)?;
        let mut change = self.vault.change();
        // The count of what the key sealed is written by every change.
        for name in names {
            change.remove(name);
        }
        change.commit()?;
        (self.outgoing, self.waiting) = (0, 0);
        Ok(())
    }

    fn peer(&self, user: UserId) -> Result<Peer, Error> {
        let stranger = Peer::new(user);
        match self.vault.read(&stranger.record_name())? {
            Some(record) => Ok(Peer::from_record(&record)?),
            None => Ok(stranger),
        }
    }

    fn seen(&self, user: UserId) -> Result<Seen, Error> {
        match self.vault.read(&record::seen(user))? {
            Some(record) => Ok(Seen::from_record(&record)?),
            None => Ok(Seen::default()),
        }
    }

    /// Takes the prekeys out of memory; [`Self::keep`] puts them back once they are stored.
    fn take_prekeys(&mut self) -> Result<Prekeys, Error> {
        if let Some(prekeys) = self.prekeys.take() {
            return Ok(prekeys);
        }
        let record = self.vault.read(PREKEYS)?.ok_or(Error::NoAccount)?;
        Ok(Prekeys::from_record(&record)?)
    }

    fn keep(&mut self, prekeys: Prekeys) {
        self.prekeys = Some(prekeys);
    }

    fn numbers(&self) -> Result<Numbers, Error> {
        Ok(self.vault.read_json(NUMBERS)?.unwrap_or_default())
    }
}

/// Puts an event behind those that wait.
fn note_event(change: &mut Transaction<'_>, numbers: &mut Numbers, event: &Event) {
    numbers.inbox += 1;
    change.put_json(record::numbered(INBOX, numbers.inbox), event);
    change.put_json(NUMBERS.to_owned(), numbers);
}
