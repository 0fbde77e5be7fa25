//! Sending: the ratchet advances together with the outgoing message, in one transaction; what is
//! handed to the network later is what was stored, however often (§8.4).

use super::{Device, note_event};
use crate::base::{MessageId, Private, Secret, UserId};
use crate::client::record::{self, Audience, NUMBERS, OUTBOX, Outgoing, RECEIPTS, RESETS};
use crate::client::{Error, Event};
use crate::e2ee::{Bundle, Content, Meeting, Peer, ReceiptState, Refusal, Says};
use crate::wire::Code;

/// How many messages wait to be sent before no more are taken.
pub(super) const MAX_OUTBOX: usize = 1000;

impl Device {
    /// Whether a bundle must be fetched before anything can be sent to them (§8.2).
    pub(in crate::client) fn needs_bundle(&self, to: UserId) -> Result<bool, Error> {
        Ok(self.peer(to)?.needs_bundle(self.clock.now()))
    }

    /// Seals and stores a message, in the session that stands.
    pub(in crate::client) fn compose(
        &mut self,
        to: UserId,
        id: MessageId,
        says: Says,
    ) -> Result<MessageId, Error> {
        let (peer, content) = (self.peer(to)?, self.content(id, says));
        self.seal_and_store(peer, &content, Audience::Program, None)
    }

    /// The same, in a session that is begun with this bundle where none stands.
    pub(in crate::client) fn compose_with(
        &mut self,
        bundle: &Bundle,
        id: MessageId,
        says: Says,
    ) -> Result<MessageId, Error> {
        let mut peer = self.peer(bundle.user())?;
        self.meet(&mut peer, bundle)?;
        let now = self.clock.now();
        if peer.needs_bundle(now) {
            peer.begin(&self.account()?, bundle, &mut Secret::random, now)?;
        }
        let content = self.content(id, says);
        self.seal_and_store(peer, &content, Audience::Program, None)
    }

    /// Begins a session without a message, so that the peer can be written to offline.
    pub(in crate::client) fn greet(&mut self, bundle: &Bundle) -> Result<(), Error> {
        let mut peer = self.peer(bundle.user())?;
        self.meet(&mut peer, bundle)?;
        let now = self.clock.now();
        if peer.needs_bundle(now) {
            peer.begin(&self.account()?, bundle, &mut Secret::random, now)?;
        }
        self.store_peer(&peer)
    }

    /// Looks at the identity in a bundle of somebody who is known. A change is told; nothing is
    /// begun.
    pub(in crate::client) fn look_at(&mut self, bundle: &Bundle) -> Result<(), Error> {
        let mut peer = self.peer(bundle.user())?;
        if peer.pin().is_none() {
            return Ok(());
        }
        match self.meet(&mut peer, bundle) {
            Err(Error::Encryption(Refusal::IdentityChanged)) => Ok(()),
            outcome => outcome,
        }
    }

    /// Those whose messages didn't open, and with whom nothing was begun since.
    pub(in crate::client) fn resets_owed(&self) -> Result<Vec<UserId>, Error> {
        let names = self.vault.names(RESETS, "", usize::MAX)?;
        let users = names
            .iter()
            .filter_map(|name| record::user_of(RESETS, name));
        Ok(users.collect())
    }

    /// Whether a session may be begun anew with somebody whose message didn't open: once an hour
    /// (§8.5). Otherwise it isn't owed any more.
    pub(in crate::client) fn may_reset(&self, with: UserId) -> Result<bool, Error> {
        let may = self.peer(with)?.may_reset(self.clock.now());
        if !may {
            let mut change = self.vault.change();
            change.remove(record::reset(with));
            change.commit()?;
        }
        Ok(may)
    }

    /// Begins anew with somebody whose message didn't open, and tells them.
    pub(in crate::client) fn reset(&mut self, bundle: &Bundle) -> Result<(), Error> {
        let mut peer = self.peer(bundle.user())?;
        let now = self.clock.now();
        if !peer.may_reset(now) {
            return Ok(());
        }
        self.meet(&mut peer, bundle)?;
        peer.reset(&self.account()?, bundle, &mut Secret::random, now)?;
        let content = self.content(MessageId::random(), Says::Reset);
        let owed = record::reset(bundle.user());
        self.seal_and_store(peer, &content, Audience::Nobody, Some(owed))?;
        Ok(())
    }

    /// Tells everybody what of theirs arrived. Those to whom nothing can be sent now aren't told.
    pub(in crate::client) fn send_receipts(&mut self) -> Result<(), Error> {
        for name in self.vault.names(RECEIPTS, "", usize::MAX)? {
            let ids = self.vault.read_json::<Vec<MessageId>>(&name)?;
            let (Some(to), Some(ids)) = (record::user_of(RECEIPTS, &name), ids) else {
                continue;
            };
            let state = ReceiptState::Delivered;
            let peer = self.peer(to)?;
            let content = self.content(MessageId::random(), Says::Receipt { ids, state });
            match self.seal_and_store(peer, &content, Audience::Nobody, Some(name.clone())) {
                Ok(_) => {}
                Err(Error::Encryption(_) | Error::OutboxFull { .. }) => {
                    let mut change = self.vault.change();
                    change.remove(name);
                    change.commit()?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The first message after this number that waits to be sent.
    pub(in crate::client) fn outgoing_after(
        &self,
        number: u64,
    ) -> Result<Option<(u64, Outgoing)>, Error> {
        let after = record::numbered(OUTBOX, number);
        for name in self.vault.names(OUTBOX, &after, 1)? {
            let outgoing = self.vault.read_json(&name)?;
            if let (Some(number), Some(outgoing)) = (record::number_of(OUTBOX, &name), outgoing) {
                return Ok(Some((number, outgoing)));
            }
        }
        Ok(None)
    }

    /// The server has a message safe.
    pub(in crate::client) fn accepted(&mut self, number: u64) -> Result<(), Error> {
        let mut change = self.vault.change();
        change.remove(record::numbered(OUTBOX, number));
        change.commit()?;
        self.outgoing = self.outgoing.saturating_sub(1);
        Ok(())
    }

    /// The server won't ever take a message.
    pub(in crate::client) fn refused(
        &mut self,
        number: u64,
        outgoing: &Outgoing,
        code: Code,
    ) -> Result<(), Error> {
        let mut numbers = self.numbers()?;
        let mut change = self.vault.change();
        change.remove(record::numbered(OUTBOX, number));
        let is_told = outgoing.audience == Audience::Program;
        if is_told {
            let event = Event::Refused {
                to: outgoing.to,
                id: outgoing.content,
                code,
            };
            note_event(&mut change, &mut numbers, &event);
        }
        change.commit()?;
        self.outgoing = self.outgoing.saturating_sub(1);
        self.waiting += usize::from(is_told);
        Ok(())
    }

    /// Shows a bundle's key to the pin. One that isn't the pinned one is stored and told, and holds
    /// back what was to be done (§9.1).
    fn meet(&mut self, peer: &mut Peer, bundle: &Bundle) -> Result<(), Error> {
        if peer.meet(bundle.identity()) == Meeting::Changed {
            let mut numbers = self.numbers()?;
            let mut change = self.vault.change();
            change.put(peer.record_name(), &peer.to_record());
            let event = Event::IdentityChanged { peer: peer.user() };
            note_event(&mut change, &mut numbers, &event);
            change.commit()?;
            self.waiting += 1;
        }
        match peer.pin() {
            Some(pin) if pin.is_changed() => Err(Refusal::IdentityChanged.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn store_peer(&self, peer: &Peer) -> Result<(), Error> {
        let mut change = self.vault.change();
        change.put(peer.record_name(), &peer.to_record());
        change.commit()
    }

    /// The one place where messages are sealed for the outbox. `replaces` is a record whose content
    /// the message now carries.
    fn seal_and_store(
        &mut self,
        mut peer: Peer,
        content: &Content,
        audience: Audience,
        replaces: Option<String>,
    ) -> Result<MessageId, Error> {
        if self.outgoing >= MAX_OUTBOX {
            return Err(Error::OutboxFull { limit: MAX_OUTBOX });
        }
        let now = self.clock.now();
        let envelope = peer.seal(self.profile.registration, &content.to_bytes()?, now)?;
        let outgoing = Outgoing {
            to: peer.user(),
            message: MessageId::random(),
            content: content.id,
            payload: Private(envelope.to_payload()),
            audience,
        };
        let mut numbers = self.numbers()?;
        numbers.outbox += 1;
        let mut change = self.vault.change();
        change.put(peer.record_name(), &peer.to_record());
        change.put_json(record::numbered(OUTBOX, numbers.outbox), &outgoing);
        change.put_json(NUMBERS.to_owned(), &numbers);
        if let Some(name) = replaces {
            change.remove(name);
        }
        change.commit()?;
        self.outgoing += 1;
        Ok(content.id)
    }

    pub(super) fn content(&self, id: MessageId, says: Says) -> Content {
        Content {
            id,
            written: self.clock.now(),
            says,
        }
    }
}
