//! User to outbox.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outbox::{Farewell, Outbox, Weigh};
use crate::base::UserId;

/// Every session that stands. Cheap to clone.
pub struct Hub<E> {
    sessions: Arc<Mutex<Sessions<E>>>,
}

type Sessions<E> = HashMap<UserId, Arc<Outbox<E>>>;

/// A session's place in the hub, given up on drop.
pub struct Registration<E: Weigh> {
    hub: Hub<E>,
    user: UserId,
    outbox: Arc<Outbox<E>>,
}

impl<E: Weigh> Hub<E> {
    /// Takes a session in. Of two sessions of one user the newer connection stays and the other is
    /// told so, in whatever order they come.
    pub fn register(&self, user: UserId, outbox: Arc<Outbox<E>>) -> Registration<E> {
        let replaced = match self.lock().entry(user) {
            Entry::Vacant(place) => {
                place.insert(outbox.clone());
                None
            }
            Entry::Occupied(mut place) => {
                if place.get().connection() < outbox.connection() {
                    Some(place.insert(outbox.clone()))
                } else {
                    Some(outbox.clone())
                }
            }
        };
        if let Some(replaced) = replaced {
            replaced.close(Farewell::Replaced);
        }
        Registration {
            hub: self.clone(),
            user,
            outbox,
        }
    }

    /// The session of `user`, if one stands.
    pub fn find(&self, user: UserId) -> Option<Arc<Outbox<E>>> {
        self.lock().get(&user).cloned()
    }

    /// Ends the session of `user`, if one stands.
    pub fn close(&self, user: UserId, farewell: Farewell) {
        if let Some(outbox) = self.find(user) {
            outbox.close(farewell);
        }
    }

    /// Ends every session.
    pub fn close_all(&self, farewell: Farewell) {
        let everyone: Vec<_> = self.lock().values().cloned().collect();
        for outbox in everyone {
            outbox.close(farewell);
        }
    }

    /// How many users are connected.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Sessions<E>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Weigh> Registration<E> {
    /// Gives the place up now. Whether it was this session's, and not one's that replaced it.
    pub fn give_up(&mut self) -> bool {
        let mut sessions = self.hub.lock();
        if let Entry::Occupied(place) = sessions.entry(self.user)
            && place.get().connection() == self.outbox.connection()
        {
            place.remove();
            return true;
        }
        false
    }
}

impl<E: Weigh> Drop for Registration<E> {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<E> Clone for Hub<E> {
    fn clone(&self) -> Self {
        Self {
            sessions: self.sessions.clone(),
        }
    }
}

impl<E> Default for Hub<E> {
    fn default() -> Self {
        Self {
            sessions: Arc::default(),
        }
    }
}

impl<E> fmt::Debug for Hub<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl<E: Weigh> fmt::Debug for Registration<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::outbox::OutboxLimits;
    use super::*;
    use crate::base::ConnectionId;

    struct Nothing;

    impl Weigh for Nothing {
        fn weight(&self) -> usize {
            0
        }
    }

    fn outbox() -> Arc<Outbox<Nothing>> {
        let limits = OutboxLimits {
            events: 1,
            bytes: 1,
        };
        Arc::new(Outbox::new(ConnectionId::next(), limits))
    }

    async fn farewell(outbox: &Outbox<Nothing>) -> Option<Farewell> {
        outbox.take(&mut Vec::new(), 1).await.err()
    }

    #[tokio::test]
    async fn the_newer_connection_stays_in_whatever_order_they_come() {
        let (older, newer) = (outbox(), outbox());
        for order in [[&older, &newer], [&newer, &older]] {
            let hub = Hub::default();
            let user = UserId::random();
            let mut places = order.map(|outbox| hub.register(user, outbox.clone()));
            assert_eq!(hub.find(user).unwrap().connection(), newer.connection());
            let gave_up = places.iter_mut().map(Registration::give_up);
            assert_eq!(gave_up.filter(|had_it| *had_it).count(), 1);
        }
        assert_eq!(farewell(&older).await, Some(Farewell::Replaced));
    }

    #[test]
    fn a_place_is_given_up_only_by_the_session_that_holds_it() {
        let hub = Hub::default();
        let user = UserId::random();
        let old = hub.register(user, outbox());
        let new = hub.register(user, outbox());
        drop(old);
        assert_eq!(hub.len(), 1);
        drop(new);
        assert!(hub.is_empty());
    }
}
