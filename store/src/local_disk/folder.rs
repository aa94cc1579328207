//! The folder of a process: who lives in it is told by a lock, which goes with the process, however it ends.
//!
//! Invariants: a folder with a lock that is held is never touched by others; only files by the names that are given here are ever
//! removed. A folder without its lock file is being made, or was emptied: it goes only if nothing is in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use alluvium_format::{Error, ErrorKind, Result};

use super::failed;
use crate::file_namer::{FileNamer, RandomNamer};

const FOLDER_PREFIX: &str = "alluvium-local-";
const FILE_SUFFIX: &str = ".tmp";
const LOCK: &str = "lock";
/// So often a folder is made that another process, which is just starting, takes for a dead one's before it is locked.
const TRIES_MAX: u32 = 1000;

/// A folder that is this process's as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
}

impl Folder {
    /// A new one below `root`, in which those of the dead are taken away.
    pub(super) fn create(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(|error| failed("making the folder", root, error))?;
        remove_dead(root);
        for _ in 0..TRIES_MAX {
            // Never a name that was there before: what others decided about a folder of that name would be about this one.
            let path = root.join(format!("{FOLDER_PREFIX}{}", RandomNamer.uuid()));
            make_private(&path)?;
            if let Some(lock) = take_lock(&path)? {
                return Ok(Self { path, _lock: lock });
            }
        }
        let root = root.display();
        Err(Error::new(ErrorKind::Storage, format!("other processes take away every new folder in {root}")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file.
    pub(super) fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number}{FILE_SUFFIX}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        empty(&self.path);
    }
}

/// Makes a folder that only this user may enter.
fn make_private(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| failed("making the folder", path, error))
}

/// Makes the lock file of a new folder and locks it; `None` when another process took the folder for a dead one's meanwhile.
fn take_lock(folder: &Path) -> Result<Option<File>> {
    let path = folder.join(LOCK);
    let lock = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("making", &path, error)),
    };
    match lock.try_lock() {
        // Another one had the lock if the file is gone.
        Ok(()) => Ok(path.exists().then_some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed("locking", &path, error)),
    }
}

/// Takes the folders of dead processes away, at best effort.
fn remove_dead(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(FOLDER_PREFIX));
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let folder = entry.path();
        match OpenOptions::new().write(true).open(folder.join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => empty(&folder),
            Ok(_) => {}
            // It goes if it is empty.
            Err(_) => drop(fs::remove_dir(&folder)),
        }
    }
}

/// Removes a folder with its files, the lock last, at best effort: what stays is removed by the next process.
fn empty(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(FILE_SUFFIX)) {
            let _ = fs::remove_file(entry.path());
        }
    }
    let _ = fs::remove_file(folder.join(LOCK));
    let _ = fs::remove_dir(folder);
}
