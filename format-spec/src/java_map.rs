//! A hash map whose entries come out in the order in which Java's `HashMap` yields them.
//!
//! Arrays that Paimon collects in a `HashSet` or `HashMap` have that order, and it is kept in files; with another one, a value merged
//! here and one merged by Paimon would be two values. Goes in: keys with the hash codes they have in Java. Comes out: values by bucket,
//! in a bucket in the order of its chain. Invariants: the table doubles exactly when Java's does. What is not followed is a chain of
//! more than eight keys of one bucket in a table of 64 buckets or more: Java makes a tree of it, here it stays a chain.
//! Answers to `java.util.HashMap` of JDK 17.

use crate::binary_row::BinaryRow;

/// A key as it is in Java.
pub trait JavaKey {
    /// `hashCode()`.
    fn hash_code(&self) -> i32;
    /// `equals(other)`.
    fn equals(&self, other: &Self) -> bool;
}

/// A `String` as a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JavaString(pub String);

impl JavaKey for JavaString {
    fn hash_code(&self) -> i32 {
        string_hash_code(&self.0)
    }

    fn equals(&self, other: &Self) -> bool {
        self == other
    }
}

impl JavaKey for BinaryRow {
    fn hash_code(&self) -> i32 {
        self.hash()
    }

    fn equals(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

/// `String.hashCode()`.
pub fn string_hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

const INITIAL_BUCKETS: usize = 16;
/// A chain longer than this makes Java build a tree, or double a table that is small.
const CHAIN_MAX: usize = 8;
/// A table of fewer buckets is doubled before a tree is built.
const TREE_BUCKETS_MIN: usize = 64;

#[derive(Debug)]
struct Entry<K, V> {
    spread: u32,
    key: K,
    value: V,
}

/// Java's `HashMap`.
#[derive(Debug)]
pub struct JavaMap<K, V> {
    buckets: Vec<Vec<Entry<K, V>>>,
    len: usize,
}

impl<K: JavaKey, V> Default for JavaMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: JavaKey, V> JavaMap<K, V> {
    /// `new HashMap<>()`.
    pub fn new() -> Self {
        Self { buckets: empty(INITIAL_BUCKETS), len: 0 }
    }

    /// `put`: the value of a key that is there is replaced, and the key stays.
    pub fn put(&mut self, key: K, value: V) {
        let spread = spread(&key);
        let bucket = self.bucket_mut(spread);
        if let Some(at) = position(bucket, spread, &key) {
            bucket[at].value = value;
            return;
        }
        bucket.push(Entry { spread, key, value });
        let chain_grew_long = bucket.len() > CHAIN_MAX;
        self.len += 1;
        if chain_grew_long {
            self.double_a_small_table();
        }
        if self.is_over_threshold() {
            self.double();
        }
    }

    /// `computeIfAbsent`: the value of the key, which is the default where the key was not there. A new key becomes the head of its
    /// chain, and the table doubles before one is added that does not fit, not after.
    pub fn compute_if_absent(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        if self.is_over_threshold() {
            self.double();
        }
        let spread = spread(&key);
        let bucket = self.bucket_mut(spread);
        if let Some(at) = position(bucket, spread, &key) {
            return &mut self.bucket_mut(spread)[at].value;
        }
        bucket.insert(0, Entry { spread, key, value: V::default() });
        if bucket.len() >= CHAIN_MAX {
            self.double_a_small_table();
        }
        self.len += 1;
        &mut self.bucket_mut(spread)[0].value
    }

    /// `get`.
    pub fn get(&self, key: &K) -> Option<&V> {
        let spread = spread(key);
        let bucket = &self.buckets[spread as usize & (self.buckets.len() - 1)];
        position(bucket, spread, key).map(|at| &bucket[at].value)
    }

    /// `remove`.
    pub fn remove(&mut self, key: &K) {
        let spread = spread(key);
        let bucket = self.bucket_mut(spread);
        if let Some(at) = position(bucket, spread, key) {
            bucket.remove(at);
            self.len -= 1;
        }
    }

    /// All entries, in Java's order.
    pub fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        self.buckets.into_iter().flatten().map(|entry| (entry.key, entry.value))
    }

    fn bucket_mut(&mut self, spread: u32) -> &mut Vec<Entry<K, V>> {
        let mask = self.buckets.len() - 1;
        &mut self.buckets[spread as usize & mask]
    }

    fn is_over_threshold(&self) -> bool {
        self.len > self.buckets.len() / 4 * 3
    }

    fn double_a_small_table(&mut self) {
        if self.buckets.len() < TREE_BUCKETS_MIN {
            self.double();
        }
    }

    /// Twice the buckets; the entries of one keep their order in the two that it becomes.
    fn double(&mut self) {
        let doubled = empty(self.buckets.len() * 2);
        for entry in std::mem::replace(&mut self.buckets, doubled).into_iter().flatten() {
            self.bucket_mut(entry.spread).push(entry);
        }
    }
}

fn empty<T>(buckets: usize) -> Vec<Vec<T>> {
    (0..buckets).map(|_| Vec::new()).collect()
}

fn spread(key: &impl JavaKey) -> u32 {
    let hash = key.hash_code().cast_unsigned();
    hash ^ (hash >> 16)
}

fn position<K: JavaKey, V>(bucket: &[Entry<K, V>], spread: u32, key: &K) -> Option<usize> {
    bucket.iter().position(|entry| entry.spread == spread && entry.key.equals(key))
}
