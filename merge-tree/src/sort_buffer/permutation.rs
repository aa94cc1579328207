//! The order of rows by normalised key.
//!
//! Goes in: keys in arrival order. Comes out: row numbers by ascending key, and where a new key begins. Invariants: rows of one key
//! stay in arrival order. Packed keys whose range leaves room for the row number in 64 bits are sorted by radix as one word each;
//! other keys that vary in 64 bits at most by radix as pairs; the rest by comparison.

use alluvium_format::{Error, Result};

use crate::normalized_key::{KeyStore, Keys, RowKeys, Word};

/// Digits of this many bits: their 2048 counters stay in the first-level cache.
const DIGIT_BITS_MAX: u32 = 11;

/// Below so many rows the counters of a radix sort cost more than comparing.
const RADIX_ROWS_MIN: usize = 512;

/// Row numbers by key.
pub(super) struct Permutation {
    pub(super) rows: Vec<u32>,
    /// For each of `rows`, whether its key is that of the row before.
    repeats: Vec<bool>,
}

impl Permutation {
    /// The order of `keys`. `Invalid` for more than 2³² rows.
    pub(super) fn of(keys: &Keys) -> Result<Self> {
        match keys {
            Keys::Packed64(keys) => of_words(keys.words()),
            Keys::Packed128(keys) => of_words(keys.words()),
            Keys::Rows(keys) => of_rows(keys),
        }
    }

    /// Calls `take` with the rows of each key, until it fails.
    #[inline]
    pub(super) fn for_each_key(&self, mut take: impl FnMut(&[u32]) -> Result<()>) -> Result<()> {
        let mut start = 0;
        for end in 1..=self.rows.len() {
            if end == self.rows.len() || !self.repeats[end] {
                take(&self.rows[start..end])?;
                start = end;
            }
        }
        Ok(())
    }

    /// From rows in order, each with a key that equals that of the row before or not.
    fn from_sorted<T>(sorted: &[T], row: impl Fn(&T) -> u32, same: impl Fn(&T, &T) -> bool) -> Self {
        let rows = sorted.iter().map(row).collect();
        let repeats = std::iter::once(false).chain(sorted.windows(2).map(|pair| same(&pair[0], &pair[1])));
        Self { rows, repeats: repeats.take(sorted.len()).collect() }
    }

    fn in_arrival_order(rows: u32) -> Self {
        Self { rows: (0..rows).collect(), repeats: vec![false; rows as usize] }
    }
}

fn row_count(rows: usize) -> Result<u32> {
    u32::try_from(rows).map_err(|_| Error::invalid(format!("{rows} rows are too many for one write buffer")))
}

fn of_words<W: Word>(keys: &[W]) -> Result<Permutation> {
    let rows = row_count(keys.len())?;
    let (Some(min), Some(max)) = (keys.iter().min(), keys.iter().max()) else {
        return Ok(Permutation::in_arrival_order(0));
    };
    if keys.is_sorted_by(|a, b| a < b) {
        return Ok(Permutation::in_arrival_order(rows));
    }
    let key_bits = u128::BITS - (max.to_u128() - min.to_u128()).leading_zeros();
    let row_bits = u32::BITS - rows.leading_zeros();
    let offset = |key: &W| u64::try_from(key.to_u128() - min.to_u128()).unwrap_or(u64::MAX);
    if key_bits + row_bits <= u64::BITS {
        let mut words: Vec<u64> = keys.iter().zip(0_u64..).map(|(key, row)| (offset(key) << row_bits) | row).collect();
        radix_sort(&mut words, Digits { shift: row_bits, bits: key_bits }, |word| *word);
        let row_mask = (1_u64 << row_bits) - 1;
        return Ok(Permutation::from_sorted(
            &words,
            |word| u32::try_from(word & row_mask).unwrap_or(u32::MAX),
            |a, b| a >> row_bits == b >> row_bits,
        ));
    }
    if key_bits <= u64::BITS {
        let mut pairs: Vec<(u64, u32)> = keys.iter().map(offset).zip(0..).collect();
        radix_sort(&mut pairs, Digits { shift: 0, bits: key_bits }, |pair| pair.0);
        return Ok(Permutation::from_sorted(&pairs, |pair| pair.1, |a, b| a.0 == b.0));
    }
    let mut pairs: Vec<(W, u32)> = keys.iter().copied().zip(0..).collect();
    pairs.sort_unstable();
    Ok(Permutation::from_sorted(&pairs, |pair| pair.1, |a, b| a.0 == b.0))
}

fn of_rows(keys: &RowKeys) -> Result<Permutation> {
    let rows = row_count(keys.len())?;
    if keys.first_descent().is_none() {
        return Ok(Permutation::in_arrival_order(rows));
    }
    let tails = |a: &(u128, u32), b: &(u128, u32)| keys.compare_tails(a.1 as usize, keys, b.1 as usize);
    let mut pairs: Vec<(u128, u32)> = keys.heads().iter().copied().zip(0..).collect();
    pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| tails(a, b)).then(a.1.cmp(&b.1)));
    Ok(Permutation::from_sorted(&pairs, |pair| pair.1, |a, b| a.0 == b.0 && tails(a, b).is_eq()))
}

/// The bits of a word that are sorted by.
#[derive(Clone, Copy)]
struct Digits {
    shift: u32,
    bits: u32,
}

/// Sorts by the given bits of `word_of`, stable, lowest digit first; digits that all items share are skipped.
fn radix_sort<T: Copy + Default>(items: &mut Vec<T>, digits: Digits, word_of: impl Fn(&T) -> u64) {
    let mask_of = |bits: u32| if bits >= u64::BITS { u64::MAX } else { (1_u64 << bits) - 1 };
    if items.len() < RADIX_ROWS_MIN {
        let mask = mask_of(digits.bits);
        items.sort_by_key(|item| (word_of(item) >> digits.shift) & mask);
        return;
    }
    let passes = digits.bits.div_ceil(DIGIT_BITS_MAX).max(1);
    let width = digits.bits.div_ceil(passes).max(1);
    let mut scattered = vec![T::default(); items.len()];
    let mut counts = vec![0_usize; 1 << width];
    for pass in 0..passes {
        let shift = digits.shift + pass * width;
        let left = digits.bits.saturating_sub(pass * width).min(width);
        let mask = mask_of(left);
        let digit = |item: &T| usize::try_from((word_of(item) >> shift) & mask).unwrap_or(0);
        counts.fill(0);
        for item in items.iter() {
            counts[digit(item)] += 1;
        }
        if items.first().is_some_and(|item| counts[digit(item)] == items.len()) {
            continue;
        }
        let mut start = 0;
        for count in &mut counts {
            start += std::mem::replace(count, start);
        }
        for item in items.iter() {
            let at = &mut counts[digit(item)];
            scattered[*at] = *item;
            *at += 1;
        }
        std::mem::swap(items, &mut scattered);
    }
}
