//! One compaction of a table without buckets: files that the coordinator put together become fewer ones.
//!
//! Goes in: the files, and the index files that have deletion vectors of them. Comes out: what is to be committed; the vectors of other
//! files move to an index file of their own. Invariant: a task that fails or is stopped leaves no file. Answers to
//! `org.apache.paimon.append.AppendCompactTask`.

use std::collections::HashSet;
use std::sync::Arc;

use alluvium_format::{CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, IndexFileMeta, Result};
use alluvium_store::deletion_vectors::{self, VectorsByFile};
use alluvium_store::{DeletionVectors, PartitionBucket};

use super::coordinator::{PackedFile, pack};
use super::rewrite::AppendRewrite;
use super::settings::AppendSettings;
use crate::settings::Picking;
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
            files,
        };
        tasks.map(task).collect()
    }

    /// Compacts.
    ///
    /// # Errors
    /// Those of reading and writing; `NotFound` when others took its files away; `Closed` when it was stopped.
    pub(crate) async fn perform(self, stop: &StopSignal) -> Result<CommitMessage> {
        let vectors = self.index_files.iter().flat_map(|(_, vectors)| vectors.iter());
        let vectors: DeletionVectors = vectors.map(|(name, vector)| (name.clone(), Arc::clone(vector))).collect();
        let rewrite = AppendRewrite {
            settings: Arc::clone(&self.settings),
            bucket: self.bucket.clone(),
            files: self.files.clone(),
            deletions: Arc::new(vectors.clone()),
            stop: stop.clone(),
        };
        let after = rewrite.perform().await?;
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
