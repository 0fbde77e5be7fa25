//! A member's open socket, whatever dialect it speaks.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::deliver::Posted;
use super::error::Error;
use super::event::Event;
use super::mailbox::Mailbox;
use super::queue::{Place, Waiter};
use super::scope::Member;
use super::signal::Verdict;
use crate::base::{CallId, ConnectionId, MessageId, Timestamp, UserId};
use crate::hub::{Farewell, Outbox, OutboxLimits, Registration};
use crate::store::PendingWrite;
use crate::wire::body::IceServer;
use crate::wire::frame::CallFrame;
use crate::wire::mvchat::CallAction;

/// What may wait to be written to one socket: the windows of messages and of calls, and receipts.
const OUTBOX: OutboxLimits = OutboxLimits {
    events: 4096,
    bytes: 8 << 20,
};

/// A member's open socket. Dropping it is the end of the session: what wasn't acknowledged waits
/// in the queue, and calls wait a little for the member's return.
pub struct Session {
    member: Member,
    outbox: Arc<Outbox<Event>>,
    place: Registration<Event>,
}

/// What a session is told first.
#[derive(Debug, Clone, Copy)]
pub struct Welcome {
    /// Whose session it is.
    pub user: UserId,
    /// Messages waiting.
    pub pending: usize,
    /// One-time prekeys left.
    pub one_time_prekeys: usize,
    /// The daemon's time.
    pub server_time: Timestamp,
    /// Rises when a backup was restored.
    pub epoch: u64,
}

impl Session {
    /// Opens a session of `member`, which replaces an older one. What the older one didn't
    /// acknowledge is sent again.
    pub async fn open(member: Member) -> Result<(Self, Welcome), Error> {
        let messenger = member.messenger().clone();
        let keys = messenger
            .store
            .key_status(member.user())
            .await?
            .ok_or(Error::TokenExpired)?;
        let outbox = Arc::new(Outbox::new(ConnectionId::next(), OUTBOX));
        messenger.counters.sessions.increment();
        let place = messenger.hub.register(member.user(), outbox.clone());
        let pending = {
            let mut state = member.mailbox().lock();
            messenger.drop_expired(&mut state, member.mailbox());
            let pending = state.queue.len();
            state.queue.attach(outbox.clone());
            pending
        };
        // From here on, dropping the session undoes everything.
        let session = Self {
            member,
            outbox,
            place,
        };
        if session.member.is_revoked() {
            return Err(Error::TokenExpired);
        }
        if let Some(push) = &messenger.push {
            push.arrived(session.member.user());
        }
        messenger.signal_returned(session.member.user());
        messenger.attend(session.member.mailbox(), session.outbox.connection());
        let welcome = Welcome {
            user: session.member.user(),
            pending,
            one_time_prekeys: keys.count as usize,
            server_time: messenger.clock.now(),
            epoch: messenger.epoch,
        };
        Ok((session, welcome))
    }

    /// Waits for something to tell the client and moves up to `most` of it into `batch`; or says
    /// why the session must end. Cancelling loses nothing.
    pub async fn next(&self, batch: &mut Vec<Event>, most: usize) -> Result<(), Farewell> {
        self.outbox.take(batch, most).await
    }

    /// Takes a message in. That it is safe, or couldn't be made so, arrives as an event.
    pub async fn send(
        &self,
        id: Option<MessageId>,
        recipient: UserId,
        payload: Bytes,
    ) -> Result<(), Error> {
        let waiter = Waiter::Session {
            outbox: self.outbox.clone(),
            id,
        };
        let posted = Posted {
            id,
            recipient,
            payload,
        };
        self.member
            .messenger()
            .deliver(self.member.mailbox(), posted, waiter)
            .await
    }

    /// The client has these messages safely.
    pub fn acknowledge(&self, ids: &[MessageId]) {
        let messenger = self.member.messenger();
        let stored = messenger.take_acknowledged(self.member.mailbox(), ids);
        if !stored.is_empty() {
            messenger.store.remove_soon(self.member.user(), &stored);
        }
    }

    /// Fetches more of the backlog: the answer to [`Event::Refill`].
    pub async fn refill(&self) -> Result<(), Error> {
        let connection = self.outbox.connection();
        self.member
            .messenger()
            .refill(self.member.mailbox(), connection)
            .await
    }

    /// A step in a call. What comes of it arrives as events.
    pub async fn signal(&self, frame: CallFrame<'_>) -> Result<(), Error> {
        self.member
            .messenger()
            .signal(self.member.user(), frame)
            .await
    }

    /// A step in a call, in the words of `mvchat.v1`. Whether it was granted is said at once, what
    /// comes of it arrives as events.
    pub async fn act(&self, action: CallAction<'_>) -> Result<Verdict, Error> {
        self.member
            .messenger()
            .act(self.member.user(), action)
            .await
    }

    /// Whose session it is.
    pub fn user(&self) -> UserId {
        self.member.user()
    }

    /// The media relays with credentials for them, in the order for `call`; none where there is no
    /// relay, or where this member has asked for too many.
    pub fn ice_servers(&self, call: Option<CallId>) -> Vec<IceServer> {
        let credentials = self.member.turn_credentials(call);
        credentials.map_or_else(|_| Vec::new(), |credentials| credentials.ice_servers)
    }

    /// The name that `caller`, who rings this member, has published.
    pub async fn name_of(&self, caller: UserId) -> Option<String> {
        let account = self.member.messenger().store.account(caller).await;
        account.ok().flatten()?.public_name
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let messenger = self.member.messenger();
        leave(self.member.mailbox(), self.outbox.connection(), |write| {
            messenger.store.hurry(write);
        });
        let user = self.member.user();
        if self.place.give_up() {
            messenger.signal_lost(user);
            // A new session may have come between the two, and have said so before.
            if messenger.hub.find(user).is_some() {
                messenger.signal_returned(user);
            }
        }
        messenger.depart(user, self.outbox.connection());
        if self.member.mailbox().lock().queue.len() > 0 {
            messenger.wake(user);
        }
    }
}

/// Takes the queue from this connection. Nobody will acknowledge what is on its way, so it is
/// written without delay.
fn leave(mailbox: &Mailbox, connection: ConnectionId, hurry: impl Fn(&Arc<PendingWrite>)) {
    let mut state = mailbox.lock();
    if !state.queue.detach(connection) {
        return;
    }
    for (_, entry) in state.queue.iter_after(0) {
        if let Place::Memory { write, .. } = &entry.place {
            hurry(write);
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}
