//! Manifests and manifest lists: read once and kept, as they never change; written whole.
//!
//! Goes in: entries, or the names of manifests. Comes out: the manifests with what readers skip them by, or the entries. Answers to
//! `ManifestFile`, `ManifestList` and `IndexManifestFile`.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use alluvium_format::avro::Compression;
use alluvium_format::{
    BinaryRow, CoreOptions, DataType, Datum, FileKind, IndexManifestEntry, ManifestEntry, ManifestFileMeta, Result,
    SimpleStats, datum, index_file, manifest, path,
};
use futures::{StreamExt, TryStreamExt};
use moka::future::Cache;

use crate::manifest_weight;
use crate::scan::live_files::over_entries;
use crate::table_io::TableIo;

/// Manifests read at the same time: enough to hide the store's latency, few enough for any file limit.
const READS_AT_ONCE: usize = 16;
/// Memory for decoded manifests that are kept: the entries of about 200,000 data files.
const MANIFEST_CACHE_BYTES: u64 = 256 << 20;
/// Memory for decoded lists that are kept, and for decoded index manifests.
const LIST_CACHE_BYTES: u64 = 32 << 20;
/// What the cache itself takes for an entry.
const ENTRY_BYTES: usize = 256;
/// Manifests of at most so many bytes are decoded where they are read, in about a millisecond; larger ones in the CPU pool.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// The manifests of a table.
#[derive(Clone, Debug)]
pub struct ManifestStore {
    io: TableIo,
    manifests: Cache<String, Arc<Vec<ManifestEntry>>>,
    lists: Cache<String, Arc<Vec<ManifestFileMeta>>>,
    indexes: Cache<String, Arc<Vec<IndexManifestEntry>>>,
}

/// A cache of so many bytes.
fn cache<T: Send + Sync + 'static>(bytes: u64, weigh: fn(&[T]) -> usize) -> Cache<String, Arc<Vec<T>>> {
    let weigher = move |name: &String, entries: &Arc<Vec<T>>| {
        u32::try_from(name.len() + ENTRY_BYTES + weigh(entries)).unwrap_or(u32::MAX)
    };
    Cache::builder().max_capacity(bytes).weigher(weigher).build()
}

impl ManifestStore {
    /// The manifests below a table's folder.
    pub fn new(io: TableIo) -> Self {
        Self {
            io,
            manifests: cache(MANIFEST_CACHE_BYTES, manifest_weight::of_entries),
            lists: cache(LIST_CACHE_BYTES, manifest_weight::of_list),
            indexes: cache(LIST_CACHE_BYTES, manifest_weight::of_indexes),
        }
    }

    /// The manifests of a list.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn list(&self, name: &str) -> Result<Arc<Vec<ManifestFileMeta>>> {
        if let Some(list) = self.lists.get(name).await {
            return Ok(list);
        }
        let path = path::manifest(name);
        let bytes = self.io.get(&path).await.map_err(|error| error.context("reading a manifest list"))?;
        let list = Arc::new(manifest::list::decode(&bytes, &format!("{}/{path}", self.io.base()))?);
        self.lists.insert(name.to_owned(), Arc::clone(&list)).await;
        Ok(list)
    }

    /// The entries of a manifest.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn entries(&self, name: &str) -> Result<Arc<Vec<ManifestEntry>>> {
        if let Some(entries) = self.manifests.get(name).await {
            return Ok(entries);
        }
        let path = path::manifest(name);
        let bytes = self.io.get(&path).await.map_err(|error| error.context("reading a manifest"))?;
        let whole_path = format!("{}/{path}", self.io.base());
        let entries = if bytes.len() <= INLINE_BYTES_MAX {
            manifest::file::decode(&bytes, &whole_path)?
        } else {
            self.io.cpu().run(async move { manifest::file::decode(&bytes, &whole_path) }).await?
        };
        let entries = Arc::new(entries);
        self.manifests.insert(name.to_owned(), Arc::clone(&entries)).await;
        Ok(entries)
    }

    /// The entries of each of some manifests, in their order.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn entries_of(&self, manifests: &[ManifestFileMeta]) -> Result<Vec<Arc<Vec<ManifestEntry>>>> {
        let names: Vec<String> = manifests.iter().map(|meta| meta.file_name.clone()).collect();
        futures::stream::iter(names)
            .map(|name| async move { self.entries(&name).await })
            .buffered(READS_AT_ONCE)
            .try_collect()
            .await
    }

    /// The entries of an index manifest.
    ///
    /// # Errors
    /// `NotFound`, `Corrupt` or `Storage`.
    pub async fn index_entries(&self, name: &str) -> Result<Arc<Vec<IndexManifestEntry>>> {
        if let Some(entries) = self.indexes.get(name).await {
            return Ok(entries);
        }
        let path = path::manifest(name);
        let bytes = self.io.get(&path).await.map_err(|error| error.context("reading an index manifest"))?;
        let entries = Arc::new(index_file::decode_manifest(&bytes, &format!("{}/{path}", self.io.base()))?);
        self.indexes.insert(name.to_owned(), Arc::clone(&entries)).await;
        Ok(entries)
    }

    /// Deletes a manifest or list that no snapshot names.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.manifests.invalidate(name).await;
        self.lists.invalidate(name).await;
        self.indexes.invalidate(name).await;
        self.io.delete(&path::manifest(name)).await
    }

    /// A writer for one commit.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong; `Unsupported` for a codec.
    pub fn writer(&self, options: &CoreOptions, partition_types: Vec<DataType>) -> Result<ManifestWriter> {
        let level = options.file_compression(0)?.zstd_level;
        Ok(ManifestWriter {
            store: self.clone(),
            compression: Compression::from_name(&options.manifest_compression(), level)?,
            target_bytes: options.manifest_target_file_bytes()?.max(1),
            partition_types,
            uuid: self.io.namer().uuid(),
            written: Mutex::default(),
        })
    }
}

/// Writes the manifests of one attempt to commit, and knows what it wrote.
#[derive(Debug)]
pub struct ManifestWriter {
    store: ManifestStore,
    compression: Compression,
    target_bytes: u64,
    partition_types: Vec<DataType>,
    uuid: String,
    /// Names of the files that were written, or may have been.
    written: Mutex<Vec<String>>,
}

impl ManifestWriter {
    /// Writes entries into as many manifests as their size asks for; none for no entries.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn write(&self, entries: Vec<ManifestEntry>) -> Result<Vec<ManifestFileMeta>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let entries = Arc::new(entries);
        let bytes = self.encode(&entries).await?;
        let files = (bytes.len() as u64).div_ceil(self.target_bytes).clamp(1, entries.len() as u64);
        if files == 1 {
            return Ok(vec![self.put(entries, bytes).await?]);
        }
        let per_file = entries.len().div_ceil(usize::try_from(files).unwrap_or(1));
        let mut written = Vec::new();
        for part in entries.chunks(per_file) {
            let part = Arc::new(part.to_vec());
            let bytes = self.encode(&part).await?;
            written.push(self.put(part, bytes).await?);
        }
        Ok(written)
    }

    /// Writes a manifest list and gives its name and bytes.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn write_list(&self, manifests: Vec<ManifestFileMeta>) -> Result<(String, i64)> {
        let bytes = manifest::list::encode(&manifests, self.compression)?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let name = self.put_named("manifest-list", bytes).await?;
        self.store.lists.insert(name.clone(), Arc::new(manifests)).await;
        Ok((name, size))
    }

    /// Writes an index manifest and gives its name.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn write_index(&self, entries: Vec<IndexManifestEntry>) -> Result<String> {
        let bytes = index_file::encode_manifest(&entries, self.compression)?;
        let name = self.put_named("index-manifest", bytes).await?;
        self.store.indexes.insert(name.clone(), Arc::new(entries)).await;
        Ok(name)
    }

    /// Deletes what it wrote, as no snapshot will name it. At best effort: what stays is garbage that readers never see.
    pub async fn discard(self) {
        let names = self.written.into_inner().unwrap_or_else(PoisonError::into_inner);
        let store = &self.store;
        let delete = |name: String| async move { drop(store.delete(&name).await) };
        futures::stream::iter(names).for_each_concurrent(READS_AT_ONCE, delete).await;
    }

    async fn encode(&self, entries: &Arc<Vec<ManifestEntry>>) -> Result<Vec<u8>> {
        let (entries, compression) = (Arc::clone(entries), self.compression);
        over_entries(&self.store.io, entries.len(), move || manifest::file::encode(&entries, compression)).await
    }

    async fn put(&self, entries: Arc<Vec<ManifestEntry>>, bytes: Vec<u8>) -> Result<ManifestFileMeta> {
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let name = self.put_named("manifest", bytes).await?;
        let meta = describe(name.clone(), size, &entries, &self.partition_types)?;
        self.store.manifests.insert(name, entries).await;
        Ok(meta)
    }

    async fn put_named(&self, kind: &str, bytes: Vec<u8>) -> Result<String> {
        let name = {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            let name = format!("{kind}-{}-{}", self.uuid, written.len());
            written.push(name.clone());
            name
        };
        self.store.io.put(&path::manifest(&name), bytes).await?;
        Ok(name)
    }
}

/// What a manifest list says of a manifest.
fn describe(
    name: String,
    size: i64,
    entries: &[ManifestEntry],
    partition_types: &[DataType],
) -> Result<ManifestFileMeta> {
    let count = |kind: FileKind| entries.iter().filter(|entry| entry.kind == kind).count() as i64;
    let row_ids = |pick: fn(i64, i64) -> i64, end: bool| -> Option<i64> {
        let ids: Option<Vec<i64>> = entries
            .iter()
            .map(|entry| {
                entry.file.first_row_id.map(|first| if end { first + entry.file.row_count - 1 } else { first })
            })
            .collect();
        ids.and_then(|ids| ids.into_iter().reduce(pick))
    };
    Ok(ManifestFileMeta {
        file_name: name,
        file_size: size,
        num_added_files: count(FileKind::Add),
        num_deleted_files: count(FileKind::Delete),
        partition_stats: partition_stats(entries, partition_types)?,
        schema_id: entries.iter().map(|entry| entry.file.schema_id).max().unwrap_or(0),
        min_bucket: entries.iter().map(|entry| entry.bucket).min(),
        max_bucket: entries.iter().map(|entry| entry.bucket).max(),
        min_level: entries.iter().map(|entry| entry.file.level).min(),
        max_level: entries.iter().map(|entry| entry.file.level).max(),
        min_row_id: row_ids(i64::min, false),
        max_row_id: row_ids(i64::max, true),
    })
}

/// Minimum, maximum and null count of each partition column.
fn partition_stats(entries: &[ManifestEntry], types: &[DataType]) -> Result<SimpleStats> {
    let mut min: Vec<Option<Datum>> = vec![None; types.len()];
    let mut max = min.clone();
    let mut nulls = vec![0i64; types.len()];
    let mut last: Option<&BinaryRow> = None;
    for entry in entries {
        // Entries of one partition stand together: each is decoded once, and nulls are counted by entry.
        let values = if last == Some(&entry.partition) && !nulls.iter().any(|count| *count > 0) {
            continue;
        } else {
            entry.partition.decode(types)?
        };
        last = Some(&entry.partition);
        for (column, value) in values.into_iter().enumerate() {
            let Some(value) = value else {
                nulls[column] += 1;
                continue;
            };
            if min[column].as_ref().is_none_or(|min| datum::compare(&value, min) == Ordering::Less) {
                min[column] = Some(value.clone());
            }
            if max[column].as_ref().is_none_or(|max| datum::compare(&value, max) == Ordering::Greater) {
                max[column] = Some(value);
            }
        }
    }
    Ok(SimpleStats {
        min_values: BinaryRow::encode(types, &min)?,
        max_values: BinaryRow::encode(types, &max)?,
        null_counts: nulls.into_iter().map(Some).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cache_keeps_no_more_than_its_bytes() {
        const BYTES: u64 = 100_000;
        let cache = cache::<u8>(BYTES, |values| values.len());
        for name in 0..1000 {
            cache.insert(name.to_string(), Arc::new(vec![0; 1000])).await;
        }
        cache.run_pending_tasks().await;
        let kept: usize = cache.iter().map(|(_, values)| values.len()).sum();
        assert!((1..=BYTES as usize).contains(&kept), "{kept} bytes are kept");
    }
}
