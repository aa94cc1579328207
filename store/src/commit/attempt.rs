//! The loop of a commit: plan on the latest snapshot, write, put the next one; when somebody else was first, again.
//!
//! Goes in: a change, or an overwrite. Comes out: the snapshot that holds it. Invariants: what an attempt wrote is taken back only when
//! it is certain that no snapshot names it; a put whose outcome is not known is repeated with the same bytes under the same id, which
//! can only tell what came of it; a commit in doubt is looked for before every attempt. Answers to `FileStoreCommitImpl.tryCommit`.

use std::sync::Arc;
use std::time::Duration;

use alluvium_format::{
    BucketMode, CommitKind, Error, ErrorKind, IndexManifestEntry, Predicate, Result, Snapshot, path,
};

use crate::commit::FileStoreCommit;
use crate::commit::changes::Change;
use crate::commit::conflict::{Clash, ConflictRules, find_clash, find_unknown};
use crate::commit::doubt::{CommitKey, Doubt};
use crate::commit::overwrite::{PostponeBucket, Replaced, replace};
use crate::commit::plan;
use crate::commit::prepare::Preparation;
use crate::commit::vector_conflict::{IndexFilesOfBucket, find_vector_clash};
use crate::scan::live_files::{LiveFiles, over_entries};
use crate::scan::partition_filter::PartitionFilter;
use crate::scan::{delta_entries, live_files};
use crate::table_io::PutOutcome;

/// The wait before the first retry; each later one waits twice as long.
const RETRY_WAIT_MILLIS: u64 = 10;
/// The longest wait before a retry.
const RETRY_WAIT_MILLIS_MAX: u64 = 10_000;
/// How often a put whose outcome is not known is repeated: over two seconds in all, longer than a store's hiccup.
const UNKNOWN_TRIES_MAX: u32 = 9;
/// How many snapshots are searched for the one that a conflict is with.
const BLAMED_SNAPSHOTS_MAX: usize = 20;

/// What is to be committed.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A change as it is.
    Change(Arc<Change>),
    /// New files in place of what there is when they are committed.
    Overwrite { replaced: Replaced, new: Arc<Change> },
}

impl Work {
    /// The partitions that it changes and no others; `None` where they are not given.
    fn replaced(&self) -> Option<&Replaced> {
        match self {
            Self::Change(_) => None,
            Self::Overwrite { replaced, .. } => Some(replaced),
        }
    }
}

/// What came of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    Published,
    Lost,
}

impl Work {
    fn key(&self) -> CommitKey {
        match self {
            Self::Change(change) => CommitKey { identifier: change.identifier, kind: change.kind },
            Self::Overwrite { new, .. } => CommitKey { identifier: new.identifier, kind: CommitKind::Overwrite },
        }
    }
}

impl FileStoreCommit {
    /// Publishes one snapshot. It stays in doubt until all parts of its commit are published, so that one that failed midway can be
    /// given again.
    pub(super) async fn publish(&self, work: &Work) -> Result<Snapshot> {
        let retries_max = self.table.options().commit_max_retries()?;
        for retry in 0..=retries_max {
            if retry > 0 {
                wait(retry).await;
            }
            let latest = self.table.snapshots().latest().await?;
            if let Some(done) = self.find_in_doubt(work.key(), latest.as_ref()).await? {
                return Ok(done);
            }
            if let Some(snapshot) = self.attempt(work, latest.as_ref()).await? {
                return Ok(snapshot);
            }
        }
        let latest = self.table.snapshots().latest().await?;
        if let Some(done) = self.find_in_doubt(work.key(), latest.as_ref()).await? {
            return Ok(done);
        }
        self.doubts.settle(work.key());
        Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "other jobs were first {} times to commit to {}, so that nothing was committed; commit less often, \
                 commit from fewer jobs, or raise commit.max-retries",
                u64::from(retries_max) + 1,
                self.table.name()
            ),
        ))
    }

    /// One attempt; `None` when somebody else published that id.
    async fn attempt(&self, work: &Work, latest: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        let change = self.change_of(work, latest).await?;
        if let Some(known) = change.known_until {
            self.check_known_until(known, work.replaced(), latest).await?;
        }
        let writer = self.table.manifests().writer(self.table.options(), self.table.partition_types())?;
        let preparation = Preparation { table: &self.table, writer: &writer, latest };
        let prepared = match preparation.write(&change).await {
            Ok(prepared) => prepared,
            Err(error) => {
                writer.discard().await;
                return Err(error.context(format!("preparing snapshot {}", plan::next_id(latest))));
            }
        };
        let snapshot = plan::snapshot(latest, &self.user, &change, prepared);
        let key = work.key();
        let doubt = self.doubts.enter(key, snapshot.id);
        match self.put(&snapshot).await {
            Ok(Put::Published) => {
                self.table.snapshots().hint_latest(snapshot.id).await;
                Ok(Some(snapshot))
            }
            Ok(Put::Lost) => {
                writer.discard().await;
                Ok(None)
            }
            Err(error) => {
                if error.kind() != ErrorKind::Unknown {
                    writer.discard().await;
                    if doubt == Doubt::New {
                        self.doubts.settle(key);
                    }
                }
                Err(error)
            }
        }
    }

    /// Puts a snapshot. The same bytes under the same id may be put any number of times: at most one of the puts makes the file.
    async fn put(&self, snapshot: &Snapshot) -> Result<Put> {
        let mut failure = None;
        for tries in 0..UNKNOWN_TRIES_MAX {
            if tries > 0 {
                wait(tries).await;
            }
            match self.table.snapshots().publish(snapshot).await {
                Ok(PutOutcome::Created) => return self.confirm(snapshot).await,
                Ok(PutOutcome::AlreadyExists) => return Ok(Put::Lost),
                Ok(PutOutcome::Unknown) => {}
                // Certain of this put only.
                Err(error) if tries == 0 => return Err(error.context(format!("publishing snapshot {}", snapshot.id))),
                Err(error) => failure = Some(error),
            }
        }
        let error = self.unknown(snapshot, "the store does not say whether it was written");
        Err(match failure {
            Some(failure) => error.with_source(failure),
            None => error,
        })
    }

    /// A snapshot counts only as the next one of a chain. When the one before it is gone, this commit slept while others committed and
    /// expired snapshots, or somebody rolled the table back: then its file may stand beside the chain.
    async fn confirm(&self, snapshot: &Snapshot) -> Result<Put> {
        if snapshot.id <= 1 {
            return Ok(Put::Published);
        }
        let mut tries = 0;
        let there = loop {
            tries += 1;
            match self.table.snapshots().exists(snapshot.id - 1).await {
                Ok(there) => break there,
                Err(error) if tries == UNKNOWN_TRIES_MAX => {
                    let why = "the store does not say whether the snapshot before it is still there";
                    return Err(self.unknown(snapshot, why).with_source(error));
                }
                Err(_) => wait(tries).await,
            }
        };
        if there {
            return Ok(Put::Published);
        }
        Err(self.unknown(snapshot, "the snapshot before it is gone: it was expired, or the table was rolled back"))
    }

    fn unknown(&self, snapshot: &Snapshot, why: &str) -> Error {
        let message = format!(
            "it is not known whether snapshot {} of {} is committed ({} of user {}, identifier {}): {why}; its files are \
             kept: commit the same again, which looks first, or look into {}",
            snapshot.id,
            self.table.name(),
            kind_name(snapshot),
            self.user,
            snapshot.commit_identifier,
            path::snapshot(snapshot.id)
        );
        Error::new(ErrorKind::Unknown, message)
    }

    /// The snapshot of a commit in doubt, when it is there: looked for from the latest down to the lowest it may be.
    async fn find_in_doubt(&self, key: CommitKey, latest: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        let (Some(lowest), Some(latest)) = (self.doubts.lowest(key), latest) else { return Ok(None) };
        let mut next = Some(latest.clone());
        while let Some(snapshot) = next.filter(|snapshot| snapshot.id >= lowest) {
            let ours = snapshot.commit_user == *self.user
                && snapshot.commit_identifier == key.identifier
                && snapshot.commit_kind == key.kind;
            if ours {
                self.confirm(&snapshot).await?;
                self.table.snapshots().hint_latest(latest.id).await;
                return Ok(Some(snapshot));
            }
            next = self.table.snapshots().find(snapshot.id - 1).await?;
        }
        Ok(None)
    }

    /// What is to be committed on top of `latest`, when it fits.
    async fn change_of(&self, work: &Work, latest: Option<&Snapshot>) -> Result<Arc<Change>> {
        match work {
            Work::Change(change) => {
                if change.kind != CommitKind::Append {
                    let partitions = PartitionFilter::among(self.table.partition_types(), change.partitions())?;
                    let base = self.live(latest, partitions).await?;
                    self.check(base, change, latest).await?;
                }
                Ok(Arc::clone(change))
            }
            Work::Overwrite { replaced, new } => {
                let partitions = match replaced {
                    Replaced::All => PartitionFilter::all(&self.table),
                    Replaced::Partitions(partitions) => {
                        PartitionFilter::among(self.table.partition_types(), partitions.clone())?
                    }
                };
                let base = self.live(latest, partitions).await?;
                let index = self.index(latest).await?.to_vec();
                let postpone = match self.table.options().bucket()? {
                    path::POSTPONE_BUCKET => PostponeBucket::Replaced,
                    _ => PostponeBucket::Left,
                };
                let stats = self.deleted_stats()?;
                let change = Arc::new(replace(new, replaced, base.iter(), index, (postpone, stats)));
                self.check(base, &change, latest).await?;
                Ok(change)
            }
        }
    }

    async fn live(&self, latest: Option<&Snapshot>, partitions: PartitionFilter) -> Result<LiveFiles> {
        match latest {
            Some(latest) => live_files(&self.table, latest, partitions).await,
            None => Ok(LiveFiles::default()),
        }
    }

    async fn index(&self, latest: Option<&Snapshot>) -> Result<Arc<Vec<IndexManifestEntry>>> {
        match latest.and_then(|latest| latest.index_manifest.as_deref()) {
            Some(name) => self.table.manifests().index_entries(name).await,
            None => Ok(Arc::default()),
        }
    }

    async fn check(&self, base: LiveFiles, change: &Arc<Change>, latest: Option<&Snapshot>) -> Result<()> {
        let rules = ConflictRules { kind: change.kind, key_types: self.table.schema().key_types() };
        let (ours, count) = (Arc::clone(change), base.len() + change.entries.len());
        let index = self.index(latest).await?;
        let index_files = match self.table.options().bucket_mode(self.table.schema())? {
            BucketMode::Unaware => IndexFilesOfBucket::Many,
            _ => IndexFilesOfBucket::One,
        };
        let find = move || {
            let clash = find_clash(base.iter(), &ours.entries, &rules)?;
            let clash = clash.or_else(|| find_unknown(base.iter(), &ours));
            Ok(clash.or_else(|| find_vector_clash(base.iter(), &ours, &index, index_files)))
        };
        match over_entries(self.table.io(), count, find).await? {
            Some(clash) => Err(self.conflict(&clash, latest).await),
            None => Ok(()),
        }
    }

    async fn conflict(&self, clash: &Clash, latest: Option<&Snapshot>) -> Error {
        let partition = self.table.partition_path(&clash.file().partition).unwrap_or_default();
        let whose = match self.blamed(clash, latest).await {
            Ok(Some(other)) => format!(
                "; snapshot {} did that ({} of user {}, identifier {})",
                other.id,
                kind_name(&other),
                other.commit_user,
                other.commit_identifier
            ),
            // The search only makes the message better.
            Ok(None) | Err(_) => String::new(),
        };
        let place =
            if partition.is_empty() { String::new() } else { format!(" in {}", partition.trim_end_matches('/')) };
        let message = format!(
            "the commit does not fit onto {}{place}: {clash}{whose}; nothing of this part was committed: start again from the \
             latest snapshot, and let one job compact the table (write-only=true for all others)",
            self.table.name()
        );
        Error::new(ErrorKind::Conflict, message)
    }

    /// The snapshot, among the latest, whose commit touched the file of a clash.
    async fn blamed(&self, clash: &Clash, latest: Option<&Snapshot>) -> Result<Option<Snapshot>> {
        let file = clash.file();
        let Some(kind) = clash.touched() else { return Ok(None) };
        let mut next = latest.cloned();
        for _ in 0..BLAMED_SNAPSHOTS_MAX {
            let Some(snapshot) = next else { return Ok(None) };
            let delta = delta_entries(&self.table, &snapshot, &Predicate::True).await?;
            if delta.iter().any(|entry| entry.kind == kind && file.is_of(entry)) {
                return Ok(Some(snapshot));
            }
            next = self.table.snapshots().find(snapshot.id - 1).await?;
        }
        Ok(None)
    }
}

fn kind_name(snapshot: &Snapshot) -> String {
    format!("{:?}", snapshot.commit_kind).to_ascii_uppercase()
}

/// Waits before a retry.
async fn wait(retry: u32) {
    let doublings = retry.saturating_sub(1).min(30);
    let millis = (RETRY_WAIT_MILLIS << doublings).min(RETRY_WAIT_MILLIS_MAX);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
