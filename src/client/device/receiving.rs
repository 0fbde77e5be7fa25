//! Receiving: state, message, spent prekey and replay entry in one transaction, and only then the
//! acknowledgement (§8.3, §8.4).

use super::{Device, note_event};
use crate::base::{MessageId, Private, Secret, Timestamp, UserId};
use crate::client::record::{self, ContactRecord, Numbers, PREKEYS};
use crate::client::vault::Transaction;
use crate::client::{Error, Event};
use crate::e2ee::{
    Consequence, Content, Envelope, Meeting, Opened, Peer, Prekeys, Refusal, Says, Seen, SessionUse,
};
use crate::wire::body::ContactState;

/// How many receipts wait for one person: as many as one message holds. Further ones are let go.
const MAX_OWED: usize = 1000;

/// A message as the server delivers it.
#[derive(Debug, Clone)]
pub(in crate::client) struct Arrival {
    pub(in crate::client) from: UserId,
    pub(in crate::client) id: MessageId,
    pub(in crate::client) payload: Private<String>,
    pub(in crate::client) accepted: Timestamp,
}

/// What is to be done besides acknowledging a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Aftermath {
    /// Nothing: it was seen before, or said nothing.
    Nothing,
    /// There is something for the program.
    Told,
    /// It couldn't be opened: begin anew with its sender, once an hour (§8.5).
    Unreadable,
}

/// A payload that opened, and what is to be stored for it.
pub(super) struct Unsealed {
    pub(super) peer: Peer,
    /// The prekeys, where one was spent.
    pub(super) prekeys: Option<Prekeys>,
    pub(super) opened: Opened,
}

/// What one message changes.
struct Step {
    peer: Peer,
    prekeys: Option<Prekeys>,
    seen: Seen,
    events: Vec<Event>,
    receipt: Option<MessageId>,
}

impl Device {
    /// Takes a message in. It may be acknowledged when this returns without an error.
    pub(in crate::client) fn receive(&mut self, arrival: &Arrival) -> Result<Aftermath, Error> {
        let mut seen = self.seen(arrival.from)?;
        if seen.contains(arrival.id) {
            return Ok(Aftermath::Nothing);
        }
        let now = self.clock.now();
        let unsealed = match self.unseal(arrival.from, &arrival.payload)? {
            Ok(unsealed) => unsealed,
            Err(refusal) => {
                return match refusal.consequence() {
                    Consequence::Drop => Ok(Aftermath::Nothing),
                    Consequence::Placeholder => {
                        seen.note(arrival.id, now)?;
                        self.store_placeholder(arrival, &seen)
                    }
                };
            }
        };
        let Unsealed {
            peer,
            prekeys,
            opened,
        } = unsealed;
        seen.note(arrival.id, now)?;
        let mut step = Step {
            peer,
            prekeys,
            seen,
            events: Vec::new(),
            receipt: None,
        };
        step.tell_identity(arrival.from, opened.identity);
        if let Ok(content) = Content::parse(&opened.message)
            && (content.id == arrival.id || step.seen.note(content.id, now).is_ok())
        {
            step.tell(arrival, content);
        }
        self.store_step(arrival.from, step)
    }

    /// Opens a payload. What changed is in memory only, and nothing did where it is refused.
    pub(super) fn unseal(
        &mut self,
        from: UserId,
        payload: &str,
    ) -> Result<Result<Unsealed, Refusal>, Error> {
        let envelope = match Envelope::from_payload(payload) {
            Ok(envelope) => envelope,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (account, now) = (self.account()?, self.clock.now());
        let mut peer = self.peer(from)?;
        let mut prekeys = self.take_prekeys()?;
        let draw = &mut Secret::random;
        let opened = match peer.open(&account, &mut prekeys, &envelope, draw, now) {
            Ok(opened) => opened,
            Err(refusal) => {
                self.keep(prekeys);
                return Ok(Err(refusal));
            }
        };
        let prekeys = if opened.session == SessionUse::Begun {
            Some(prekeys)
        } else {
            self.keep(prekeys);
            None
        };
        Ok(Ok(Unsealed {
            peer,
            prekeys,
            opened,
        }))
    }

    fn store_step(&mut self, from: UserId, step: Step) -> Result<Aftermath, Error> {
        let mut numbers = self.numbers()?;
        let receipts = self.receipts_with(from, step.receipt)?;
        let mut change = self.vault.change();
        change.put(step.peer.record_name(), &step.peer.to_record());
        change.put(record::seen(from), &step.seen.to_record());
        if let Some(prekeys) = &step.prekeys {
            change.put(PREKEYS.to_owned(), &prekeys.to_record());
        }
        if let Some(receipts) = receipts {
            change.put_json(record::receipts(from), &receipts);
        }
        note_all(&mut change, &mut numbers, &step.events);
        change.commit()?;
        self.waiting += step.events.len();
        if let Some(prekeys) = step.prekeys {
            self.keep(prekeys);
        }
        Ok(match step.events.len() {
            0 => Aftermath::Nothing,
            _ => Aftermath::Told,
        })
    }

    fn store_placeholder(&mut self, arrival: &Arrival, seen: &Seen) -> Result<Aftermath, Error> {
        let mut numbers = self.numbers()?;
        let mut change = self.vault.change();
        change.put(record::seen(arrival.from), &seen.to_record());
        change.put(record::reset(arrival.from), &[]);
        let event = Event::Unreadable {
            from: arrival.from,
            accepted: arrival.accepted,
        };
        note_event(&mut change, &mut numbers, &event);
        change.commit()?;
        self.waiting += 1;
        Ok(Aftermath::Unreadable)
    }

    /// The receipts that somebody is owed once this message came: only those whom we allowed learn
    /// when we are there.
    fn receipts_with(
        &self,
        from: UserId,
        id: Option<MessageId>,
    ) -> Result<Option<Vec<MessageId>>, Error> {
        let Some(id) = id else { return Ok(None) };
        let contact: Option<ContactRecord> = self.vault.read_json(&record::contact(from))?;
        let state = contact.and_then(|contact| contact.state);
        if state != Some(ContactState::Allowed) {
            return Ok(None);
        }
        let owed = self
            .vault
            .read_json::<Vec<MessageId>>(&record::receipts(from))?;
        let mut owed = owed.unwrap_or_default();
        if owed.len() < MAX_OWED {
            owed.push(id);
        }
        Ok(Some(owed))
    }
}

fn note_all(change: &mut Transaction<'_>, numbers: &mut Numbers, events: &[Event]) {
    for event in events {
        note_event(change, numbers, event);
    }
}

impl Step {
    fn tell_identity(&mut self, peer: UserId, meeting: Meeting) {
        if meeting == Meeting::Changed {
            self.events.push(Event::IdentityChanged { peer });
        }
    }

    fn tell(&mut self, arrival: &Arrival, content: Content) {
        let (from, accepted, id) = (arrival.from, arrival.accepted, content.id);
        match content.says {
            Says::Text(text) => {
                self.receipt = Some(id);
                self.events.push(Event::Message {
                    from,
                    id,
                    text,
                    written: content.written,
                    accepted,
                });
            }
            Says::Receipt { ids, state } => self.events.push(Event::Receipt { from, ids, state }),
            // The offer of a call doesn't come as a message.
            Says::Call { .. } | Says::Reset | Says::Dummy => {}
            Says::Unsupported => self.events.push(Event::Unsupported { from, id, accepted }),
        }
    }
}
