//! The merge for one form of keys.
//!
//! Goes in: batches with their normalised keys. Comes out: addresses of surviving rows, or of all rows key by key, gathered into
//! batches. Invariants: the group holds records of one key, from different runs; slots are dropped when output is gathered and no
//! cursor is in them.

use std::cmp::Ordering;
use std::collections::VecDeque;

use alluvium_format::{Error, ErrorKind, Result};

use super::slot::Slot;
use super::{MergeParts, MergeStep, Output, RETAINED_BATCHES_PER_RUN};
use crate::gallop::gallop;
use crate::key_groups::KeyGroups;
use crate::key_value::KeyValueBatch;
use crate::loser_tree::LoserTree;
use crate::merge_function::{Address, Candidates, Records, SingleRecords};
use crate::normalized_key::KeyStore;

/// After so many rows of one run in a row, rows are searched for the end of the stretch instead of played one by one.
const GALLOP_AFTER: usize = 8;

/// A stretch of so many rows leaves as a slice of its batch; a shorter one is cheaper copied than handled as a batch.
const SLICE_ROWS: usize = 1024;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    /// In a slot, at a row.
    At {
        slot: usize,
        row: usize,
    },
    /// Behind the last row of a slot, or before the first one of all.
    Waiting {
        last_slot: Option<usize>,
    },
    Ended,
}

#[derive(Debug)]
pub(super) struct Merger<K: KeyStore> {
    parts: MergeParts,
    cursors: Vec<Cursor>,
    /// The head of each run; `None` when it ended.
    heads: Vec<Option<K::Head>>,
    tree: Option<LoserTree>,
    slots: Vec<Slot<K>>,
    /// The records of the current key.
    group: Vec<Address>,
    /// The rows to gather.
    pending: Vec<Address>,
    /// Where the keys of the rows to gather end, if all records of a key are.
    ends: Vec<u32>,
    ready: VecDeque<MergeStep>,
    /// The run that won last, and how often in a row.
    streak: (usize, usize),
    finished: bool,
}

impl<K: KeyStore> Merger<K> {
    pub(super) fn new(parts: MergeParts) -> Self {
        let runs = parts.runs;
        Self {
            parts,
            cursors: vec![Cursor::Waiting { last_slot: None }; runs],
            heads: vec![None; runs],
            tree: None,
            slots: Vec::new(),
            group: Vec::new(),
            pending: Vec::new(),
            ends: Vec::new(),
            ready: VecDeque::new(),
            streak: (0, GALLOP_AFTER),
            finished: runs == 0,
        }
    }

    pub(super) fn step(&mut self) -> Result<MergeStep> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(ready);
            }
            if self.finished {
                return Ok(MergeStep::Done);
            }
            if let Some(run) = self.cursors.iter().position(|cursor| matches!(cursor, Cursor::Waiting { .. })) {
                return Ok(MergeStep::Need(run));
            }
            let mut tree = match self.tree.take() {
                Some(tree) => tree,
                None => LoserTree::build(self.cursors.len(), |a, b| self.less(a, b)),
            };
            let advanced = self.advance(&mut tree);
            self.tree = Some(tree);
            advanced?;
        }
    }

    pub(super) fn feed(&mut self, run: usize, level: i32, batch: Option<KeyValueBatch>) -> Result<()> {
        let Some(Cursor::Waiting { last_slot }) = self.cursors.get(run).copied() else {
            return Err(Error::internal(format!("run {run} of a merge was fed without need")));
        };
        let cursor = match batch {
            None => {
                self.heads[run] = None;
                Cursor::Ended
            }
            Some(batch) if batch.num_rows() == 0 => return Ok(()),
            Some(batch) => {
                let slot = self.slot_of(run, last_slot, level, batch)?;
                self.heads[run] = Some(slot.keys.head(0));
                self.slots.push(slot);
                Cursor::At { slot: self.slots.len() - 1, row: 0 }
            }
        };
        self.cursors[run] = cursor;
        if let Some(mut tree) = self.tree.take() {
            tree.replay(run, |a, b| self.less(a, b));
            self.tree = Some(tree);
        }
        Ok(())
    }

    /// Checks a batch and makes its keys.
    fn slot_of(&self, run: usize, last_slot: Option<usize>, level: i32, batch: KeyValueBatch) -> Result<Slot<K>> {
        let types = batch.values.schema_ref().fields().iter().map(|field| field.data_type());
        if !types.eq(self.parts.schema.fields().iter().map(|field| field.data_type())) {
            return Err(Error::invalid(format!("a batch of run {run} has other columns than the merge")));
        }
        let keys = K::from_keys(self.parts.key.encode(std::iter::once(&batch.values))?)
            .ok_or_else(|| Error::internal("keys came in another form than their encoder said"))?;
        let sequence_keys = match &self.parts.sequence {
            Some(encoder) => Some(encoder.encode(std::iter::once(&batch.values))?),
            None => None,
        };
        let across = last_slot.and_then(|last| self.slots.get(last)).is_some_and(|last| {
            let before = last.keys.len().saturating_sub(1);
            last.keys.compare(before, &keys, 0).is_ge()
        });
        if let Some(row) = if across { Some(0) } else { keys.first_descent() } {
            let what = format!(
                "run {run} of a merge is not in strict key order at row {row} of a batch: \
                 a file of it is damaged or was not written as a sorted run"
            );
            return Err(Error::new(ErrorKind::Corrupt, what));
        }
        Ok(Slot { batch, level, keys, sequence_keys })
    }

    /// The order of runs by their heads; ended runs are last. Runs of equal heads are in the order of their numbers.
    #[inline]
    fn less(&self, a: usize, b: usize) -> bool {
        match (self.heads[a], self.heads[b]) {
            (Some(head_a), Some(head_b)) => match head_a.cmp(&head_b) {
                Ordering::Less => true,
                Ordering::Greater => false,
                Ordering::Equal => self.compare_tails(a, b).then(a.cmp(&b)).is_lt(),
            },
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    #[inline]
    fn compare_tails(&self, a: usize, b: usize) -> Ordering {
        match (self.cursors[a], self.cursors[b]) {
            (Cursor::At { slot: slot_a, row: row_a }, Cursor::At { slot: slot_b, row: row_b }) => {
                self.slots[slot_a].keys.compare_tails(row_a, &self.slots[slot_b].keys, row_b)
            }
            _ => Ordering::Equal,
        }
    }

    /// Takes records until output is ready, a run has no more rows here, or all runs ended.
    fn advance(&mut self, tree: &mut LoserTree) -> Result<()> {
        loop {
            let run = tree.winner();
            let Cursor::At { slot, row } = self.cursors[run] else {
                self.settle()?;
                self.gather()?;
                self.finished = true;
                return Ok(());
            };
            if let Some((first_slot, first_row)) = self.group.first().copied()
                && self.slots[first_slot].keys.compare(first_row, &self.slots[slot].keys, row).is_ne()
            {
                self.settle()?;
                if self.is_full() {
                    self.gather()?;
                    return Ok(());
                }
            }
            self.streak = if self.streak.0 == run { (run, self.streak.1 + 1) } else { (run, 0) };
            let mut next = row + 1;
            if self.group.is_empty() && self.streak.1 >= GALLOP_AFTER {
                next = self.stretch(tree, slot, row);
            }
            if next <= row + 1 {
                next = row + 1;
                self.group.push((slot, row));
            } else {
                self.take_stretch(slot, row..next)?;
            }
            if !self.move_cursor(run, next) {
                return Ok(());
            }
            tree.replay(run, |a, b| self.less(a, b));
            if !self.ready.is_empty() {
                return Ok(());
            }
        }
    }

    /// Whether enough rows wait for a batch of output, or too many batches for theirs.
    #[inline]
    fn is_full(&self) -> bool {
        let retained_max = (1 + RETAINED_BATCHES_PER_RUN) * self.cursors.len();
        self.pending.len() >= self.parts.target_rows || self.slots.len() > retained_max
    }

    /// Puts the cursor of `run` on a row of its slot; `false` when that is behind the last.
    #[inline]
    fn move_cursor(&mut self, run: usize, row: usize) -> bool {
        let Cursor::At { slot, .. } = self.cursors[run] else { return false };
        let keys = &self.slots[slot].keys;
        if row < keys.len() {
            self.heads[run] = Some(keys.head(row));
            self.cursors[run] = Cursor::At { slot, row };
            true
        } else {
            self.cursors[run] = Cursor::Waiting { last_slot: Some(slot) };
            false
        }
    }

    /// The end of the rows from `row` on that are below the heads of all other runs.
    fn stretch(&mut self, tree: &LoserTree, slot: usize, row: usize) -> usize {
        let keys = &self.slots[slot].keys;
        let bound = tree.runner_up(|a, b| self.less(a, b)).map(|run| self.cursors[run]);
        let Some(Cursor::At { slot: bound_slot, row: bound_row }) = bound else {
            return keys.len();
        };
        let bound = &self.slots[bound_slot].keys;
        let below = |row: usize| keys.compare(row, bound, bound_row).is_lt();
        let end = gallop(row..keys.len(), below);
        if end < row + GALLOP_AFTER {
            self.streak.1 = 0;
        }
        end
    }

    /// Takes rows that no other run has records for.
    fn take_stretch(&mut self, slot: usize, rows: std::ops::Range<usize>) -> Result<()> {
        if rows.len() < SLICE_ROWS {
            for row in rows {
                self.take_single((slot, row));
            }
            return if self.is_full() { self.gather() } else { Ok(()) };
        }
        let Slot { batch, level, .. } = &self.slots[slot];
        let whole = rows.len() == batch.num_rows();
        let batch = if whole { batch.clone() } else { batch.slice(rows.start, rows.len()) };
        let level = *level;
        self.gather()?;
        self.ready.push_back(match self.parts.output {
            Output::Survivors(..) | Output::Merged(_) => MergeStep::Ready(batch),
            Output::Groups => MergeStep::Groups(KeyGroups::of_single_records(batch, level)?),
        });
        Ok(())
    }

    /// Takes the only record of a key.
    #[inline]
    fn take_single(&mut self, address: Address) {
        self.pending.push(address);
        if !matches!(self.parts.output, Output::Survivors(..)) {
            self.end_key();
        }
    }

    fn end_key(&mut self) {
        self.ends.push(u32::try_from(self.pending.len()).unwrap_or(u32::MAX));
    }

    /// Ends the group: what is left of it waits to be gathered.
    #[inline]
    fn settle(&mut self) -> Result<()> {
        if let [address] = self.group[..] {
            self.take_single(address);
        } else if !self.group.is_empty() {
            self.settle_many()?;
        }
        self.group.clear();
        Ok(())
    }

    fn settle_many(&mut self) -> Result<()> {
        let slots = &self.slots;
        self.group.sort_by(|&(a, row_a), &(b, row_b)| slots[a].merge_order(row_a, &slots[b], row_b));
        match &self.parts.output {
            Output::Groups | Output::Merged(_) => {
                self.pending.append(&mut self.group);
                self.end_key();
            }
            Output::Survivors(function, high_levels) => {
                high_levels.retain(&mut self.group, |(slot, _)| slots[*slot].level);
                let kinds = self.group.iter().map(|&(slot, row)| slots[slot].batch.kinds.value(row));
                if let Some(address) = function.of(kinds)?.and_then(|at| self.group.get(at)) {
                    self.pending.push(*address);
                }
            }
        }
        Ok(())
    }

    /// Makes a batch of the waiting rows and drops the slots that no cursor is in. The group is empty.
    fn gather(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            let records = Records::of_addresses(self.slots.iter().map(|slot| &slot.batch), &self.pending);
            let level_of = |record: &Address| self.slots[record.0].level;
            let step = match &self.parts.output {
                Output::Groups => {
                    let (records, levels) =
                        (records.gather(&self.parts.schema)?, self.pending.iter().map(level_of).collect());
                    MergeStep::Groups(KeyGroups::try_new(records, levels, std::mem::take(&mut self.ends))?)
                }
                Output::Merged(merge) if self.ends.len() < self.pending.len() => {
                    let level_of = |record: u32| level_of(&self.pending[record as usize]);
                    let (singles, high_levels) = (SingleRecords::Pass, merge.high_levels());
                    let candidates = Candidates::of_keys(&self.ends, singles, high_levels, level_of);
                    MergeStep::Ready(merge.merge_candidates(&records, &candidates)?.rows)
                }
                // Every record is the only one of its key, or the one that survives.
                Output::Merged(_) | Output::Survivors(..) => MergeStep::Ready(records.gather(&self.parts.schema)?),
            };
            self.ready.push_back(step);
            self.pending.clear();
            self.ends.clear();
        }
        self.drop_passed_slots();
        Ok(())
    }

    fn drop_passed_slots(&mut self) {
        let mut slots: Vec<_> = std::mem::take(&mut self.slots).into_iter().map(Some).collect();
        for cursor in &mut self.cursors {
            let held = match cursor {
                Cursor::At { slot, .. } | Cursor::Waiting { last_slot: Some(slot) } => slot,
                Cursor::Waiting { last_slot: None } | Cursor::Ended => continue,
            };
            if let Some(kept) = slots.get_mut(*held).and_then(Option::take) {
                self.slots.push(kept);
                *held = self.slots.len() - 1;
            }
        }
    }
}
