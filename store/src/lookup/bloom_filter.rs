//! A bloom filter over the keys of a block: most blocks that do not have a key are never read for it.
//!
//! Goes in: hashes of keys. Comes out: whether a key may be there. Invariant: wrong only in saying yes. It lives in memory only, so that
//! its form is nobody's format. Answers to `org.apache.paimon.utils.BloomFilter`.

/// More would make a filter slower than the read it spares.
const HASHES_MAX: f64 = 16.0;

/// How large filters are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BloomShape {
    bits_per_key: f64,
    hashes: u32,
}

impl BloomShape {
    /// Of filters with this share of false positives, which is between 0 and 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to HASHES_MAX")]
    pub(super) fn of(false_positives: f64) -> Self {
        let ln2 = std::f64::consts::LN_2;
        let bits_per_key = -false_positives.ln() / (ln2 * ln2);
        Self { bits_per_key, hashes: (bits_per_key * ln2).round().clamp(1.0, HASHES_MAX) as u32 }
    }
}

/// The filter of some keys.
#[derive(Clone, Debug)]
pub(super) struct BloomFilter {
    words: Box<[u64]>,
    hashes: u32,
}

impl BloomFilter {
    /// The filter of keys with these hashes.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "keys of one block are few"
    )]
    pub(super) fn of(shape: BloomShape, keys: impl ExactSizeIterator<Item = u64>) -> Self {
        let bits = (keys.len() as f64 * shape.bits_per_key).ceil() as usize;
        let mut filter = Self { words: vec![0; bits.div_ceil(64).max(1)].into(), hashes: shape.hashes };
        for hash in keys {
            for at in 0..filter.hashes {
                let (word, bit) = filter.place(hash, at);
                if let Some(word) = filter.words.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        filter
    }

    /// Whether a key of this hash may be there.
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        (0..self.hashes).all(|at| {
            let (word, bit) = self.place(hash, at);
            self.words.get(word).is_some_and(|word| word & bit != 0)
        })
    }

    /// The bit of a hash: two halves make all that are needed.
    fn place(&self, hash: u64, at: u32) -> (usize, u64) {
        let (low, high) = (hash & u64::from(u32::MAX), hash >> 32);
        let mixed = (low + u64::from(at) * (high | 1)) & u64::from(u32::MAX);
        let bit = (mixed * (self.words.len() as u64 * 64)) >> 32;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.words)
    }
}

#[cfg(test)]
mod tests {
    #![allow(missing_docs)]

    use super::*;

    /// Numbers with bits all over.
    fn hash(key: u64) -> u64 {
        let key = key.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (key ^ (key >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) ^ (key >> 32)
    }

    #[test]
    fn what_is_there_is_found_and_little_else() {
        for share in [0.5, 0.05, 0.001] {
            for keys in [1_u64, 100, 4096] {
                let filter = BloomFilter::of(
                    BloomShape::of(share),
                    (0..usize::try_from(keys).unwrap()).map(|key| hash(key as u64)),
                );
                assert!((0..keys).all(|key| filter.may_hold(hash(key))), "{share} {keys}");
                let wrong = (keys..keys + 10_000).filter(|key| filter.may_hold(hash(*key))).count();
                assert!((wrong as f64) < 10_000.0 * share * 1.5 + 20.0, "{wrong} of 10000 at {share} with {keys} keys");
            }
        }
    }

    #[test]
    fn a_filter_of_nothing_holds_nothing() {
        let filter = BloomFilter::of(BloomShape::of(0.05), std::iter::empty());
        assert!((0..100).all(|key| !filter.may_hold(hash(key))));
    }
}
