//! The options of buckets that do not follow from the key: how keys get the bucket in which they stay, now or later.
//!
//! Answers to `dynamic-bucket.*`, `cross-partition-upsert.*` and `postpone.*` of `org.apache.paimon.CoreOptions`.

use super::{CoreOptions, key, parse_duration_millis};
use crate::error::{Result, ResultExt};

/// Buckets are 16-bit numbers in Java's index, and the highest one marks none.
pub const DYNAMIC_BUCKETS_MAX: i32 = 32_767;
/// Paimon gives each assigner a task of its own.
const ASSIGNERS_MAX: i32 = 32_767;

impl CoreOptions {
    /// `dynamic-bucket.target-row-num`: how many keys a bucket is given before there is another one.
    pub fn dynamic_bucket_target_rows(&self) -> Result<u64> {
        let name = key::DYNAMIC_BUCKET_TARGET_ROW_NUM;
        match self.number(name, 2_000_000)? {
            0 => Err(self.invalid(name, "1 or more")),
            rows => Ok(rows),
        }
    }

    /// `dynamic-bucket.max-buckets`: how many buckets a partition may have, [`DYNAMIC_BUCKETS_MAX`] where it is not set, or -1. Further
    /// keys go to those that are there.
    pub fn dynamic_bucket_max_buckets(&self) -> Result<Option<i32>> {
        let name = key::DYNAMIC_BUCKET_MAX_BUCKETS;
        match self.number(name, -1)? {
            -1 => Ok(None),
            buckets @ 1..=DYNAMIC_BUCKETS_MAX => Ok(Some(buckets)),
            _ => Err(self.invalid(name, format!("1 to {DYNAMIC_BUCKETS_MAX}, or -1 for no limit"))),
        }
    }

    /// `dynamic-bucket.initial-buckets`: with how many buckets a partition begins.
    pub fn dynamic_bucket_initial_buckets(&self) -> Result<Option<i32>> {
        self.assigners(key::DYNAMIC_BUCKET_INITIAL_BUCKETS)
    }

    /// `dynamic-bucket.assigner-parallelism`: how many assigners there are, each with buckets of its own.
    pub fn dynamic_bucket_assigner_parallelism(&self) -> Result<Option<i32>> {
        self.assigners(key::DYNAMIC_BUCKET_ASSIGNER_PARALLELISM)
    }

    fn assigners(&self, name: &str) -> Result<Option<i32>> {
        match self.get(name) {
            None => Ok(None),
            Some(_) => match self.number(name, 0)? {
                assigners @ 1..=ASSIGNERS_MAX => Ok(Some(assigners)),
                _ => Err(self.invalid(name, format!("1 to {ASSIGNERS_MAX}"))),
            },
        }
    }

    /// `cross-partition-upsert.index-ttl`, milliseconds: after so long it is forgotten in which partition a key is.
    pub fn cross_partition_index_ttl_millis(&self) -> Result<Option<u64>> {
        let name = key::CROSS_PARTITION_INDEX_TTL;
        let parse = |text| parse_duration_millis(text).context(|| format!("the option {name}"));
        self.get(name).map(parse).transpose()
    }

    /// `cross-partition-upsert.bootstrap-parallelism`: so many buckets at a time are read at most when a writer begins.
    pub fn cross_partition_bootstrap_parallelism(&self) -> Result<usize> {
        let name = key::CROSS_PARTITION_BOOTSTRAP_PARALLELISM;
        match self.number(name, 10)? {
            0 => Err(self.invalid(name, "1 or more")),
            buckets => Ok(buckets),
        }
    }

    /// `postpone.default-bucket-num`: how many buckets a partition gets when rows of it first get theirs.
    pub fn postpone_default_bucket_num(&self) -> Result<i32> {
        let name = key::POSTPONE_DEFAULT_BUCKET_NUM;
        match self.number(name, 1)? {
            buckets @ 1.. => Ok(buckets),
            _ => Err(self.invalid(name, "1 or more")),
        }
    }

    /// Checks the options of such buckets.
    pub(super) fn validate_dynamic_bucket(&self) -> Result<()> {
        self.cross_partition_index_ttl_millis()?;
        self.cross_partition_bootstrap_parallelism()?;
        self.postpone_default_bucket_num()?;
        self.dynamic_bucket_target_rows()?;
        self.dynamic_bucket_max_buckets()?;
        self.dynamic_bucket_initial_buckets()?;
        self.dynamic_bucket_assigner_parallelism().map(drop)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs)]

    use super::*;

    fn options(pairs: &[(&str, &str)]) -> CoreOptions {
        CoreOptions::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_is_set_is_obeyed() {
        let none = options(&[]);
        assert_eq!(none.dynamic_bucket_target_rows().unwrap(), 2_000_000);
        assert_eq!(none.dynamic_bucket_max_buckets().unwrap(), None);
        assert_eq!(none.dynamic_bucket_initial_buckets().unwrap(), None);
        assert_eq!(none.dynamic_bucket_assigner_parallelism().unwrap(), None);
        let set = options(&[
            ("dynamic-bucket.target-row-num", "3"),
            ("dynamic-bucket.max-buckets", "4"),
            ("dynamic-bucket.initial-buckets", "2"),
            ("dynamic-bucket.assigner-parallelism", "5"),
        ]);
        assert_eq!(set.dynamic_bucket_target_rows().unwrap(), 3);
        assert_eq!(set.dynamic_bucket_max_buckets().unwrap(), Some(4));
        assert_eq!(set.dynamic_bucket_initial_buckets().unwrap(), Some(2));
        assert_eq!(set.dynamic_bucket_assigner_parallelism().unwrap(), Some(5));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("dynamic-bucket.target-row-num", "0"),
            ("dynamic-bucket.max-buckets", "0"),
            ("dynamic-bucket.max-buckets", "40000"),
            ("dynamic-bucket.initial-buckets", "0"),
            ("dynamic-bucket.assigner-parallelism", "many"),
            ("cross-partition-upsert.index-ttl", "soon"),
            ("cross-partition-upsert.bootstrap-parallelism", "0"),
            ("postpone.default-bucket-num", "0"),
        ] {
            let error = options(&[(name, value)]).validate_dynamic_bucket().unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
