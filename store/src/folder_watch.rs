//! Files that come into a folder of this machine, as its file system tells it: with the feature `watch`, else never.
//!
//! Goes in: a folder, and who is told. Invariants: the process has one watcher, with one thread, however many folders are watched; a folder
//! that nobody is told of is not watched. Told is who watches a folder that snapshots come into, of files that are created in it or renamed
//! into it. Where it does not work (no more watches, a file system that tells nothing) nobody is told, and nothing else happens.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

#[cfg(not(feature = "watch"))]
pub(crate) use off::FolderWatch;
#[cfg(feature = "watch")]
pub(crate) use on::FolderWatch;

/// Who is told.
type Listener = watch::Sender<()>;

#[cfg(not(feature = "watch"))]
mod off {
    use super::{Arc, Listener, Path};

    #[derive(Debug)]
    pub(crate) enum FolderWatch {}

    impl FolderWatch {
        pub(crate) fn start(_folder: &Path, _listener: &Arc<Listener>) -> Option<Self> {
            None
        }
    }
}

#[cfg(feature = "watch")]
mod on {
    use std::collections::HashMap;
    use std::path::PathBuf;
    use std::sync::{LazyLock, Mutex, PoisonError};

    use alluvium_format::path;
    use notify::event::{Event, EventKind, ModifyKind};
    use notify::{RecommendedWatcher, RecursiveMode, Watcher};

    use super::{Arc, Listener, Path};

    /// The watcher, once it is needed; `None` inside: the machine has none to give. It is held while folders come and go.
    static WATCHER: LazyLock<Mutex<Option<RecommendedWatcher>>> =
        LazyLock::new(|| Mutex::new(notify::recommended_watcher(tell).ok()));

    /// Who is told of what. The watcher's thread takes it: it is never held while the watcher is waited for.
    static LISTENERS: LazyLock<Mutex<HashMap<PathBuf, Vec<Arc<Listener>>>>> = LazyLock::new(Mutex::default);

    /// A watch of a folder, until it is dropped.
    #[derive(Debug)]
    pub(crate) struct FolderWatch {
        folder: PathBuf,
        listener: Arc<Listener>,
    }

    impl FolderWatch {
        /// Tells the listener of files that come into the folder from now on; `None` where that cannot be.
        pub(crate) fn start(folder: &Path, listener: &Arc<Listener>) -> Option<Self> {
            // The file system tells paths without links.
            let folder = folder.canonicalize().ok()?;
            let mut watcher = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
            let watcher = watcher.as_mut()?;
            if !LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&folder) {
                watcher.watch(&folder, RecursiveMode::NonRecursive).ok()?;
            }
            let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.entry(folder.clone()).or_default().push(Arc::clone(listener));
            Some(Self { folder, listener: Arc::clone(listener) })
        }
    }

    impl Drop for FolderWatch {
        fn drop(&mut self) {
            let mut watcher = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
            let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(of_folder) = listeners.get_mut(&self.folder) else { return };
            if let Some(at) = of_folder.iter().position(|other| Arc::ptr_eq(other, &self.listener)) {
                of_folder.swap_remove(at);
            }
            if !of_folder.is_empty() {
                return;
            }
            listeners.remove(&self.folder);
            drop(listeners);
            if let Some(watcher) = watcher.as_mut() {
                // It is gone already when the folder is.
                let _ = watcher.unwatch(&self.folder);
            }
        }
    }

    /// Tells of an event; of one that says that others were lost, everybody.
    fn tell(event: notify::Result<Event>) {
        let Ok(event) = event else { return };
        let listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |listener: &Arc<Listener>| listener.send_replace(());
        if event.need_rescan() {
            return listeners.values().flatten().for_each(told);
        }
        if !brings_files(&event.kind) {
            return;
        }
        for file in event.paths.iter().filter(|file| is_snapshot(file)) {
            file.parent().and_then(|folder| listeners.get(folder)).into_iter().flatten().for_each(told);
        }
    }

    fn brings_files(kind: &EventKind) -> bool {
        matches!(kind, EventKind::Any | EventKind::Create(_) | EventKind::Modify(ModifyKind::Any | ModifyKind::Name(_)))
    }

    fn is_snapshot(file: &Path) -> bool {
        let name = file.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(path::SNAPSHOT_PREFIX))
    }
}
