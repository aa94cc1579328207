//! Which state of a table a read shows: a snapshot, and the schema to read it under.
//!
//! Goes in: a [`TimeTravel`]. Comes out: a `TableState`. The latest state is read under the latest schema; an earlier one under the
//! schema of its snapshot, with the options the table has now. Answers to `TimeTravelUtil` and `AbstractFileStoreTable.copy`.

use std::sync::Arc;

use alluvium_format::{Error, ErrorKind, Result, Snapshot, TableSchema};
use alluvium_store::TableStore;

/// Which state of the table.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum TimeTravel {
    /// The latest snapshot.
    #[default]
    Latest,
    /// This snapshot.
    Snapshot(i64),
    /// The snapshot of this tag.
    Tag(String),
    /// The last snapshot committed at this time or before, milliseconds since 1970.
    Timestamp(i64),
}

/// A state of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableState {
    /// `None` in an empty table.
    pub(crate) snapshot: Option<Snapshot>,
    /// What its rows are read under.
    pub(crate) schema: Arc<TableSchema>,
}

/// Finds the state that `travel` means.
///
/// # Errors
/// `NotFound` that names what there is; `Corrupt`; `Storage`.
pub(crate) async fn resolve(table: &TableStore, travel: &TimeTravel) -> Result<TableState> {
    let snapshot = match travel {
        TimeTravel::Latest => {
            let snapshot = table.snapshots().latest().await?;
            return Ok(TableState { snapshot, schema: Arc::clone(table.schema()) });
        }
        TimeTravel::Snapshot(id) => table.snapshots().get(*id).await?,
        TimeTravel::Tag(name) => table.tags().get(name).await?.snapshot,
        TimeTravel::Timestamp(millis) => match table.snapshots().at_or_before(*millis).await? {
            Some(snapshot) => snapshot,
            None => return Err(too_early(table, *millis).await?),
        },
    };
    let schema = schema_of(table, &snapshot).await?;
    Ok(TableState { snapshot: Some(snapshot), schema })
}

async fn schema_of(table: &TableStore, snapshot: &Snapshot) -> Result<Arc<TableSchema>> {
    if snapshot.schema_id == table.schema().id {
        return Ok(Arc::clone(table.schema()));
    }
    let schema = table.schemas().get(snapshot.schema_id).await?;
    let options = table.schema().options.clone();
    Ok(Arc::new(TableSchema { options, ..TableSchema::clone(&schema) }))
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
