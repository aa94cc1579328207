//! What came of the sequences, by kind of table: how many both sides wrote, how many Java wrote alone, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use alluvium_interop::alluvium::REFUSED;

/// What came of one sequence.
#[derive(Default)]
pub(super) struct Outcome {
    labels: BTreeSet<String>,
    /// Whether there is such a table.
    pub(super) created: bool,
    /// Whether Alluvium read it, every time.
    pub(super) read: bool,
    written: bool,
    refusals: BTreeSet<String>,
}

impl Outcome {
    pub(super) fn new(labels: &[String]) -> Self {
        Self { labels: labels.iter().cloned().collect(), ..Self::default() }
    }

    pub(super) fn label(&mut self, label: &str) {
        self.labels.insert(label.to_owned());
    }

    /// Notes what Alluvium refused; only what is known to be missing may be.
    pub(super) fn refused(&mut self, why: String) {
        assert!(REFUSED.iter().any(|known| why.contains(known)), "{why} is refused, which is not among what may be");
        // Without the name of a file.
        let what = why.split(" (").next().unwrap_or(&why);
        self.refusals.insert(what.to_owned());
    }

    /// Notes what came of a write or a compaction by Alluvium; whether it was done.
    pub(super) fn noted(&mut self, result: Result<(), String>) -> bool {
        let done = result.is_ok();
        self.written |= done;
        result.unwrap_or_else(|why| self.refused(why));
        done
    }
}

#[derive(Default)]
struct Counts {
    mixed: usize,
    java_alone: usize,
    unread: usize,
}

/// What came of all sequences.
#[derive(Default)]
pub(super) struct Tally {
    kinds: BTreeMap<String, Counts>,
    all: Counts,
    impossible: usize,
    refusals: BTreeMap<String, usize>,
    failed: Vec<u64>,
}

impl Tally {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        if !outcome.created {
            self.impossible += 1;
            return;
        }
        for why in &outcome.refusals {
            *self.refusals.entry(why.clone()).or_default() += 1;
        }
        self.all.count(outcome);
        for label in &outcome.labels {
            self.kinds.entry(label.clone()).or_default().count(outcome);
        }
    }

    pub(super) fn failed(&mut self, seed: u64) {
        self.failed.push(seed);
    }

    pub(super) fn assert(&self) {
        assert!(self.failed.is_empty(), "these sequences differ, as said above: {:?}", self.failed);
        // A sequence or two may be of what Java writes alone.
        let few = self.all.java_alone + self.impossible < 20;
        assert!(few || self.all.mixed > 0, "no table was written by both");
    }
}

impl Counts {
    fn count(&mut self, outcome: &Outcome) {
        if outcome.written {
            self.mixed += 1;
        } else {
            self.java_alone += 1;
        }
        self.unread += usize::from(!outcome.read);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mixed, java_alone, unread } = self;
        write!(f, "{mixed} written by both, {java_alone} by Java alone, {unread} not read by Alluvium")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tables: {}; {} cannot be, as both say; {} differ", self.all, self.impossible, self.failed.len())?;
        for (kind, counts) in &self.kinds {
            writeln!(f, "  {kind}: {counts}")?;
        }
        for (why, count) in &self.refusals {
            writeln!(f, "  refused by Alluvium in {count}: {why}")?;
        }
        Ok(())
    }
}
