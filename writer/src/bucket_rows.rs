//! The rows that buckets of a table have, read without the reader: what a writer must know of them, or writes again.
//!
//! Goes in: a snapshot, and a condition on partitions. Comes out: the buckets with their files, those of level 0 included: rows that no
//! reader sees yet are rows all the same. Where there are keys the files of a bucket are merged, else they are read one after the other.

use std::sync::Arc;

use alluvium_format::{DataFileMeta, Predicate, Result, Snapshot};
use alluvium_merge_tree::{MergeOptions, Section, interval_partition};
use alluvium_store::{
    DataFileRead, DataFileReader, DeletionVectors, MergeRead, PartitionBucket, SystemColumns, TableStore,
    deletion_vectors, scan,
};

use crate::row_source::RowSource;

/// The files of a bucket, with the rows of them that are deleted.
#[derive(Debug)]
pub(crate) struct BucketRows {
    pub(crate) bucket: PartitionBucket,
    pub(crate) total_buckets: i32,
    pub(crate) files: Vec<DataFileMeta>,
    deletions: Arc<DeletionVectors>,
}

impl BucketRows {
    /// The buckets of partitions for which the condition may be true, in order; what waits for its bucket is of none.
    pub(crate) async fn of(table: &TableStore, snapshot: &Snapshot, partitions: &Predicate) -> Result<Vec<Self>> {
        let mut entries = scan::live_entries(table, snapshot, partitions).await?;
        entries.retain(|entry| entry.bucket >= 0);
        entries.sort_by(|a, b| (a.partition.as_bytes(), a.bucket).cmp(&(b.partition.as_bytes(), b.bucket)));
        let mut buckets: Vec<(PartitionBucket, i32, Vec<DataFileMeta>)> = Vec::new();
        for entry in entries {
            let bucket = PartitionBucket { partition: entry.partition, bucket: entry.bucket };
            match buckets.last_mut().filter(|(last, ..)| *last == bucket) {
                Some((.., files)) => files.push(entry.file),
                None => buckets.push((bucket, entry.total_buckets, vec![entry.file])),
            }
        }
        let places: Vec<PartitionBucket> = buckets.iter().map(|(bucket, ..)| bucket.clone()).collect();
        let vectors = deletion_vectors::read(table, snapshot, &places).await?;
        let rows = buckets.into_iter().zip(vectors).map(|((bucket, total_buckets, files), vectors)| Self {
            bucket,
            total_buckets,
            files,
            deletions: Arc::new(vectors.vectors),
        });
        Ok(rows.collect())
    }

    /// All rows, in order.
    pub(crate) async fn sources(mut self, table: &TableStore) -> Result<Vec<RowSource>> {
        if !table.schema().primary_keys.is_empty() {
            let names: Vec<String> = table.schema().fields.iter().map(|field| field.name.clone()).collect();
            let sections = interval_partition(std::mem::take(&mut self.files), &table.schema().key_types())?;
            return Ok(vec![RowSource::Merged(Box::new(self.merge(table, sections, &names)?))]);
        }
        self.files.sort_by_key(|file| file.min_sequence_number);
        let read = DataFileRead {
            fields: table.schema().fields.as_slice().into(),
            system: SystemColumns::None,
            predicate: Predicate::True,
            deletions: self.deletions,
        };
        let mut sources = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let reader = DataFileReader::open(table, &self.bucket, file, &read).await?;
            sources.push(RowSource::File(Box::new(reader)));
        }
        Ok(sources)
    }

    /// A merge of these of its files, which gives these columns and those that it goes by. It takes the memory that is free, as whoever drives
    /// it may have to flush what it gives.
    pub(crate) fn merge(self, table: &TableStore, sections: Vec<Section>, wanted: &[String]) -> Result<MergeRead> {
        let schema = table.schema();
        let merge = MergeOptions::new(schema, table.options())?;
        let required = merge.required_columns(wanted.iter().map(String::as_str));
        let fields =
            schema.fields.iter().filter(|field| wanted.contains(&field.name) || required.contains(&field.name));
        let read = DataFileRead {
            fields: fields.cloned().collect(),
            system: SystemColumns::All,
            predicate: Predicate::True,
            deletions: self.deletions,
        };
        MergeRead::new(table, self.bucket, sections, &merge, read)
    }
}
