//! Keeps many tables compact: once, or for ever.
//!
//! Goes in: a catalog, and which of its tables. Comes out: COMPACT snapshots, told of as events. It works in rounds: every table that has
//! changed is planned at its latest schema and snapshot, the hottest buckets of all tables are compacted first, so many at a time, and
//! what was done in a table is one commit. Invariants: what fails in one table leaves the others alone, and is tried again later and
//! later; told to stop, it commits what is done and leaves nothing else. Answers to `CompactDatabaseAction` and
//! `MultiTablesStoreCompactOperator`.

mod ages;
mod event;
mod member;
mod scope;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use alluvium_format::{Error, ErrorKind, Result};
use alluvium_store::{FileSystemCatalog, PartitionBucket};
use tokio::task::JoinSet;

use self::member::{Look, Member};
use super::always_clashed;
use super::bucket_job::DoneJob;
use super::compact_job::CompactJob;
use super::outlook::BucketOutlook;
use super::planning::CompactRequest;
use super::publish::publish;
use super::runner::Runner;
use crate::stop::{StopGuard, StopSignal};

pub use event::{FleetEvent, FleetSummary};
pub use scope::FleetScope;

/// Tables that are looked at side by side.
const LOOKS_AT_ONCE: usize = 16;
/// Buckets of a round for each that is compacted at a time: so few that what has become hot meanwhile waits for no long queue.
const ROUND_SHARE: usize = 4;
/// How often one job plans a table again after others changed the same files.
const ROUNDS_MAX: usize = 5;

/// What a fleet does.
#[derive(Clone, Debug)]
pub struct FleetRequest {
    /// Which tables.
    pub scope: FleetScope,
    /// What of each of them.
    pub compact: CompactRequest,
    /// Options over those of the tables.
    pub options: BTreeMap<String, String>,
}

/// What would be compacted in a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOutlook {
    /// The table.
    pub table: String,
    /// One of its buckets.
    pub bucket: BucketOutlook,
}

/// Who hears of events.
type Hear<'a> = &'a (dyn Fn(FleetEvent) + Send + Sync);

/// The compactor of many tables.
#[derive(Debug)]
pub struct Fleet {
    catalog: FileSystemCatalog,
    request: FleetRequest,
    members: BTreeMap<String, Member>,
}

/// How many buckets a round takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Take {
    All,
    Hottest(usize),
}

/// What a round leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rest {
    /// Buckets that were not taken.
    waiting: usize,
    /// In how many buckets of each table others were first.
    clashed: BTreeMap<String, usize>,
}

/// The jobs of one table in a round.
#[derive(Debug, Default)]
struct TableJobs {
    /// Those that are not over.
    open: usize,
    done: Vec<DoneJob>,
    clashed: Vec<PartitionBucket>,
    failure: Option<Error>,
}

impl Fleet {
    /// The compactor of these tables.
    pub fn new(catalog: FileSystemCatalog, request: FleetRequest) -> Self {
        Self { catalog, request, members: BTreeMap::new() }
    }

    /// Compacts all tables once.
    ///
    /// # Errors
    /// `NotFound` or `Storage` when the tables cannot be listed. What fails in a table is an event, and is counted in the summary; so is
    /// a table in which others were first again and again (`Conflict`).
    pub async fn run_once(&mut self, stop: &StopSignal, hear: Hear<'_>) -> Result<FleetSummary> {
        let summary = FleetSummary::default();
        let hear_and_count = |event: FleetEvent| {
            summary.count(&event);
            hear(event);
        };
        let mut clashed = BTreeMap::new();
        for _ in 0..ROUNDS_MAX {
            clashed = self.round(Take::All, stop, &hear_and_count).await?.clashed;
            if clashed.is_empty() || stop.is_set() {
                return Ok(summary);
            }
        }
        for (table, buckets) in clashed {
            let error = always_clashed(&table, buckets);
            hear_and_count(FleetEvent::Failed { table: Some(table), error });
        }
        Ok(summary)
    }

    /// Compacts for ever, until it is told to stop: it looks for work every `interval`, and goes on at once while there is more.
    pub async fn watch(&mut self, interval: Duration, stop: &StopSignal, hear: Hear<'_>) {
        let at_once = self.request.compact.at_once().get();
        while !stop.is_set() {
            let rest = match self.round(Take::Hottest(at_once.saturating_mul(ROUND_SHARE)), stop, hear).await {
                Ok(rest) => rest,
                Err(error) => {
                    hear(FleetEvent::Failed { table: None, error });
                    Rest::default()
                }
            };
            if rest.waiting == 0 {
                tokio::select! {
                    () = tokio::time::sleep(interval) => {}
                    () = stop.stopped() => {}
                }
            }
        }
    }

    /// What a round would do, the hottest bucket first; nothing is written.
    ///
    /// # Errors
    /// As [`Fleet::run_once`].
    pub async fn outlook(&mut self, hear: Hear<'_>) -> Result<Vec<TableOutlook>> {
        let guard = StopGuard::default();
        let jobs = self.plan(&guard.signal(), hear).await?;
        let outlooks = jobs.into_iter().map(|(table, job)| TableOutlook { table, bucket: job.into_outlook() });
        Ok(outlooks.collect())
    }

    async fn round(&mut self, take: Take, stop: &StopSignal, hear: Hear<'_>) -> Result<Rest> {
        let mut jobs = self.plan(stop, hear).await?;
        let waiting = match take {
            Take::All => 0,
            Take::Hottest(count) => {
                let waiting = jobs.len().saturating_sub(count);
                jobs.truncate(count);
                waiting
            }
        };
        let mut tables: BTreeMap<String, TableJobs> = BTreeMap::new();
        for (table, _) in &jobs {
            tables.entry(table.clone()).or_default().open += 1;
        }
        let mut rest = Rest { waiting, clashed: BTreeMap::new() };
        let mut runner = Runner::new(jobs, self.request.compact.at_once(), stop.clone());
        while let Some(outcome) = runner.next().await {
            let Some(jobs) = tables.get_mut(&outcome.key) else { continue };
            jobs.open -= 1;
            match outcome.done {
                Ok(job) => jobs.done.push(job),
                Err(error) if error.kind() == ErrorKind::NotFound => jobs.clashed.push(outcome.bucket),
                Err(error) if stop.is_set() && error.kind() == ErrorKind::Closed => {}
                Err(error) => drop(jobs.failure.get_or_insert(error)),
            }
            if jobs.open == 0
                && let Some(jobs) = tables.remove(&outcome.key)
            {
                self.commit(outcome.key, jobs, &mut rest, hear).await;
            }
        }
        // Of these some jobs were never begun, as it was told to stop.
        for (table, jobs) in tables {
            self.commit(table, jobs, &mut rest, hear).await;
        }
        Ok(rest)
    }

    /// The jobs of all tables, the hottest first.
    async fn plan(&mut self, stop: &StopSignal, hear: Hear<'_>) -> Result<Vec<(String, CompactJob)>> {
        self.list().await?;
        let (mut looks, mut looked_at) = (JoinSet::new(), HashMap::new());
        let mut members = std::mem::take(&mut self.members).into_iter();
        let mut jobs = Vec::new();
        loop {
            while looks.len() < LOOKS_AT_ONCE
                && let Some((name, member)) = members.next()
            {
                let (catalog, request, table) = (self.catalog.clone(), self.request.clone(), name.clone());
                let look = looks.spawn(async move {
                    let mut member = member;
                    let look = member.look(&catalog, &table, &request).await;
                    (member, look)
                });
                looked_at.insert(look.id(), name);
            }
            let Some(looked) = looks.join_next_with_id().await else { break };
            let (id, mut member, look) = match looked {
                Ok((id, (member, look))) => (id, member, look),
                Err(error) => {
                    let id = error.id();
                    (id, Member::default(), Err(Error::internal("a look at a table died").with_source(error)))
                }
            };
            let Some(name) = looked_at.remove(&id) else { continue };
            match look {
                Ok(Look::Quiet) => {}
                Ok(Look::Jobs(found)) => jobs.extend(found.into_iter().map(|job| (name.clone(), job))),
                Ok(Look::Skipped(why)) => hear(FleetEvent::Skipped { table: name.clone(), why }),
                Err(error) => {
                    member.failed();
                    hear(FleetEvent::Failed { table: Some(name.clone()), error });
                }
            }
            self.members.insert(name, member);
        }
        if stop.is_set() {
            return Ok(Vec::new());
        }
        jobs.sort_by(|(left_table, left), (right_table, right)| {
            right.heat().cmp(&left.heat()).then_with(|| left_table.cmp(right_table))
        });
        Ok(jobs)
    }

    /// Takes in tables that are new, and forgets those that are gone.
    async fn list(&mut self) -> Result<()> {
        let names = self.request.scope.tables(&self.catalog).await?;
        let mut known = std::mem::take(&mut self.members);
        for name in names {
            let member = known.remove(&name).unwrap_or_default();
            self.members.insert(name, member);
        }
        Ok(())
    }

    /// Commits what was done in a table, and says so; takes note of in how many buckets others were first.
    async fn commit(&mut self, table: String, jobs: TableJobs, rest: &mut Rest, hear: Hear<'_>) {
        let Some(member) = self.members.get_mut(&table) else { return };
        let TableJobs { done, mut clashed, failure, .. } = jobs;
        let mut picks: Vec<_> = done.iter().map(|job| (job.bucket(), job.picks)).collect();
        let outcome = match (member.opened(), done.is_empty()) {
            (Some((store, name)), false) => publish(store, name, done).await.map(Some),
            _ => Ok(None),
        };
        let failure = match outcome {
            Ok(publication) => {
                if let Some(publication) = publication {
                    clashed.extend(publication.clashed);
                    if publication.report.snapshot.is_some() {
                        hear(FleetEvent::Compacted { table: table.clone(), report: publication.report });
                    }
                }
                failure
            }
            Err(error) => failure.or(Some(error)),
        };
        if !clashed.is_empty() {
            rest.clashed.insert(table.clone(), clashed.len());
            hear(FleetEvent::Clashed { table: table.clone(), buckets: clashed.len() });
        }
        match failure {
            None => {
                picks.retain(|(bucket, _)| !clashed.contains(bucket));
                member.went_well(picks);
            }
            Some(error) => {
                member.failed();
                hear(FleetEvent::Failed { table: Some(table), error });
            }
        }
    }
}
