//! A search that is fast where what is looked for is near.
//!
//! Goes in: a range, and a condition that holds for a beginning of it. Comes out: the end of that beginning. Steps double until the condition
//! fails, then they halve.

use std::ops::Range;

/// The first of `rows` that is not `below`, which holds for a beginning of them; the end of `rows` when it holds for all.
#[inline]
pub(crate) fn gallop(rows: Range<usize>, below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (rows.start, 1);
    while low < rows.end && below((low + step - 1).min(rows.end - 1)) {
        low = (low + step).min(rows.end);
        step *= 2;
    }
    let mut high = (low + step - 1).min(rows.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::gallop;

    #[test]
    fn it_finds_the_end_of_every_beginning() {
        for length in 0..40 {
            for end in 0..=length {
                assert_eq!(gallop(7..7 + length, |row| row < 7 + end), 7 + end, "{end} of {length}");
            }
        }
    }
}
