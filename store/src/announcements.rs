//! Word of new snapshots, for streams of the same table: from commits of this process, and where the feature `watch` is on from the file
//! system of this machine.
//!
//! Goes in: the folders of tables' metadata. Comes out: bells, which ring when there may be a new snapshot. Invariants: a bell says only that
//! it is worth to look; one that rings for nothing, or does not ring, changes no answer. What rings after [`SnapshotBell::silence`] is not
//! missed by the next [`SnapshotBell::rung`]. A bell that nobody listens to any more is gone. There is nothing like it in Paimon.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, Weak};

use tokio::sync::watch;

use crate::folder_watch::FolderWatch;
use crate::table_io::TableIo;

/// The bells of stores that all processes name alike.
static OF_PROCESS: LazyLock<Bells> = LazyLock::new(Bells::default);

type Bells = Arc<Mutex<HashMap<String, Weak<Bell>>>>;

/// The bells of the tables of a store. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Announcements {
    /// What tells the store from others whose bells are here.
    store: Arc<str>,
    bells: Bells,
}

impl Announcements {
    /// Those of a store by its name, such as `s3://bucket`, shared by all of this process that name it so. Two stores of one name ring each
    /// other's bells for nothing.
    pub(crate) fn of_process(store: &str) -> Self {
        Self { store: store.into(), bells: Arc::clone(&OF_PROCESS) }
    }

    /// Rings the bell of a folder.
    pub(crate) fn ring(&self, folder: &str) {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        let bell = bells.get(&self.key(folder)).and_then(Weak::upgrade);
        // The last one to hold a bell takes its folder's watch away, which takes time.
        drop(bells);
        if let Some(bell) = bell {
            bell.sender.send_replace(());
        }
    }

    /// The bell of a folder.
    fn bell(&self, folder: &str) -> Arc<Bell> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.key(folder);
        if let Some(bell) = bells.get(&key).and_then(Weak::upgrade) {
            return bell;
        }
        bells.retain(|_, bell| bell.strong_count() > 0);
        let bell = Arc::new(Bell { sender: Arc::new(watch::Sender::new(())), watch: OnceLock::new() });
        bells.insert(key, Arc::downgrade(&bell));
        bell
    }

    fn key(&self, folder: &str) -> String {
        format!("{}/{folder}", self.store)
    }
}

#[derive(Debug)]
struct Bell {
    sender: Arc<watch::Sender<()>>,
    /// Set once the folder is there: empty where the file system does not tell what comes into it.
    watch: OnceLock<Option<FolderWatch>>,
}

/// Rings when a table, or a branch, may have a new snapshot.
#[derive(Debug)]
pub struct SnapshotBell {
    bell: Arc<Bell>,
    receiver: watch::Receiver<()>,
    /// The folder of snapshots.
    snapshots: TableIo,
}

impl SnapshotBell {
    /// The bell of the table, or branch, whose metadata is below `metadata`.
    pub(crate) fn of(metadata: &TableIo, snapshots: TableIo) -> Self {
        let bell = metadata.announcements().bell(metadata.base().as_ref());
        let receiver = bell.sender.subscribe();
        Self { bell, receiver, snapshots }
    }

    /// Forgets what rang so far: to be called before looking.
    pub fn silence(&mut self) {
        self.watch();
        self.receiver.mark_unchanged();
    }

    /// Waits until it has rung since it was silenced. It may be cancelled.
    pub async fn rung(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The bell holds the sender.
            std::future::pending::<()>().await;
        }
    }

    /// Has the file system ring it, once there is a folder to watch.
    fn watch(&self) {
        if self.bell.watch.get().is_some() {
            return;
        }
        let Ok(Some(folder)) = self.snapshots.local_path("") else {
            let _ = self.bell.watch.set(None);
            return;
        };
        if folder.is_dir() {
            self.bell.watch.get_or_init(|| FolderWatch::start(&folder, &self.bell.sender));
        }
    }
}

#[cfg(test)]
mod tests;
