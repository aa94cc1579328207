//! One compaction of a table without buckets: files that the coordinator put together become fewer ones, or all of a partition are sorted.
//!
//! Goes in: the files, and the index files that have deletion vectors of them. Comes out: what is to be committed; the vectors of other
//! files move to an index file of their own. Invariant: a task that fails or is stopped leaves no file. Answers to
//! `org.apache.paimon.append.AppendCompactTask`.

use std::collections::HashSet;
use std::sync::Arc;

use alluvium_format::{
    CommitKind, CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, Error, ErrorKind, IndexFileMeta, Result,
};
use alluvium_store::deletion_vectors::{self, VectorsByFile};
use alluvium_store::{DeletionVectors, PartitionBucket};

use super::coordinator::{PackedFile, pack};
use super::rewrite::AppendRewrite;
use super::settings::AppendSettings;
use crate::settings::Picking;
use crate::sort_compaction::{RowsDone, SortKeys, SortRewrite};
use crate::stop::StopSignal;
use crate::unpublished::delete_unpublished;

/// A compaction that is to be done.
#[derive(Debug)]
pub(crate) struct AppendTask {
    settings: Arc<AppendSettings>,
    /// The partition; its bucket is 0.
    pub(crate) bucket: PartitionBucket,
    /// As the table's option says.
    total_buckets: i32,
    pub(crate) files: Vec<DataFileMeta>,
    /// The index files that speak of them.
    index_files: VectorsByFile,
    arrangement: Arrangement,
}

/// How rows come out.
#[derive(Debug)]
enum Arrangement {
    /// One file after the other.
    AsTheyAre,
    /// By their keys; how far that is, is said there.
    Sorted(SortKeys, RowsDone),
}

impl AppendTask {
    /// The tasks of a partition with these files, and these index files. None of files of schemas that are not known here.
    pub(crate) fn all_of(
        settings: &Arc<AppendSettings>,
        bucket: &PartitionBucket,
        total_buckets: i32,
        (files, index_files): (&[DataFileMeta], &VectorsByFile),
        picking: Picking,
    ) -> Vec<Self> {
        let files = files.iter().map(|file| packed(file, index_files)).collect();
        let tasks = pack(files, settings.rules(), picking).into_iter();
        let tasks = tasks.filter(|files| settings.knows_schemas_of(files));
        let task = |files: Vec<DataFileMeta>| Self {
            settings: Arc::clone(settings),
            bucket: bucket.clone(),
            total_buckets,
            index_files: index_files.iter().filter(|(_, vectors)| speak_of(vectors, &files)).cloned().collect(),
            arrangement: Arrangement::AsTheyAre,
            files,
        };
        tasks.map(task).collect()
    }

    /// The task that sorts all rows of a partition, whose files are these.
    ///
    /// # Errors
    /// `Conflict` when files have a schema that is not known here.
    pub(crate) fn sorted(
        settings: &Arc<AppendSettings>,
        bucket: &PartitionBucket,
        total_buckets: i32,
        (files, index_files): (Vec<DataFileMeta>, VectorsByFile),
        keys: SortKeys,
    ) -> Result<Self> {
        if !settings.knows_schemas_of(&files) {
            let name = settings.table().name();
            let what = format!(
                "the schema of {name} was changed while its sort was planned; nothing was written: run it again"
            );
            return Err(Error::new(ErrorKind::Conflict, what));
        }
        let (settings, bucket) = (Arc::clone(settings), bucket.clone());
        Ok(Self {
            settings,
            bucket,
            total_buckets,
            files,
            index_files,
            arrangement: Arrangement::Sorted(keys, RowsDone::default()),
        })
    }

    /// Lets it say there how far it is, where it sorts; gives how many rows it will go through.
    pub(crate) fn tell(&mut self, rows_done: &RowsDone) -> u64 {
        let Arrangement::Sorted(_, told) = &mut self.arrangement else { return 0 };
        *told = rows_done.clone();
        let rows: u64 = self.files.iter().filter_map(|file| u64::try_from(file.row_count).ok()).sum();
        let deleted: u64 =
            self.index_files.iter().flat_map(|(_, vectors)| vectors.values()).map(|one| one.cardinality()).sum();
        rows.saturating_sub(deleted).saturating_mul(2)
    }

    /// The kind of snapshot that it makes. What sorts replaces the rows of its partition, as in Paimon.
    pub(crate) fn kind(&self) -> CommitKind {
        match self.arrangement {
            Arrangement::AsTheyAre => CommitKind::Compact,
            Arrangement::Sorted(..) => CommitKind::Overwrite,
        }
    }

    /// Compacts.
    ///
    /// # Errors
    /// Those of reading and writing; `NotFound` when others took its files away; `Closed` when it was stopped.
    pub(crate) async fn perform(self, stop: &StopSignal) -> Result<CommitMessage> {
        let vectors = self.index_files.iter().flat_map(|(_, vectors)| vectors.iter());
        let vectors: DeletionVectors = vectors.map(|(name, vector)| (name.clone(), Arc::clone(vector))).collect();
        let after = self.rewrite(Arc::new(vectors.clone()), stop.clone()).await?;
        let new_index_files = match self.write_rest(vectors).await {
            Ok(files) => files,
            Err(error) => {
                delete_unpublished(self.settings.table(), &self.bucket, &after).await;
                return Err(error);
            }
        };
        Ok(CommitMessage {
            partition: self.bucket.partition,
            bucket: self.bucket.bucket,
            total_buckets: self.total_buckets,
            data: DataIncrement::default(),
            compact: CompactIncrement {
                compact_before: self.files,
                compact_after: after,
                deleted_index_files: self.index_files.into_iter().map(|(file, _)| file).collect(),
                new_index_files,
                ..CompactIncrement::default()
            },
        })
    }

    async fn rewrite(&self, deletions: Arc<DeletionVectors>, stop: StopSignal) -> Result<Vec<DataFileMeta>> {
        let (settings, bucket, files) = (Arc::clone(&self.settings), self.bucket.clone(), self.files.clone());
        match &self.arrangement {
            Arrangement::AsTheyAre => AppendRewrite { settings, bucket, files, deletions, stop }.perform().await,
            Arrangement::Sorted(keys, rows_done) => {
                let (keys, rows_done) = (keys.clone(), rows_done.clone());
                SortRewrite { settings, bucket, files, deletions, keys, rows_done, stop }.perform().await
            }
        }
    }

    /// Writes the vectors of files that stay.
    async fn write_rest(&self, mut vectors: DeletionVectors) -> Result<Vec<IndexFileMeta>> {
        let gone: HashSet<&str> = self.files.iter().map(|file| file.file_name.as_str()).collect();
        vectors.retain(|name, _| !gone.contains(name.as_str()));
        if vectors.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![deletion_vectors::write(self.settings.table(), &self.bucket, &vectors).await?])
    }
}

/// A file with its deleted rows, of which one of these index files speaks.
pub(super) fn packed(file: &DataFileMeta, index_files: &VectorsByFile) -> PackedFile {
    let deleted = |(index, vectors): &(IndexFileMeta, Arc<DeletionVectors>)| {
        vectors.get(&file.file_name).map(|vector| (vector.cardinality(), index.file_name.clone()))
    };
    PackedFile { deleted: index_files.iter().find_map(deleted), file: file.clone() }
}

fn speak_of(vectors: &DeletionVectors, files: &[DataFileMeta]) -> bool {
    files.iter().any(|file| vectors.contains_key(&file.file_name))
}
