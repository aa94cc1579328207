//! The options by which a commit waits for compactions and asks for full ones.

use super::{ChangelogProducer, CoreOptions, key, parse_duration_millis};
use crate::error::{Result, ResultExt};

impl CoreOptions {
    /// Whether a commit waits until the compactions of its buckets are done: `lookup-wait`, in tables that look up.
    pub fn prepare_commit_waits_for_compaction(&self) -> Result<bool> {
        Ok(self.lookup_wait()? && self.need_lookup()?)
    }

    /// `lookup-wait`, or the name it had before.
    fn lookup_wait(&self) -> Result<bool> {
        let name = if self.get(key::LOOKUP_WAIT).is_some() { key::LOOKUP_WAIT } else { key::LOOKUP_WAIT_OLD };
        self.flag_or(name, true)
    }

    /// Every how many commits the buckets written since are compacted fully: `full-compaction.delta-commits`; 1 where only a full
    /// compaction makes the changelog and nothing else says when. `None`: never by itself.
    pub fn full_compaction_delta_commits(&self) -> Result<Option<u32>> {
        let given: Option<i32> = match self.get(key::FULL_COMPACTION_DELTA_COMMITS) {
            Some(_) => Some(self.number(key::FULL_COMPACTION_DELTA_COMMITS, 1)?),
            None => None,
        };
        let produces = self.changelog_producer()? == ChangelogProducer::FullCompaction;
        Ok(match given {
            Some(commits) if commits >= 0 || produces => {
                Some(u32::try_from(commits).map_or(1, |commits| commits.max(1)))
            }
            Some(_) => None,
            None if produces && self.full_compaction_interval_millis()?.is_none() => Some(1),
            None => None,
        })
    }

    /// How long after one full compaction the next is due, milliseconds: `changelog-producer.compaction-interval`, which
    /// `full-compaction.delta-commits` overrides.
    pub fn full_compaction_interval_millis(&self) -> Result<Option<u64>> {
        if self.get(key::FULL_COMPACTION_DELTA_COMMITS).is_some() {
            return Ok(None);
        }
        let name = key::FULL_COMPACTION_INTERVAL;
        self.get(name).map(|text| parse_duration_millis(text).context(|| format!("the option {name}"))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> CoreOptions {
        CoreOptions::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn commits_wait_in_tables_that_look_up() {
        let waits = |pairs: &[_]| options(pairs).prepare_commit_waits_for_compaction().unwrap();
        assert!(!waits(&[]));
        assert!(!waits(&[("lookup-wait", "true")]));
        for looks_up in [
            ("changelog-producer", "lookup"),
            ("deletion-vectors.enabled", "true"),
            ("merge-engine", "first-row"),
            ("force-lookup", "true"),
        ] {
            assert!(waits(&[looks_up]));
            assert!(!waits(&[looks_up, ("lookup-wait", "false")]));
            assert!(!waits(&[looks_up, ("changelog-producer.lookup-wait", "false")]));
            assert!(waits(&[looks_up, ("lookup-wait", "true"), ("changelog-producer.lookup-wait", "false")]));
        }
    }

    #[test]
    fn full_compactions_are_due_by_commits_or_by_time() {
        let due = |pairs: &[_]| {
            let options = options(pairs);
            let commits = options.full_compaction_delta_commits().unwrap();
            (commits, options.full_compaction_interval_millis().unwrap())
        };
        let produces = ("changelog-producer", "full-compaction");
        let commits = |commits| ("full-compaction.delta-commits", commits);
        let interval = ("changelog-producer.compaction-interval", "2 min");
        assert_eq!(due(&[]), (None, None));
        assert_eq!(due(&[commits("3")]), (Some(3), None));
        assert_eq!(due(&[commits("0")]), (Some(1), None));
        assert_eq!(due(&[commits("-1")]), (None, None));
        assert_eq!(due(&[commits("-1"), produces]), (Some(1), None));
        assert_eq!(due(&[produces]), (Some(1), None));
        assert_eq!(due(&[produces, commits("3")]), (Some(3), None));
        assert_eq!(due(&[produces, interval]), (None, Some(120_000)));
        assert_eq!(due(&[interval]), (None, Some(120_000)));
        assert_eq!(due(&[interval, commits("4")]), (Some(4), None));
    }
}
