//! One table of a fleet: what was last seen of it, and when it is looked at again.
//!
//! Goes in: looks at the table, and what came of the jobs that they found. Comes out: which jobs there are now. Invariants: the table is
//! the one that has the name now; a full compaction counts as done when all buckets that it was for are; what picks leave is kept
//! by bucket, once what they did is published.

use std::collections::HashMap;

use alluvium_format::{BucketMode, Error, ErrorKind, Result};
use alluvium_store::{FileSystemCatalog, PartitionBucket, TableStore};

use super::FleetRequest;
use super::ages::Ages;
use crate::dedicated::compact_job::CompactJob;
use crate::dedicated::planning::{Known, TablePlan, Validity, plan};
use crate::dedicated::publish::CommitName;
use crate::full_compactions::FullCompactions;
use crate::settings::Picking;
use crate::strategy::PickState;

/// The most rounds that a table which fails again and again is left alone.
const PAUSE_ROUNDS_MAX: u32 = 64;

/// One table.
#[derive(Debug, Default)]
pub(super) struct Member {
    opened: Option<Opened>,
    failures: u32,
    /// Rounds for which it is left alone.
    pause: u32,
}

/// A table that is open, and the commit that comes next.
#[derive(Debug)]
struct Opened {
    table: TableStore,
    commit: CommitName,
    full_compactions: FullCompactions,
    /// Whether the table cannot be compacted under its schema.
    skipped: bool,
    quiet: Option<Quiet>,
    /// What earlier picks left.
    picks: HashMap<PartitionBucket, PickState>,
    /// How long small files of a table without buckets wait for more.
    ages: Ages,
    /// What the last look found: what was picked, and how many jobs.
    found: (Picking, usize),
}

/// A snapshot at which there was nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quiet {
    /// `None`: the table was empty.
    snapshot: Option<i64>,
    picking: Picking,
}

/// What a look at a table found.
#[derive(Debug)]
pub(super) enum Look {
    /// Nothing to do.
    Quiet,
    /// This to do.
    Jobs(Vec<CompactJob>),
    /// It cannot be compacted, and why.
    Skipped(String),
}

impl Member {
    /// Looks for what is to be done.
    pub(super) async fn look(
        &mut self,
        catalog: &FileSystemCatalog,
        name: &str,
        request: &FleetRequest,
    ) -> Result<Look> {
        if self.pause > 0 {
            self.pause -= 1;
            return Ok(Look::Quiet);
        }
        // Opened anew: what has the name now may be another table.
        let table = catalog.table(&name.parse()?).await?.with_options(&request.options)?;
        let opened = match self.opened.take() {
            Some(opened) => opened.at(table),
            None => Opened::new(table),
        };
        let opened = self.opened.insert(opened?);
        if opened.skipped {
            return Ok(Look::Quiet);
        }
        match opened.look(request).await {
            Ok(Look::Quiet) => {
                self.failures = 0;
                Ok(Look::Quiet)
            }
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid) => {
                // A table's options stay wrong until it is altered.
                opened.skipped = true;
                Ok(Look::Skipped(error.to_string()))
            }
            outcome => outcome,
        }
    }

    /// The table, and the name of the commit that comes next.
    pub(super) fn opened(&self) -> Option<(&TableStore, &CommitName)> {
        self.opened.as_ref().map(|opened| (&opened.table, &opened.commit))
    }

    /// A round went well, in which these jobs were done and published, each of a bucket.
    pub(super) fn went_well(&mut self, published: Vec<(PartitionBucket, PickState)>) {
        self.failures = 0;
        let Some(opened) = &mut self.opened else { return };
        if opened.found == (Picking::Full, published.len()) {
            opened.full_compactions_done();
        }
        opened.keep(published);
    }

    /// It failed: it is left alone for a while, longer each time.
    pub(super) fn failed(&mut self) {
        self.pause = 1u32.checked_shl(self.failures).unwrap_or(PAUSE_ROUNDS_MAX).min(PAUSE_ROUNDS_MAX);
        self.failures = self.failures.saturating_add(1);
    }
}

impl Opened {
    fn new(table: TableStore) -> Result<Self> {
        let commit = CommitName { user: table.io().namer().uuid(), identifier: 0 };
        Ok(Self {
            full_compactions: FullCompactions::of(table.options())?,
            commit,
            table,
            skipped: false,
            quiet: None,
            picks: HashMap::new(),
            ages: Ages::default(),
            found: (Picking::Universal, 0),
        })
    }

    /// The same at what has the name now: a later schema of the table, or another table.
    fn at(self, table: TableStore) -> Result<Self> {
        if table.schema() == self.table.schema() {
            return Ok(self);
        }
        if table.schema().id <= self.table.schema().id {
            return Self::new(table);
        }
        let full_compactions = self.full_compactions.under(table.options())?;
        Ok(Self { full_compactions, commit: self.commit, picks: self.picks, ages: self.ages, ..Self::new(table)? })
    }

    async fn look(&mut self, request: &FleetRequest) -> Result<Look> {
        let picking = self.picking(request);
        let latest = self.table.snapshots().latest_id().await?;
        if self.quiet.is_some_and(|quiet| quiet.covers(Quiet { snapshot: latest, picking })) {
            return Ok(Look::Quiet);
        }
        check_has_buckets(&self.table)?;
        self.commit.identifier += 1;
        let aged = self.ages.aged();
        let known = Known { picks: Some(&self.picks), aged: Some(&aged), only: None };
        let TablePlan { snapshot, jobs, waiting, passed_over, validity } =
            plan(&self.table, &request.compact, picking, known).await?;
        self.ages.count(waiting);
        self.keep(passed_over);
        self.found = (picking, jobs.len());
        if !jobs.is_empty() {
            return Ok(Look::Jobs(jobs));
        }
        self.quiet = (validity == Validity::SameSnapshot).then_some(Quiet { snapshot, picking });
        if picking == Picking::Full {
            self.full_compactions_done();
        }
        Ok(Look::Quiet)
    }

    /// Keeps what picks left.
    fn keep(&mut self, picks: Vec<(PartitionBucket, PickState)>) {
        for (bucket, left) in picks {
            if left == PickState::default() {
                self.picks.remove(&bucket);
            } else {
                self.picks.insert(bucket, left);
            }
        }
    }

    fn full_compactions_done(&mut self) {
        let now_millis = self.table.io().clock().now_millis();
        self.full_compactions.done(now_millis);
    }

    /// What is picked in the buckets: all, where that is asked for, or due by the table's own options.
    fn picking(&self, request: &FleetRequest) -> Picking {
        let now_millis = self.table.io().clock().now_millis();
        let next = self.commit.identifier + 1;
        if request.compact.full || self.full_compactions.are_due(next, now_millis) {
            Picking::Full
        } else {
            Picking::Universal
        }
    }
}

/// Rows that wait for their buckets get them by a write, which is not for a fleet.
fn check_has_buckets(table: &TableStore) -> Result<()> {
    match table.options().bucket_mode(table.schema())? {
        BucketMode::Postpone => Err(Error::unsupported(format!(
            "giving rows of bucket = -2 their buckets among many tables, or for ever: compact {} by itself, as often as its rows are to be read",
            table.name()
        ))),
        _ => Ok(()),
    }
}

impl Quiet {
    /// Whether there is nothing to do then, too: where all is compacted the rules find nothing either.
    fn covers(self, other: Self) -> bool {
        self.snapshot == other.snapshot && (self.picking == other.picking || self.picking == Picking::Full)
    }
}
