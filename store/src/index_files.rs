//! Index files at rest: where they are, how one comes and goes. What is in them is up to their kind.
//!
//! Goes in: a bucket, and bytes or the metadata of a file. Comes out: the file's metadata, or its bytes. Answers to
//! `org.apache.paimon.index.IndexPathFactory`.

use alluvium_format::{Error, IndexFileMeta, Result, path};
use bytes::Bytes;

use crate::data_file::PartitionBucket;
use crate::table_store::TableStore;

/// Writes an index file of a bucket; nothing is left where that fails.
pub(crate) async fn write(
    table: &TableStore,
    bucket: &PartitionBucket,
    file: &IndexFileMeta,
    bytes: impl Into<Bytes>,
) -> Result<()> {
    let written = table.io().put(&index_file_path(table, bucket, file)?, bytes).await;
    if written.is_err() {
        // It may be there though writing it failed.
        delete_unpublished(table, bucket, file).await;
    }
    written
}

/// The bytes of an index file of a bucket, as many as its metadata says.
pub(crate) async fn read(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) -> Result<Bytes> {
    let relative = index_file_path(table, bucket, file)?;
    let bytes = table.io().get(&relative).await?;
    if i64::try_from(bytes.len()) != Ok(file.file_size) {
        let what = format!("it has {} bytes, where the index manifest says {}", bytes.len(), file.file_size);
        return Err(Error::corrupt(format!("{}/{relative}", table.io().base()), bytes.len(), what));
    }
    Ok(bytes)
}

/// Deletes an index file that no snapshot names, at best effort.
pub async fn delete_unpublished(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) {
    if let Ok(path) = index_file_path(table, bucket, file) {
        // Nobody names the file, so one that stays is garbage that costs only room.
        let _ = table.io().delete(&path).await;
    }
}

/// The path of an index file of a bucket, relative to the table's folder.
pub(crate) fn index_file_path(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) -> Result<String> {
    if let Some(path) = &file.external_path {
        return Err(Error::unsupported(format!("index files outside of the table's folder ({path})")));
    }
    if file.file_name.is_empty() || file.file_name.contains('/') {
        let what = format!("{:?} is no name of an index file", file.file_name);
        return Err(Error::corrupt(path::MANIFEST_FOLDER, 0, what));
    }
    let folder = match table.options().index_file_in_data_file_dir()? {
        true => table.bucket_path(&bucket.partition, bucket.bucket)?,
        false => path::INDEX_FOLDER.to_owned(),
    };
    Ok(format!("{folder}/{}", file.file_name))
}
