//! When the buckets that were written are compacted fully.
//!
//! Goes in: the identifier of a commit, and the time. Comes out: whether the full compactions are due, which then go into that commit.
//! Pure. Answers to `org.apache.paimon.flink.sink.GlobalFullCompactionSinkWrite` and
//! `FullCompactedStartingScanner.isFullCompactedIdentifier`.

use alluvium_format::snapshot::BATCH_COMMIT_IDENTIFIER;
use alluvium_format::{CoreOptions, Result};

/// When full compactions are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullCompactions {
    interval: Interval,
    /// When the last ones were committed, milliseconds since 1970; `None`: not by this writer.
    last_millis: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interval {
    /// Never by themselves.
    Never,
    /// With commits whose identifiers are multiples of this.
    Commits(i64),
    /// So many milliseconds after the last ones.
    Millis(i64),
}

impl Interval {
    fn of(options: &CoreOptions) -> Result<Self> {
        Ok(match (options.full_compaction_delta_commits()?, options.full_compaction_interval_millis()?) {
            (Some(commits), _) => Self::Commits(i64::from(commits.max(1))),
            (None, Some(millis)) => Self::Millis(i64::try_from(millis).unwrap_or(i64::MAX)),
            (None, None) => Self::Never,
        })
    }
}

impl FullCompactions {
    /// As the options say.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn of(options: &CoreOptions) -> Result<Self> {
        Ok(Self { interval: Interval::of(options)?, last_millis: None })
    }

    /// As the options say from now on.
    ///
    /// # Errors
    /// `Invalid` for a wrong option.
    pub fn under(&self, options: &CoreOptions) -> Result<Self> {
        Ok(Self { interval: Interval::of(options)?, last_millis: self.last_millis })
    }

    /// Whether they go into the commit of this identifier at this time.
    pub fn are_due(&self, identifier: i64, now_millis: i64) -> bool {
        match self.interval {
            Interval::Never => false,
            Interval::Commits(commits) => identifier % commits == 0 || identifier == BATCH_COMMIT_IDENTIFIER,
            Interval::Millis(millis) => {
                self.last_millis.is_none_or(|last| now_millis.saturating_sub(last) >= millis)
                    || identifier == BATCH_COMMIT_IDENTIFIER
            }
        }
    }

    /// They were committed at this time.
    pub fn done(&mut self, now_millis: i64) {
        self.last_millis = Some(now_millis);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> FullCompactions {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        FullCompactions::of(&CoreOptions::new(pairs.collect())).unwrap()
    }

    #[test]
    fn commits_are_counted_by_their_identifiers() {
        let every_third = of(&[("full-compaction.delta-commits", "3")]);
        let due: Vec<i64> = (1..10).filter(|identifier| every_third.are_due(*identifier, 0)).collect();
        assert_eq!(due, [3, 6, 9]);
        assert!(every_third.are_due(i64::MAX, 0), "a job that commits once compacts fully");
        assert!(!of(&[]).are_due(3, 0));
    }

    #[test]
    fn time_is_counted_from_the_last_ones_and_the_first_come_at_once() {
        let mut by_time = of(&[("changelog-producer.compaction-interval", "1 s")]);
        assert!(by_time.are_due(1, 5_000));
        by_time.done(5_000);
        assert!(!by_time.are_due(2, 5_999));
        assert!(by_time.are_due(2, 6_000));
    }
}
