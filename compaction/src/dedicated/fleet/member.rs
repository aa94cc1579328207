//! One table of a fleet: what was last seen of it, and when it is looked at again.

use alluvium_format::{BucketMode, Error, ErrorKind, Result};
use alluvium_store::{FileSystemCatalog, TableStore};

use super::FleetRequest;
use super::ages::Ages;
use crate::dedicated::compact_job::CompactJob;
use crate::dedicated::planning::{PlanScope, plan};
use crate::dedicated::publish::CommitName;
use crate::full_compactions::FullCompactions;
use crate::settings::Picking;

/// The most rounds that a table which fails again and again is left alone.
const PAUSE_ROUNDS_MAX: u32 = 64;

/// One table.
#[derive(Debug, Default)]
pub(super) struct Member {
    opened: Option<Opened>,
    /// The snapshot at which there was nothing to do; `Some(None)`: the table was empty.
    quiet_at: Option<Option<i64>>,
    /// How long small files of tables without buckets wait for more.
    ages: Ages,
    /// The schema that cannot be compacted.
    skipped_schema: Option<i64>,
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
        match self.look_for_jobs(catalog, name, request).await {
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid) => {
                self.skipped_schema = self.opened.as_ref().map(|opened| opened.table.schema().id);
                // Without a table it is looked at again; a table's options stay wrong until it is altered.
                if self.skipped_schema.is_none() { Err(error) } else { Ok(Look::Skipped(error.to_string())) }
            }
            outcome => outcome,
        }
    }

    async fn look_for_jobs(&mut self, catalog: &FileSystemCatalog, name: &str, request: &FleetRequest) -> Result<Look> {
        let table = match &self.opened {
            Some(opened) => opened.table.at_latest_schema().await?,
            None => catalog.table(&name.parse()?).await?.with_options(&request.options)?,
        };
        if self.skipped_schema == Some(table.schema().id) {
            return Ok(Look::Quiet);
        }
        let opened = match self.opened.take() {
            Some(opened) => Opened { table, ..opened },
            None => Opened::new(table)?,
        };
        let opened = self.opened.insert(opened);
        let latest = opened.table.snapshots().latest_id().await?;
        if self.quiet_at == Some(latest) {
            return Ok(Look::Quiet);
        }
        check_has_buckets(&opened.table)?;
        opened.commit.identifier += 1;
        let picking = opened.picking(request);
        let aged = self.ages.aged();
        let scope = PlanScope { only: None, aged: Some(&aged) };
        let found = plan(&opened.table, &request.compact, picking, scope).await?;
        let nobody_waits = found.waiting.is_empty();
        self.ages.count(found.waiting);
        if found.jobs.is_empty() {
            self.quiet_at = nobody_waits.then_some(found.snapshot);
            return Ok(Look::Quiet);
        }
        Ok(Look::Jobs(found.jobs))
    }

    /// The table, and the name of the commit that comes next.
    pub(super) fn opened(&self) -> Option<(&TableStore, &CommitName)> {
        self.opened.as_ref().map(|opened| (&opened.table, &opened.commit))
    }

    /// A round went well.
    pub(super) fn went_well(&mut self) {
        self.failures = 0;
        if let Some(opened) = &mut self.opened {
            let now_millis = opened.table.io().clock().now_millis();
            opened.full_compactions.done(now_millis);
        }
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
        Ok(Self { full_compactions: FullCompactions::of(table.options())?, commit, table })
    }

    /// What is picked in the buckets: all, where that is asked for, or due by the table's own options.
    fn picking(&self, request: &FleetRequest) -> Picking {
        let now_millis = self.table.io().clock().now_millis();
        if request.compact.full || self.full_compactions.are_due(self.commit.identifier, now_millis) {
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
