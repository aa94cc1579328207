//! Where one file of a table is: below the table's folder, or at an external path.
//!
//! Invariants: a path outside of the table's folder is below a folder that the catalog allows; and on this machine no symbolic link leads
//! out of that folder. Answers to `org.apache.paimon.io.DataFilePathFactory#toPath`.

use std::fmt;
use std::ops::Range;
use std::path::{Path as LocalPath, PathBuf};

use alluvium_format::{Error, ExternalPath, Result, path};
use bytes::Bytes;
use object_store::path::Path;

use crate::table_io::TableIo;

/// A file, which need not be there; or a range of its bytes, for readers of data files.
#[derive(Clone, Debug)]
pub struct FileLocation {
    /// The table's folder, or the allowed one.
    io: TableIo,
    relative: String,
    /// The folder on this machine that links must not lead out of.
    confined_to: Option<PathBuf>,
    /// The bytes of the stored file that are the file; `None` is all.
    range: Option<Range<u64>>,
}

impl FileLocation {
    /// The file at a path relative to the folder of `io`.
    pub(crate) fn in_folder(io: &TableIo, relative: String) -> Self {
        Self { io: io.clone(), relative, confined_to: None, range: None }
    }

    /// The file at an external path.
    ///
    /// # Errors
    /// `Invalid` when it is below no folder that is allowed; it names the option.
    pub(crate) fn external(io: &TableIo, path: &ExternalPath) -> Result<Self> {
        let (folder, relative) = io.external_stores().find(path)?;
        let io = io.in_external_folder(folder);
        Ok(Self { confined_to: io.local_path("")?, io, relative, range: None })
    }

    /// Another file in the same folder.
    ///
    /// # Errors
    /// `Corrupt` when it is not the name of a file.
    pub fn beside(&self, name: &str) -> Result<Self> {
        check_file_name(name)?;
        let folder = self.relative.rsplit_once('/').map_or("", |(folder, _)| folder);
        let relative = format!("{folder}/{name}").trim_start_matches('/').to_owned();
        Ok(Self { relative, range: None, ..self.clone() })
    }

    /// The file that is a range of the bytes of this one.
    #[must_use]
    pub(crate) fn with_range(self, range: Range<u64>) -> Self {
        Self { range: Some(range), ..self }
    }

    /// The bytes of the stored file that are the file; `None` when all are.
    pub(crate) fn range(&self) -> Option<&Range<u64>> {
        self.range.as_ref()
    }

    /// The folder that its path is relative to.
    pub fn io(&self) -> &TableIo {
        &self.io
    }

    /// Its path, relative to the folder of [`FileLocation::io`].
    pub fn path(&self) -> &str {
        &self.relative
    }

    /// Its path as the store names it, checked: to be asked for before the file is touched.
    ///
    /// # Errors
    /// `Invalid` when the path has segments that a store cannot have, or a symbolic link leads out of the folder that is allowed.
    pub(crate) fn store_path(&self) -> Result<Path> {
        if let (Some(folder), Some(file)) = (&self.confined_to, self.io.local_path(&self.relative)?) {
            check_links(folder, &file)?;
        }
        self.io.path(&self.relative)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// `NotFound`, `Storage`; `Invalid` as for all that touches it, when it is not where it may be.
    pub async fn get(&self) -> Result<Bytes> {
        self.store_path()?;
        self.io.get(&self.relative).await
    }

    /// The bytes of the file; `None` when it is not there.
    ///
    /// # Errors
    /// `Storage`, `Invalid`.
    pub async fn get_if_present(&self) -> Result<Option<Bytes>> {
        self.store_path()?;
        self.io.get_if_present(&self.relative).await
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// `Storage`, `Invalid`.
    pub async fn exists(&self) -> Result<bool> {
        self.store_path()?;
        self.io.exists(&self.relative).await
    }

    /// Writes the file, over one that may be there.
    ///
    /// # Errors
    /// `Storage`, `Invalid`.
    pub async fn put(&self, bytes: impl Into<Bytes>) -> Result<()> {
        self.store_path()?;
        self.io.put(&self.relative, bytes).await
    }

    /// Deletes the file; one that is not there is no error.
    ///
    /// # Errors
    /// `Storage`, `Invalid`.
    pub async fn delete(&self) -> Result<()> {
        self.store_path()?;
        self.io.delete(&self.relative).await
    }
}

impl fmt::Display for FileLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.io.base(), self.relative)
    }
}

/// A name in a manifest is that of a file beside others, never a way elsewhere.
///
/// # Errors
/// `Corrupt` when it is not.
pub(crate) fn check_file_name(name: &str) -> Result<()> {
    if matches!(name, "" | "." | "..") || name.contains('/') {
        return Err(Error::corrupt(path::MANIFEST_FOLDER, 0, format!("{name:?} is no name of a file")));
    }
    Ok(())
}

/// Refuses a file that is, or would be made, outside of the folder by symbolic links.
fn check_links(folder: &LocalPath, file: &LocalPath) -> Result<()> {
    let refused = || {
        let (file, folder) = (file.display(), folder.display());
        Error::invalid(format!(
            "{file} is not touched: a symbolic link leads out of {folder}, which is what is allowed"
        ))
    };
    match (without_links(folder), without_links(file)) {
        (Some(folder), Some(file)) if file.starts_with(&folder) => Ok(()),
        _ => Err(refused()),
    }
}

/// The path behind all links, of which the end need not be there; `None` where a link leads nowhere.
fn without_links(path: &LocalPath) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        return Some(found);
    }
    if path.is_symlink() {
        return None;
    }
    let (parent, name) = (path.parent()?, path.file_name()?);
    Some(without_links(parent)?.join(name))
}
