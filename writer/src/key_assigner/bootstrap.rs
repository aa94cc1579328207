//! The keys that a table has, read when its writer begins: which of them is in which partition and bucket.
//!
//! Goes in: a bucket at a snapshot. Comes out: the hashes of its keys, of rows that are there: deleted ones have no place.
//! With `cross-partition-upsert.index-ttl` files that are older are passed over, where none of those that they overlap with is younger.
//! Answers to `org.apache.paimon.crosspartition.IndexBootstrap`.

use std::hash::{DefaultHasher, Hasher};

use alluvium_format::binary_row::RowWriter;
use alluvium_format::bucket::KeyColumns;
use alluvium_format::{DataType, Error, Result};
use alluvium_merge_tree::{drop_deletes, interval_partition};
use alluvium_store::{KeyHash, TableStore};
use arrow_array::{ArrayRef, RecordBatch};
use futures::{Stream, stream};

use crate::bucket_rows::BucketRows;

/// The hashes of the keys that a bucket has in rows that are young enough, batch by batch.
pub(super) fn keys(
    table: &TableStore,
    mut bucket: BucketRows,
    key: &PrimaryKey,
) -> Result<impl Stream<Item = Result<Vec<KeyHash>>> + Send> {
    let files = std::mem::take(&mut bucket.files);
    let mut sections = interval_partition(files, &table.schema().key_types())?;
    if let Some(oldest) = oldest_millis(table)? {
        let is_young = |at: Option<i64>| at.is_none_or(|at| at >= oldest);
        sections.retain(|section| section.files().any(|file| is_young(file.creation_time_millis)));
    }
    let (merge, key, io) = (bucket.merge(table, sections, &key.names)?, key.clone(), table.io().clone());
    Ok(stream::try_unfold((merge, key, io), |(mut merge, key, io)| async move {
        let next = async move {
            let hashes = match merge.next().await? {
                Some(batch) => Some(key.hashes(&drop_deletes(batch)?.values)?),
                None => None,
            };
            Ok((merge, key, hashes))
        };
        let (merge, key, hashes) = io.cpu().run(next).await?;
        Ok(hashes.map(|hashes| (hashes, (merge, key, io))))
    }))
}

/// When the oldest files were made that count, local milliseconds.
fn oldest_millis(table: &TableStore) -> Result<Option<i64>> {
    let ttl = table.options().cross_partition_index_ttl_millis()?;
    Ok(ttl.map(|ttl| table.io().clock().local_millis().saturating_sub(i64::try_from(ttl).unwrap_or(i64::MAX))))
}

/// The columns of a primary key, ready to be hashed.
#[derive(Clone, Debug)]
pub(super) struct PrimaryKey {
    names: Vec<String>,
    types: Vec<DataType>,
}

impl PrimaryKey {
    /// That of a table.
    pub(super) fn of(table: &TableStore) -> Result<Self> {
        let fields = table.schema().fields_of(&table.schema().primary_keys)?;
        let (names, types) = fields.into_iter().map(|field| (field.name, field.data_type)).unzip();
        Ok(Self { names, types })
    }

    /// The hash of each row's key.
    pub(super) fn hashes(&self, rows: &RecordBatch) -> Result<Vec<KeyHash>> {
        let columns = self.names.iter().map(|name| {
            let missing = || Error::internal(format!("the key column {name} is not there"));
            rows.column_by_name(name).cloned().ok_or_else(missing)
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let keys = KeyColumns::new(&self.types, &columns)?;
        let mut writer = RowWriter::new(self.types.len());
        let hash = |row| {
            keys.write(row, &mut writer);
            hash_of(writer.as_bytes())
        };
        Ok((0..rows.num_rows()).map(hash).collect())
    }
}

/// Two hashes of 64 bits, of the key after different beginnings.
fn hash_of(key: &[u8]) -> KeyHash {
    let half = |beginning: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(beginning);
        hasher.write(key);
        hasher.finish()
    };
    (KeyHash::from(half(0)) << 64) | KeyHash::from(half(1))
}
