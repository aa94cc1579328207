//! Which buckets of a table are to be compacted.
//!
//! Goes in: a table at its latest schema, and a request. Comes out: jobs, the hottest first, with all they need to know of the latest
//! snapshot.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::sync::Arc;

use alluvium_format::{BucketMode, ManifestEntry, Predicate, Result, Snapshot};
use alluvium_store::{LookedUp, PartitionBucket, TableStore, deletion_vectors, scan};

use super::bucket_job::{BucketJob, Prospect};
use super::compact_job::CompactJob;
use super::outlook::BucketOutlook;
use crate::append::{AppendSettings, AppendTask};
use crate::bucket_compactor::{BucketCompactor, CompactorSettings};
use crate::settings::Picking;
use crate::sort_compaction::{SortKeys, SortOrder};
use crate::strategy::PickState;

/// What to compact.
#[derive(Clone, Debug)]
pub struct CompactRequest {
    /// Everything into the highest level, or what the automatic rules pick.
    pub full: bool,
    /// Only partitions for which this condition on partition columns may be true.
    pub partitions: Predicate,
    /// The first and the last bucket; `None`: all.
    pub buckets: Option<(i32, i32)>,
    /// Buckets that are compacted at a time; `None`: as many as there are cores.
    pub at_once: Option<NonZero<usize>>,
    /// All rows of each partition are sorted so, in an OVERWRITE snapshot; `None`: no row moves.
    pub order: Option<SortOrder>,
}

impl Default for CompactRequest {
    /// What the rules pick, everywhere.
    fn default() -> Self {
        Self { full: false, partitions: Predicate::True, buckets: None, at_once: None, order: None }
    }
}

impl CompactRequest {
    /// What is picked in each bucket.
    pub fn picking(&self) -> Picking {
        if self.full { Picking::Full } else { Picking::Universal }
    }

    /// Buckets that are compacted at a time.
    pub(super) fn at_once(&self) -> NonZero<usize> {
        self.at_once.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
    }
}

/// What earlier plans of a table left.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known<'a> {
    /// The buckets that are planned; `None`: all.
    pub(crate) only: Option<&'a HashSet<PartitionBucket>>,
    /// Partitions without buckets whose small files have waited long enough.
    pub(crate) aged: Option<&'a HashSet<PartitionBucket>>,
    /// What earlier picks left; `None`: there were none.
    pub(crate) picks: Option<&'a HashMap<PartitionBucket, PickState>>,
}

/// The jobs of a table.
#[derive(Debug, Default)]
pub(crate) struct TablePlan {
    /// The snapshot they are planned on; `None` in an empty table.
    pub(crate) snapshot: Option<i64>,
    /// The hottest first.
    pub(crate) jobs: Vec<CompactJob>,
    /// Partitions without buckets that have too few small files.
    pub(crate) waiting: Vec<WaitingFiles>,
    /// Buckets whose level 0 is passed over this time, and what that leaves for later picks.
    pub(crate) passed_over: Vec<(PartitionBucket, PickState)>,
    /// How long there is nothing else to do.
    pub(crate) validity: Validity,
}

/// How long a plan is the right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Validity {
    /// As long as the snapshot is the latest.
    #[default]
    SameSnapshot,
    /// No time passes: it goes by the clock, or by how often the table was looked at, too.
    Now,
}

/// Small files of a partition without buckets that wait for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingFiles {
    pub(crate) bucket: PartitionBucket,
    /// Their names.
    pub(crate) files: Vec<String>,
}

/// Plans the compaction of `table`.
pub(crate) async fn plan(
    table: &TableStore,
    request: &CompactRequest,
    picking: Picking,
    known: Known<'_>,
) -> Result<TablePlan> {
    table.check_write_supported()?;
    let keys = request.order.as_ref().map(|order| SortKeys::of(table, order)).transpose()?;
    let settings = CompactorSettings::at_once(table, request.at_once())?;
    let Some(snapshot) = table.snapshots().latest().await? else {
        return Ok(TablePlan::default());
    };
    let entries = scan::live_entries(table, &snapshot, &request.partitions).await?;
    let wanted = |entry: &ManifestEntry| {
        let (first, last) = request.buckets.unwrap_or((0, i32::MAX));
        // What waits in the postpone bucket is of no bucket yet.
        (first.max(0)..=last).contains(&entry.bucket) && known.only.is_none_or(|only| only.contains(&bucket_of(entry)))
    };
    let looked_up =
        LookedUp::of(table, table.options(), table.schema().id, entries.iter().map(|entry| &entry.file)).await?;
    let buckets = by_bucket(entries.into_iter().filter(wanted));
    let mode = table.options().bucket_mode(table.schema())?;
    let mut plan = match (&settings, &keys) {
        (CompactorSettings::Append(append), Some(keys)) => sorts(append, &snapshot, buckets, keys).await?,
        (CompactorSettings::Append(append), None) if mode == BucketMode::Unaware => {
            let picking = |bucket: &PartitionBucket| match known.aged {
                Some(aged) if aged.contains(bucket) => Picking::Full,
                _ => picking,
            };
            tasks(append, &snapshot, buckets, picking).await?
        }
        _ => {
            let known_picks = |bucket: &PartitionBucket| known.picks.and_then(|picks| picks.get(bucket)).copied();
            let asked = |bucket: &PartitionBucket| (picking, known_picks(bucket).unwrap_or_default());
            bucket_jobs(&settings, (&snapshot, looked_up), buckets, asked).await?
        }
    };
    // Stable: buckets of the same heat stay in the order of the manifests.
    plan.jobs.sort_by_key(|job| std::cmp::Reverse(job.heat()));
    if settings.goes_by_clock() || !plan.waiting.is_empty() || !plan.passed_over.is_empty() {
        plan.validity = Validity::Now;
    }
    Ok(TablePlan { snapshot: Some(snapshot.id), ..plan })
}

/// The entries of a bucket.
type BucketEntries = (PartitionBucket, Vec<ManifestEntry>);

/// A job for each bucket, by what is picked in it, and from which state on.
async fn bucket_jobs(
    settings: &CompactorSettings,
    (snapshot, looked_up): (&Snapshot, LookedUp),
    buckets: Vec<BucketEntries>,
    asked: impl Fn(&PartitionBucket) -> (Picking, PickState),
) -> Result<TablePlan> {
    let vectors = deletion_vectors::read(settings.table(), snapshot, &names_of(&buckets)).await?;
    let mut plan = TablePlan::default();
    for ((bucket, entries), vectors) in buckets.into_iter().zip(vectors) {
        let total_buckets = entries.first().map_or(0, |entry| entry.total_buckets);
        let files = entries.into_iter().map(|entry| entry.file).collect();
        let (picking, picks) = asked(&bucket);
        let compactor = BucketCompactor::new(settings, bucket.clone(), files, vectors, looked_up)?.with_picks(picks);
        match BucketJob::of(settings.table(), bucket.clone(), total_buckets, compactor, picking)? {
            Prospect::Job(job, outlook) => plan.jobs.push(CompactJob::of_bucket(job, outlook)),
            Prospect::Later(picks) => plan.passed_over.push((bucket, picks)),
            Prospect::Nothing => {}
        }
    }
    Ok(plan)
}

/// The tasks of a table without buckets.
async fn tasks(
    settings: &Arc<AppendSettings>,
    snapshot: &Snapshot,
    buckets: Vec<BucketEntries>,
    picking: impl Fn(&PartitionBucket) -> Picking,
) -> Result<TablePlan> {
    let vectors = deletion_vectors::read_by_file(settings.table(), snapshot, &names_of(&buckets)).await?;
    let mut plan = TablePlan::default();
    for ((bucket, entries), vectors) in buckets.into_iter().zip(vectors) {
        let total_buckets = entries.first().map_or(0, |entry| entry.total_buckets);
        let files: Vec<_> = entries.into_iter().map(|entry| entry.file).collect();
        let tasks = AppendTask::all_of(settings, &bucket, total_buckets, (&files, &vectors), picking(&bucket));
        if tasks.is_empty() {
            let small = files.iter().filter(|file| settings.rules().is_small(file));
            let files: Vec<String> = small.map(|file| file.file_name.clone()).collect();
            plan.waiting.extend((files.len() > 1).then_some(WaitingFiles { bucket, files }));
            continue;
        }
        for task in tasks {
            let outlook = BucketOutlook::of_append(settings.table(), &bucket, files.iter(), &task.files)?;
            plan.jobs.push(CompactJob::of_task(task, outlook));
        }
    }
    Ok(plan)
}

/// A task for each partition, which sorts its rows.
async fn sorts(
    settings: &Arc<AppendSettings>,
    snapshot: &Snapshot,
    buckets: Vec<BucketEntries>,
    keys: &SortKeys,
) -> Result<TablePlan> {
    let vectors = deletion_vectors::read_by_file(settings.table(), snapshot, &names_of(&buckets)).await?;
    let mut plan = TablePlan::default();
    for ((bucket, entries), vectors) in buckets.into_iter().zip(vectors) {
        let total_buckets = entries.first().map_or(0, |entry| entry.total_buckets);
        let files: Vec<_> = entries.into_iter().map(|entry| entry.file).collect();
        let outlook = BucketOutlook::of_append(settings.table(), &bucket, files.iter(), &files)?;
        let task = AppendTask::sorted(settings, &bucket, total_buckets, (files, vectors), keys.clone())?;
        plan.jobs.push(CompactJob::of_task(task, outlook));
    }
    Ok(plan)
}

fn names_of(buckets: &[BucketEntries]) -> Vec<PartitionBucket> {
    buckets.iter().map(|(bucket, _)| bucket.clone()).collect()
}

fn bucket_of(entry: &ManifestEntry) -> PartitionBucket {
    PartitionBucket { partition: entry.partition.clone(), bucket: entry.bucket }
}

/// The entries of each bucket, in the order in which the buckets come up.
fn by_bucket(entries: impl Iterator<Item = ManifestEntry>) -> Vec<BucketEntries> {
    let mut buckets: Vec<BucketEntries> = Vec::new();
    let mut places: HashMap<PartitionBucket, usize> = HashMap::new();
    for entry in entries {
        let bucket = bucket_of(&entry);
        let place = *places.entry(bucket.clone()).or_insert_with(|| {
            buckets.push((bucket, Vec::new()));
            buckets.len() - 1
        });
        if let Some((_, held)) = buckets.get_mut(place) {
            held.push(entry);
        }
    }
    buckets
}
