//! Complete changes out of what was written: what each write made of the row that was there.
//!
//! Goes in: rows with their kinds, where an update or an insert is the new row, and a delete may be of a key that is not there. Comes out:
//! `+I` of rows that were not there, `-U` and `+U` of those that were and differ, `-D` with the row that was. Invariants: replaying what
//! comes out gives the last row of every key; nothing comes out for what changed nothing. Example, with `a=1` there: `+I a=2`, `-D b`, `-D a`
//! become `-U a=1`, `+U a=2`, `-D a=2`. A `-U` that no new row of its key follows, as of an update that changed the key, deletes as it does in
//! the table. The state is the rows there are, in memory, accounted for in the budget of the process. Answers to Flink's `ChangelogNormalize`.

use std::collections::{BTreeMap, HashMap};

use alluvium_format::{Error, ErrorKind, Result, RowKind};
use alluvium_store::{MemoryBudget, MemoryReservation};
use arrow_array::{Int8Array, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave_record_batch;

use crate::change_batch::ChangeBatch;

/// Rows that are not there any more and are kept all the same, beside as many as there are.
const GONE_ROWS: usize = 1 << 14;
/// What a key takes beside its bytes.
const KEY_OVERHEAD_BYTES: usize = 64;

/// The rows there are.
#[derive(Debug)]
pub(crate) struct Normalizer {
    schema: SchemaRef,
    key_columns: Vec<usize>,
    keys: RowConverter,
    /// Where the row of a key is.
    places: HashMap<Box<[u8]>, (usize, usize)>,
    key_bytes: usize,
    batches: Vec<RecordBatch>,
    memory: MemoryBudget,
    reserved: Option<MemoryReservation>,
}

impl Normalizer {
    /// Of rows of `schema` with these columns as their key.
    ///
    /// # Errors
    /// `Internal` when the schema lacks one of them.
    pub(crate) fn new(schema: SchemaRef, key: &[String], memory: MemoryBudget) -> Result<Self> {
        let columns = key.iter().map(|name| schema.index_of(name));
        let key_columns: Vec<usize> = columns.collect::<Result<_, _>>().map_err(failed)?;
        let fields = key_columns.iter().map(|column| SortField::new(schema.field(*column).data_type().clone()));
        let keys = RowConverter::new(fields.collect()).map_err(failed)?;
        let (places, batches) = (HashMap::new(), Vec::new());
        Ok(Self { schema, key_columns, keys, places, key_bytes: 0, batches, memory, reserved: None })
    }

    /// What these changes made of the rows there are.
    ///
    /// # Errors
    /// `Storage` when the rows do not fit into memory; `Corrupt` for a kind that is none.
    pub(crate) fn apply(&mut self, changes: &ChangeBatch) -> Result<ChangeBatch> {
        let columns: Vec<_> = self.key_columns.iter().map(|column| changes.rows.column(*column).clone()).collect();
        let keys = self.keys.convert_columns(&columns).map_err(failed)?;
        let current = self.batches.len();
        self.batches.push(changes.rows.clone());
        let mut found: Vec<((usize, usize), RowKind)> = Vec::new();
        // Of keys whose -U came, the rows that were there.
        let mut leaving: BTreeMap<Box<[u8]>, (usize, usize)> = BTreeMap::new();
        for (row, kind) in changes.kinds.values().iter().enumerate() {
            let (key, place) = (keys.row(row), (current, row));
            let before = self.places.get(key.data()).copied().or_else(|| leaving.remove(key.data()));
            match (RowKind::from_byte(*kind)?, before) {
                (RowKind::UpdateBefore | RowKind::Delete, None) => {}
                (RowKind::UpdateBefore, Some(before)) => {
                    self.take_out(key.data());
                    leaving.insert(key.data().into(), before);
                }
                (RowKind::Delete, Some(before)) => {
                    self.take_out(key.data());
                    found.push((before, RowKind::Delete));
                }
                (RowKind::Insert | RowKind::UpdateAfter, Some(before)) => {
                    let differs = self.differ(before, place);
                    self.put(key.data(), if differs { place } else { before });
                    if differs {
                        found.extend([(before, RowKind::UpdateBefore), (place, RowKind::UpdateAfter)]);
                    }
                }
                (RowKind::Insert | RowKind::UpdateAfter, None) => {
                    self.put(key.data(), place);
                    found.push((place, RowKind::Insert));
                }
            }
        }
        found.extend(leaving.into_values().map(|before| (before, RowKind::Delete)));
        let out = self.gather(&found)?;
        self.settle()?;
        Ok(out)
    }

    /// Back to no rows at all.
    pub(crate) fn forget(&mut self) {
        self.places.clear();
        self.batches.clear();
        self.key_bytes = 0;
    }

    fn put(&mut self, key: &[u8], place: (usize, usize)) {
        if self.places.insert(key.into(), place).is_none() {
            self.key_bytes += key.len() + KEY_OVERHEAD_BYTES;
        }
    }

    fn take_out(&mut self, key: &[u8]) {
        if self.places.remove(key).is_some() {
            self.key_bytes -= key.len() + KEY_OVERHEAD_BYTES;
        }
    }

    fn differ(&self, (batch, row): (usize, usize), (other, other_row): (usize, usize)) -> bool {
        let columns = self.batches[batch].columns().iter().zip(self.batches[other].columns());
        columns.into_iter().any(|(a, b)| a.slice(row, 1) != b.slice(other_row, 1))
    }

    fn gather(&self, found: &[((usize, usize), RowKind)]) -> Result<ChangeBatch> {
        let kinds: Int8Array = found.iter().map(|(_, kind)| kind.to_byte()).collect();
        if found.is_empty() {
            return Ok(ChangeBatch { kinds, rows: RecordBatch::new_empty(self.schema.clone()) });
        }
        let places: Vec<(usize, usize)> = found.iter().map(|(place, _)| *place).collect();
        Ok(ChangeBatch { kinds, rows: self.rows_at(&places)? })
    }

    fn rows_at(&self, places: &[(usize, usize)]) -> Result<RecordBatch> {
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        interleave_record_batch(&batches, places).map_err(failed)
    }

    /// Lets go of rows that are gone, and accounts for the rest.
    fn settle(&mut self) -> Result<()> {
        let kept: usize = self.batches.iter().map(RecordBatch::num_rows).sum();
        if kept > 2 * self.places.len() + GONE_ROWS {
            self.rewrite()?;
        }
        let bytes: usize = self.batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let wanted = bytes + self.key_bytes;
        if self.reserved.as_ref().is_none_or(|reserved| reserved.bytes() < wanted) {
            // In steps of half of what there is, so that growing is rare.
            self.reserved = None;
            self.reserved = self.memory.try_reserve(wanted + wanted / 2).or_else(|| self.memory.try_reserve(wanted));
            if self.reserved.is_none() {
                return Err(Error::new(
                    ErrorKind::Storage,
                    format!(
                        "the rows of {} keys take {wanted} bytes, which the memory budget has not: complete changes are \
                         made from all rows of the table; give it more memory, or take changelog-producer = lookup",
                        self.places.len()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn rewrite(&mut self) -> Result<()> {
        let mut live: Vec<&mut (usize, usize)> = self.places.values_mut().collect();
        live.sort_unstable();
        let places: Vec<(usize, usize)> = live.iter().map(|place| **place).collect();
        for (row, place) in live.into_iter().enumerate() {
            *place = (0, row);
        }
        self.batches = match places.is_empty() {
            true => Vec::new(),
            false => vec![self.rows_at(&places)?],
        };
        Ok(())
    }
}

fn failed(error: ArrowError) -> Error {
    Error::internal("keeping the rows of a table failed").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use alluvium_format::RowKind;
    use alluvium_store::MemoryBudget;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int8Array, Int64Array, RecordBatch};
    use proptest::prelude::*;

    use super::Normalizer;
    use crate::change_batch::ChangeBatch;

    const KINDS: [RowKind; 4] = [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete];

    fn batch(changes: &[(RowKind, i64, i64)]) -> ChangeBatch {
        let column = |value: fn(&(RowKind, i64, i64)) -> i64| -> ArrayRef {
            Arc::new(changes.iter().map(value).collect::<Int64Array>())
        };
        let columns = [("k", column(|change| change.1)), ("v", column(|change| change.2))];
        let kinds: Int8Array = changes.iter().map(|change| change.0.to_byte()).collect();
        ChangeBatch { kinds, rows: RecordBatch::try_from_iter(columns).unwrap() }
    }

    fn changes(batch: &ChangeBatch) -> Vec<(RowKind, i64, i64)> {
        let column = |at: usize| batch.rows.column(at).as_primitive::<Int64Type>().values().to_vec();
        let kinds = batch.kinds.values().iter().map(|kind| RowKind::from_byte(*kind).unwrap());
        kinds.zip(column(0)).zip(column(1)).map(|((kind, key), value)| (kind, key, value)).collect()
    }

    fn normalizer() -> Normalizer {
        let schema = batch(&[(RowKind::Insert, 0, 0)]).rows.schema();
        Normalizer::new(schema, &["k".to_owned()], MemoryBudget::new(64 << 20)).unwrap()
    }

    #[test]
    fn a_write_becomes_what_it_made_of_the_row() {
        use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
        let mut normalizer = normalizer();
        let first = [(Insert, 1, 1), (UpdateAfter, 2, 5), (Delete, 3, 0), (Insert, 1, 1), (UpdateBefore, 3, 9)];
        let out = normalizer.apply(&batch(&first)).unwrap();
        assert_eq!(changes(&out), [(Insert, 1, 1), (Insert, 2, 5)]);
        let second = [(Insert, 1, 2), (Delete, 1, 0), (Insert, 1, 3), (Delete, 2, 7)];
        let out = normalizer.apply(&batch(&second)).unwrap();
        let wanted = [(UpdateBefore, 1, 1), (UpdateAfter, 1, 2), (Delete, 1, 2), (Insert, 1, 3), (Delete, 2, 5)];
        assert_eq!(changes(&out), wanted);
    }

    #[test]
    fn an_update_that_changed_the_key_deletes_the_row_that_was() {
        use RowKind::{Delete, Insert, UpdateAfter, UpdateBefore};
        let mut normalizer = normalizer();
        normalizer.apply(&batch(&[(Insert, 1, 1), (Insert, 2, 2)])).unwrap();
        let writes = [(UpdateBefore, 1, 1), (UpdateAfter, 3, 1), (UpdateBefore, 2, 2), (UpdateAfter, 2, 4)];
        let out = normalizer.apply(&batch(&writes)).unwrap();
        assert_eq!(changes(&out), [(Insert, 3, 1), (UpdateBefore, 2, 2), (UpdateAfter, 2, 4), (Delete, 1, 1)]);
    }

    #[test]
    fn rows_that_are_gone_are_let_go_of() {
        let mut normalizer = normalizer();
        for round in 0..40 {
            let writes: Vec<_> = (0..1000).map(|key| (RowKind::Insert, key, round)).collect();
            normalizer.apply(&batch(&writes)).unwrap();
        }
        let kept: usize = normalizer.batches.iter().map(RecordBatch::num_rows).sum();
        assert!(kept < 20_000, "{kept} rows of 1000 keys");
        let out = normalizer.apply(&batch(&[(RowKind::Delete, 7, 0)])).unwrap();
        assert_eq!(changes(&out), [(RowKind::Delete, 7, 39)]);
    }

    #[test]
    fn a_state_that_does_not_fit_is_an_error() {
        let schema = batch(&[(RowKind::Insert, 0, 0)]).rows.schema();
        let mut normalizer =
            Normalizer::new(schema, &["k".to_owned()], MemoryBudget::new(alluvium_store::memory_budget::BYTES_MIN))
                .unwrap();
        let writes: Vec<_> = (0..400_000).map(|key| (RowKind::Insert, key, 0)).collect();
        let error = normalizer.apply(&batch(&writes)).unwrap_err();
        assert!(error.to_string().contains("give it more memory"), "{error}");
    }

    proptest! {
        #[test]
        fn replaying_gives_the_last_rows(writes in prop::collection::vec(prop::collection::vec((0usize..4, 0i64..6, 0i64..3), 1..20), 1..8)) {
            let (mut normalizer, mut model, mut replayed) = (normalizer(), BTreeMap::new(), BTreeMap::new());
            for writes in writes {
                let writes: Vec<_> = writes.into_iter().map(|(kind, key, value)| (KINDS[kind], key, value)).collect();
                for (kind, key, value) in &writes {
                    match kind {
                        RowKind::Insert | RowKind::UpdateAfter => drop(model.insert(*key, *value)),
                        RowKind::Delete | RowKind::UpdateBefore => drop(model.remove(key)),
                    }
                }
                for (kind, key, value) in changes(&normalizer.apply(&batch(&writes)).unwrap()) {
                    let was = match kind {
                        RowKind::Insert => { prop_assert_eq!(replayed.insert(key, value), None); continue }
                        RowKind::UpdateAfter => { prop_assert_eq!(replayed.insert(key, value), None); continue }
                        RowKind::UpdateBefore | RowKind::Delete => replayed.remove(&key),
                    };
                    prop_assert_eq!(was, Some(value));
                }
                prop_assert_eq!(&replayed, &model);
            }
        }
    }
}
