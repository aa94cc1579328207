//! Index files at rest: where they are, how one comes and goes. What is in them is up to their kind.
//!
//! Goes in: a bucket, and bytes or the metadata of a file. Comes out: the file's metadata, or its bytes. Answers to
//! `org.apache.paimon.index.IndexPathFactory`.

use alluvium_format::{Error, IndexFileMeta, Result};
use bytes::Bytes;

use crate::data_file::PartitionBucket;
use crate::file_paths::NewFiles;
use crate::table_store::TableStore;

/// Writes an index file of a bucket, and gives its metadata with its place; nothing is left where that fails.
pub(crate) async fn write(
    table: &TableStore,
    bucket: &PartitionBucket,
    file: IndexFileMeta,
    bytes: impl Into<Bytes>,
) -> Result<IndexFileMeta> {
    let to = NewFiles::of_index(table, bucket)?.place(file.file_name.clone())?;
    let written = to.location.put(bytes).await;
    if written.is_err() {
        // It may be there though writing it failed; nobody names it, so one that stays is garbage that costs only room.
        let _ = to.location.delete().await;
    }
    written.map(|()| IndexFileMeta { external_path: to.external_path, ..file })
}

/// The bytes of an index file of a bucket, as many as its metadata says.
pub(crate) async fn read(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) -> Result<Bytes> {
    let location = table.index_file(bucket, file)?;
    let bytes = location.get().await?;
    if i64::try_from(bytes.len()) != Ok(file.file_size) {
        let what = format!("it has {} bytes, where the index manifest says {}", bytes.len(), file.file_size);
        return Err(Error::corrupt(location, bytes.len(), what));
    }
    Ok(bytes)
}

/// Deletes an index file that no snapshot names, at best effort.
pub async fn delete_unpublished(table: &TableStore, bucket: &PartitionBucket, file: &IndexFileMeta) {
    if let Ok(location) = table.index_file(bucket, file) {
        // Nobody names the file, so one that stays is garbage that costs only room.
        let _ = location.delete().await;
    }
}
