//! Merges the files of a bucket, section by section: drives the pure merge with batches from files.
//!
//! Goes in: sections in key order. Comes out: one record a key, in key order, deletes included; or the records of each key, with the
//! level of the file that each came from. Invariants: a section of one run passes as it is; one file of each run of the current
//! section is open, no others; runs that would not fit into memory are copied to the local disk first, which changes no answer. Answers to
//! `org.apache.paimon.mergetree.MergeTreeReaders` and `MergeSorter`.

mod fan_in;
mod run_reader;

use std::collections::VecDeque;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{Error, Predicate, Result};
use alluvium_merge_tree::key_groups::UNKNOWN_LEVEL;
use alluvium_merge_tree::{KeyGroups, KeyValueBatch, MergeOptions, MergeStep, RecordLevelExpire, Section, SortMerge};
use arrow_schema::SchemaRef;
use futures::future::try_join_all;

use crate::data_file::{DataFileRead, PartitionBucket, SystemColumns};
use crate::memory_budget::MemoryReservation;
use crate::table_store::TableStore;
use fan_in::{FanIn, RunCost};
use run_reader::{Files, RunReader};

/// Sequence number and kind.
const SYSTEM_COLUMNS: usize = 2;

/// A merge over files. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct MergeRead {
    files: Files,
    /// So many runs are read where they are, at most.
    open_runs_max: usize,
    merge: MergeOptions,
    schema: SchemaRef,
    /// What is read of files of a section of several runs.
    overlapping: DataFileRead,
    /// What is read of files whose keys no other file has.
    alone: DataFileRead,
    sections: VecDeque<Section>,
    current: Option<Current>,
    memory: Memory,
}

/// The section that is being read.
#[derive(Debug)]
enum Current {
    Alone(Box<RunReader>),
    Merging { merge: Box<SortMerge>, runs: Vec<RunReader>, _memory: Option<MemoryReservation> },
}

/// The memory of a merge.
#[derive(Debug)]
enum Memory {
    /// What is free when a section begins.
    AsNeeded,
    /// So much of what is reserved, for all sections.
    Given { usable_bytes: usize, _reserved: MemoryReservation },
}

/// A merge may take so much without asking, so that every read goes on, if slowly, where others use all.
const UNASKED_BYTES: usize = 8 << 20;
/// What the files take that are written of a merge: a row group that is being encoded, with its codecs.
const OUTPUT_BYTES_MAX: usize = 64 << 20;

/// What becomes of the records of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Merged,
    Grouped,
}

/// What came of some keys.
enum Piece {
    Merged(KeyValueBatch),
    Groups(KeyGroups),
}

impl MergeRead {
    /// A merge of `sections`. The fields of `read` have the key and sequence columns ([`MergeOptions::required_columns`]); its
    /// predicate is used where no other run can hold the key, and on key columns everywhere; `system` is taken as `All`.
    ///
    /// # Errors
    /// `Invalid` when the fields lack a key or sequence column.
    pub fn new(
        table: &TableStore,
        bucket: PartitionBucket,
        sections: Vec<Section>,
        merge: &MergeOptions,
        read: DataFileRead,
    ) -> Result<Self> {
        let required = merge.required_columns(read.fields.iter().map(|field| field.name.as_str()));
        if let Some(missing) = required.iter().find(|name| !read.fields.iter().any(|field| field.name == **name)) {
            return Err(Error::invalid(format!("a merge reads column {missing}, which is not among those asked for")));
        }
        let alone = DataFileRead { system: SystemColumns::All, ..read };
        let overlapping = DataFileRead { predicate: on_keys(&alone.predicate, &merge.key_columns), ..alone.clone() };
        Ok(Self {
            files: Files::of(table, bucket)?,
            open_runs_max: table.options().sort_spill_threshold()?,
            merge: merge.clone(),
            schema: to_arrow_schema(&alone.fields)?,
            overlapping,
            alone,
            sections: sections.into(),
            current: None,
            memory: Memory::AsNeeded,
        })
    }

    /// Waits for the memory of the largest section and of the files that are written of it, and holds it as long as the merge lives: for work
    /// that holds none yet and comes to its end by itself. A merge that was not admitted takes what is free, and does with little where
    /// nothing is.
    ///
    /// # Errors
    /// None in practice.
    pub async fn admitted(mut self) -> Result<Self> {
        let output_bytes = OUTPUT_BYTES_MAX.min(self.file_bytes());
        let wanted = self.open_bytes().saturating_add(output_bytes);
        let reserved = self.files.table.io().memory().reserve(wanted).await?;
        let usable_bytes = reserved.bytes().saturating_sub(output_bytes).max(reserved.bytes() / 2);
        self.memory = Memory::Given { usable_bytes, _reserved: reserved };
        Ok(self)
    }

    /// Without the rows that are too old at a time in milliseconds since 1970; their time is among the fields.
    #[must_use]
    pub fn without_expired(mut self, expire: RecordLevelExpire, now_millis: i64) -> Self {
        self.files.expire = Some((expire, now_millis));
        self
    }

    /// What the largest section takes if no run of it is copied.
    fn open_bytes(&self) -> usize {
        let of_section = |section: &Section| fan_in::open_bytes(&self.costs_of(section));
        self.sections.iter().map(of_section).max().unwrap_or(0)
    }

    /// In the files of all sections.
    fn file_bytes(&self) -> usize {
        let bytes = |section: &Section| section.files().map(|file| file.file_size).sum::<i64>();
        usize::try_from(self.sections.iter().map(bytes).sum::<i64>()).unwrap_or(usize::MAX)
    }

    fn costs_of(&self, section: &Section) -> Vec<RunCost> {
        let columns = self.alone.fields.len() + SYSTEM_COLUMNS;
        section.runs.iter().map(|run| RunCost::of(run, columns, self.files.source)).collect()
    }

    /// The next records; `None` at the end.
    ///
    /// # Errors
    /// Those of reading files, and of the merge function.
    pub async fn next(&mut self) -> Result<Option<KeyValueBatch>> {
        match self.next_piece(Form::Merged).await? {
            Some(Piece::Merged(batch)) => Ok(Some(batch)),
            Some(Piece::Groups(_)) => Err(mixed()),
            None => Ok(None),
        }
    }

    /// The next records of whole keys with their levels, not merged; `None` at the end. Not to be mixed with [`MergeRead::next`].
    ///
    /// # Errors
    /// Those of reading files.
    pub async fn next_groups(&mut self) -> Result<Option<KeyGroups>> {
        match self.next_piece(Form::Grouped).await? {
            Some(Piece::Groups(groups)) => Ok(Some(groups)),
            Some(Piece::Merged(_)) => Err(mixed()),
            None => Ok(None),
        }
    }

    async fn next_piece(&mut self, form: Form) -> Result<Option<Piece>> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(section) = self.sections.pop_front() else { return Ok(None) };
                self.current = Some(self.start(section, form).await?);
                continue;
            };
            let piece = match current {
                Current::Alone(run) => match run.next(&self.files, &self.alone).await? {
                    Some((level, batch)) => Some(form.of_single_records(level, batch)?),
                    None => None,
                },
                Current::Merging { merge, runs, .. } => step(merge, runs, &self.files, &self.overlapping).await?,
            };
            match piece {
                Some(piece) => return Ok(Some(piece)),
                None => self.current = None,
            }
        }
    }

    /// Takes itself by `&mut`, as open readers may be sent to another thread but not shared with it.
    async fn start(&mut self, section: Section, form: Form) -> Result<Current> {
        let costs = self.costs_of(&section);
        let mut runs: Vec<RunReader> = section.runs.into_iter().map(RunReader::of).collect();
        match runs.len() {
            0 | 1 => Ok(Current::Alone(Box::new(runs.pop().unwrap_or_default()))),
            count => {
                let (memory, reserved) = self.take_memory(fan_in::open_bytes(&costs));
                let plan = FanIn::plan(&costs, self.open_runs_max, memory);
                for run in &plan.copied {
                    if let Some(run) = runs.get_mut(*run) {
                        run.copy(&self.files, &self.overlapping, plan.block_rows).await?;
                    }
                }
                // Requests of all other runs go out together.
                try_join_all(runs.iter_mut().map(|run| run.open(&self.files, &self.overlapping))).await?;
                let schema = self.schema.clone();
                let merge = match form {
                    Form::Merged => SortMerge::new(count, &self.merge, schema)?,
                    Form::Grouped => SortMerge::grouped(count, &self.merge, schema)?,
                };
                Ok(Current::Merging { merge: Box::new(merge), runs, _memory: reserved })
            }
        }
    }

    /// What a section that could use `wanted` bytes may take, and what holds it.
    fn take_memory(&self, wanted: usize) -> (usize, Option<MemoryReservation>) {
        match &self.memory {
            Memory::Given { usable_bytes, .. } => (*usable_bytes, None),
            Memory::AsNeeded if wanted <= UNASKED_BYTES => (wanted, None),
            Memory::AsNeeded => match self.files.table.io().memory().try_reserve(wanted) {
                Some(reserved) => (wanted, Some(reserved)),
                None => (UNASKED_BYTES, None),
            },
        }
    }
}

/// Feeds a merge until it has something; `None` at its end.
async fn step(
    merge: &mut SortMerge,
    runs: &mut [RunReader],
    files: &Files,
    read: &DataFileRead,
) -> Result<Option<Piece>> {
    loop {
        match merge.step()? {
            MergeStep::Ready(batch) => return Ok(Some(Piece::Merged(batch))),
            MergeStep::Groups(groups) => return Ok(Some(Piece::Groups(groups))),
            MergeStep::Done => return Ok(None),
            MergeStep::Need(run) => {
                let reader = runs.get_mut(run).ok_or_else(|| Error::internal("a merge of unknown runs"))?;
                let (level, batch) = match reader.next(files, read).await? {
                    Some((level, batch)) => (level, Some(batch)),
                    None => (UNKNOWN_LEVEL, None),
                };
                merge.feed_level(run, level, batch)?;
            }
        }
    }
}

impl Form {
    /// Records of keys that no other run has.
    fn of_single_records(self, level: i32, records: KeyValueBatch) -> Result<Piece> {
        if self == Self::Merged {
            return Ok(Piece::Merged(records));
        }
        let rows = u32::try_from(records.num_rows()).map_err(|_| Error::internal("a batch of 2^32 rows"))?;
        let levels = vec![level; records.num_rows()];
        KeyGroups::try_new(records, levels, (1..=rows).collect()).map(Piece::Groups)
    }
}

fn mixed() -> Error {
    Error::internal("a merge was asked for records that are merged and for records that are not")
}

/// The part of a predicate that speaks of nothing but the key: all records of a key pass it, or none.
fn on_keys(predicate: &Predicate, keys: &[String]) -> Predicate {
    let of_keys = |part: &&Predicate| part.columns().iter().all(|column| keys.iter().any(|key| key == column));
    Predicate::and(predicate.conjuncts().into_iter().filter(of_keys).cloned())
}
