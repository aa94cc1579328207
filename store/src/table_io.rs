//! Files below one folder of an object store, by relative path; the clock, the namer, the pool for CPU-bound work, the memory budget and the local disk travel with it.
//!
//! Invariants: a file appears whole or not at all. [`TableIo::put_if_absent`] is the only conditional write: it tells three
//! outcomes apart and never guesses. Paths are taken as they are (partition folders hold `%XX`), never encoded again.

use std::path::PathBuf;
use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error as StoreError, GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use crate::announcements::Announcements;
use crate::clock::{Clock, SystemClock};
use crate::cpu_pool::CpuPool;
use crate::external_stores::{AllowedFolder, ExternalStores};
use crate::file_namer::{FileNamer, RandomNamer};
use crate::local_disk::{LazyLocalDisk, LocalDisk};
use crate::lookup::LookupCache;
use crate::memory_budget::MemoryBudget;
use crate::store_error::convert;

/// How often a conditional put that was refused, though the file is not there, is tried again: object stores answer so when two
/// writers collide and neither wins.
const PUT_TRIES_MAX: usize = 5;

/// How a file is created only if it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publish {
    /// By a conditional put.
    ConditionalPut,
    /// By writing a hidden sibling and linking it to the name, as a put into a local folder would leave `name#1` behind when
    /// the process dies, which Paimon's Java readers stumble over when they list snapshots.
    Link,
}

/// What came of creating a file only if it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The file is there with our bytes.
    Created,
    /// The file was there with other bytes.
    AlreadyExists,
    /// The store failed and does not say: the file may be there with our bytes, now or soon.
    Unknown,
}

/// Files below one folder of an object store.
#[derive(Clone, Debug)]
pub struct TableIo {
    store: Arc<dyn ObjectStore>,
    base: Path,
    publish: Publish,
    /// Where the store's root is on this machine, when it is: object stores cannot make folders, people expect to see them.
    local_root: Option<PathBuf>,
    external: ExternalStores,
    clock: Arc<dyn Clock>,
    namer: Arc<dyn FileNamer>,
    cpu: CpuPool,
    local_disk: LazyLocalDisk,
    lookup_cache: LookupCache,
    memory: MemoryBudget,
    announcements: Announcements,
}

impl TableIo {
    /// Files below `base` of `store`, with the machine's clock and random names.
    pub fn new(store: Arc<dyn ObjectStore>, base: Path, publish: Publish) -> Self {
        let (clock, namer) = (Arc::new(SystemClock), Arc::new(RandomNamer));
        Self {
            store,
            base,
            publish,
            local_root: None,
            external: ExternalStores::default(),
            clock,
            namer,
            cpu: CpuPool::default(),
            local_disk: LazyLocalDisk::default(),
            lookup_cache: LookupCache::default(),
            memory: MemoryBudget::default(),
            announcements: Announcements::default(),
        }
    }

    /// With this clock and these names.
    #[must_use]
    pub fn with_clock_and_namer(mut self, clock: Arc<dyn Clock>, namer: Arc<dyn FileNamer>) -> Self {
        self.clock = clock;
        self.namer = namer;
        self
    }

    /// With folders made on this machine below `root`.
    #[must_use]
    pub fn with_local_root(mut self, root: PathBuf) -> Self {
        self.local_root = Some(root);
        self
    }

    /// With these folders where files outside of it may be.
    #[must_use]
    pub fn with_external_stores(mut self, external: ExternalStores) -> Self {
        self.external = external;
        self
    }

    /// Where files outside of it may be.
    pub fn external_stores(&self) -> &ExternalStores {
        &self.external
    }

    /// The files below a folder outside of it, with all that travels with this one.
    pub(crate) fn in_external_folder(&self, folder: &AllowedFolder) -> Self {
        let (store, base, local_root) = (Arc::clone(&folder.store), folder.base.clone(), folder.local_root.clone());
        Self { store, base, local_root, ..self.clone() }
    }

    /// The same store, below a folder of this one.
    ///
    /// # Errors
    /// `Invalid` when the path has segments a store cannot have.
    pub fn below(&self, folder: &str) -> Result<Self> {
        Ok(Self { base: self.path(folder)?, ..self.clone() })
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The namer.
    pub fn namer(&self) -> &Arc<dyn FileNamer> {
        &self.namer
    }

    /// With this pool for CPU-bound work.
    #[must_use]
    pub fn with_cpu_pool(mut self, cpu: CpuPool) -> Self {
        self.cpu = cpu;
        self
    }

    /// Where CPU-bound work runs.
    pub fn cpu(&self) -> &CpuPool {
        &self.cpu
    }

    /// With this disk for files of this process.
    #[must_use]
    pub fn with_local_disk(mut self, disk: LocalDisk) -> Self {
        self.local_disk = LazyLocalDisk::of(disk);
        self
    }

    /// With so many bytes at most for files of this process, below the machine's temporary folder.
    #[must_use]
    pub fn with_disk_limit(mut self, bytes_max: u64) -> Self {
        self.local_disk = LazyLocalDisk::limited(bytes_max);
        self
    }

    /// Where this process may put files of its own: below the machine's temporary folder, unless another place was given.
    ///
    /// # Errors
    /// `Storage` when it is needed for the first time and the folder cannot be made. It blocks then.
    pub fn local_disk(&self) -> Result<LocalDisk> {
        self.local_disk.get()
    }

    /// With this memory for rows.
    #[must_use]
    pub fn with_memory(mut self, memory: MemoryBudget) -> Self {
        self.memory = memory;
        self
    }

    /// The memory that all work below this store shares.
    pub fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// With these bells of new snapshots.
    #[must_use]
    pub(crate) fn with_announcements(mut self, announcements: Announcements) -> Self {
        self.announcements = announcements;
        self
    }

    /// The bells of new snapshots, which all work below this store shares.
    pub(crate) fn announcements(&self) -> &Announcements {
        &self.announcements
    }

    /// What this process keeps of data files to look keys up in.
    pub fn lookup_cache(&self) -> &LookupCache {
        &self.lookup_cache
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The folder, as the store names it.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The store's path of a relative one.
    ///
    /// # Errors
    /// `Invalid` when the path has segments a store cannot have, such as `..`.
    pub fn path(&self, relative: &str) -> Result<Path> {
        let joined = format!("{}/{relative}", self.base);
        Path::parse(joined.trim_matches('/')).map_err(|error| Error::invalid(format!("{relative} is no path: {error}")))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// `NotFound`, or `Storage`.
    pub async fn get(&self, relative: &str) -> Result<Bytes> {
        let path = self.path(relative)?;
        let result = self.store.get(&path).await.map_err(|error| convert(error, "reading", path.as_ref()))?;
        result.bytes().await.map_err(|error| convert(error, "reading", path.as_ref()))
    }

    /// A file, open: on this machine a real file, elsewhere a stream of its bytes.
    ///
    /// # Errors
    /// `NotFound`, or `Storage`.
    pub async fn open(&self, relative: &str) -> Result<GetResult> {
        let path = self.path(relative)?;
        self.store.get(&path).await.map_err(|error| convert(error, "opening", path.as_ref()))
    }

    /// The bytes of a file; `None` when it is not there.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn get_if_present(&self, relative: &str) -> Result<Option<Bytes>> {
        match self.get(relative).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file is there.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn exists(&self, relative: &str) -> Result<bool> {
        let path = self.path(relative)?;
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(convert(error, "looking for", path.as_ref())),
        }
    }

    /// Writes a file, over one that may be there.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn put(&self, relative: &str, bytes: impl Into<Bytes>) -> Result<()> {
        let path = self.path(relative)?;
        let payload = PutPayload::from_bytes(bytes.into());
        self.store.put(&path, payload).await.map(drop).map_err(|error| convert(error, "writing", path.as_ref()))
    }

    /// Deletes a file; one that is not there is no error.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn delete(&self, relative: &str) -> Result<()> {
        let path = self.path(relative)?;
        match self.store.delete(&path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(convert(error, "deleting", path.as_ref())),
        }
    }

    /// Names of the files directly in a folder; none when there is no such folder.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn list_files(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.path(folder)?;
        let listed = self.store.list_with_delimiter(Some(&path)).await;
        let listed = listed.map_err(|error| convert(error, "listing", path.as_ref()))?;
        Ok(listed.objects.iter().filter_map(|object| object.location.filename().map(str::to_owned)).collect())
    }

    /// Names of the folders directly in a folder.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn list_folders(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.path(folder)?;
        let listed = self.store.list_with_delimiter(Some(&path)).await;
        let listed = listed.map_err(|error| convert(error, "listing", path.as_ref()))?;
        Ok(listed.common_prefixes.iter().filter_map(|prefix| prefix.filename().map(str::to_owned)).collect())
    }

    /// All files below a folder: relative path, bytes, and when each was last written in milliseconds since 1970.
    ///
    /// # Errors
    /// `Storage`.
    pub async fn list_all(&self, folder: &str) -> Result<Vec<ListedFile>> {
        let path = self.path(folder)?;
        let base = format!("{}/", self.base);
        let listed = self.store.list(Some(&path)).map(|object| {
            object.map(|object| ListedFile {
                path: object.location.as_ref().strip_prefix(&base).unwrap_or(object.location.as_ref()).to_owned(),
                bytes: object.size,
                modified_millis: object.last_modified.timestamp_millis(),
            })
        });
        listed.try_collect().await.map_err(|error| convert(error, "listing", path.as_ref()))
    }

    /// Whether the store has folders that may be empty.
    pub fn has_folders(&self) -> bool {
        self.local_root.is_some()
    }

    /// The path of a file on this machine, where the store is on it.
    ///
    /// # Errors
    /// `Invalid` when the path has segments a store cannot have.
    pub(crate) fn local_path(&self, relative: &str) -> Result<Option<PathBuf>> {
        let Some(root) = &self.local_root else { return Ok(None) };
        Ok(Some(root.join(self.path(relative)?.as_ref())))
    }

    /// Makes a folder where the store has such a thing.
    ///
    /// # Errors
    /// `Storage`.
    pub fn make_folder(&self, relative: &str) -> Result<()> {
        let Some(path) = self.local_path(relative)? else { return Ok(()) };
        std::fs::create_dir_all(&path).map_err(|error| folder_failed("making", &path, error))
    }

    /// Removes a folder and the empty folders in it, where the store has such a thing; files must be gone.
    ///
    /// # Errors
    /// `Storage`.
    pub fn remove_folder(&self, relative: &str) -> Result<()> {
        self.local_path(relative)?.map_or(Ok(()), |path| remove_empty(&path))
    }

    /// Writes a file only if it is not there.
    ///
    /// # Errors
    /// `Storage` when it is certain that nothing was written, `Unsupported` when the store cannot do it; an outcome that is not certain is [`PutOutcome::Unknown`].
    pub async fn put_if_absent(&self, relative: &str, bytes: impl Into<Bytes>) -> Result<PutOutcome> {
        let bytes = bytes.into();
        let path = self.path(relative)?;
        for _ in 0..PUT_TRIES_MAX {
            let put = match self.publish {
                Publish::ConditionalPut => self.conditional_put(&path, &bytes).await,
                Publish::Link => self.link(&path, &bytes).await?,
            };
            if let Err(error @ (StoreError::NotImplemented { .. } | StoreError::NotSupported { .. })) = put {
                return Err(convert(error, "writing, if it is absent,", path.as_ref()));
            }
            match self.outcome(relative, &bytes, put).await {
                Some(outcome) => return Ok(outcome),
                // Refused, yet not there: nobody won.
                None => tokio::task::yield_now().await,
            }
        }
        Ok(PutOutcome::Unknown)
    }

    async fn conditional_put(&self, path: &Path, bytes: &Bytes) -> Result<(), StoreError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        self.store.put_opts(path, PutPayload::from_bytes(bytes.clone()), options).await.map(drop)
    }

    /// Writes a hidden sibling, links it to the name, and removes it. The outer error is one before the link: nothing is there.
    async fn link(&self, path: &Path, bytes: &Bytes) -> Result<Result<(), StoreError>> {
        let name = path.filename().unwrap_or_default();
        let folder = path.as_ref().strip_suffix(name).unwrap_or_default();
        let temporary = Path::parse(format!("{folder}.{name}.{}.tmp", self.namer.uuid()))
            .map_err(|error| Error::invalid(format!("{path} is no path: {error}")))?;
        let written = self.store.put(&temporary, PutPayload::from_bytes(bytes.clone())).await;
        let linked = match written {
            Ok(_) => Ok(self.store.copy_if_not_exists(&temporary, path).await),
            Err(error) => Err(convert(error, "writing", temporary.as_ref())),
        };
        // It may be there though writing it failed. One that stays is garbage, whatever came of the link.
        let _ = self.store.delete(&temporary).await;
        linked
    }

    /// What a put that answered `put` came to; `None`: refused, and the file is not there.
    async fn outcome(&self, relative: &str, bytes: &Bytes, put: Result<(), StoreError>) -> Option<PutOutcome> {
        let refused = match put {
            Ok(()) => return Some(PutOutcome::Created),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => true,
            Err(_) => false,
        };
        match self.get_if_present(relative).await {
            Ok(Some(there)) if there == *bytes => Some(PutOutcome::Created),
            Ok(Some(_)) => Some(PutOutcome::AlreadyExists),
            Ok(None) if refused => None,
            Ok(None) | Err(_) => Some(PutOutcome::Unknown),
        }
    }
}

/// A file that a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// Relative to the folder of the [`TableIo`].
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Milliseconds since 1970.
    pub modified_millis: i64,
}

fn folder_failed(doing: &str, path: &std::path::Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("{doing} the folder {} failed", path.display())).with_source(error)
}

fn remove_empty(path: &std::path::Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(path) else { return Ok(()) };
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        remove_empty(&entry.path())?;
    }
    std::fs::remove_dir(path).map_err(|error| folder_failed("removing", path, error))
}
