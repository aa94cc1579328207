//! What is in the table of the buckets that a writer begins to write.
//!
//! Goes in: buckets. Comes out: their files in the latest snapshot, with their deletion vectors where they are needed; each read of it
//! serves as many buckets as are asked for.
//! Answers to `org.apache.paimon.operation.FileSystemWriteRestore`.

use std::collections::{HashMap, HashSet};

use alluvium_format::{BinaryRow, CompareOp, DataFileMeta, Predicate, Result};
use alluvium_store::{BucketDeletionVectors, LookedUp, PartitionBucket, TableStore, deletion_vectors, scan};

use crate::bucket_settings::{BucketSettings, Compaction, EarlierFiles};

/// With more partitions than this, a scan of all is cheaper than a condition that names each.
const PARTITIONS_NAMED_MAX: usize = 64;

/// What is there of a bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Restored {
    /// Its files.
    pub(crate) files: Vec<DataFileMeta>,
    /// The rows of them that are deleted.
    pub(crate) vectors: BucketDeletionVectors,
    /// Since when keys of the table are looked up.
    pub(crate) looked_up: LookedUp,
    /// Into how many buckets its partition was split, when that is another number than the table's.
    pub(crate) other_total: Option<i32>,
}

/// What is there of each of the buckets.
pub(crate) async fn restore(settings: &BucketSettings, buckets: &[PartitionBucket]) -> Result<Vec<Restored>> {
    let (table, total_buckets) = (settings.table(), settings.total_buckets);
    let latest = match settings.earlier_files {
        EarlierFiles::Restored => table.snapshots().latest().await?,
        EarlierFiles::Ignored => None,
    };
    let Some(snapshot) = latest else { return Ok(vec![Restored::default(); buckets.len()]) };
    let condition = condition_of(table, buckets)?;
    let mut files: HashMap<PartitionBucket, Vec<DataFileMeta>> = buckets.iter().map(|b| (b.clone(), vec![])).collect();
    let partitions: HashSet<&BinaryRow> = buckets.iter().map(|bucket| &bucket.partition).collect();
    let mut other_totals: HashMap<BinaryRow, i32> = HashMap::new();
    let entries = scan::live_entries(table, &snapshot, &condition).await?;
    let looked_up =
        LookedUp::of(table, table.options(), table.schema().id, entries.iter().map(|entry| &entry.file)).await?;
    for entry in entries {
        // Rows that wait in the postpone bucket have no part in the number of buckets.
        if entry.bucket >= 0 && entry.total_buckets != total_buckets && partitions.contains(&entry.partition) {
            other_totals.insert(entry.partition.clone(), entry.total_buckets);
        }
        let bucket = PartitionBucket { partition: entry.partition, bucket: entry.bucket };
        if let Some(held) = files.get_mut(&bucket) {
            held.push(entry.file);
        }
    }
    // Only who compacts changes them. What they delete stays deleted, whether or not the table still makes new ones.
    let vectors = match settings.compaction {
        Compaction::ByWriter => deletion_vectors::read(table, &snapshot, buckets).await?,
        Compaction::ByOthers => vec![BucketDeletionVectors::default(); buckets.len()],
    };
    let restored = buckets.iter().zip(vectors).map(|(bucket, vectors)| Restored {
        files: files.remove(bucket).unwrap_or_default(),
        vectors,
        looked_up,
        other_total: other_totals.get(&bucket.partition).copied(),
    });
    Ok(restored.collect())
}

/// The condition that is true of the buckets' partitions.
fn condition_of(table: &TableStore, buckets: &[PartitionBucket]) -> Result<Predicate> {
    let (fields, types) = (table.schema().partition_fields(), table.partition_types());
    let mut partitions: Vec<&BinaryRow> = Vec::new();
    for bucket in buckets {
        if !partitions.contains(&&bucket.partition) {
            partitions.push(&bucket.partition);
        }
        if partitions.len() > PARTITIONS_NAMED_MAX {
            return Ok(Predicate::True);
        }
    }
    let of_partition = |partition: &BinaryRow| -> Result<Predicate> {
        let values = partition.decode(&types)?;
        Ok(Predicate::and(fields.iter().zip(values).map(|(field, value)| match value {
            None => Predicate::IsNull(field.name.clone()),
            Some(literal) => Predicate::Compare { column: field.name.clone(), op: CompareOp::Eq, literal },
        })))
    };
    match partitions[..] {
        [partition] => of_partition(partition),
        _ => Ok(Predicate::Or(partitions.into_iter().map(of_partition).collect::<Result<_>>()?)),
    }
}
