//! A file of the local disk: written once from its start to its end, then read anywhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use alluvium_format::{Error, Result};

use super::{LocalDisk, failed};

/// A file that is being written. Dropping it deletes it.
#[derive(Debug)]
pub struct LocalFileWriter {
    file: File,
    place: Place,
}

/// A file that is deleted when this is dropped.
#[derive(Debug)]
pub struct LocalFile {
    /// Open all the time, while not too many are.
    kept: Option<File>,
    place: Place,
}

/// Where a file is, and what it takes there; gone when this is dropped.
#[derive(Debug)]
struct Place {
    disk: LocalDisk,
    path: PathBuf,
    bytes: u64,
}

impl LocalFileWriter {
    pub(super) fn create(disk: LocalDisk, path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(|error| failed("making", &path, error))?;
        Ok(Self { file, place: Place { disk, path, bytes: 0 } })
    }

    /// Writes bytes behind those that are there.
    ///
    /// # Errors
    /// `Storage` with the path, also when the limit would be passed. The file is of no use then.
    pub fn append(&mut self, content: &[u8]) -> Result<()> {
        let bytes = content.len() as u64;
        self.place.disk.take_bytes(bytes)?;
        self.place.bytes += bytes;
        self.file.write_all(content).map_err(|error| failed("writing", &self.place.path, error))
    }

    /// Bytes that were written.
    pub fn bytes(&self) -> u64 {
        self.place.bytes
    }

    /// The file, to be read. It need not outlive the process, so nothing waits for the disk.
    pub fn finish(self) -> LocalFile {
        let kept = self.place.disk.take_open_file().then_some(self.file);
        LocalFile { kept, place: self.place }
    }
}

impl LocalFile {
    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.place.bytes
    }

    /// The bytes `offset..offset + length`.
    ///
    /// # Errors
    /// `Storage` with the path; `Internal` when the file has not so many.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let path = &self.place.path;
        if offset.checked_add(length as u64).is_none_or(|end| end > self.place.bytes) {
            let (path, bytes) = (path.display(), self.place.bytes);
            return Err(Error::internal(format!("{length} bytes at {offset} of {path}, which has {bytes}")));
        }
        let mut content = vec![0; length];
        let read = match &self.kept {
            Some(file) => read_exact_at(file, path, &mut content, offset),
            None => File::open(path).and_then(|file| read_exact_at(&file, path, &mut content, offset)),
        };
        read.map_err(|error| failed("reading", path, error))?;
        Ok(content)
    }
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if self.kept.take().is_some() {
            self.place.disk.give_open_file();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed goes with the folder.
        let _ = fs::remove_file(&self.path);
        self.disk.give_bytes(self.bytes);
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, _path: &Path, content: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, content, offset)
}

/// Through a handle of its own, as a handle has one position.
#[cfg(not(unix))]
fn read_exact_at(_file: &File, path: &Path, content: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(content)
}
