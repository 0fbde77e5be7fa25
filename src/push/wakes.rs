//! Whom to wake. Whoever was woken isn't again for a while, unless they came meanwhile: a flood of
//! messages is one push. No clock: the time is given.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::{BoundedMap, Timestamp, UserId};

/// Members who may wait to be woken. Beyond it nobody is added: the next message tries again.
const MOST_WAITING: usize = 10_000;
/// Members whose last wake is remembered. Of one who is forgotten for another, a push too many comes.
const MOST_REMEMBERED: usize = 50_000;

/// Whom to wake.
#[derive(Debug)]
pub(super) struct Wakes {
    pause: Duration,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    last: BoundedMap<UserId, Timestamp>,
    waiting: VecDeque<UserId>,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// They will be woken.
    Waiting,
    /// They were woken a moment ago.
    Woken,
    /// Too many wait.
    Full,
}

impl Wakes {
    /// Wakes nobody twice within `pause`, unless they came.
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            pause,
            state: Mutex::new(State {
                last: BoundedMap::new(MOST_REMEMBERED),
                waiting: VecDeque::new(),
            }),
            news: Notify::new(),
        }
    }

    /// There is something for `user`, who isn't here. Never waits.
    pub(super) fn add(&self, user: UserId, now: Timestamp) -> Noted {
        let mut state = self.lock();
        let last = state.last.peek(&user);
        // A clock that was set back doesn't silence anybody.
        if last.is_some_and(|last| *last <= now && now.since(*last) < self.pause) {
            return Noted::Woken;
        }
        if state.waiting.len() >= MOST_WAITING {
            return Noted::Full;
        }
        state.last.insert(user, now);
        state.waiting.push_back(user);
        drop(state);
        self.news.notify_one();
        Noted::Waiting
    }

    /// `user` came: what comes after they leave wakes them again.
    pub(super) fn arrived(&self, user: UserId) {
        self.lock().last.remove(&user);
    }

    /// The next to be woken. Cancelling loses nobody.
    pub(super) async fn next(&self) -> UserId {
        loop {
            let news = self.news.notified();
            if let Some(user) = self.lock().waiting.pop_front() {
                return user;
            }
            news.await;
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_mins(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_795_219_200_000 + seconds * 1000)
    }

    #[tokio::test]
    async fn nobody_is_woken_twice_within_the_pause_unless_they_came() {
        let wakes = Wakes::new(PAUSE);
        let user = UserId::random();
        assert_eq!(wakes.add(user, at(0)), Noted::Waiting);
        assert_eq!(wakes.next().await, user);
        assert_eq!(wakes.add(user, at(59)), Noted::Woken);
        assert_eq!(wakes.add(user, at(60)), Noted::Waiting);
        assert_eq!(wakes.add(user, at(61)), Noted::Woken);
        wakes.arrived(user);
        assert_eq!(wakes.add(user, at(62)), Noted::Waiting);
        assert_eq!(wakes.add(UserId::random(), at(62)), Noted::Waiting);
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let wakes = Wakes::new(PAUSE);
        for _ in 0..MOST_WAITING {
            assert_eq!(wakes.add(UserId::random(), at(0)), Noted::Waiting);
        }
        let late = UserId::random();
        assert_eq!(wakes.add(late, at(0)), Noted::Full);
        assert_eq!(wakes.len(), MOST_WAITING);
    }

    #[test]
    fn a_clock_that_was_set_back_silences_nobody() {
        let wakes = Wakes::new(PAUSE);
        let user = UserId::random();
        assert_eq!(wakes.add(user, at(1000)), Noted::Waiting);
        assert_eq!(wakes.add(user, at(0)), Noted::Waiting);
    }

    #[tokio::test]
    async fn whoever_waits_for_the_next_is_told() {
        let wakes = Wakes::new(PAUSE);
        let user = UserId::random();
        let (next, _) = tokio::join!(wakes.next(), async { wakes.add(user, at(0)) });
        assert_eq!(next, user);
    }
}
