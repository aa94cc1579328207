//! Splits partitions into another number of buckets: their rows are read and written again, in one OVERWRITE.
//!
//! Goes in: a table, which of its partitions, and how many buckets they are to have. Comes out: a snapshot with the same rows. Invariants: rows that
//! others bring meanwhile are never lost: the commit fails then; a partition that has so many buckets already is left as it is. Tables of
//! `bucket = -2` keep the rows that wait. Answers to `org.apache.paimon.flink.action.RescaleAction`.

use std::collections::BTreeMap;

use alluvium_format::snapshot::BATCH_COMMIT_IDENTIFIER;
use alluvium_format::{BinaryRow, BucketMode, Error, ErrorKind, Predicate, Result};
use alluvium_store::{OverwriteScope, TableStore};

use crate::bucket_rows::BucketRows;
use crate::postpone::compaction::of_buckets;
use crate::table_write::{CommitExtras, TableWrite, WriteMode, WriteOptions};

/// What is to be split anew.
#[derive(Clone, Debug)]
pub struct RescaleRequest {
    /// How many buckets there are to be; `None`: as many as the option `bucket` says.
    pub buckets: Option<i32>,
    /// In partitions for which this condition on partition columns is true.
    pub partitions: Predicate,
}

/// What was split anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RescaleReport {
    /// The snapshot; `None` when all had so many buckets already.
    pub snapshot: Option<i64>,
    /// How many buckets each of the partitions has.
    pub buckets: i32,
    /// How many were split anew.
    pub partitions: usize,
    /// How many rows they have.
    pub rows: u64,
}

/// How many buckets the partitions are to have.
///
/// # Errors
/// `Unsupported` for tables that have no number of buckets; `Invalid` when it is not positive, or not given where it must be.
pub fn buckets_of(table: &TableStore, given: Option<i32>) -> Result<i32> {
    let buckets = match (table.options().bucket_mode(table.schema())?, given) {
        (BucketMode::Fixed(_) | BucketMode::Postpone, Some(buckets)) => buckets,
        (BucketMode::Fixed(buckets), None) => buckets,
        (BucketMode::Postpone, None) => {
            return Err(Error::invalid(
                "a table of bucket = -2 has no number of buckets: say how many there are to be",
            ));
        }
        (mode, _) => return Err(Error::unsupported(format!("rescaling a table of bucket mode {mode:?}"))),
    };
    match buckets {
        1.. => Ok(buckets),
        _ => Err(Error::invalid(format!("{buckets} buckets: there must be one at least"))),
    }
}

/// Splits partitions anew.
///
/// # Errors
/// Those of [`buckets_of`]; `Conflict` when others brought rows meanwhile, so that nothing was done; those of reading, writing and committing.
pub async fn rescale(table: &TableStore, request: &RescaleRequest) -> Result<RescaleReport> {
    let table = table.at_latest_schema().await?;
    let buckets = buckets_of(&table, request.buckets)?;
    table.options().check_write_supported(table.schema())?;
    let Some(snapshot) = table.snapshots().latest().await? else {
        return Ok(RescaleReport { buckets, ..RescaleReport::default() });
    };
    let mut rows = BucketRows::of(&table, &snapshot, &request.partitions).await?;
    let others = rows.iter().filter(|rows| rows.total_buckets != buckets);
    let partitions: BTreeMap<Vec<u8>, BinaryRow> =
        others.map(|rows| (rows.bucket.partition.as_bytes().to_vec(), rows.bucket.partition.clone())).collect();
    rows.retain(|rows| partitions.contains_key(rows.bucket.partition.as_bytes()));
    let mut report = RescaleReport { snapshot: None, buckets, partitions: partitions.len(), rows: 0 };
    if rows.is_empty() {
        return Ok(report);
    }
    let real = of_buckets(&table, buckets)?;
    let options = WriteOptions { mode: WriteMode::Overwrite, ..WriteOptions::default() };
    let mut write = TableWrite::open(&real, &table.io().namer().uuid(), options).await?;
    for rows in rows {
        match copy(&table, rows, &mut write).await {
            Ok(copied) => report.rows += copied,
            Err(error) => return Err(write.give_up(error).await),
        }
    }
    let scope = OverwriteScope::Partitions(partitions.into_values().collect());
    let committed = write.replace_rows(scope, snapshot.id, BATCH_COMMIT_IDENTIFIER, CommitExtras::default()).await;
    let committed = committed.map_err(|error| match error.kind() {
        ErrorKind::Conflict => error.context("rescaling, for which no others may write the table"),
        _ => error,
    })?;
    report.snapshot = committed.snapshots.last().map(|snapshot| snapshot.id);
    Ok(report)
}

/// Writes the rows of a bucket again; how many they are.
async fn copy(table: &TableStore, rows: BucketRows, write: &mut TableWrite) -> Result<u64> {
    let mut count = 0;
    for source in rows.sources(table).await? {
        count += source.write_to(table.io(), write).await?;
    }
    Ok(count)
}
