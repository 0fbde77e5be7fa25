//! Who is told that a member is there (PROTOCOL.md §5, `presence`).
//!
//! Off unless the operator wants it. A member takes part who switched it on and isn't suspended.
//! [`Presence`] decides what of that shows to whom; here it is told what happens. What changes a
//! member's part in it holds the lock of their mailbox meanwhile, so that the machine hears of two
//! changes in the order in which they were made. Locks are taken in this order: mailbox, machine, hub.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Messenger;
use super::error::Error;
use super::event::Event;
use super::mailbox::{Mailbox, State};
use crate::base::{ConnectionId, UserId};
use crate::config;
use crate::hub::{Notice, Pace, Presence, Sighting};
use crate::wire::body::ContactState;

/// The machine and its alarm clock, where the operator wants them.
#[derive(Debug)]
pub(super) struct Attendance {
    machine: Option<Mutex<Presence>>,
    /// Told when the next deadline may have come nearer.
    deadline_changed: Notify,
}

impl Attendance {
    pub(super) fn new(config: &config::Presence) -> Self {
        let pace = Pace {
            arriving: config.arriving,
            leaving: config.leaving,
        };
        Self {
            machine: config.enabled.then(|| Mutex::new(Presence::new(pace))),
            deadline_changed: Notify::new(),
        }
    }

    /// Whether the operator wants it.
    pub(super) const fn is_on(&self) -> bool {
        self.machine.is_some()
    }

    fn lock(&self) -> Option<MutexGuard<'_, Presence>> {
        let machine = self.machine.as_ref()?;
        Some(machine.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Messenger {
    /// Watches the clock for who comes and goes, for as long as it is polled.
    pub async fn watch_presence(&self) {
        loop {
            let changed = self.attendance.deadline_changed.notified();
            let machine = self.attendance.lock();
            let deadline = machine.and_then(|machine| machine.next_deadline());
            let Some(deadline) = deadline else {
                changed.await;
                continue;
            };
            let left = deadline.since(self.clock.now());
            if tokio::time::timeout(left, changed).await.is_err()
                && let Some(mut machine) = self.attendance.lock()
            {
                let notices = machine.handle_timeout(self.clock.now());
                self.spread(notices);
            }
        }
    }

    /// This session of the owner of `mailbox` stands.
    pub(super) fn attend(&self, mailbox: &Mailbox, connection: ConnectionId) {
        if self.attendance.is_on() {
            self.admit(mailbox.owner(), &mailbox.lock(), connection);
        }
    }

    /// This session of `user` is over, and out of the hub.
    pub(super) fn depart(&self, user: UserId, connection: ConnectionId) {
        self.sight(user, Sighting::Left(connection));
    }

    /// Nobody sees `user` any more, from now on.
    pub(super) fn withdraw(&self, user: UserId) {
        self.sight(user, Sighting::Withdrawn);
    }

    /// The owner of a mailbox thinks something else of `other`. The caller holds the mailbox.
    pub(super) fn regard(&self, owner: UserId, other: UserId, now: Option<ContactState>) {
        let sighting = match now {
            Some(ContactState::Allowed) => Sighting::Allowed(other),
            Some(ContactState::Blocked) | None => Sighting::Disallowed(other),
        };
        self.sight(owner, sighting);
    }

    /// The owner of a mailbox may take part who may not have before, or the other way round. The
    /// caller holds the mailbox.
    pub(super) fn reconsider(&self, owner: UserId, state: &State) {
        if !self.may_be_seen(state) {
            return self.withdraw(owner);
        }
        let Some(outbox) = self.hub.find(owner) else {
            return;
        };
        let connection = outbox.connection();
        self.admit(owner, state, connection);
        // It may have ended in between, and nobody says so again.
        let current = self.hub.find(owner).map(|outbox| outbox.connection());
        if current != Some(connection) {
            self.depart(owner, connection);
        }
    }

    /// Changes whether the owner of `mailbox` takes part.
    pub(super) async fn set_takes_part(&self, mailbox: &Mailbox, takes: bool) -> Result<(), Error> {
        let _changing = mailbox.changing.lock().await;
        self.store.set_takes_part(mailbox.owner(), takes).await?;
        let mut state = mailbox.lock();
        state.takes_part = takes;
        if self.attendance.is_on() {
            self.reconsider(mailbox.owner(), &state);
        }
        Ok(())
    }

    fn may_be_seen(&self, state: &State) -> bool {
        state.takes_part && !state.is_gone && !state.bar.holds(self.clock.now())
    }

    fn admit(&self, owner: UserId, state: &State, connection: ConnectionId) {
        if self.may_be_seen(state) {
            let contacts = state.contacts.iter();
            let allowed = contacts.filter(|(_, state)| **state == ContactState::Allowed);
            let came = Sighting::Came {
                connection,
                allowed: allowed.map(|(user, _)| *user).collect(),
            };
            self.sight(owner, came);
        }
    }

    fn sight(&self, user: UserId, sighting: Sighting) {
        let Some(mut machine) = self.attendance.lock() else {
            return;
        };
        let notices = machine.handle(user, sighting, self.clock.now());
        self.spread(notices);
        drop(machine);
        self.attendance.deadline_changed.notify_one();
    }

    /// Tells the sessions, under the machine's lock: no two changes reach one in another order.
    fn spread(&self, notices: Vec<Notice>) {
        for Notice { to, about, online } in notices {
            if let Some(outbox) = self.hub.find(to) {
                outbox.offer(Event::Presence { about, online });
            }
        }
    }
}
