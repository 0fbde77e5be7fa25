//! The one part of a call that goes through the ratchet: its offer (E2EE.md §11).

use super::receiving::Unsealed;
use super::{Device, note_event};
use crate::base::{CallId, MessageId, Private, Secret, UserId};
use crate::client::record::{self, PREKEYS};
use crate::client::{Error, Event};
use crate::e2ee::{Content, Meeting, Pin, Refusal, Says};

/// A call that is to be offered.
#[derive(Debug, Clone)]
pub(in crate::client) struct CallOffer {
    pub(in crate::client) to: UserId,
    pub(in crate::client) call: CallId,
    pub(in crate::client) secret: Secret<32>,
    pub(in crate::client) description: Private<String>,
}

/// A call that is offered to us.
#[derive(Debug)]
pub(in crate::client) struct OfferedCall {
    pub(in crate::client) call: CallId,
    pub(in crate::client) secret: Secret<32>,
    pub(in crate::client) description: Private<String>,
}

impl Device {
    /// Seals an offer and stores the state after it. It is sent once or not at all.
    pub(in crate::client) fn offer(&mut self, offer: CallOffer) -> Result<String, Error> {
        let mut peer = self.peer(offer.to)?;
        let now = self.clock.now();
        let says = Says::Call {
            call: offer.call,
            secret: offer.secret,
            description: offer.description,
        };
        let bytes = self.content(MessageId::random(), says).to_bytes()?;
        let envelope = peer.seal(self.profile.registration, &bytes, now)?;
        self.store_peer(&peer)?;
        Ok(envelope.to_payload())
    }

    /// Opens an offer and stores the state after it. Refused where it isn't one, came before, or is of
    /// somebody whose identity changed.
    pub(in crate::client) fn take_offer(
        &mut self,
        from: UserId,
        payload: &str,
    ) -> Result<OfferedCall, Error> {
        let mut seen = self.seen(from)?;
        let Unsealed {
            peer,
            prekeys,
            opened,
        } = self.unseal(from, payload)??;
        let content = Content::parse(&opened.message);
        let fresh = content.and_then(|content| {
            seen.note(content.id, self.clock.now())?;
            Ok(content)
        });
        let mut numbers = self.numbers()?;
        let mut change = self.vault.change();
        change.put(peer.record_name(), &peer.to_record());
        change.put(record::seen(from), &seen.to_record());
        if let Some(prekeys) = &prekeys {
            change.put(PREKEYS.to_owned(), &prekeys.to_record());
        }
        let is_changed = opened.identity == Meeting::Changed;
        if is_changed {
            let event = Event::IdentityChanged { peer: from };
            note_event(&mut change, &mut numbers, &event);
        }
        change.commit()?;
        self.waiting += usize::from(is_changed);
        if let Some(prekeys) = prekeys {
            self.keep(prekeys);
        }
        if peer.pin().is_some_and(Pin::is_changed) {
            // An answer would tell whoever has the new key how to reach us.
            return Err(Refusal::IdentityChanged.into());
        }
        match fresh?.says {
            Says::Call {
                call,
                secret,
                description,
            } => Ok(OfferedCall {
                call,
                secret,
                description,
            }),
            _ => Err(Refusal::Malformed("the offer of a call").into()),
        }
    }
}
