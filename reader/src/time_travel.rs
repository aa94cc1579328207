//! Which state of a table a read shows: a snapshot, and the schema to read it under.
//!
//! Goes in: a [`TimeTravel`]. Comes out: a `TableState`. The latest state is read under the latest schema; an earlier one under the
//! schema of its snapshot, with the options the table has now, which speak of columns by the names they had then. Answers to `TimeTravelUtil` and `AbstractFileStoreTable.copy`.

use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result, Snapshot, TableSchema};
use alluvium_store::TableStore;

use crate::snapshot_range::{counted_compactions, latest_compacted, snapshot_range, start_facts};
use crate::starting_scanner::{Start, StartupMode, start};

/// What comes before the watermark in a version.
const WATERMARK_PREFIX: &str = "watermark-";

/// Which state of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeTravel {
    /// The latest snapshot.
    Latest,
    /// The latest compacted snapshot, or the latest when there is none.
    Compacted,
    /// This snapshot.
    Snapshot(i64),
    /// The snapshot of this tag.
    Tag(String),
    /// The last snapshot committed at this time or before, milliseconds since 1970.
    Timestamp(i64),
    /// The first snapshot of this watermark or a later one.
    Watermark(i64),
    /// A tag of this name, `watermark-<n>`, or a snapshot of this id, whichever there is first.
    Version(String),
    /// Of the latest snapshot the rows of files created at this time or later, milliseconds since 1970.
    FilesSince(i64),
    /// The first snapshot committed at this time or later; where none before it is left, as `FilesSince`. Milliseconds since 1970.
    CreatedSince(i64),
}

/// A state of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    /// `None` in an empty table.
    pub(crate) snapshot: Option<Snapshot>,
    /// What its rows are read under.
    pub(crate) schema: Arc<TableSchema>,
    /// Only files created at this time or later are read, milliseconds since 1970.
    pub(crate) files_since: Option<i64>,
}

/// Finds the state that `travel` means.
///
/// # Errors
/// `NotFound` that names what there is; `Corrupt`; `Storage`.
pub(crate) async fn resolve(table: &TableStore, travel: &TimeTravel) -> Result<TableState> {
    let snapshot = match travel {
        TimeTravel::Latest => return latest(table, None).await,
        TimeTravel::FilesSince(millis) => return latest(table, Some(*millis)).await,
        TimeTravel::Compacted => {
            let range = snapshot_range(table).await?;
            match latest_compacted(table, &range, counted_compactions(table)?).await? {
                Some(id) => table.snapshots().get(id).await?,
                None => return latest(table, None).await,
            }
        }
        TimeTravel::CreatedSince(millis) => {
            let facts = start_facts(table, StartupMode::FromCreationTimestamp(*millis)).await?;
            match start(StartupMode::FromCreationTimestamp(*millis), &facts)? {
                Start::Changes(id) => table.snapshots().get(id).await?,
                _ => return latest(table, Some(*millis)).await,
            }
        }
        TimeTravel::Snapshot(id) => table.snapshots().get(*id).await?,
        TimeTravel::Tag(name) => table.tags().get(name).await?.snapshot,
        TimeTravel::Timestamp(millis) => match table.snapshots().at_or_before(*millis).await? {
            Some(snapshot) => snapshot,
            None => return Err(too_early(table, *millis).await?),
        },
        TimeTravel::Watermark(watermark) => of_watermark(table, *watermark).await?,
        TimeTravel::Version(version) => of_version(table, version).await?,
    };
    let schema = schema_of(table, &snapshot).await?;
    Ok(TableState { snapshot: Some(snapshot), schema, files_since: None })
}

async fn latest(table: &TableStore, files_since: Option<i64>) -> Result<TableState> {
    let snapshot = table.snapshots().latest().await?;
    Ok(TableState { snapshot, schema: Arc::clone(table.schema()), files_since })
}

async fn of_watermark(table: &TableStore, watermark: i64) -> Result<Snapshot> {
    let found = table.snapshots().first_of_watermark(watermark).await?;
    found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("there is no snapshot with the watermark {watermark} or a later one"))
    })
}

async fn of_version(table: &TableStore, version: &str) -> Result<Snapshot> {
    if let Some(tag) = table.tags().find(version).await? {
        return Ok(tag.snapshot);
    }
    if let Some(watermark) = version.strip_prefix(WATERMARK_PREFIX).and_then(|text| text.parse().ok()) {
        return of_watermark(table, watermark).await;
    }
    match version.parse() {
        Ok(id) => table.snapshots().get(id).await,
        Err(_) => table.tags().get(version).await.map(|tag| tag.snapshot),
    }
}

async fn schema_of(table: &TableStore, snapshot: &Snapshot) -> Result<Arc<TableSchema>> {
    if snapshot.schema_id == table.schema().id {
        return Ok(Arc::clone(table.schema()));
    }
    let schema = table.schemas().get(snapshot.schema_id).await?;
    Ok(Arc::new(schema.with_options_of(table.schema())))
}

async fn too_early(table: &TableStore, millis: i64) -> Result<Error> {
    let earliest = match table.snapshots().earliest_id().await? {
        Some(id) => table.snapshots().find(id).await?,
        None => None,
    };
    let there = earliest.map_or_else(
        || "the table has no snapshot".to_owned(),
        |earliest| format!("the earliest, snapshot {}, is of {} ms", earliest.id, earliest.time_millis),
    );
    let message = format!("there is no snapshot of {millis} ms since 1970 or before: {there}");
    Ok(Error::new(ErrorKind::NotFound, message))
}
