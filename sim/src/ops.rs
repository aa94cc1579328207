//! Random work on a table, drawn from a seed.
//!
//! Goes in: a seed and how large. Comes out: steps, the changes of each checkpoint among them; [`Workload::checkpoints`] has them.
//! Invariants: with an order column, a late change never follows a delete of its key, because a delete is forgotten when it is
//! compacted away; the last step is a commit.

use std::collections::BTreeMap;

use alluvium_format::RowKind;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::model_table::{Change, ModelTable, RowKey};

/// How far behind the newest order a late change may be.
const LATENESS: i64 = 8;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write a batch.
    Write(Vec<Change>),
    /// Commit what was written, under this identifier.
    Commit(i64),
    /// Replace the rows of the partitions that were written by what was written, under this identifier.
    Overwrite(i64),
    /// Compact with a dedicated compactor, as its rules pick.
    Compact,
    /// Compact everything.
    CompactFully,
    /// Close the writer and open it again.
    Reopen,
}

/// How large and of what kind.
#[derive(Clone, Debug)]
pub struct WorkloadOptions {
    /// Commits.
    pub checkpoints: usize,
    /// At most so many changes in a batch, and one at least.
    pub batch_changes_max: usize,
    /// Partitions 0 up to this, without it.
    pub partitions: i32,
    /// Ids of rows, 0 up to this, without it.
    pub ids: i64,
    /// Whether changes have an order.
    pub order: OrderColumn,
    /// One in so many commits is an overwrite; 0: none.
    pub overwrite_one_in: u32,
}

/// Whether changes have a value of a sequence field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderColumn {
    /// Null in all.
    None,
    /// Mostly rising, sometimes late, sometimes null.
    Late,
}

impl Default for WorkloadOptions {
    fn default() -> Self {
        Self {
            checkpoints: 4,
            batch_changes_max: 24,
            partitions: 1,
            ids: 40,
            order: OrderColumn::None,
            overwrite_one_in: 0,
        }
    }
}

/// Random steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// What to do, in order.
    pub steps: Vec<Step>,
}

impl Workload {
    /// The work of a seed.
    pub fn random(seed: u64, options: &WorkloadOptions) -> Self {
        let mut generator = Generator::new(seed, options);
        let mut steps = Vec::new();
        for identifier in 1..=i64::try_from(options.checkpoints).unwrap_or(i64::MAX) {
            for _ in 0..generator.random.random_range(1..=3) {
                steps.push(Step::Write(generator.batch()));
            }
            let overwrites = options.overwrite_one_in > 0 && generator.random.random_ratio(1, options.overwrite_one_in);
            steps.push(if overwrites { Step::Overwrite(identifier) } else { Step::Commit(identifier) });
            match generator.random.random_range(0..8) {
                0 => steps.push(Step::Compact),
                1 => steps.push(Step::CompactFully),
                2 => steps.push(Step::Reopen),
                _ => {}
            }
        }
        while steps.pop_if(|step| step.identifier().is_none()).is_some() {}
        Self { steps }
    }

    /// The batches of each checkpoint, by identifier: what a source that replays would give again.
    pub fn checkpoints(&self) -> BTreeMap<i64, Vec<Vec<Change>>> {
        let mut checkpoints = BTreeMap::new();
        let mut batches = Vec::new();
        for step in &self.steps {
            match step {
                Step::Write(changes) => batches.push(changes.clone()),
                Step::Commit(identifier) | Step::Overwrite(identifier) => {
                    checkpoints.insert(*identifier, std::mem::take(&mut batches));
                }
                Step::Compact | Step::CompactFully | Step::Reopen => {}
            }
        }
        checkpoints
    }

    /// What the table holds once all is committed.
    pub fn model(&self) -> ModelTable {
        let mut model = ModelTable::default();
        let checkpoints = self.checkpoints();
        for step in &self.steps {
            let changes = || step.identifier().and_then(|at| checkpoints.get(&at)).into_iter().flatten().flatten();
            if let Step::Overwrite(_) = step {
                changes().for_each(|change| model.clear_partition(change.key.0));
            }
            model.apply(changes());
        }
        model
    }
}

impl Step {
    /// The identifier of a commit or an overwrite.
    pub fn identifier(&self) -> Option<i64> {
        match self {
            Self::Commit(identifier) | Self::Overwrite(identifier) => Some(*identifier),
            Self::Write(_) | Self::Compact | Self::CompactFully | Self::Reopen => None,
        }
    }
}

struct Generator<'a> {
    random: StdRng,
    options: &'a WorkloadOptions,
    /// What was written so far, committed or not.
    model: ModelTable,
    deleted: BTreeMap<RowKey, Option<i64>>,
    newest: i64,
    written: u64,
}

impl<'a> Generator<'a> {
    fn new(seed: u64, options: &'a WorkloadOptions) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { random, options, model: ModelTable::default(), deleted: BTreeMap::new(), newest: 0, written: 0 }
    }

    fn batch(&mut self) -> Vec<Change> {
        let length = self.random.random_range(1..=self.options.batch_changes_max.max(1));
        (0..length).map(|_| self.change()).collect()
    }

    fn change(&mut self) -> Change {
        let partition = self.random.random_range(0..self.options.partitions.max(1));
        let key = (partition, self.random.random_range(0..self.options.ids.max(1)));
        let kind = match self.random.random_range(0..10) {
            0 | 1 => RowKind::Delete,
            2 => RowKind::UpdateBefore,
            3..=5 => RowKind::UpdateAfter,
            _ => RowKind::Insert,
        };
        let order = self.order(key, kind);
        if kind.is_retract() {
            self.deleted.insert(key, order);
        }
        self.written += 1;
        let value = (!self.written.is_multiple_of(7)).then(|| format!("v{}", self.written));
        let change = Change { kind, key, order, value };
        self.model.apply([&change]);
        change
    }

    fn order(&mut self, key: RowKey, kind: RowKind) -> Option<i64> {
        if self.options.order == OrderColumn::None {
            return None;
        }
        self.newest += self.random.random_range(0..3);
        let late = match self.random.random_range(0..8) {
            0 => None,
            1 | 2 => Some(self.newest - self.random.random_range(0..LATENESS)),
            _ => Some(self.newest),
        };
        let floor =
            if kind.is_retract() { self.model.order_of(key) } else { self.deleted.get(&key).copied().flatten() };
        late.max(floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_work_and_another_seed_other_work() {
        let options = WorkloadOptions::default();
        assert_eq!(Workload::random(5, &options), Workload::random(5, &options));
        assert_ne!(Workload::random(5, &options), Workload::random(6, &options));
    }

    #[test]
    fn work_has_all_steps_and_ends_with_a_commit() {
        let options = WorkloadOptions { checkpoints: 100, partitions: 3, ..WorkloadOptions::default() };
        let work = Workload::random(1, &options);
        assert_eq!(work.checkpoints().len(), 100);
        assert_eq!(work.steps.last(), Some(&Step::Commit(100)));
        for step in [Step::Compact, Step::CompactFully, Step::Reopen] {
            assert!(work.steps.contains(&step), "{step:?}");
        }
        assert!(work.checkpoints().values().all(|batches| batches.iter().any(|batch| !batch.is_empty())));
        let partitions: std::collections::BTreeSet<i32> = work.model().rows().keys().map(|key| key.0).collect();
        assert_eq!(partitions.len(), 3);
    }

    #[test]
    fn an_overwrite_replaces_the_partitions_that_are_written() {
        let change = |partition, id| Change { kind: RowKind::Insert, key: (partition, id), order: None, value: None };
        let steps = vec![
            Step::Write(vec![change(0, 1), change(1, 1)]),
            Step::Commit(1),
            Step::Write(vec![change(1, 2)]),
            Step::Overwrite(2),
        ];
        let rows = Workload { steps }.model().rows();
        assert_eq!(rows.keys().collect::<Vec<_>>(), [&(0, 1), &(1, 2)]);
    }

    /// A table forgets a delete when it compacts it away: the model must not depend on remembering one.
    #[test]
    fn no_change_is_late_behind_a_delete() {
        let options = WorkloadOptions { checkpoints: 50, order: OrderColumn::Late, ..WorkloadOptions::default() };
        let work = Workload::random(2, &options);
        let (mut deleted, mut late) = (BTreeMap::new(), 0);
        let mut newest = None;
        for change in work.checkpoints().values().flatten().flatten() {
            if let Some(order) = deleted.get(&change.key) {
                assert!(change.order >= *order, "{change:?}");
            }
            if change.kind.is_retract() {
                deleted.insert(change.key, change.order);
            }
            late += i32::from(change.order < newest);
            newest = newest.max(change.order);
        }
        assert!(late > 20, "{late} late changes");
    }
}
