//! What each record of a key does to the row, in merge order.
//!
//! Goes in: records with the rows of each key, and the orders of the sequence groups. Comes out: the events of each key, what each event
//! is to each group, and the sequence number and kind of the row that comes of them. Invariants: the first event of a key is no
//! retraction; a retraction comes after whatever it may retract.

use std::ops::Range;

use alluvium_format::{Error, Result, RowKind};

use super::rules::OnDelete;
use super::sequence_group::GroupOrder;
use crate::key_value::is_retract;
use crate::merge_function::candidates::KeyRecords;
use crate::merge_function::{Candidates, Records};

/// What becomes of records of kind `-U` and `-D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retraction {
    Refused,
    /// They are skipped, but for the values of one that comes first: `ignore-delete`.
    Ignored,
    /// They retract the values of sequence groups.
    ByGroup,
    /// A `-D` removes the row, a `-U` does nothing: `partial-update.remove-record-on-delete`.
    RemovesRow,
}

/// What a record does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Its values become the row.
    Set,
    Update,
    Retract,
}

/// What an event is to a sequence group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has no place in the order: the group is left as it is.
    Skipped,
    /// It is as late as the row, or later.
    Current,
    /// The row is later.
    Late,
}

/// The events of all keys.
#[derive(Debug)]
pub(super) struct History {
    rows: Vec<u32>,
    acts: Vec<Act>,
    ends: Vec<u32>,
    groups: Vec<GroupHistory>,
    sequences: Vec<i64>,
    kinds: Vec<i8>,
}

#[derive(Debug)]
struct GroupHistory {
    order: GroupOrder,
    /// What each event is to the group.
    verdicts: Vec<Verdict>,
    /// The row whose sequence is that of the row of output; `None` while that is all null.
    current: Option<u32>,
}

impl History {
    pub(super) fn new(
        records: &Records<'_>,
        candidates: &Candidates,
        retraction: Retraction,
        groups: Vec<GroupOrder>,
    ) -> Result<Self> {
        let group = |order| GroupHistory { order, verdicts: Vec::new(), current: None };
        let mut history = Self {
            rows: Vec::with_capacity(records.num_rows()),
            acts: Vec::with_capacity(records.num_rows()),
            ends: Vec::with_capacity(candidates.num_keys()),
            groups: groups.into_iter().map(group).collect(),
            sequences: Vec::with_capacity(candidates.num_keys()),
            kinds: Vec::with_capacity(candidates.num_keys()),
        };
        for key in candidates.keys() {
            match key {
                KeyRecords::Pass(row) => {
                    history.set(row);
                    history.sequences.push(records.sequence(row));
                    history.kinds.push(records.kind(row));
                }
                KeyRecords::Merge(rows) => history.merge(records, rows, retraction)?,
            }
            history.ends.push(u32::try_from(history.rows.len()).unwrap_or(u32::MAX));
        }
        Ok(history)
    }

    /// Takes the records of one key.
    fn merge(&mut self, records: &Records<'_>, rows: &[u32], retraction: Retraction) -> Result<()> {
        self.groups.iter_mut().for_each(|group| group.current = None);
        // As in Java a key of ignored records only has the sequence number 0.
        let (mut sequence, mut kind) = (0, RowKind::Delete);
        let (mut filled, mut inserted) = (false, false);
        for row in rows {
            let (record_sequence, record_kind) = (records.sequence(*row), records.kind(*row));
            if !is_retract(record_kind) {
                self.judge(*row);
                self.push(*row, Act::Update);
                (filled, inserted) = (true, true);
                (sequence, kind) = (record_sequence, RowKind::Insert);
                continue;
            }
            if !filled {
                self.set(*row);
                filled = true;
            }
            let alive = if inserted { RowKind::Insert } else { RowKind::Delete };
            let removes = match retraction {
                Retraction::Ignored => {
                    kind = alive;
                    continue;
                }
                Retraction::Refused => return Err(refused()),
                Retraction::RemovesRow => record_kind == RowKind::Delete as i8,
                Retraction::ByGroup => self.retract(*row, record_kind),
            };
            if removes {
                self.set(*row);
            }
            (sequence, kind) = (record_sequence, if removes { RowKind::Delete } else { alive });
        }
        self.sequences.push(sequence);
        self.kinds.push(kind as i8);
        Ok(())
    }

    /// Retracts by groups; whether the row is removed instead.
    fn retract(&mut self, row: u32, kind: i8) -> bool {
        let removes = |group: &GroupHistory| {
            group.order.on_delete == OnDelete::RemovesRow && group.verdict(row) == Verdict::Current
        };
        if kind == RowKind::Delete as i8 && self.groups.iter().any(removes) {
            return true;
        }
        self.judge(row);
        self.push(row, Act::Retract);
        false
    }

    /// Puts down what the next event is to each group.
    fn judge(&mut self, row: u32) {
        for group in &mut self.groups {
            let verdict = group.verdict(row);
            if verdict == Verdict::Current {
                group.current = Some(row);
            }
            group.verdicts.push(verdict);
        }
    }

    fn set(&mut self, row: u32) {
        for group in &mut self.groups {
            group.current = Some(row);
            group.verdicts.push(Verdict::Current);
        }
        self.push(row, Act::Set);
    }

    fn push(&mut self, row: u32, act: Act) {
        self.rows.push(row);
        self.acts.push(act);
    }

    /// Where the events of each key are.
    pub(super) fn keys(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        let mut start = 0;
        self.ends.iter().map(move |end| std::mem::replace(&mut start, *end as usize)..*end as usize)
    }

    /// The record of an event, and what it does.
    #[inline]
    pub(super) fn event(&self, at: usize) -> (u32, Act) {
        (self.rows[at], self.acts[at])
    }

    /// What each event is to a group.
    pub(super) fn verdicts(&self, group: usize) -> Result<&[Verdict]> {
        let group = self.groups.get(group).ok_or_else(|| Error::internal("a sequence group that is not bound"))?;
        Ok(&group.verdicts)
    }

    pub(super) fn num_groups(&self) -> usize {
        self.groups.len()
    }

    /// The sequence number and the kind of the row of each key.
    pub(super) fn into_system_columns(self) -> (Vec<i64>, Vec<i8>) {
        (self.sequences, self.kinds)
    }
}

impl GroupHistory {
    fn verdict(&self, row: u32) -> Verdict {
        if !self.order.has_place(row) {
            return Verdict::Skipped;
        }
        match self.current {
            Some(current) if self.order.compare(row, current).is_lt() => Verdict::Late,
            _ => Verdict::Current,
        }
    }
}

fn refused() -> Error {
    Error::invalid(
        "merge-engine = partial-update cannot merge a record of kind -U or -D: set ignore-delete to skip such records, or \
         partial-update.remove-record-on-delete to remove the row by a -D, or sequence groups (fields.….sequence-group) to retract \
         the columns of a group, with partial-update.remove-record-on-sequence-group to remove the row by a -D of a group",
    )
}
