//! Gives the files of a table the indexes that its options ask for now, without rewriting the files.
//!
//! Goes in: a table and a condition on its partitions. Comes out: a COMPACT snapshot in which files have other indexes, and a report.
//! Files that others compacted meanwhile are planned again. Invariants: rows, levels and deletion vectors stay as they are; a side file
//! that is certainly in no snapshot is deleted. Answers to `RewriteFileIndexProcedure` and `FileIndexProcessor`.

use std::collections::HashMap;

use alluvium_format::snapshot::BATCH_COMMIT_IDENTIFIER;
use alluvium_format::{
    CommitMessage, CompactIncrement, DataFileMeta, DataIncrement, Error, ErrorKind, ManifestEntry, Predicate, Result,
};
use alluvium_store::{Committable, EmptyCommits, FileStoreCommit, PartitionBucket, TableStore, rewrite_indexes, scan};

/// How often it is planned again after others changed the same files.
const PLANS_MAX: usize = 5;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileIndexReport {
    /// Files that were looked at.
    pub files: usize,
    /// Files that have other indexes than before.
    pub rewritten: usize,
    /// The snapshot; `None` when nothing was to be done.
    pub snapshot: Option<i64>,
}

/// Rewrites the indexes of the files in the partitions for which `partitions` is true.
///
/// # Errors
/// `Unsupported` by name for what this library cannot write; `Conflict` when others changed the same files again and again; those of
/// reading, writing and committing.
pub async fn rewrite_file_index(table: &TableStore, partitions: &Predicate) -> Result<FileIndexReport> {
    for _ in 0..PLANS_MAX {
        let table = table.at_latest_schema().await?;
        table.check_write_supported()?;
        let Some(snapshot) = table.snapshots().latest().await? else { return Ok(FileIndexReport::default()) };
        let entries = scan::live_entries(&table, &snapshot, partitions).await?;
        let files = entries.len();
        let rewritten = match rewrite_all(&table, entries).await {
            Ok(rewritten) => rewritten,
            // Others compacted it, and the snapshots that had it expired.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if rewritten.is_empty() {
            return Ok(FileIndexReport { files, ..FileIndexReport::default() });
        }
        match commit(&table, &rewritten).await {
            Ok(snapshot) => return Ok(FileIndexReport { files, rewritten: rewritten.len(), snapshot }),
            Err(error) => {
                if error.kind() != ErrorKind::Unknown {
                    discard(&table, &rewritten).await;
                }
                if error.kind() != ErrorKind::Conflict {
                    return Err(error);
                }
            }
        }
    }
    let what =
        format!("others changed the files of {} again and again while their indexes were rewritten", table.name());
    Err(Error::new(ErrorKind::Conflict, what))
}

/// A file, and its metadata with other indexes.
struct Rewritten {
    entry: ManifestEntry,
    indexed: DataFileMeta,
}

/// One file after the other; those whose indexes stay are left out. On an error nothing is left of any.
async fn rewrite_all(table: &TableStore, entries: Vec<ManifestEntry>) -> Result<Vec<Rewritten>> {
    let mut out = Vec::new();
    for entry in entries {
        let bucket = bucket_of(&entry);
        let (store, file) = (table.clone(), entry.file.clone());
        let indexed = table.io().cpu().run(async move { rewrite_indexes(&store, &bucket, &file).await }).await;
        match indexed {
            Ok(indexed) if indexed == entry.file => {}
            Ok(indexed) => out.push(Rewritten { entry, indexed }),
            Err(error) => {
                discard(table, &out).await;
                return Err(error);
            }
        }
    }
    Ok(out)
}

fn bucket_of(entry: &ManifestEntry) -> PartitionBucket {
    PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket }
}

async fn commit(table: &TableStore, rewritten: &[Rewritten]) -> Result<Option<i64>> {
    let mut buckets: HashMap<PartitionBucket, CommitMessage> = HashMap::new();
    for Rewritten { entry, indexed } in rewritten {
        let message = buckets.entry(bucket_of(entry)).or_insert_with(|| CommitMessage {
            partition: entry.partition.clone(),
            bucket: entry.bucket,
            total_buckets: entry.total_buckets,
            data: DataIncrement::default(),
            compact: CompactIncrement::default(),
        });
        message.compact.compact_before.push(entry.file.clone());
        message.compact.compact_after.push(indexed.clone());
    }
    let user = table.io().namer().uuid();
    let commit = FileStoreCommit::new(table, user.as_str(), EmptyCommits::Skipped);
    let messages = buckets.into_values().collect();
    let committable = Committable { identifier: BATCH_COMMIT_IDENTIFIER, messages, ..Committable::default() };
    let committed = commit.commit(committable).await?;
    Ok(committed.snapshots.last().map(|snapshot| snapshot.id))
}

/// Deletes the side files that were written, at best effort.
async fn discard(table: &TableStore, rewritten: &[Rewritten]) {
    for Rewritten { entry, indexed } in rewritten {
        let Ok(location) = table.data_file(&entry.partition, entry.bucket, &entry.file) else { continue };
        let written = indexed.extra_files.iter().filter(|name| !entry.file.extra_files.contains(name));
        for file in written.filter_map(|name| location.beside(name).ok()) {
            // Nobody names the file, so one that stays is garbage that costs only room.
            let _ = file.delete().await;
        }
    }
}
