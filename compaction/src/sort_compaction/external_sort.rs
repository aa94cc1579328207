//! Sorts more rows than memory holds.
//!
//! Goes in: batches of rows, in any order. Comes out: the same rows, sorted by their keys. As many rows as memory allows are sorted at once
//! and go to the local disk as a run; the runs are merged, in several passes where they are too many. Invariant: no more memory than
//! [`SortMemory`] plans for, but for rows that are larger than a block. All of it blocks. Answers to
//! `org.apache.paimon.sort.BinaryExternalSortBuffer`.

use std::collections::VecDeque;
use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::options::LookupCompression;
use alluvium_format::{Error, Result};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, sort_records};
use alluvium_store::{LocalDisk, SpillWriter, TableStore};
use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::order::SortKeys;
use super::run_merge::{RunMerge, SpilledRun};
use super::sort_memory::SortMemory;

/// The column of the keys, behind those of the table; longer where these have one of that name.
const KEY_COLUMN: &str = "_SORT_KEY";
/// Sequence numbers mean nothing while rows are sorted.
const NO_SEQUENCE: i64 = 0;

/// A sort that takes rows.
#[derive(Debug)]
pub(super) struct ExternalSort {
    form: SortForm,
    keys: SortKeys,
    rows: u64,
    waiting: Vec<KeyValueBatch>,
    waiting_bytes: usize,
    runs: VecDeque<SpilledRun>,
}

/// What all steps of a sort go by.
#[derive(Debug)]
struct SortForm {
    memory: SortMemory,
    spill: Spill,
    /// Of the rows with their keys.
    schema: SchemaRef,
    /// Of the rows.
    values: SchemaRef,
    merge: MergeOptions,
}

/// Where runs go to.
#[derive(Debug)]
struct Spill {
    table: TableStore,
    compression: LookupCompression,
    disk_bytes_max: u64,
    /// Once it is needed.
    disk: Option<LocalDisk>,
}

/// Sorted rows, or the way to them.
#[derive(Debug)]
pub(super) struct SortedRows {
    form: SortForm,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// All of them fitted.
    InMemory(Option<KeyValueBatch>),
    /// Runs that may be too many to merge at once become fewer.
    Fewer(Fewer),
    /// The last merge.
    Merging(Box<RunMerge>),
}

/// Runs, of which some become one.
#[derive(Debug)]
struct Fewer {
    runs: VecDeque<SpilledRun>,
    pass: Option<Pass>,
}

/// Runs that become one.
#[derive(Debug)]
struct Pass {
    merge: Box<RunMerge>,
    writer: SpillWriter,
}

/// What a step came to.
#[derive(Debug)]
pub(super) enum SortStep {
    /// The next rows.
    Rows(RecordBatch),
    /// A piece of the work before there are rows.
    Busy,
    /// There are no more.
    Done,
}

impl ExternalSort {
    /// A sort of rows of a table, whose columns are `values`.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(super) fn new(table: &TableStore, keys: SortKeys, values: SchemaRef, memory: SortMemory) -> Result<Self> {
        let options = table.options();
        let spill = Spill {
            table: table.clone(),
            compression: options.spill_compression()?,
            disk_bytes_max: options.write_buffer_spill_max_disk_bytes()?,
            disk: None,
        };
        let key = key_column(&values);
        let fields = values.fields().iter().cloned();
        let fields: Vec<_> = fields.chain([Arc::new(Field::new(&key, DataType::Binary, false))]).collect();
        let merge = MergeOptions::deduplicate([key]);
        let form = SortForm { memory, spill, schema: Arc::new(Schema::new(fields)), values, merge };
        Ok(Self { form, keys, rows: 0, waiting: Vec::new(), waiting_bytes: 0, runs: VecDeque::new() })
    }

    /// Takes rows.
    ///
    /// # Errors
    /// `Storage` when the local disk has no room.
    pub(super) fn push(&mut self, rows: &RecordBatch) -> Result<()> {
        let keys = self.keys.keys(rows, self.rows)?;
        self.rows = self.rows.saturating_add(rows.num_rows() as u64);
        let columns = rows.columns().iter().cloned().chain([Arc::new(keys) as _]).collect();
        let rows = RecordBatch::try_new(Arc::clone(&self.form.schema), columns).map_err(other_columns)?;
        let rows = KeyValueBatch::inserts(rows, NO_SEQUENCE);
        let bytes = rows.rows_bytes();
        if self.waiting_bytes.saturating_add(bytes) > self.form.memory.run_bytes {
            self.spill()?;
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
        self.waiting.push(rows);
        Ok(())
    }

    /// Sorts the rows that wait, and puts them on the local disk as a run.
    fn spill(&mut self) -> Result<()> {
        let Some(sorted) = self.sort_waiting()? else { return Ok(()) };
        let block_rows = self.form.memory.block_rows(sorted.num_rows(), sorted.rows_bytes());
        let mut writer = self.form.spill.writer()?;
        write_blocks(&mut writer, &sorted, block_rows)?;
        self.runs.push_back(SpilledRun { blocks: writer.finish().into(), block_rows });
        Ok(())
    }

    fn sort_waiting(&mut self) -> Result<Option<KeyValueBatch>> {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() { Ok(None) } else { sort_records(&waiting, &self.form.merge).map(Some) }
    }

    /// All rows were taken.
    ///
    /// # Errors
    /// As [`ExternalSort::push`].
    pub(super) fn finish(mut self) -> Result<SortedRows> {
        let stage = if self.runs.is_empty() {
            Stage::InMemory(self.sort_waiting()?)
        } else {
            self.spill()?;
            Stage::Fewer(Fewer { runs: self.runs, pass: None })
        };
        Ok(SortedRows { form: self.form, stage })
    }
}

impl SortedRows {
    /// The next rows, or a piece of the work before there are any.
    ///
    /// # Errors
    /// `Storage` and `Corrupt` when the local disk fails.
    pub(super) fn step(&mut self) -> Result<SortStep> {
        match &mut self.stage {
            Stage::InMemory(rows) => self.form.without_keys(rows.take()),
            Stage::Merging(merge) => self.form.without_keys(merge.next()?),
            Stage::Fewer(fewer) => {
                if let Some(merge) = fewer.step(&mut self.form)? {
                    self.stage = Stage::Merging(merge);
                }
                Ok(SortStep::Busy)
            }
        }
    }
}

impl Fewer {
    /// A piece of the work; the last merge once all runs can be merged at once.
    fn step(&mut self, form: &mut SortForm) -> Result<Option<Box<RunMerge>>> {
        let Some(pass) = &mut self.pass else { return self.begin_pass(form) };
        match pass.merge.next()? {
            Some(rows) => write_blocks(&mut pass.writer, &rows, pass.merge.block_rows())?,
            None => self.runs.extend(self.pass.take().map(Pass::into_run)),
        }
        Ok(None)
    }

    fn begin_pass(&mut self, form: &mut SortForm) -> Result<Option<Box<RunMerge>>> {
        let Some(runs) = form.memory.next_merge(self.runs.len()) else {
            return form.merge_of(self.runs.drain(..).collect()).map(Some);
        };
        let merge = form.merge_of(self.runs.drain(..runs).collect())?;
        self.pass = Some(Pass { merge, writer: form.spill.writer()? });
        Ok(None)
    }
}

impl Pass {
    fn into_run(self) -> SpilledRun {
        SpilledRun { block_rows: self.merge.block_rows(), blocks: self.writer.finish().into() }
    }
}

impl SortForm {
    fn merge_of(&self, runs: Vec<SpilledRun>) -> Result<Box<RunMerge>> {
        RunMerge::of(runs, &self.merge, &self.schema).map(Box::new)
    }

    /// Rows as those of the table; the end where there are none.
    fn without_keys(&self, rows: Option<KeyValueBatch>) -> Result<SortStep> {
        let Some(rows) = rows else { return Ok(SortStep::Done) };
        let columns = rows.values.columns().iter().take(self.values.fields().len()).cloned().collect();
        RecordBatch::try_new(Arc::clone(&self.values), columns).map(SortStep::Rows).map_err(other_columns)
    }
}

impl Spill {
    fn writer(&mut self) -> Result<SpillWriter> {
        let disk = match &self.disk {
            Some(disk) => disk,
            None => self.disk.insert(self.table.io().local_disk()?.limited(self.disk_bytes_max)),
        };
        SpillWriter::new(disk, self.compression)
    }
}

fn write_blocks(writer: &mut SpillWriter, rows: &KeyValueBatch, block_rows: NonZero<usize>) -> Result<()> {
    for start in (0..rows.num_rows()).step_by(block_rows.get()) {
        writer.write(&rows.slice(start, block_rows.get().min(rows.num_rows() - start)))?;
    }
    Ok(())
}

/// A name that no column of the table has.
fn key_column(values: &Schema) -> String {
    let mut name = KEY_COLUMN.to_owned();
    while values.column_with_name(&name).is_some() {
        name.push('_');
    }
    name
}

fn other_columns(error: ArrowError) -> Error {
    Error::internal("rows that are sorted have other columns than the table").with_source(error)
}
