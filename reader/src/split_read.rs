//! Reads pieces of splits: a file whose rows are taken as they are, or sections whose records merge.
//!
//! Goes in: a split. Comes out: its [`ReadUnit`]s in order, and from each, batches of rows that pass, in the columns of the output.
//! Invariants: a condition on values is never applied before records of a key have merged, as it would bring an older version
//! back; units of a split share no key, so that they are read independently. Answers to `RawFileSplitRead` and
//! `MergeFileSplitRead`.

use std::sync::Arc;

use alluvium_format::arrow::to_arrow_schema;
use alluvium_format::{DataFileMeta, Error, Predicate, Result};
use alluvium_merge_tree::{MergeOptions, Section, drop_deletes, interval_partition};
use alluvium_store::{
    CpuPool, DataFileRead, DataFileReader, DeletionVectors, MergeRead, PartitionBucket, SystemColumns, select_rows,
};

use crate::change_batch::SplitBatch;
use crate::diff_read::DiffRead;
use crate::split::{DataSplit, SplitReading};
use crate::table_read::TableRead;

/// A piece of a split that is read by itself.
#[derive(Debug)]
pub(crate) struct ReadUnit {
    bucket: PartitionBucket,
    work: Work,
    deletions: Arc<DeletionVectors>,
}

#[derive(Debug)]
enum Work {
    /// Rows of the table.
    Rows(DataFileMeta),
    /// Changes.
    Changes(DataFileMeta),
    /// Records that merge: those left are rows, with their kinds.
    Merge(Section),
    /// The same, where records of all levels count.
    MergeAllLevels(Section),
    /// Records that merge: those left are taken back.
    Retract(Section),
    /// Records that merge, compared with others that do.
    Diff(Box<[Compared; 2]>),
}

/// Files of a bucket at one of two snapshots.
#[derive(Debug)]
struct Compared {
    sections: Vec<Section>,
    deletions: Arc<DeletionVectors>,
}

impl ReadUnit {
    /// The units of a split, in order.
    ///
    /// # Errors
    /// `Corrupt` when a file's first or last key is none of the table.
    pub(crate) fn of_split(read: &TableRead, split: DataSplit) -> Result<Vec<Self>> {
        let bucket = PartitionBucket { partition: split.partition, bucket: split.bucket };
        let work: Vec<Work> = match split.reading {
            // A log shows the kinds that records are stored with.
            SplitReading::Raw if read.is_log() && read.merge.is_some() => {
                sections(read, split.files)?.into_iter().map(Work::Merge).collect()
            }
            SplitReading::Raw => split.files.into_iter().map(Work::Rows).collect(),
            SplitReading::Changes => split.files.into_iter().map(Work::Changes).collect(),
            SplitReading::Merge => sections(read, split.files)?.into_iter().map(Work::Merge).collect(),
            SplitReading::MergeAllLevels => {
                sections(read, split.files)?.into_iter().map(Work::MergeAllLevels).collect()
            }
            SplitReading::Retractions => sections(read, split.files)?.into_iter().map(Work::Retract).collect(),
            SplitReading::Diff => {
                let side = |files, deletions: &Arc<DeletionVectors>| -> Result<Compared> {
                    Ok(Compared { sections: sections(read, files)?, deletions: Arc::clone(deletions) })
                };
                let before = side(split.before.files, &split.before.deletions)?;
                vec![Work::Diff(Box::new([before, side(split.files, &split.deletions)?]))]
            }
        };
        let deletions = split.deletions;
        let unit = |work| Self { bucket: bucket.clone(), work, deletions: Arc::clone(&deletions) };
        Ok(work.into_iter().map(unit).collect())
    }

    /// Opens the unit; `None` when it is certain that no row of it passes. CPU-bound from here on.
    ///
    /// # Errors
    /// Those of opening files.
    async fn open(self, read: &TableRead) -> Result<Option<Source>> {
        let file = |system| DataFileRead {
            fields: Arc::clone(&read.raw_fields),
            system,
            predicate: read.row_condition.clone(),
            deletions: Arc::clone(&self.deletions),
        };
        Ok(Some(match self.work {
            Work::Rows(meta) => return rows(read, &self.bucket, &meta, &file(SystemColumns::None)).await,
            Work::Changes(meta) => {
                // Files of append tables hold rows, each of which is an insert.
                let system = if read.merge.is_some() { SystemColumns::Kinds } else { SystemColumns::None };
                return rows(read, &self.bucket, &meta, &file(system)).await;
            }
            Work::Merge(section) => {
                let options = read.merge()?;
                Source::of_rows(read, merge(read, options, self.bucket, (section, self.deletions))?)
            }
            Work::MergeAllLevels(section) => {
                let options = read.merge()?.of_all_levels();
                Source::of_rows(read, merge(read, &options, self.bucket, (section, self.deletions))?)
            }
            Work::Retract(section) => {
                let options = read.merge()?;
                Source::Retract(Box::new(merge(read, options, self.bucket, (section, self.deletions))?))
            }
            Work::Diff(compared) => {
                let [before, after] = compared.map(|side| whole_merge(read, &self.bucket, side));
                let schema = to_arrow_schema(&read.merge_fields)?;
                Source::Diff(Box::new(DiffRead::new(&schema, &read.merge()?.key_columns, before?, after?)?))
            }
        }))
    }
}

/// The rows of a file that merge with no others, so that its indexes may select among them.
async fn rows(
    read: &TableRead,
    bucket: &PartitionBucket,
    meta: &DataFileMeta,
    wanted: &DataFileRead,
) -> Result<Option<Source>> {
    let selected = select_rows(&read.table, bucket, meta, (&wanted.predicate, &wanted.fields)).await?;
    if !selected.remains() {
        return Ok(None);
    }
    let reader = DataFileReader::open_selected(&read.table, bucket, meta, (wanted, &selected)).await?;
    Ok(Some(Source::Rows(Box::new(reader))))
}

fn sections(read: &TableRead, files: Vec<DataFileMeta>) -> Result<Vec<Section>> {
    let types = read.key_types().ok_or_else(|| Error::internal("files of an append table do not merge"))?;
    interval_partition(files, &types)
}

fn merge(
    read: &TableRead,
    options: &MergeOptions,
    bucket: PartitionBucket,
    (section, deletions): (Section, Arc<DeletionVectors>),
) -> Result<MergeRead> {
    let wanted = DataFileRead {
        fields: Arc::clone(&read.merge_fields),
        system: SystemColumns::All,
        predicate: read.row_condition.clone(),
        deletions,
    };
    MergeRead::new(&read.table, bucket, vec![section], options, wanted)
}

/// All records of a bucket at a snapshot: a condition would take rows out of one side of a comparison only.
fn whole_merge(read: &TableRead, bucket: &PartitionBucket, side: Compared) -> Result<MergeRead> {
    let wanted = DataFileRead {
        fields: Arc::clone(&read.merge_fields),
        system: SystemColumns::All,
        predicate: Predicate::True,
        deletions: side.deletions,
    };
    MergeRead::new(&read.table, bucket.clone(), side.sections, read.merge()?, wanted)
}

/// Rows of a unit at most that are read in one piece of CPU-bound work: enough to make the change of threads cheap.
const CHUNK_ROWS: usize = 1 << 16;
/// Bytes likewise: what is read ahead of the caller stays small however wide the rows are.
const CHUNK_BYTES: usize = 8 << 20;

/// Some batches of a unit.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// There may be more.
    More(Vec<SplitBatch>),
    /// There are no more.
    Last(Vec<SplitBatch>),
}

/// A unit that is being read.
#[derive(Debug)]
pub(crate) struct UnitRead {
    read: Arc<TableRead>,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed(Box<ReadUnit>),
    Open(Source),
    Done,
}

#[derive(Debug)]
enum Source {
    Rows(Box<DataFileReader>),
    /// Records as they are left.
    Merge(Box<MergeRead>),
    /// Those that are deleted are left out.
    Live(Box<MergeRead>),
    Retract(Box<MergeRead>),
    Diff(Box<DiffRead>),
}

impl UnitRead {
    /// A unit, not opened yet.
    pub(crate) fn new(read: Arc<TableRead>, unit: ReadUnit) -> Self {
        Self { read, state: State::Closed(Box::new(unit)) }
    }

    /// Where it is to be read.
    pub(crate) fn cpu(&self) -> &CpuPool {
        self.read.table.io().cpu()
    }

    /// The next batches; fewer when `stop` says that nobody waits for them. CPU-bound.
    ///
    /// # Errors
    /// Those of reading files.
    pub(crate) async fn next_chunk(&mut self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Chunk> {
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while rows < CHUNK_ROWS && bytes < CHUNK_BYTES && !stop() {
            let Some(batch) = self.next().await? else { return Ok(Chunk::Last(batches)) };
            rows += batch.rows.num_rows();
            bytes += batch.rows.get_array_memory_size();
            let batch = self.finish(batch)?;
            if batch.rows.num_rows() > 0 {
                batches.push(batch);
            }
        }
        Ok(Chunk::More(batches))
    }

    /// The next rows as they were read; `None` at the end.
    async fn next(&mut self) -> Result<Option<SplitBatch>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(None),
                State::Closed(unit) => match unit.open(&self.read).await? {
                    Some(source) => self.state = State::Open(source),
                    None => return Ok(None),
                },
                State::Open(mut source) => {
                    let Some(batch) = source.next().await? else { return Ok(None) };
                    self.state = State::Open(source);
                    return Ok(Some(batch));
                }
            }
        }
    }

    fn finish(&self, batch: SplitBatch) -> Result<SplitBatch> {
        let SplitBatch { kinds, rows } = batch.filtered(&self.read.row_condition)?;
        Ok(SplitBatch { kinds, rows: self.read.projection.project(rows)? })
    }
}

impl Source {
    fn of_rows(read: &TableRead, merge: MergeRead) -> Self {
        if read.is_log() { Self::Merge(Box::new(merge)) } else { Self::Live(Box::new(merge)) }
    }

    async fn next(&mut self) -> Result<Option<SplitBatch>> {
        match self {
            Self::Rows(reader) => {
                let batch = reader.next().await?;
                Ok(batch.map(|batch| SplitBatch { kinds: batch.kinds, rows: batch.values }))
            }
            Self::Merge(merge) => {
                let batch = merge.next().await?;
                Ok(batch.map(|batch| SplitBatch { kinds: Some(batch.kinds), rows: batch.values }))
            }
            Self::Live(merge) => live(merge).await,
            Self::Retract(merge) => Ok(live(merge).await?.map(SplitBatch::deleted)),
            Self::Diff(diff) => diff.next().await,
        }
    }
}

/// The next merged records that are rows of the table.
async fn live(merge: &mut MergeRead) -> Result<Option<SplitBatch>> {
    let Some(batch) = merge.next().await? else { return Ok(None) };
    let batch = drop_deletes(batch)?;
    Ok(Some(SplitBatch { kinds: Some(batch.kinds), rows: batch.values }))
}
