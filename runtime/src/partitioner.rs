//! Which subtask of the next operator gets a row.
//!
//! Goes in: a batch and its sender. Comes out: for each subtask that gets some, its rows in their order. Rows of a key go to one subtask.

use std::ops::Range;

use alluvium_format::{Error, Result};
use alluvium_reader::ChangeBatch;
use arrow_schema::Schema;

use crate::key_group::KeyGroup;
use crate::key_hash::KeyHash;
use crate::selection::rows_at;

/// How rows come from the subtasks of one operator to those of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Partitioning {
    /// To the subtask with the same number.
    Forward,
    /// By these columns, so that rows of a key meet.
    KeyBy(Vec<usize>),
    /// To each in turn.
    Rebalance,
    /// To all.
    Broadcast,
    /// To the first.
    Global,
}

impl Partitioning {
    /// The subtasks on the other side of an edge: those that a subtask hears from, or those that hear from it and need its watermarks.
    pub(crate) fn others(&self, subtask: usize, parallelism: usize) -> Range<usize> {
        if *self == Self::Forward { subtask..subtask + 1 } else { 0..parallelism }
    }
}

/// Deals out what one subtask sends.
#[derive(Debug)]
pub(crate) struct Partitioner {
    partitioning: Partitioning,
    key: Option<KeyHash>,
    subtask: usize,
    parallelism: usize,
    turn: usize,
    hashes: Vec<u64>,
}

impl Partitioner {
    pub(crate) fn new(partitioning: Partitioning, schema: &Schema, subtask: usize, parallelism: usize) -> Result<Self> {
        let key = match &partitioning {
            Partitioning::KeyBy(columns) => Some(KeyHash::new(schema, columns.clone())?),
            _ => None,
        };
        Ok(Self { partitioning, key, subtask, parallelism, turn: subtask, hashes: Vec::new() })
    }

    /// How it deals.
    pub(crate) fn partitioning(&self) -> &Partitioning {
        &self.partitioning
    }

    /// Hands each receiver its rows.
    pub(crate) fn deal(&mut self, batch: ChangeBatch, to: &mut dyn FnMut(usize, ChangeBatch)) -> Result<()> {
        match &self.partitioning {
            Partitioning::Forward => to(self.subtask, batch),
            Partitioning::Global => to(0, batch),
            Partitioning::Broadcast => (0..self.parallelism).for_each(|receiver| to(receiver, batch.clone())),
            Partitioning::Rebalance => {
                self.turn = (self.turn + 1) % self.parallelism;
                to(self.turn, batch);
            }
            Partitioning::KeyBy(_) if self.parallelism == 1 => to(0, batch),
            Partitioning::KeyBy(_) => self.deal_by_key(batch, to)?,
        }
        Ok(())
    }

    fn deal_by_key(&mut self, batch: ChangeBatch, to: &mut dyn FnMut(usize, ChangeBatch)) -> Result<()> {
        let Some(key) = &self.key else { return Err(Error::internal("rows go by a key that is not there")) };
        key.hashes(&batch.rows, &mut self.hashes);
        let mut rows_of: Vec<Vec<u32>> = vec![Vec::new(); self.parallelism];
        for (row, hash) in (0u32..).zip(&self.hashes) {
            if let Some(rows) = rows_of.get_mut(KeyGroup::of_hash(*hash).subtask(self.parallelism)) {
                rows.push(row);
            }
        }
        if let Some(all) = rows_of.iter().position(|rows| rows.len() == self.hashes.len()) {
            to(all, batch);
            return Ok(());
        }
        for (receiver, rows) in rows_of.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            to(receiver, rows_at(&batch, rows)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, RecordBatch};

    use super::*;

    fn dealt(partitioning: Partitioning, parallelism: usize, batches: usize) -> Vec<(usize, i64)> {
        let batch = |first: i64| {
            let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + 50));
            ChangeBatch::inserts(RecordBatch::try_from_iter([("k", keys)]).unwrap())
        };
        let schema = batch(0).rows.schema();
        let mut partitioner = Partitioner::new(partitioning, &schema, 1, parallelism).unwrap();
        let mut found = Vec::new();
        for _ in 0..batches {
            let mut to = |receiver: usize, part: ChangeBatch| {
                assert_eq!(part.kinds.len(), part.rows.num_rows());
                let keys = part.rows.column(0).as_primitive::<Int64Type>().values().to_vec();
                found.extend(keys.into_iter().map(|key| (receiver, key)));
            };
            partitioner.deal(batch(0), &mut to).unwrap();
        }
        found
    }

    #[test]
    fn rows_of_a_key_meet_and_all_receivers_get_some() {
        let found = dealt(Partitioning::KeyBy(vec![0]), 3, 2);
        assert_eq!(found.len(), 100);
        let mut receivers: BTreeMap<i64, usize> = BTreeMap::new();
        for (receiver, key) in &found {
            assert_eq!(receivers.entry(*key).or_insert(*receiver), receiver);
        }
        let mut used: Vec<usize> = receivers.into_values().collect();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used, [0, 1, 2]);
    }

    #[test]
    fn others_go_where_they_say() {
        let receivers = |partitioning, batches| {
            let mut found: Vec<usize> = dealt(partitioning, 3, batches).into_iter().map(|(to, _)| to).collect();
            found.dedup();
            found
        };
        assert_eq!(receivers(Partitioning::Forward, 2), [1]);
        assert_eq!(receivers(Partitioning::Global, 2), [0]);
        assert_eq!(receivers(Partitioning::Broadcast, 1), [0, 1, 2]);
        assert_eq!(receivers(Partitioning::Rebalance, 4), [2, 0, 1, 2]);
    }
}
