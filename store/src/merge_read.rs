//! Merges the files of a bucket, section by section: drives the pure merge with batches from files.
//!
//! Goes in: sections in key order. Comes out: one record a key, in key order, deletes included; or the records of each key, with the
//! level of the file that each came from. Invariants: a section of one run passes as it is; one file of each run of the current
//! section is open, no others. Answers to `org.apache.paimon.mergetree.MergeTreeReaders`.

use std::collections::VecDeque;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataFileMeta, Error, Predicate, Result};
use alluvium_merge_tree::key_groups::UNKNOWN_LEVEL;
use alluvium_merge_tree::{KeyGroups, KeyValueBatch, MergeOptions, MergeStep, Section, SortMerge, SortedRun};
use arrow_schema::SchemaRef;
use futures::future::try_join_all;

use crate::data_file::{DataFileRead, DataFileReader, PartitionBucket, SystemColumns};
use crate::table_store::TableStore;

/// A merge over files. CPU-bound: drive it in a [`crate::CpuPool`].
#[derive(Debug)]
pub struct MergeRead {
    files: Files,
    merge: MergeOptions,
    schema: SchemaRef,
    /// What is read of files of a section of several runs.
    overlapping: DataFileRead,
    /// What is read of files whose keys no other file has.
    alone: DataFileRead,
    sections: VecDeque<Section>,
    current: Option<Current>,
}

/// Where the files are.
#[derive(Debug)]
struct Files {
    table: TableStore,
    bucket: PartitionBucket,
}

/// The section that is being read.
#[derive(Debug)]
enum Current {
    Alone(Box<RunReader>),
    Merging { merge: Box<SortMerge>, runs: Vec<RunReader> },
}

/// The files of a run, one after the other.
#[derive(Debug, Default)]
struct RunReader {
    files: VecDeque<DataFileMeta>,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    level: i32,
    reader: DataFileReader,
}

/// Records of a file of this level.
type LevelBatch = (i32, KeyValueBatch);

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
            files: Files { table: table.clone(), bucket },
            merge: merge.clone(),
            schema: to_arrow_schema(&alone.fields)?,
            overlapping,
            alone,
            sections: sections.into(),
            current: None,
        })
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
                Current::Merging { merge, runs } => step(merge, runs, &self.files, &self.overlapping).await?,
            };
            match piece {
                Some(piece) => return Ok(Some(piece)),
                None => self.current = None,
            }
        }
    }

    /// Takes itself by `&mut`, as open readers may be sent to another thread but not shared with it.
    async fn start(&mut self, section: Section, form: Form) -> Result<Current> {
        let mut runs: Vec<RunReader> = section.runs.into_iter().map(RunReader::of).collect();
        match runs.len() {
            0 | 1 => Ok(Current::Alone(Box::new(runs.pop().unwrap_or_default()))),
            count => {
                // Requests of all runs go out together.
                try_join_all(runs.iter_mut().map(|run| run.open(&self.files, &self.overlapping))).await?;
                let schema = self.schema.clone();
                let merge = match form {
                    Form::Merged => SortMerge::new(count, &self.merge, schema)?,
                    Form::Grouped => SortMerge::grouped(count, &self.merge, schema)?,
                };
                Ok(Current::Merging { merge: Box::new(merge), runs })
            }
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

impl RunReader {
    fn of(run: SortedRun) -> Self {
        Self { files: run.into_files().into(), open: None }
    }

    /// Opens the next file if none is open.
    async fn open(&mut self, files: &Files, read: &DataFileRead) -> Result<()> {
        if self.open.is_none()
            && let Some(file) = self.files.pop_front()
        {
            let reader = DataFileReader::open(&files.table, &files.bucket, &file, read).await?;
            self.open = Some(OpenFile { level: file.level, reader });
        }
        Ok(())
    }

    async fn next(&mut self, files: &Files, read: &DataFileRead) -> Result<Option<LevelBatch>> {
        loop {
            self.open(files, read).await?;
            let Some(OpenFile { level, reader }) = &mut self.open else { return Ok(None) };
            match reader.next().await? {
                Some(batch) => return Ok(Some((*level, batch.into_key_values()?))),
                None => self.open = None,
            }
        }
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
