//! Events that wait until the program has dealt with them.

use super::Device;
use crate::base::MessageId;
use crate::client::record::{self, INBOX, OUTBOX, Outgoing};
use crate::client::{Error, Event, Outcome};

impl Device {
    /// The first events after this number, at most `limit`.
    pub(in crate::client) fn events_after(
        &self,
        number: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, Error> {
        let after = record::numbered(INBOX, number);
        let mut events = Vec::new();
        for name in self.vault.names(INBOX, &after, limit)? {
            let event = self.vault.read_json(&name)?;
            if let (Some(number), Some(event)) = (record::number_of(INBOX, &name), event) {
                events.push((number, event));
            }
        }
        Ok(events)
    }

    /// What became of a message: it waits, was refused, or was accepted.
    pub(in crate::client) fn outcome(&self, id: MessageId) -> Result<Outcome, Error> {
        for name in self.vault.names(OUTBOX, "", usize::MAX)? {
            let outgoing: Option<Outgoing> = self.vault.read_json(&name)?;
            if outgoing.is_some_and(|outgoing| outgoing.content == id) {
                return Ok(Outcome::Waiting);
            }
        }
        let refusal = self
            .events_after(0, usize::MAX)?
            .into_iter()
            .find_map(|(_, event)| match event {
                Event::Refused {
                    id: refused, code, ..
                } if refused == id => Some(code),
                _ => None,
            });
        Ok(refusal.map_or(Outcome::Accepted, Outcome::Refused))
    }

    /// The program has dealt with every event up to this one.
    pub(in crate::client) fn dealt_with(&mut self, number: u64) -> Result<(), Error> {
        let names = self.vault.names(INBOX, "", usize::MAX)?;
        let last = record::numbered(INBOX, number);
        let mut change = self.vault.change();
        let mut count = 0;
        for name in names.into_iter().take_while(|name| *name <= last) {
            change.remove(name);
            count += 1;
        }
        if count > 0 {
            change.commit()?;
            self.waiting = self.waiting.saturating_sub(count);
        }
        Ok(())
    }
}
