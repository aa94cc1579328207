//! Where a read starts by the options of its table: `scan.mode` and what goes with it.
//!
//! Goes in: a table. Comes out: the [`TimeTravel`] of a read of rows or the [`StartupMode`] of a stream. What has no meaning for the one or
//! the other is refused by name, as Paimon does. Answers to `AbstractDataTableScan.createStartingScanner`.

use alluvium_format::options::scan::{ScanSnapshot, ScanStartup, ScanTime, StreamScanMode};
use alluvium_format::{Error, Result};
use alluvium_store::TableStore;

use crate::starting_scanner::StartupMode;
use crate::time_travel::TimeTravel;

/// The moment in milliseconds since 1970.
pub(crate) fn millis_of(table: &TableStore, time: ScanTime) -> i64 {
    match time {
        ScanTime::Millis(millis) => millis,
        ScanTime::Local(local) => table.io().clock().millis_of_local(local),
    }
}

/// The state that a read of rows shows.
///
/// # Errors
/// `Invalid` when an option is wrong, or is one for streams or for changes.
pub(crate) fn travel_of_options(table: &TableStore) -> Result<TimeTravel> {
    let options = table.options();
    if options.stream_scan_mode()? == StreamScanMode::CompactBucketTable {
        return Err(Error::invalid(
            "the option stream-scan-mode = compact-bucket-table is for streams: tail the table",
        ));
    }
    let Some(startup) = options.scan_startup()? else { return Ok(TimeTravel::Latest) };
    Ok(match startup {
        ScanStartup::Latest | ScanStartup::LatestFull => TimeTravel::Latest,
        ScanStartup::CompactedFull => TimeTravel::Compacted,
        ScanStartup::FromTimestamp(time) => TimeTravel::Timestamp(millis_of(table, time)),
        ScanStartup::FromFileCreationTime(millis) => TimeTravel::FilesSince(millis),
        ScanStartup::FromCreationTimestamp(millis) => TimeTravel::CreatedSince(millis),
        ScanStartup::FromSnapshotFull(id) | ScanStartup::FromSnapshot(ScanSnapshot::Id(id)) => TimeTravel::Snapshot(id),
        ScanStartup::FromSnapshot(ScanSnapshot::Tag(name)) => TimeTravel::Tag(name),
        ScanStartup::FromSnapshot(ScanSnapshot::Watermark(watermark)) => TimeTravel::Watermark(watermark),
        ScanStartup::FromSnapshot(ScanSnapshot::Version(version)) => TimeTravel::Version(version),
        ScanStartup::Incremental(_) => {
            return Err(Error::invalid("the option incremental-between asks for changes: read them, not rows"));
        }
    })
}

/// Where a stream starts; `None` where no option says it.
///
/// # Errors
/// `Invalid` when an option is wrong, or is one for reads that end.
pub(crate) fn mode_of_options(table: &TableStore) -> Result<Option<StartupMode>> {
    let Some(startup) = table.options().scan_startup()? else { return Ok(None) };
    let bounded = |what: &str| Error::invalid(format!("a stream cannot start {what}: give it a snapshot or a time"));
    Ok(Some(match startup {
        ScanStartup::Latest => StartupMode::Latest,
        ScanStartup::LatestFull => StartupMode::LatestFull,
        ScanStartup::CompactedFull => StartupMode::CompactedFull,
        ScanStartup::FromTimestamp(time) => StartupMode::FromTimestamp(millis_of(table, time)),
        ScanStartup::FromFileCreationTime(millis) => StartupMode::FromFileCreationTime(millis),
        ScanStartup::FromCreationTimestamp(millis) => StartupMode::FromCreationTimestamp(millis),
        ScanStartup::FromSnapshotFull(id) => StartupMode::FromSnapshotFull(id),
        ScanStartup::FromSnapshot(ScanSnapshot::Id(id)) => StartupMode::FromSnapshot(id),
        ScanStartup::FromSnapshot(ScanSnapshot::Version(version)) => match version.parse() {
            Ok(id) => StartupMode::FromSnapshot(id),
            Err(_) => return Err(bounded("at a tag or a watermark (scan.version)")),
        },
        ScanStartup::FromSnapshot(ScanSnapshot::Tag(_)) => return Err(bounded("at a tag (scan.tag-name)")),
        ScanStartup::FromSnapshot(ScanSnapshot::Watermark(_)) => {
            return Err(bounded("at a watermark (scan.watermark)"));
        }
        ScanStartup::Incremental(_) => return Err(bounded("with a range of changes (incremental-between)")),
    }))
}
