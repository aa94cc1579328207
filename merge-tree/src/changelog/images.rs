//! The changes of keys as addresses of their images, gathered at the end.
//!
//! Goes in: for each key that changed the record before, the record after, or both. Comes out: a batch of changes.

use std::sync::Arc;

use alluvium_format::{Result, RowKind};
use arrow_array::{Array, Int8Array, Int64Array, RecordBatch};
use arrow_select::interleave::interleave;

use super::ChangesWanted;
use super::equaliser::BoundEqualiser;
use crate::key_value::{KeyValueBatch, is_retract, kernel_error};

/// Where images before are, among the batches of changes.
const BEFORE: usize = 0;
/// Where images after are.
const AFTER: usize = 1;

/// The changes between two batches of images.
pub(super) struct Images<'a> {
    before: &'a KeyValueBatch,
    after: &'a KeyValueBatch,
    updates: Updates,
    addresses: Vec<(usize, usize)>,
    kinds: Vec<i8>,
}

/// Which updates are changes.
enum Updates {
    All,
    Differing(BoundEqualiser),
}

impl<'a> Images<'a> {
    /// No changes yet; `None` when none are wanted.
    pub(super) fn new(
        before: &'a KeyValueBatch,
        after: &'a KeyValueBatch,
        wanted: &ChangesWanted,
    ) -> Result<Option<Self>> {
        let updates = match wanted {
            ChangesWanted::Nothing => return Ok(None),
            ChangesWanted::All => Updates::All,
            ChangesWanted::Differing(equaliser) => Updates::Differing(equaliser.bind(&before.values, &after.values)?),
        };
        Ok(Some(Self { before, after, updates, addresses: Vec::new(), kinds: Vec::new() }))
    }

    /// A key that was not there has the record `after` now; one that retracts is no change.
    pub(super) fn appeared(&mut self, after: usize) {
        if !is_retract(self.after.kinds.value(after)) {
            self.push(AFTER, after, RowKind::Insert);
        }
    }

    /// A key that had the record `before` has `after` now.
    pub(super) fn changed(&mut self, before: usize, after: usize) {
        if is_retract(self.after.kinds.value(after)) {
            self.push(BEFORE, before, RowKind::Delete);
            return;
        }
        let differs = match &self.updates {
            Updates::All => true,
            Updates::Differing(equaliser) => !equaliser.equals(before, after),
        };
        if differs {
            self.push(BEFORE, before, RowKind::UpdateBefore);
            self.push(AFTER, after, RowKind::UpdateAfter);
        }
    }

    fn push(&mut self, side: usize, row: usize, kind: RowKind) {
        self.addresses.push((side, row));
        self.kinds.push(kind as i8);
    }

    /// The changes in the order in which they came.
    pub(super) fn gather(self) -> Result<KeyValueBatch> {
        let images = gather(&[self.before, self.after], &self.addresses)?;
        Ok(KeyValueBatch { kinds: Int8Array::from(self.kinds), ..images })
    }
}

/// The records at `addresses` (which of `sources`, and where in it) as one batch, which is a slice where they follow one another.
pub(super) fn gather(sources: &[&KeyValueBatch; 2], addresses: &[(usize, usize)]) -> Result<KeyValueBatch> {
    let Some(&(source, start)) = addresses.first() else { return Ok(sources[AFTER].slice(0, 0)) };
    if addresses.iter().zip(start..).all(|(address, row)| *address == (source, row)) {
        return Ok(sources[source].slice(start, addresses.len()));
    }
    let schema = sources[AFTER].values.schema();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for column in 0..schema.fields().len() {
        let arrays: Vec<&dyn Array> = sources.iter().map(|source| source.values.column(column).as_ref()).collect();
        columns.push(interleave(&arrays, addresses).map_err(kernel_error)?);
    }
    let sequences: Int64Array = addresses.iter().map(|&(source, row)| sources[source].sequences.value(row)).collect();
    let kinds: Int8Array = addresses.iter().map(|&(source, row)| sources[source].kinds.value(row)).collect();
    let values = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(kernel_error)?;
    Ok(KeyValueBatch { sequences, kinds, values })
}
