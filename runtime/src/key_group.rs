//! Key groups: the pieces that keyed state is dealt out in.
//!
//! Goes in: the hash of a key. Comes out: its group, and the subtask that has the group. A key is in the same group for ever, whatever the
//! parallelism is; the groups of a subtask are side by side.

/// How many key groups there are: Flink's default maximum parallelism.
pub const KEY_GROUPS: usize = 128;

/// The group of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyGroup(u8);

impl KeyGroup {
    /// The group of a key with this hash: its seven highest bits.
    #[must_use]
    pub fn of_hash(hash: u64) -> Self {
        Self(u8::try_from(hash >> 57).unwrap_or(u8::MAX))
    }

    /// The subtask that has it, of so many.
    #[must_use]
    pub fn subtask(self, parallelism: usize) -> usize {
        usize::from(self.0) * parallelism / KEY_GROUPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subtask_has_groups_side_by_side() {
        for parallelism in 1..=KEY_GROUPS {
            let owners: Vec<usize> = (0..128).map(|group| KeyGroup(group).subtask(parallelism)).collect();
            assert!(owners.is_sorted(), "{parallelism}: {owners:?}");
            let mut distinct = owners.clone();
            distinct.dedup();
            assert_eq!(distinct, (0..parallelism).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_group_is_the_highest_bits() {
        assert_eq!(KeyGroup::of_hash(0), KeyGroup(0));
        assert_eq!(KeyGroup::of_hash(1 << 57), KeyGroup(1));
        assert_eq!(KeyGroup::of_hash(u64::MAX), KeyGroup(127));
    }
}
