//! Changing the schema of a table: plan from the latest schema, then put the next one if it is absent.
//!
//! Goes in: a table and changes. Comes out: the new schema. Invariants: the put is all that is written; whoever comes second plans again from
//! what the first one made; a put of which the outcome is not known is asked after before anything else. Answers to
//! `SchemaManager.commitChanges`.

use std::sync::Arc;

use alluvium_format::{DataField, Error, ErrorKind, Holding, Result, SchemaChange, TableSchema};
use alluvium_merge_tree::MergeOptions;

use crate::default_value::default_value;
use crate::table_store::TableStore;

/// How often a change is planned anew because others changed the schema first. Each time one of them has succeeded.
const ATTEMPTS_MAX: u32 = 100;

/// The schema that the changes would make of the latest one; nothing is written.
///
/// # Errors
/// `Invalid` that says which change is refused and why; `Unsupported` by name; `NotFound` when the table is gone; `Corrupt` or `Storage`.
pub async fn plan(table: &TableStore, changes: &[SchemaChange]) -> Result<TableSchema> {
    let holding = match table.snapshots().latest_id().await? {
        Some(_) => Holding::Snapshots,
        None => Holding::Nothing,
    };
    let latest = table.schemas().latest().await?;
    let latest = latest
        .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("the table {} has no schema any more", table.name())))?;
    let schema = latest.changed(changes, holding, table.io().clock().now_millis())?;
    let before = |id: i32| latest.fields.iter().find(|field| field.id == id).map(|field| &field.default_value);
    let given = schema.fields.iter().filter(|field| before(field.id) != Some(&field.default_value));
    check(&schema, given)?;
    Ok(schema)
}

/// Changes the schema of the table, and gives the new one. Who has the table open keeps the schema it was opened with.
///
/// # Errors
/// As [`plan`]; `Unknown` when the store does not say whether the schema was written; `Conflict` when others change it all the time.
pub async fn alter(table: &TableStore, changes: &[SchemaChange]) -> Result<Arc<TableSchema>> {
    for _ in 0..ATTEMPTS_MAX {
        let schema = plan(table, changes).await?;
        if table.schemas().create(&schema).await? {
            return Ok(Arc::new(schema));
        }
    }
    let message = format!("others changed the schema of {} {ATTEMPTS_MAX} times first", table.name());
    Err(Error::new(ErrorKind::Conflict, message))
}

/// What the schema alone does not say: whether its records merge, and whether the default values of fields that are `given` some are values.
///
/// # Errors
/// `Invalid` that says what is wrong; `Unsupported` by name.
pub(crate) fn check<'a>(schema: &TableSchema, given: impl IntoIterator<Item = &'a DataField>) -> Result<()> {
    if !schema.primary_keys.is_empty() {
        MergeOptions::new(schema, &schema.core_options())?;
    }
    given.into_iter().try_for_each(|field| default_value(field).map(drop))
}
