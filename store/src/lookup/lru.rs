//! Values by key in the order of their last use.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A map that knows which of its values was not used for the longest time. Times are numbers that the caller counts up.
#[derive(Debug)]
pub(super) struct Lru<K, V> {
    entries: HashMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
}

impl<K, V> Default for Lru<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Lru<K, V> {
    /// The value of a key, which is used now.
    pub(super) fn touch(&mut self, key: &K, now: u64) -> Option<&mut V> {
        let (used, value) = self.entries.get_mut(key)?;
        if let Some(key) = self.order.remove(used) {
            self.order.insert(now, key);
        }
        *used = now;
        Some(value)
    }

    /// The value of a key, without using it.
    pub(super) fn peek(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Puts a value in and gives back the one that it takes the place of.
    pub(super) fn insert(&mut self, key: K, value: V, now: u64) -> Option<V> {
        let before = self.remove(&key);
        self.order.insert(now, key.clone());
        self.entries.insert(key, (now, value));
        before
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (used, value) = self.entries.remove(key)?;
        self.order.remove(&used);
        Some(value)
    }

    /// When the value that was not used for the longest time was used.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.order.first_key_value().map(|(used, _)| *used)
    }

    pub(super) fn pop_oldest(&mut self) -> Option<(K, V)> {
        let (_, key) = self.order.pop_first()?;
        let (_, value) = self.entries.remove(&key)?;
        Some((key, value))
    }

    /// The key that was not used for the longest time among those whose values pass.
    pub(super) fn oldest_where(&self, passes: impl Fn(&V) -> bool) -> Option<&K> {
        self.order.values().find(|key| self.peek(key).is_some_and(&passes))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
