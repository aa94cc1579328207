//! The indexes of a data file: in its manifest entry, or in a file beside it.
//!
//! Goes in: the indexes of a file that was written; or a file and a condition. Comes out: the file's metadata with its indexes; or which
//! of its rows may pass. Invariants: a side file lies in the folder of its data file and is one of its extra files, so that it lives and
//! goes with it; no row that passes is left out. Answers to `DataFileIndexWriter`, `FileIndexEvaluator` and `FileIndexProcessor`.

use std::sync::Arc;

use alluvium_format::file_index::{
    FileIndexPlan, FileIndexPredicate, FileIndexResult, FileIndexWriter, comparable_columns,
};
use alluvium_format::{DataField, DataFileMeta, Error, ErrorKind, Predicate, Result};
use bytes::Bytes;

use super::{DataFileRead, DataFileReader, PartitionBucket, SystemColumns};
use crate::file_location::FileLocation;
use crate::table_store::TableStore;

/// What the name of a side file ends with.
const SUFFIX: &str = ".index";

/// Ends the indexes of the file at `location`, and says in `meta` where they are.
///
/// # Errors
/// `Invalid` for what an index does not hold; `Storage`: no side file is left then, at best effort.
pub(super) async fn store(
    location: &FileLocation,
    (plan, index): (&FileIndexPlan, FileIndexWriter),
    meta: &mut DataFileMeta,
) -> Result<()> {
    let container = index.finish()?;
    if plan.is_embedded(container.len()) {
        meta.embedded_index = Some(Bytes::from(container));
        return Ok(());
    }
    let name = format!("{}{SUFFIX}", meta.file_name);
    let side = location.beside(&name)?;
    if let Err(error) = side.put(container).await {
        // Nobody names the file, so one that stays is garbage that costs only room.
        let _ = side.delete().await;
        return Err(error);
    }
    meta.extra_files.push(name);
    Ok(())
}

/// The rows of `file` that may pass `predicate`, as its indexes say; `fields` are those asked for, by the names in the condition. A file
/// without indexes, or one whose columns had other types, says nothing.
///
/// # Errors
/// `NotFound`, `Corrupt` and `Storage` with the path.
pub async fn select_rows(
    table: &TableStore,
    bucket: &PartitionBucket,
    file: &DataFileMeta,
    (predicate, fields): (&Predicate, &[DataField]),
) -> Result<FileIndexResult> {
    let side = side_file(file)?;
    if *predicate == Predicate::True || (file.embedded_index.is_none() && side.is_none()) {
        return Ok(FileIndexResult::Remain);
    }
    if !table.options().file_index_read_enabled()? {
        return Ok(FileIndexResult::Remain);
    }
    let schema = table.schemas().get(file.schema_id).await?;
    let written = comparable_columns(predicate, fields, &schema.fields);
    if written.is_empty() {
        return Ok(FileIndexResult::Remain);
    }
    let (container, path) = match (&file.embedded_index, side) {
        (Some(embedded), _) => (embedded.clone(), format!("the index of {} in its manifest", file.file_name)),
        (None, Some(name)) => {
            let location = table.data_file(&bucket.partition, bucket.bucket, file)?.beside(name)?;
            (location.get().await?, location.to_string())
        }
        (None, None) => return Ok(FileIndexResult::Remain),
    };
    let rows = u64::try_from(file.row_count).unwrap_or_default();
    FileIndexPredicate::open(&container, &written, rows, &path)?.evaluate(predicate)
}

/// The metadata of `file` with the indexes that the options of `table` ask for now, which are stored: a file that has them already is as it
/// was. Rows that are deleted by position are indexed like all others. CPU-bound.
///
/// # Errors
/// `Unsupported` for a type of index or a file format; `NotFound`, `Corrupt` and `Storage` with the path.
pub async fn rewrite_indexes(
    table: &TableStore,
    bucket: &PartitionBucket,
    file: &DataFileMeta,
) -> Result<DataFileMeta> {
    let written = table.schemas().get(file.schema_id).await?;
    let old = side_file(file)?.cloned();
    let mut out = DataFileMeta { embedded_index: None, ..file.clone() };
    out.extra_files.retain(|name| Some(name) != old.as_ref());
    let plan = FileIndexPlan::of_file(&table.schema().fields, &written.fields, table.options())?;
    let Some((fields, plan)) = plan else { return Ok(out) };
    let read = DataFileRead {
        fields: fields.into(),
        system: SystemColumns::None,
        predicate: Predicate::True,
        deletions: Arc::default(),
    };
    let mut reader = DataFileReader::open(table, bucket, file, &read).await?;
    let mut index = plan.begin()?;
    while let Some(batch) = reader.next().await? {
        index.write(batch.values.columns())?;
    }
    let container = Bytes::from(index.finish()?);
    if plan.is_embedded(container.len()) {
        out.embedded_index = Some(container);
        return Ok(out);
    }
    let location = table.data_file(&bucket.partition, bucket.bucket, file)?;
    if let Some(name) = &old {
        let there = location.beside(name)?.get_if_present().await?;
        if file.embedded_index.is_none() && there == Some(container.clone()) {
            return Ok(file.clone());
        }
    }
    let name = old.map_or_else(|| format!("{}{SUFFIX}", file.file_name), |old| next_name(&old));
    location.beside(&name)?.put(container).await?;
    out.extra_files.push(name);
    Ok(out)
}

/// The name of the side file that comes after `name`: its number is one more. Answers to `createNewFileIndexFilePath`.
fn next_name(name: &str) -> String {
    let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
    match stem.rsplit_once('-').and_then(|(stem, number)| Some((stem, number.parse::<u32>().ok()?))) {
        Some((stem, number)) => format!("{stem}-{}{SUFFIX}", number.saturating_add(1)),
        None => format!("{stem}-1{SUFFIX}"),
    }
}

/// The name of the side file.
fn side_file(file: &DataFileMeta) -> Result<Option<&String>> {
    let mut names = file.extra_files.iter().filter(|name| name.ends_with(SUFFIX));
    match (names.next(), names.next()) {
        (Some(_), Some(_)) => {
            let what = format!("the data file {} has more than one index file", file.file_name);
            Err(Error::new(ErrorKind::Corrupt, what))
        }
        (name, _) => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::next_name;

    #[test]
    fn names_count_up() {
        let names = ["data-u-0.parquet.index", "data-u-0.parquet-1.index", "data-u-0.parquet-9.index", "x.index"];
        let next = ["data-u-0.parquet-1.index", "data-u-0.parquet-2.index", "data-u-0.parquet-10.index", "x-1.index"];
        assert_eq!(names.map(next_name), next);
    }
}
