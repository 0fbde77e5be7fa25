//! Maps that strangers can fill, and that stay small all the same.

use std::borrow::Borrow;
use std::hash::Hash;
use std::num::NonZeroUsize;

use lru::LruCache;

/// A map of at most so many entries: a new one beyond that displaces the least recently used.
pub struct BoundedMap<K: Hash + Eq, V>(LruCache<K, V>);

impl<K: Hash + Eq, V> BoundedMap<K, V> {
    /// An empty map of at most `capacity` entries (at least one). Memory is taken as it fills.
    pub fn new(capacity: usize) -> Self {
        let mut map = LruCache::unbounded();
        map.resize(NonZeroUsize::new(capacity).unwrap_or(NonZeroUsize::MIN));
        Self(map)
    }

    /// Puts `value` in, and hands back what had to go for it: the old value, or the oldest entry.
    pub fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        self.0.push(key, value)
    }

    /// The value at `key`, which counts as used now.
    pub fn touch<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key)
    }

    /// The value at `key`, made by `default` where there is none.
    pub fn entry(&mut self, key: K, default: impl FnOnce() -> V) -> &mut V {
        self.0.get_or_insert_mut(key, default)
    }

    /// The value at `key`, without counting as a use.
    pub fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.peek(key)
    }

    /// Takes the value at `key` out.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.pop(key)
    }

    /// The least recently used entry, without counting as a use.
    pub fn oldest(&self) -> Option<(&K, &V)> {
        self.0.peek_lru()
    }

    /// Takes the least recently used entry out if `is_stale` says so of it.
    pub fn remove_oldest_if(&mut self, is_stale: impl FnOnce(&K, &V) -> bool) -> Option<(K, V)> {
        let (key, value) = self.0.peek_lru()?;
        if is_stale(key, value) {
            self.0.pop_lru()
        } else {
            None
        }
    }

    /// Takes the least recently used entries out, up to the first that isn't stale. How many.
    pub fn remove_while(&mut self, is_stale: impl Fn(&K, &V) -> bool) -> usize {
        let before = self.len();
        while self.remove_oldest_if(&is_stale).is_some() {}
        before - self.len()
    }

    /// Every entry, the most recently used first.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Hash + Eq, V> std::fmt::Debug for BoundedMap<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BoundedMap({} of {})", self.0.len(), self.0.cap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_makes_room() {
        let mut map = BoundedMap::new(2);
        assert_eq!(map.insert(1, 'a'), None);
        map.insert(2, 'b');
        map.touch(&1);
        assert_eq!(map.insert(3, 'c'), Some((2, 'b')));
        assert_eq!(map.len(), 2);
        assert!(map.peek(&1).is_some() && map.peek(&3).is_some());
    }

    #[test]
    fn only_a_stale_entry_is_taken() {
        let mut map = BoundedMap::new(2);
        map.insert(1, 10);
        assert_eq!(map.remove_oldest_if(|_, age| *age > 10), None);
        assert_eq!(map.remove_oldest_if(|_, age| *age >= 10), Some((1, 10)));
        assert!(map.is_empty());
    }

    #[test]
    fn stale_entries_go_up_to_the_first_that_is_not() {
        let mut map = BoundedMap::new(4);
        for (key, age) in [(1, 30), (2, 20), (3, 10), (4, 20)] {
            map.insert(key, age);
        }
        assert_eq!(map.remove_while(|_, age| *age >= 20), 2);
        assert_eq!(map.remove_while(|_, age| *age >= 20), 0);
        assert!(map.peek(&3).is_some() && map.peek(&4).is_some());
    }
}
