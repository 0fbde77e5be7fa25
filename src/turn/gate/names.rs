//! Whose a credential's random name is, as long as somebody remembers.

use crate::base::{BoundedMap, Timestamp, UserId};

/// Names kept at once: a few for each of ten thousand members, about 10 MiB when full. Beyond it
/// the oldest is forgotten, and counts by itself.
const CAPACITY: usize = 65_536;

/// Names looked at for expiry whenever one is added, so that the map shrinks faster than it grows.
const PURGED_AT_ONCE: usize = 2;

/// On whose account an allocation goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A member's.
    User(UserId),
    /// A credential that nobody vouched for: handed out before a restart, or by another box. On a
    /// relay of its own every holder is such a name, and limits per user are limits per credential.
    Name(Box<str>),
}

/// Whether a credential is honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is, as long as it is signed and fresh.
    Honoured,
    /// Its user was evicted.
    Refused,
}

#[derive(Debug)]
struct Known {
    user: UserId,
    expires: Timestamp,
    standing: Standing,
}

/// The names that were vouched for.
#[derive(Debug)]
pub(super) struct Names(BoundedMap<Box<str>, Known>);

impl Default for Names {
    fn default() -> Self {
        Self(BoundedMap::new(CAPACITY))
    }
}

impl Names {
    pub(super) fn remember(
        &mut self,
        username: &str,
        user: UserId,
        expires: Timestamp,
        now: Timestamp,
    ) {
        for _ in 0..PURGED_AT_ONCE {
            self.0.remove_oldest_if(|_, known| known.expires <= now);
        }
        let known = Known {
            user,
            expires,
            standing: Standing::Honoured,
        };
        self.0.insert(username.into(), known);
    }

    /// Forgets names that have expired, the oldest first. How many.
    pub(super) fn forget_expired(&mut self, now: Timestamp) -> usize {
        self.0.remove_while(|_, known| known.expires <= now)
    }

    pub(super) fn holder(&self, username: &str) -> Holder {
        self.0.peek(username).map_or_else(
            || Holder::Name(username.into()),
            |known| Holder::User(known.user),
        )
    }

    pub(super) fn standing(&self, username: &str) -> Standing {
        self.0
            .peek(username)
            .map_or(Standing::Honoured, |known| known.standing)
    }

    pub(super) fn is_refused(&self, username: &str) -> bool {
        self.standing(username) == Standing::Refused
    }

    /// Refuses every name of a user that is remembered; a name given out later is honoured.
    pub(super) fn refuse(&mut self, user: UserId) -> Vec<Box<str>> {
        let theirs: Vec<Box<str>> = self
            .0
            .iter()
            .filter(|(_, known)| known.user == user)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &theirs {
            if let Some(known) = self.0.touch(name) {
                known.standing = Standing::Refused;
            }
        }
        theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_user_is_let_in_with_a_later_name_only() {
        let (anna, bert) = (UserId::random(), UserId::random());
        let later = Timestamp::from_millis(1_000);
        let mut names = Names::default();
        names.remember("a1", anna, later, Timestamp::default());
        names.remember("b1", bert, later, Timestamp::default());
        assert_eq!(names.refuse(anna), [Box::from("a1")]);
        names.remember("a2", anna, later, Timestamp::default());
        assert!(names.is_refused("a1"));
        assert!(!names.is_refused("a2") && !names.is_refused("b1") && !names.is_refused("c1"));
    }

    #[test]
    fn a_forgotten_name_counts_by_itself() {
        let anna = UserId::random();
        let mut names = Names::default();
        names.remember("a1", anna, Timestamp::from_millis(5), Timestamp::default());
        assert_eq!(names.holder("a1"), Holder::User(anna));
        names.remember(
            "a2",
            anna,
            Timestamp::from_millis(9),
            Timestamp::from_millis(5),
        );
        assert_eq!(names.holder("a1"), Holder::Name("a1".into()));
    }

    #[test]
    fn where_no_name_is_added_expired_ones_are_forgotten_when_asked() {
        let anna = UserId::random();
        let mut names = Names::default();
        for (name, expires) in [("a1", 5), ("a2", 9)] {
            let expires = Timestamp::from_millis(expires);
            names.remember(name, anna, expires, Timestamp::default());
        }
        assert_eq!(names.forget_expired(Timestamp::from_millis(4)), 0);
        assert_eq!(names.forget_expired(Timestamp::from_millis(8)), 1);
        assert_eq!(names.holder("a1"), Holder::Name("a1".into()));
        assert_eq!(names.holder("a2"), Holder::User(anna));
    }
}
