//! Call history: none unless the operator switched it on, and then each party's own view of its
//! own calls (PROTOCOL.md §7.1).

use tokio::runtime::Handle;

use super::Messenger;
use super::error::Error;
use super::scope::Member;
use crate::auth::CallRecord;
use crate::base::{CallId, UserId, random};
use crate::calls::{Over, Reason};
use crate::config;
use crate::store::NewCall;
use crate::wire::body::{CallDirection, CallsResponse, PastCall};

/// Calls in one page, at most.
const MOST_LISTED: usize = 100;

/// Whether calls are noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum History {
    /// They are.
    Kept,
    /// No trace of a call is left.
    Off,
}

impl History {
    pub(super) const fn of(config: &config::Calls) -> Self {
        if config.history {
            Self::Kept
        } else {
            Self::Off
        }
    }
}

impl Member {
    /// One page of this member's calls, the latest first: those behind `before`.
    pub async fn call_history(
        &self,
        limit: Option<usize>,
        before: Option<CallId>,
    ) -> Result<CallsResponse, Error> {
        if self.messenger().calls.history == History::Off {
            return Err(Error::HistoryDisabled);
        }
        let limit = limit.unwrap_or(MOST_LISTED);
        if !(1..=MOST_LISTED).contains(&limit) {
            return Err(Error::field("limit", "expected 1 to 100"));
        }
        let records = self.messenger().past_calls(self.user()).await?;
        let last = before.and_then(|call| records.iter().position(|record| record.call == call));
        let rest = &records[last.map_or(0, |last| last + 1)..];
        Ok(CallsResponse {
            calls: rest.iter().take(limit).map(past_call).collect(),
            more: rest.len() > limit,
        })
    }
}

impl Messenger {
    /// Writes a call that is over into the histories of both, where one is kept. Nobody waits for
    /// it: a call that ends with the daemon leaves no line.
    pub(super) fn note_in_history(&self, over: Over) {
        if self.calls.history == History::Off {
            return;
        }
        let lines = vec![self.line(over.caller, &over), self.line(over.callee, &over)];
        let messenger = self.clone();
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = messenger.store.add_calls(lines).await {
                tracing::warn!(%error, "a call didn't get into the history");
            }
        });
    }

    fn line(&self, owner: UserId, over: &Over) -> NewCall {
        let is_caller = owner == over.caller;
        let record = CallRecord {
            call: over.call,
            peer: if is_caller { over.callee } else { over.caller },
            direction: if is_caller { OUTGOING } else { INCOMING },
            reason: reason_number(over.reason),
            started: over.started,
            answered: over.answered,
            ended: over.ended,
        };
        let key = &self.secrets.contact_key;
        NewCall {
            owner,
            owner_tag: *key.owner_tag(owner).as_bytes(),
            day: over.ended.day(),
            sealed: key.seal_call(owner, &record, random::draw()).to_vec(),
        }
    }

    async fn past_calls(&self, owner: UserId) -> Result<Vec<CallRecord>, Error> {
        let key = &self.secrets.contact_key;
        let lines = self.store.calls(*key.owner_tag(owner).as_bytes()).await?;
        let open = |line: Vec<u8>| {
            key.open_call(owner, &line).map_err(|error| {
                tracing::error!(%error, "a past call doesn't open; were the secrets replaced?");
                Error::Internal
            })
        };
        lines.into_iter().map(open).collect()
    }
}

const OUTGOING: u8 = 1;
const INCOMING: u8 = 2;

const REASONS: [Reason; 4] = [
    Reason::Hangup,
    Reason::Rejected,
    Reason::Timeout,
    Reason::Error,
];

/// The number that stands for a reason in the database.
const fn reason_number(reason: Reason) -> u8 {
    match reason {
        Reason::Hangup => 0,
        Reason::Rejected => 1,
        Reason::Timeout => 2,
        Reason::Error => 3,
    }
}

fn past_call(record: &CallRecord) -> PastCall {
    let reason = REASONS.get(usize::from(record.reason));
    let talked = record.answered.map(|answered| record.ended.since(answered));
    PastCall {
        call_id: record.call,
        peer_id: record.peer,
        direction: match record.direction {
            OUTGOING => CallDirection::Outgoing,
            _ => CallDirection::Incoming,
        },
        started_at: record.started,
        answered_at: record.answered,
        ended_at: record.ended,
        duration: talked.map_or(0, |talked| talked.as_secs()),
        reason: reason.unwrap_or(&Reason::Error).as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives_being_a_number() {
        for reason in REASONS {
            assert_eq!(REASONS[usize::from(reason_number(reason))], reason);
        }
    }
}
