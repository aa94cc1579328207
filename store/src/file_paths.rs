//! The paths of a table's files, those that are there and those to come.
//!
//! Goes in: a partition, a bucket, and what a manifest says of a file; or the name of a new one. Comes out: where it is, or goes. Answers to
//! `org.apache.paimon.utils.FileStorePathFactory`, `DataFilePathFactory` and `IndexInDataFileDirPathFactory`.

use alluvium_format::options::external_paths::ExternalPaths;
use alluvium_format::partition::partition_path;
use alluvium_format::{BinaryRow, CompactedChangelog, DataFileMeta, Error, ExternalPath, IndexFileMeta, Result, path};

use crate::data_file::PartitionBucket;
use crate::file_location::{FileLocation, check_file_name};
use crate::table_io::TableIo;
use crate::table_store::TableStore;

impl TableStore {
    /// The folder of a partition, relative to the table's: `dt=1/h=2/`, or nothing.
    ///
    /// # Errors
    /// `Corrupt` when the row is no partition of the table.
    pub fn partition_path(&self, partition: &BinaryRow) -> Result<String> {
        partition_path(&self.schema().partition_fields(), partition, self.partition_naming())
    }

    /// The folder of a bucket, relative to the table's.
    ///
    /// # Errors
    /// `Corrupt` when the row is no partition of the table.
    pub fn bucket_path(&self, partition: &BinaryRow, bucket: i32) -> Result<String> {
        let below = self.options().data_file_path_directory().map_or(String::new(), |folder| format!("{folder}/"));
        Ok(format!("{below}{}{}", self.partition_path(partition)?, path::bucket(bucket)))
    }

    /// Where a data file, or a changelog file, is. What lies beside it is [`FileLocation::beside`] it.
    ///
    /// # Errors
    /// `Invalid` for a file outside of the table's folder where that is not allowed, naming the option; `Corrupt` when the row is no partition
    /// of the table, or the name is not one of a file.
    pub fn data_file(&self, partition: &BinaryRow, bucket: i32, file: &DataFileMeta) -> Result<FileLocation> {
        check_file_name(&file.file_name)?;
        let Some(compacted) = CompactedChangelog::of_file(&file.file_name)? else {
            return match &file.external_path {
                Some(path) => FileLocation::external(self.io(), &path.parse()?),
                None => self.in_bucket(partition, bucket, &file.file_name),
            };
        };
        let stored = match &file.external_path {
            Some(path) => FileLocation::external(self.io(), &in_other_bucket(path, &compacted)?)?,
            None => self.in_bucket(partition, compacted.bucket, &compacted.file_name)?,
        };
        Ok(stored.with_range(compacted.range))
    }

    fn in_bucket(&self, partition: &BinaryRow, bucket: i32, name: &str) -> Result<FileLocation> {
        Ok(FileLocation::in_folder(self.io(), format!("{}/{name}", self.bucket_path(partition, bucket)?)))
    }

    /// Where an index file of a bucket is.
    ///
    /// # Errors
    /// As for [`TableStore::data_file`].
    pub fn index_file(&self, bucket: &PartitionBucket, file: &IndexFileMeta) -> Result<FileLocation> {
        check_file_name(&file.file_name)?;
        if let Some(path) = &file.external_path {
            return FileLocation::external(self.io(), &path.parse()?);
        }
        let folder = match self.options().index_file_in_data_file_dir()? {
            true => self.bucket_path(&bucket.partition, bucket.bucket)?,
            false => path::INDEX_FOLDER.to_owned(),
        };
        Ok(FileLocation::in_folder(self.io(), format!("{folder}/{}", file.file_name)))
    }

    /// Checks that the table can be written: what this library has, and where its files go.
    ///
    /// # Errors
    /// `Unsupported` by name for what this library cannot write; `Invalid` for a wrong option, and for files that would go where the
    /// catalog does not allow it, naming the option.
    pub fn check_write_supported(&self) -> Result<()> {
        self.options().check_write_supported(self.schema())?;
        let data = self.options().external_paths()?;
        let index = self.options().index_external_path()?;
        let mut folders = data.iter().flat_map(ExternalPaths::folders).chain(&index);
        folders.try_for_each(|folder| self.io().external_stores().find(folder).map(drop))
    }
}

/// The external path of the file that holds a compacted changelog's bytes: its bucket's folder is beside that of `path`.
fn in_other_bucket(path: &str, compacted: &CompactedChangelog) -> Result<ExternalPath> {
    let folders = path.rsplit_once('/').and_then(|(folder, _)| folder.rsplit_once('/'));
    let (above, _) = folders.ok_or_else(|| Error::invalid(format!("{path:?} is no path of a file in a bucket")))?;
    format!("{above}/{}/{}", path::bucket(compacted.bucket), compacted.file_name).parse()
}

/// Where the new files of one writer go.
#[derive(Debug)]
pub(crate) struct NewFiles {
    io: TableIo,
    place: Place,
    /// The name of the first, and how many there are.
    given: Option<(String, usize)>,
}

#[derive(Debug)]
enum Place {
    /// A folder, relative to the table's.
    Folder(String),
    /// One of some folders, with that of the bucket below it.
    External { folders: ExternalPaths, bucket_path: String },
    /// One folder outside.
    ExternalFolder(ExternalPath),
}

/// A file to be.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) name: String,
    pub(crate) location: FileLocation,
    /// What manifests say of it: its whole path when it is outside of the table's folder.
    pub(crate) external_path: Option<String>,
}

impl NewFiles {
    /// Data files of a bucket.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong; `Corrupt` when the row is no partition of the table.
    pub(crate) fn of_bucket(table: &TableStore, bucket: &PartitionBucket) -> Result<Self> {
        let bucket_path = table.bucket_path(&bucket.partition, bucket.bucket)?;
        let place = match table.options().external_paths()? {
            Some(folders) => Place::External { folders, bucket_path },
            None => Place::Folder(bucket_path),
        };
        Ok(Self { io: table.io().clone(), place, given: None })
    }

    /// Index files of a bucket.
    ///
    /// # Errors
    /// As for [`NewFiles::of_bucket`].
    pub(crate) fn of_index(table: &TableStore, bucket: &PartitionBucket) -> Result<Self> {
        if table.options().index_file_in_data_file_dir()? {
            return Self::of_bucket(table, bucket);
        }
        let external = table.options().index_external_path()?.map(Place::ExternalFolder);
        let place = external.unwrap_or_else(|| Place::Folder(path::INDEX_FOLDER.to_owned()));
        Ok(Self { io: table.io().clone(), place, given: None })
    }

    /// The file of this name.
    ///
    /// # Errors
    /// `Invalid` when it would be where the catalog does not allow it, naming the option.
    pub(crate) fn place(&mut self, name: String) -> Result<NewFile> {
        let (first, number) = self.given.get_or_insert_with(|| (name.clone(), 0));
        let external = match &self.place {
            Place::Folder(folder) => {
                let location = FileLocation::in_folder(&self.io, format!("{folder}/{name}"));
                return Ok(NewFile { name, location, external_path: None });
            }
            Place::External { folders, bucket_path } => folders.path_of(bucket_path, (first, *number), &name)?,
            Place::ExternalFolder(folder) => folder.join(&name)?,
        };
        *number += 1;
        let location = FileLocation::external(&self.io, &external)?;
        Ok(NewFile { name, location, external_path: Some(external.to_string()) })
    }
}
