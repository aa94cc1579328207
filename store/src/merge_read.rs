//! Merges the files of a bucket, section by section: drives the pure merge with batches from files.
//!
//! Goes in: sections in key order. Comes out: one record a key, in key order, deletes included. Invariants: a section of one run
//! passes as it is; one file of each run of the current section is open, no others. Answers to
//! `org.apache.paimon.mergetree.MergeTreeReaders`.

use std::collections::VecDeque;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataFileMeta, Error, Predicate, Result};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, MergeStep, Section, SortMerge, SortedRun};
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
    open: Option<DataFileReader>,
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
        let required = merge.required_columns();
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
    /// Those of reading files.
    pub async fn next(&mut self) -> Result<Option<KeyValueBatch>> {
        loop {
            let Some(current) = &mut self.current else {
                let Some(section) = self.sections.pop_front() else { return Ok(None) };
                self.current = Some(self.start(section).await?);
                continue;
            };
            let batch = match current {
                Current::Alone(run) => run.next(&self.files, &self.alone).await?,
                Current::Merging { merge, runs } => loop {
                    match merge.step()? {
                        MergeStep::Ready(batch) => break Some(batch),
                        MergeStep::Groups(_) => {
                            return Err(Error::internal("a merge gave records that are not merged"));
                        }
                        MergeStep::Done => break None,
                        MergeStep::Need(run) => {
                            let reader = runs.get_mut(run).ok_or_else(|| Error::internal("a merge of unknown runs"))?;
                            merge.feed(run, reader.next(&self.files, &self.overlapping).await?)?;
                        }
                    }
                },
            };
            match batch {
                Some(batch) => return Ok(Some(batch)),
                None => self.current = None,
            }
        }
    }

    /// The next records of whole keys with their levels, not merged; `None` at the end. Not to be mixed with [`MergeRead::next`].
    ///
    /// # Errors
    /// Those of reading files.
    pub async fn next_groups(&mut self) -> Result<Option<alluvium_merge_tree::KeyGroups>> {
        Err(Error::internal("not built"))
    }

    /// Takes itself by `&mut`, as open readers may be sent to another thread but not shared with it.
    async fn start(&mut self, section: Section) -> Result<Current> {
        let mut runs: Vec<RunReader> = section.runs.into_iter().map(RunReader::of).collect();
        match runs.len() {
            0 | 1 => Ok(Current::Alone(Box::new(runs.pop().unwrap_or_default()))),
            count => {
                // Requests of all runs go out together.
                try_join_all(runs.iter_mut().map(|run| run.open(&self.files, &self.overlapping))).await?;
                let merge = SortMerge::new(count, &self.merge, self.schema.clone())?;
                Ok(Current::Merging { merge: Box::new(merge), runs })
            }
        }
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
            self.open = Some(DataFileReader::open(&files.table, &files.bucket, &file, read).await?);
        }
        Ok(())
    }

    async fn next(&mut self, files: &Files, read: &DataFileRead) -> Result<Option<KeyValueBatch>> {
        loop {
            self.open(files, read).await?;
            let Some(reader) = &mut self.open else { return Ok(None) };
            match reader.next().await? {
                Some(batch) => return batch.into_key_values().map(Some),
                None => self.open = None,
            }
        }
    }
}

/// The part of a predicate that speaks of nothing but the key: all records of a key pass it, or none.
fn on_keys(predicate: &Predicate, keys: &[String]) -> Predicate {
    let of_keys = |part: &&Predicate| part.columns().iter().all(|column| keys.iter().any(|key| key == column));
    Predicate::and(predicate.conjuncts().into_iter().filter(of_keys).cloned())
}
