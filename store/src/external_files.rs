//! The files of a table that are outside of its folder.
//!
//! Goes in: a table. Comes out: the places that its manifests name, whatever snapshot, tag or branch has them. A table of which no schema sends
//! files outside is not looked through. Java deletes the whole external folder with a table, and what other tables have there.

use std::collections::BTreeMap;

use alluvium_format::options::key;
use alluvium_format::{DataFileMeta, FileKind, Result, path};

use crate::data_file::PartitionBucket;
use crate::file_location::FileLocation;
use crate::table_store::TableStore;

/// The options that send files outside.
const OPTIONS: [&str; 2] = [key::DATA_FILE_EXTERNAL_PATHS, key::GLOBAL_INDEX_EXTERNAL_PATH];

/// The files of `table` that are outside of its folder, by their external paths.
///
/// # Errors
/// `Invalid` when they are where the catalog does not allow it, naming the option; `Corrupt` and `Storage` with the path.
pub(crate) async fn external_files(table: &TableStore) -> Result<BTreeMap<String, FileLocation>> {
    let mut files = BTreeMap::new();
    if !may_have_some(table).await? {
        return Ok(files);
    }
    for name in table.io().list_files(path::MANIFEST_FOLDER).await? {
        if name.starts_with("index-manifest-") {
            for entry in table.manifests().index_entries(&name).await?.iter() {
                if let Some(path) = &entry.index_file.external_path {
                    let bucket = PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket };
                    files.insert(path.clone(), table.index_file(&bucket, &entry.index_file)?);
                }
            }
        } else if !name.starts_with("manifest-list-") {
            let entries = table.manifests().entries(&name).await?;
            for entry in entries.iter().filter(|entry| entry.kind == FileKind::Add) {
                if let Some(path) = &entry.file.external_path {
                    let location = table.data_file(&entry.partition, entry.bucket, &entry.file)?;
                    add_beside(&mut files, path, &location, &entry.file)?;
                    files.insert(path.clone(), location);
                }
            }
        }
    }
    Ok(files)
}

/// Adds what lies beside a file.
fn add_beside(
    files: &mut BTreeMap<String, FileLocation>,
    path: &str,
    location: &FileLocation,
    file: &DataFileMeta,
) -> Result<()> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for name in &file.extra_files {
        files.insert(format!("{folder}/{name}"), location.beside(name)?);
    }
    Ok(())
}

async fn may_have_some(table: &TableStore) -> Result<bool> {
    for id in table.schemas().ids().await? {
        let schema = table.schemas().get(id).await?;
        if OPTIONS.iter().any(|option| schema.options.contains_key(*option)) {
            return Ok(true);
        }
    }
    Ok(false)
}
