//! A compact map from the hashes of keys to the buckets of these keys: six bytes a place, two thirds of the places taken at most.
//!
//! Goes in: hashes with buckets. Comes out: the bucket of a hash, and the hashes of buckets. Invariants: a hash has one bucket; nothing is
//! ever taken out. Answers to `org.apache.paimon.utils.Int2ShortHashMap`.

/// Marks a place without a hash; no bucket has this number.
const NONE: u16 = u16::MAX;
/// Places at the beginning; a power of two.
const PLACES_MIN: usize = 64;
/// Knuth's multiplier, 2^32 by the golden ratio: it spreads hashes that have low bits in common.
const SPREAD: u32 = 0x9E37_79B1;

/// A hash in halves, so that the place is aligned to two bytes, with its bucket.
#[derive(Clone, Copy, Debug)]
struct Place {
    high: u16,
    low: u16,
    bucket: u16,
}

const EMPTY: Place = Place { high: 0, low: 0, bucket: NONE };

impl Place {
    fn of(hash: i32, bucket: u16) -> Self {
        let hash = hash.cast_unsigned();
        Self { high: (hash >> 16) as u16, low: (hash & 0xffff) as u16, bucket }
    }

    fn hash(self) -> i32 {
        ((u32::from(self.high) << 16) | u32::from(self.low)).cast_signed()
    }
}

/// The bucket of each hash.
#[derive(Clone, Debug, Default)]
pub(super) struct HashBuckets {
    /// As many as a power of two, or none.
    places: Vec<Place>,
    len: usize,
}

impl HashBuckets {
    /// Room for so many hashes.
    pub(super) fn with_capacity(hashes: usize) -> Self {
        let mut map = Self::default();
        if hashes > 0 {
            map.places = vec![EMPTY; (hashes + hashes / 2 + 1).next_power_of_two().max(PLACES_MIN)];
        }
        map
    }

    /// How many hashes there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What it takes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<Place>()
    }

    /// The bucket of a hash.
    #[inline]
    pub(super) fn get(&self, hash: i32) -> Option<u16> {
        let place = self.places.get(self.find(hash)?)?;
        (place.bucket != NONE).then_some(place.bucket)
    }

    /// Gives a hash a bucket; the one it had is forgotten.
    pub(super) fn insert(&mut self, hash: i32, bucket: u16) {
        if (self.len + 1) * 3 > self.places.len() * 2 {
            self.grow();
        }
        let Some(at) = self.find(hash) else { return };
        if let Some(place) = self.places.get_mut(at) {
            self.len += usize::from(place.bucket == NONE);
            *place = Place::of(hash, bucket);
        }
    }

    /// All hashes with their buckets, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i32, u16)> + '_ {
        let taken = self.places.iter().filter(|place| place.bucket != NONE);
        taken.map(|place| (place.hash(), place.bucket))
    }

    /// The place of a hash, or the free one that it would get.
    #[inline]
    fn find(&self, hash: i32) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        // The highest bits of the product are the best ones.
        let spread = hash.cast_unsigned().wrapping_mul(SPREAD);
        let mut at = spread.rotate_left(self.places.len().trailing_zeros()) as usize & mask;
        let wanted = Place::of(hash, NONE);
        loop {
            let place = self.places.get(at)?;
            if place.bucket == NONE || (place.high, place.low) == (wanted.high, wanted.low) {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let places = (self.places.len() * 2).max(PLACES_MIN);
        let before = std::mem::replace(&mut self.places, vec![EMPTY; places]);
        for place in before.into_iter().filter(|place| place.bucket != NONE) {
            if let Some(free) = self.find(place.hash())
                && let Some(free) = self.places.get_mut(free)
            {
                *free = place;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]

    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Many that differ in their high bits only, some that are anything.
    fn hashes() -> impl Strategy<Value = i32> {
        prop_oneof![(0..200i32).prop_map(|hash| hash << 20), any::<i32>(), 0..50i32, Just(i32::MIN), Just(-1)]
    }

    proptest! {
        #[test]
        fn is_a_map(inserts in prop::collection::vec((hashes(), 0..32_767u16), 0..600), capacity in 0..300usize) {
            let (mut map, mut model) = (HashBuckets::with_capacity(capacity), HashMap::new());
            for (hash, bucket) in &inserts {
                prop_assert_eq!(map.get(*hash), model.get(hash).copied());
                map.insert(*hash, *bucket);
                model.insert(*hash, *bucket);
                prop_assert_eq!(map.get(*hash), Some(*bucket));
            }
            prop_assert_eq!(map.len(), model.len());
            prop_assert_eq!(map.iter().collect::<HashMap<_, _>>(), model);
        }
    }

    #[test]
    fn takes_nine_bytes_a_hash_at_best() {
        assert_eq!(size_of::<Place>(), 6);
        let mut map = HashBuckets::default();
        assert_eq!((map.bytes(), map.get(0)), (0, None));
        (0..87_381).for_each(|hash| map.insert(hash, 1));
        assert_eq!(map.bytes(), 6 << 17);
    }
}
