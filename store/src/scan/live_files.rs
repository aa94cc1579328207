//! The fold of manifests: which ADD entries no DELETE took back.
//!
//! Goes in: the entries of manifests, shared with the cache. Comes out: the places of those that live, so that only what is asked for
//! is copied. Answers to `AbstractFileStoreScan.readAndMergeFileEntries`.

use std::collections::HashSet;
use std::sync::Arc;

use alluvium_format::{FileKind, ManifestEntry, Result};

use crate::scan::file_identity::FileIdentity;
use crate::scan::partition_filter::PartitionFilter;
use crate::table_io::TableIo;

/// Work over at most as many entries is done where it is: about a millisecond. More goes to the CPU pool.
const INLINE_ENTRIES_MAX: usize = 4096;

/// The live files of a snapshot, in the order of its manifests.
#[derive(Debug, Default)]
pub(crate) struct LiveFiles {
    manifests: Vec<Arc<Vec<ManifestEntry>>>,
    live: Vec<Place>,
}

/// Which entry of which manifest.
#[derive(Clone, Copy, Debug)]
struct Place {
    manifest: u32,
    entry: u32,
}

impl LiveFiles {
    /// Of all entries of a snapshot, base before delta, those that live and are in `partitions`.
    pub(crate) fn fold(manifests: Vec<Arc<Vec<ManifestEntry>>>, partitions: &PartitionFilter) -> Result<Self> {
        let all = || manifests.iter().flat_map(|entries| entries.iter());
        let deleted: HashSet<FileIdentity<'_>> =
            all().filter(|entry| entry.kind == FileKind::Delete).map(FileIdentity).collect();
        let mut partitions = partitions.remembering();
        let mut live = Vec::new();
        for (manifest, entries) in (0u32..).zip(&manifests) {
            for (place, entry) in (0u32..).zip(entries.iter()) {
                let lives = entry.kind == FileKind::Add && !deleted.contains(&FileIdentity(entry));
                if lives && partitions.passes(&entry.partition)? {
                    live.push(Place { manifest, entry: place });
                }
            }
        }
        drop(deleted);
        Ok(Self { manifests, live })
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ManifestEntry> {
        self.live.iter().filter_map(|place| {
            let entries = self.manifests.get(place.manifest as usize)?;
            entries.get(place.entry as usize)
        })
    }
}

/// Does work over `entries` entries where it does not hold up the runtime.
pub(crate) async fn over_entries<T: Send + 'static>(
    io: &TableIo,
    entries: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if entries <= INLINE_ENTRIES_MAX { work() } else { io.cpu().run(async move { work() }).await }
}
