//! Bounded reads of changes: those between two states of a table.
//!
//! Goes in: a table, what is asked of it, and a range that is open at its start. Comes out: a stream of changes, each with its kind. Snapshot
//! by snapshot they are those that commits made: a table without changelog has them in the files that APPEND snapshots add, others in their
//! changelog files, and what overwrites did is no change. As a difference they are what became of the rows. Answers to
//! `AbstractDataTableScan.createIncrementalStartingScanner`, `IncrementalDeltaStartingScanner` and `IncrementalDiffStartingScanner`.

use std::sync::Arc;

use alluvium_format::options::scan::{IncrementalBetween, IncrementalBetweenScanMode, ScanStartup};
use alluvium_format::{CommitKind, Error, ErrorKind, Result, Snapshot};
use alluvium_store::TableStore;
use arrow_schema::ArrowError;
use futures::stream::{self, BoxStream, StreamExt};

use crate::batch_scan::ReadRequest;
use crate::change_batch::{ChangeBatch, SplitBatch};
use crate::diff_plan::plan_diff;
use crate::follow_up_scanner::{ChangeSource, FollowRules, FollowUp, OverwriteReading, follow_up};
use crate::read_stream::{limited, read_splits};
use crate::scan_plan::{FilesWanted, LevelFilter, plan_changes};
use crate::snapshot_range::{change_source, find_change_snapshot, snapshot_range};
use crate::startup::millis_of;
use crate::table_read::TableRead;

/// Two states of a table: the changes behind the first up to and including the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesBetween {
    /// Two snapshots.
    Snapshots(i64, i64),
    /// Two tags, or two snapshot ids: between tags it is the difference of their rows, unless the option
    /// `incremental-between-tag-to-snapshot` says otherwise.
    Versions(String, String),
    /// Two times, milliseconds since 1970.
    Timestamps(i64, i64),
    /// The tag of the latest period before that of this tag, and this one; nothing where one of them is not there. The options
    /// `tag.creation-period` and `tag.period-formatter` say which tags are of periods.
    ToAutoTag(String),
}

/// What is read.
#[derive(Clone, Debug)]
enum Range {
    Nothing,
    /// What the snapshots behind the first up to and including the second changed.
    Commits(i64, i64),
    /// What became of the rows of the one until the other.
    Difference(Box<[Snapshot; 2]>),
}

/// The range that the options of a table say; `None` where they say none.
///
/// # Errors
/// `Invalid` when an option is wrong.
pub fn range_of_options(table: &TableStore) -> Result<Option<ChangesBetween>> {
    Ok(match table.options().scan_startup()? {
        Some(ScanStartup::Incremental(IncrementalBetween::Versions(from, to))) => {
            Some(ChangesBetween::Versions(from, to))
        }
        Some(ScanStartup::Incremental(IncrementalBetween::Times(from, to))) => {
            Some(ChangesBetween::Timestamps(millis_of(table, from), millis_of(table, to)))
        }
        Some(ScanStartup::Incremental(IncrementalBetween::ToAutoTag(name))) => Some(ChangesBetween::ToAutoTag(name)),
        _ => None,
    })
}

/// The changes of a range, as the option `incremental-between-scan-mode` says. The latest schema is read, whatever the request's `travel`.
///
/// # Errors
/// As [`crate::batch_scan::plan`]; `NotFound` when the table has not all that the range needs, `Invalid` when it ends before it begins.
pub async fn incremental(
    table: &TableStore,
    request: &ReadRequest,
    between: &ChangesBetween,
) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
    match resolve(table, between).await? {
        Range::Nothing => Ok(stream::empty().boxed()),
        Range::Commits(from, to) => commits(table, request, (from, to)).await,
        Range::Difference(states) => difference(table, request, &states).await,
    }
}

async fn resolve(table: &TableStore, between: &ChangesBetween) -> Result<Range> {
    match between {
        ChangesBetween::Snapshots(from, to) => of_snapshots(table, *from, *to).await,
        ChangesBetween::Versions(from, to) => of_versions(table, from, to).await,
        ChangesBetween::Timestamps(from, to) => of_times(table, *from, *to).await,
        ChangesBetween::ToAutoTag(name) => to_auto_tag(table, name).await,
    }
}

fn is_difference(table: &TableStore) -> Result<bool> {
    Ok(table.options().incremental_between_scan_mode()? == IncrementalBetweenScanMode::Diff)
}

async fn of_snapshots(table: &TableStore, from: i64, to: i64) -> Result<Range> {
    check_order("snapshot", from, to)?;
    if !is_difference(table)? {
        check_range(table, from, to).await?;
        return Ok(Range::Commits(from, to));
    }
    if from == to {
        return Ok(Range::Nothing);
    }
    let states = [table.snapshots().get(from).await?, table.snapshots().get(to).await?];
    Ok(Range::Difference(Box::new(states)))
}

async fn of_versions(table: &TableStore, from: &str, to: &str) -> Result<Range> {
    let (first, last) = (table.tags().find(from).await?, table.tags().find(to).await?);
    if let (Some(first), Some(last)) = (&first, &last)
        && !table.options().incremental_between_tag_to_snapshot()?
    {
        check_order("tag", first.snapshot.id, last.snapshot.id)?;
        return Ok(match first.snapshot.id == last.snapshot.id {
            true => Range::Nothing,
            false => Range::Difference(Box::new([first.snapshot.clone(), last.snapshot.clone()])),
        });
    }
    let id = async |tag: Option<alluvium_format::Tag>, text: &str| match (tag, text.parse()) {
        (Some(tag), _) => Ok(tag.snapshot.id),
        (None, Ok(id)) => Ok(id),
        (None, Err(_)) => table.tags().get(text).await.map(|tag| tag.snapshot.id),
    };
    of_snapshots(table, id(first, from).await?, id(last, to).await?).await
}

async fn of_times(table: &TableStore, from: i64, to: i64) -> Result<Range> {
    check_order("time", from, to)?;
    let snapshots = table.snapshots();
    let (Some(earliest), Some(latest)) = (snapshots.earliest_id().await?, snapshots.latest().await?) else {
        return Ok(Range::Nothing);
    };
    let earliest = snapshots.get(earliest).await?;
    if from == to || from > latest.time_millis || to < earliest.time_millis {
        return Ok(Range::Nothing);
    }
    let first = snapshots.at_or_before(from).await?;
    let last = snapshots.at_or_before(to).await?.unwrap_or(latest);
    Ok(match is_difference(table)? {
        true => Range::Difference(Box::new([first.unwrap_or(earliest), last])),
        false => Range::Commits(first.map_or(earliest.id - 1, |first| first.id), last.id),
    })
}

async fn to_auto_tag(table: &TableStore, name: &str) -> Result<Range> {
    let names = table.options().auto_tag_names()?;
    let Some(end) = names.time_of(name) else {
        return Err(Error::invalid(format!(
            "the changes up to the tag {name:?}: that is no name of a tag that is made once a period; tag.creation-period \
             and tag.period-formatter say which are"
        )));
    };
    let Some(after) = table.tags().find(name).await? else { return Ok(Range::Nothing) };
    let before = table.tags().names().await?.into_iter().filter_map(|name| Some((names.time_of(&name)?, name)));
    let Some((_, before)) = before.filter(|(time, _)| *time < end).max() else { return Ok(Range::Nothing) };
    let before = table.tags().get(&before).await?;
    Ok(Range::Difference(Box::new([before.snapshot, after.snapshot])))
}

fn check_order(what: &str, from: i64, to: i64) -> Result<()> {
    if from > to {
        return Err(Error::invalid(format!(
            "the changes from {what} {from} to {to}: the second must not be before the first"
        )));
    }
    Ok(())
}

async fn commits(
    table: &TableStore,
    request: &ReadRequest,
    (from, to): (i64, i64),
) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
    let read = asked_of(table, request)?;
    let source = match table.options().incremental_between_scan_mode()? {
        IncrementalBetweenScanMode::Delta => ChangeSource::AddedFiles,
        IncrementalBetweenScanMode::Changelog => ChangeSource::ChangelogFiles,
        IncrementalBetweenScanMode::Auto | IncrementalBetweenScanMode::Diff => change_source(table)?,
    };
    let rules = FollowRules { source, overwrite: OverwriteReading::AsOthers };
    let mut splits = Vec::new();
    for id in from + 1..=to {
        let Some(snapshot) = find_change_snapshot(table, id).await? else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("snapshot {id} has expired while the range was planned"),
            ));
        };
        let reading = match snapshot.commit_kind {
            CommitKind::Overwrite => FollowUp::Skip,
            _ => follow_up(&snapshot, rules),
        };
        splits.extend(plan_changes(&read, &snapshot, reading, FilesWanted::of(LevelFilter::Batch)).await?);
    }
    let changes = read_splits(Arc::new(read), splits, request.limit);
    Ok(changes.map(|batch| batch.map(SplitBatch::into_changes)).boxed())
}

/// Whole rows are compared, whatever columns are asked for.
async fn difference(
    table: &TableStore,
    request: &ReadRequest,
    [before, after]: &[Snapshot; 2],
) -> Result<BoxStream<'static, Result<ChangeBatch>>> {
    let asked = asked_of(table, request)?;
    let read = TableRead::new(table, Arc::clone(table.schema()), None, &asked.predicate)?;
    let columns = asked.projection.schema().fields();
    let places = columns.iter().map(|field| read.output().index_of(field.name()));
    let places: Vec<usize> = places.collect::<Result<_, ArrowError>>().map_err(not_there)?;
    let splits = plan_diff(&read, before, after).await?;
    let changes = read_splits(Arc::new(read), splits, request.limit.filter(|_| asked.keeps_rows()));
    let projected = move |batch: SplitBatch| -> Result<SplitBatch> {
        let batch = SplitBatch { kinds: batch.kinds, rows: batch.rows.project(&places).map_err(not_there)? };
        match &asked.change_log {
            Some(log) => log.row_by_row(&batch),
            None => Ok(batch),
        }
    };
    let changes = limited(changes.map(move |batch| batch.and_then(&projected)).boxed(), request.limit);
    Ok(changes.map(|batch| batch.map(SplitBatch::into_changes)).boxed())
}

fn asked_of(table: &TableStore, request: &ReadRequest) -> Result<TableRead> {
    let columns = request.columns.as_deref();
    TableRead::shown(table, Arc::clone(table.schema()), columns, &request.predicate, request.change_log)
}

fn not_there(error: ArrowError) -> Error {
    Error::internal("a column that was asked for is not among all columns").with_source(error)
}

async fn check_range(table: &TableStore, from: i64, to: i64) -> Result<()> {
    let range = snapshot_range(table).await?;
    match (range.earliest_readable(), range.latest) {
        (Some(first), Some(latest)) if from >= first - 1 && to <= latest => Ok(()),
        (Some(first), Some(latest)) => Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "the changes after snapshot {from} up to {to}: the table has those of snapshots {first} to {latest}, \
                 so ask for {} to {latest} or less",
                first - 1
            ),
        )),
        _ if from == to => Ok(()),
        _ => Err(Error::new(ErrorKind::NotFound, "the table has no snapshot, and so no changes")),
    }
}
