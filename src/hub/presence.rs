//! Who sees that somebody is there, decided without sockets or clock.
//!
//! Somebody takes part who asked for it and may be seen; the caller lets nobody else in. Two see each
//! other while both take part and each allows the other: whoever shows nothing sees nothing.
//!
//! ```text
//!             away         arriving      seen                 leaving
//! Came        arriving     arriving      seen                 seen
//! Left        away         away          leaving              leaving
//! Withdrawn   away         away          away, told at once   away, told at once
//! time                     seen, told                         away, told
//! ```
//!
//! * *told*: to those who see them and have a session. A reconnect within [`Pace::leaving`] shows
//!   nothing, nor does a connection that is shorter than [`Pace::arriving`].
//! * A new session is told who is there, and nothing of the others: until it is told otherwise,
//!   everybody is away for it.
//! * Blocking, removing a contact, switching off, and what operators do look the same to the other
//!   side: as if somebody had left.
//!
//! What is kept for one who takes part is whom they allow, 16 bytes each, and the store bounds how
//! many those are; of those who don't take part nothing is kept.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::base::{ConnectionId, Timestamp, UserId};

#[cfg(test)]
mod tests;

/// How long coming and going take to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long somebody must be connected before they are seen.
    pub arriving: Duration,
    /// How long somebody is still seen without a session.
    pub leaving: Duration,
}

impl Default for Pace {
    /// A phone that wakes up to fetch messages isn't seen, and one that changes networks stays.
    fn default() -> Self {
        Self {
            arriving: Duration::from_secs(3),
            leaving: Duration::from_secs(10),
        }
    }
}

/// What happens to somebody, apart from time passing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// They take part with this session, which takes the place of an older one.
    Came {
        /// The session.
        connection: ConnectionId,
        /// Whom they allow; asked for only when they begin to take part.
        allowed: Vec<UserId>,
    },
    /// This session of theirs is over.
    Left(ConnectionId),
    /// They take part no longer.
    Withdrawn,
    /// They allow this other now.
    Allowed(UserId),
    /// They don't allow this other any more.
    Disallowed(UserId),
}

/// What to tell the session of one user about others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom to tell.
    pub to: UserId,
    /// Of whom; never empty.
    pub about: Vec<UserId>,
    /// Whether they are there now.
    pub online: bool,
}

/// Everybody who takes part.
#[derive(Debug)]
pub struct Presence {
    pace: Pace,
    people: HashMap<UserId, Person>,
    deadlines: BTreeSet<(Timestamp, UserId)>,
    notices: Vec<Notice>,
}

#[derive(Debug)]
struct Person {
    /// Whom they allow, sorted.
    allowed: Vec<UserId>,
    session: Option<ConnectionId>,
    is_seen: bool,
    /// When that changes, if nothing happens before. Listed in [`Presence::deadlines`].
    changes: Option<Timestamp>,
}

impl Person {
    fn allows(&self, other: UserId) -> bool {
        self.allowed.binary_search(&other).is_ok()
    }
}

impl Presence {
    /// Nobody takes part.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            people: HashMap::new(),
            deadlines: BTreeSet::new(),
            notices: Vec::new(),
        }
    }

    /// Takes in what happened to `user` at `now`, and says who is to be told what, in this order;
    /// what was due before comes first.
    pub fn handle(&mut self, user: UserId, sighting: Sighting, now: Timestamp) -> Vec<Notice> {
        self.pass_time(now);
        match sighting {
            Sighting::Came {
                connection,
                allowed,
            } => self.come(user, connection, allowed, now),
            Sighting::Left(connection) => self.leave(user, connection, now),
            Sighting::Withdrawn => self.withdraw(user),
            Sighting::Allowed(other) => self.allow(user, other),
            Sighting::Disallowed(other) => self.disallow(user, other),
        }
        std::mem::take(&mut self.notices)
    }

    /// When [`Presence::handle_timeout`] is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(moment, _)| *moment)
    }

    /// Does what is due by `now`. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Vec<Notice> {
        self.pass_time(now);
        std::mem::take(&mut self.notices)
    }

    fn come(
        &mut self,
        user: UserId,
        connection: ConnectionId,
        mut allowed: Vec<UserId>,
        now: Timestamp,
    ) {
        let person = self.people.entry(user).or_insert_with(|| {
            allowed.sort_unstable();
            allowed.dedup();
            Person {
                allowed,
                session: None,
                is_seen: false,
                changes: None,
            }
        });
        if person.session.is_some_and(|newer| newer >= connection) {
            return;
        }
        person.session = Some(connection);
        let (is_seen, is_arriving) = (person.is_seen, person.changes.is_some());
        if is_seen {
            self.list(user, None);
        } else if !is_arriving {
            self.list(user, Some(now.saturating_add(self.pace.arriving)));
        }
        let there = self.seen_by(user);
        self.tell(user, there, true);
    }

    fn leave(&mut self, user: UserId, connection: ConnectionId, now: Timestamp) {
        let Some(person) = self.people.get_mut(&user) else {
            return;
        };
        if person.session != Some(connection) {
            return;
        }
        person.session = None;
        if person.is_seen {
            self.list(user, Some(now.saturating_add(self.pace.leaving)));
        } else {
            self.forget(user);
        }
    }

    fn withdraw(&mut self, user: UserId) {
        let Some(person) = self.people.get(&user) else {
            return;
        };
        if person.session.is_some() {
            let there = self.seen_by(user);
            self.tell(user, there, false);
        }
        if self.people.get(&user).is_some_and(|person| person.is_seen) {
            self.announce(user, false);
        }
        self.forget(user);
    }

    fn allow(&mut self, user: UserId, other: UserId) {
        let Some(person) = self.people.get_mut(&user) else {
            return;
        };
        if let Err(place) = person.allowed.binary_search(&other) {
            person.allowed.insert(place, other);
            self.tell_each_other(user, other, true);
        }
    }

    fn disallow(&mut self, user: UserId, other: UserId) {
        let Some(person) = self.people.get(&user) else {
            return;
        };
        if let Ok(place) = person.allowed.binary_search(&other) {
            self.tell_each_other(user, other, false);
            if let Some(person) = self.people.get_mut(&user) {
                person.allowed.remove(place);
            }
        }
    }

    /// Two who allow each other begin to see each other, or are about to cease.
    fn tell_each_other(&mut self, one: UserId, other: UserId, online: bool) {
        if one == other || !self.are_mutual(one, other) {
            return;
        }
        for (to, about) in [(one, other), (other, one)] {
            let is_there = |user: UserId| self.people.get(&user).is_some_and(|it| it.is_seen);
            if is_there(about) && self.has_session(to) {
                self.tell(to, vec![about], online);
            }
        }
    }

    fn pass_time(&mut self, now: Timestamp) {
        while let Some((moment, user)) = self.deadlines.first().copied() {
            if moment > now {
                return;
            }
            self.list(user, None);
            let has_session = self.has_session(user);
            if let Some(person) = self.people.get_mut(&user) {
                person.is_seen = has_session;
            }
            self.announce(user, has_session);
            if !has_session {
                self.forget(user);
            }
        }
    }

    /// Tells everybody who sees `user`, and has a session to be told in.
    fn announce(&mut self, user: UserId, online: bool) {
        let Some(person) = self.people.get(&user) else {
            return;
        };
        let watchers: Vec<_> = person
            .allowed
            .iter()
            .copied()
            .filter(|other| self.has_session(*other) && self.are_mutual(user, *other))
            .collect();
        for watcher in watchers {
            self.tell(watcher, vec![user], online);
        }
    }

    /// Whom `user` sees.
    fn seen_by(&self, user: UserId) -> Vec<UserId> {
        let Some(person) = self.people.get(&user) else {
            return Vec::new();
        };
        let is_seen = |other: &&UserId| {
            let other = self.people.get(*other);
            other.is_some_and(|other| other.is_seen && other.allows(user))
        };
        let others = person.allowed.iter().filter(|other| **other != user);
        others.filter(is_seen).copied().collect()
    }

    fn are_mutual(&self, one: UserId, other: UserId) -> bool {
        let allows = |who: UserId, whom| self.people.get(&who).is_some_and(|it| it.allows(whom));
        one != other && allows(one, other) && allows(other, one)
    }

    fn has_session(&self, user: UserId) -> bool {
        let person = self.people.get(&user);
        person.is_some_and(|person| person.session.is_some())
    }

    fn tell(&mut self, to: UserId, about: Vec<UserId>, online: bool) {
        if !about.is_empty() {
            self.notices.push(Notice { to, about, online });
        }
    }

    /// Lists somebody under the moment at which they change, or not at all.
    fn list(&mut self, user: UserId, changes: Option<Timestamp>) {
        let Some(person) = self.people.get_mut(&user) else {
            return;
        };
        let listed = std::mem::replace(&mut person.changes, changes);
        if let Some(moment) = listed {
            self.deadlines.remove(&(moment, user));
        }
        if let Some(moment) = changes {
            self.deadlines.insert((moment, user));
        }
    }

    fn forget(&mut self, user: UserId) {
        self.list(user, None);
        self.people.remove(&user);
    }
}
