//! The compaction of tables by a job that may go on for ever: what `compact --watch` and `compact-database` share.
//!
//! Goes in: which tables, and the arguments. Comes out: on standard error a line for each event, or on standard output one JSON document
//! a line. Ctrl-C ends it cleanly: what is done is committed, nothing else is left.

use std::num::NonZero;
use std::time::Duration;

use alluvium::{BucketOutlook, CompactReport, CompactTables, FleetEvent, TableOutlook};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::{Failure, Outcome, say};
use crate::interrupt;
use crate::quantity::{bytes, count_of, counted};
use crate::report::{self, Column};
use crate::time_text;

/// How tables are compacted.
#[derive(Args, Clone, Debug)]
pub(crate) struct FleetArgs {
    /// Keep compacting until it is interrupted, the hottest buckets first
    #[arg(long)]
    pub(crate) watch: bool,
    /// How often to look for work, with --watch
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time_text::duration, requires = "watch")]
    pub(crate) interval: Duration,
    /// Compact so many buckets at a time; as many as there are cores by default
    #[arg(long, visible_alias = "jobs", value_name = "N")]
    pub(crate) concurrency: Option<NonZero<usize>>,
    /// Show what would be compacted, and do nothing
    #[arg(long, conflicts_with = "watch")]
    pub(crate) dry_run: bool,
    /// Print what is done, or would be, as JSON on standard output; one document a line where there may be several
    #[arg(long)]
    pub(crate) json: bool,
}

/// Does what the arguments say to the tables.
pub(crate) async fn run(compact: CompactTables, args: &FleetArgs) -> Outcome {
    let compact = match args.concurrency {
        Some(buckets) => compact.at_once(buckets),
        None => compact,
    };
    let json = args.json;
    let hear = move |event: FleetEvent| tell(&event, json);
    if args.dry_run {
        let outlooks = compact.outlook(&hear).await?;
        return show_outlooks(&outlooks, json);
    }
    let asked = std::sync::atomic::AtomicBool::new(false);
    let until = async {
        interrupt::requested().await;
        asked.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    if args.watch {
        compact.watch(args.interval, until, &hear).await;
        return Ok(());
    }
    let summary = compact.execute(until, &hear).await?;
    if asked.load(std::sync::atomic::Ordering::Relaxed) {
        let kept = counted(summary.compacted(), "commit");
        return Err(Failure::Interrupted(format!("{kept} made before stay; run it again to go on")));
    }
    match summary.failed() {
        0 => Ok(()),
        failed => Err(Failure::Incomplete(format!("{}, named above", counted(failed, "failure")))),
    }
}

/// What a compaction of one table would do.
pub(crate) fn show_table_outlook(table: &str, buckets: Vec<BucketOutlook>, json: bool) -> Outcome {
    let of = |bucket| TableOutlook { table: table.to_owned(), bucket };
    show_outlooks(&buckets.into_iter().map(of).collect::<Vec<_>>(), json)
}

fn show_outlooks(outlooks: &[TableOutlook], json: bool) -> Outcome {
    if json {
        return report::print_lines(outlooks.iter().map(|outlook| outlook_json(outlook).to_string()));
    }
    if outlooks.is_empty() {
        say("nothing to compact");
        return Ok(());
    }
    let columns = [
        Column::Text("table"),
        Column::Text("partition"),
        Column::Number("bucket"),
        Column::Number("runs"),
        Column::Number("level 0"),
        Column::Number("files"),
        Column::Number("to rewrite"),
        Column::Number("to level"),
    ];
    let rows = outlooks.iter().map(|TableOutlook { table, bucket }| {
        vec![
            table.clone(),
            bucket.partition.trim_end_matches('/').to_owned(),
            bucket.bucket.to_string(),
            count_of(bucket.sorted_runs),
            bytes(i64::try_from(bucket.level0_bytes).unwrap_or(i64::MAX)),
            count_of(bucket.files),
            bytes(i64::try_from(bucket.bytes).unwrap_or(i64::MAX)),
            bucket.output_level.map_or(String::new(), |level| level.to_string()),
        ]
    });
    report::print_text(&report::table(&columns, rows))
}

fn outlook_json(outlook: &TableOutlook) -> Value {
    let bucket = &outlook.bucket;
    json!({
        "event": "outlook", "table": outlook.table, "partition": bucket.partition.trim_end_matches('/'),
        "bucket": bucket.bucket, "sortedRuns": bucket.sorted_runs, "level0Files": bucket.level0_files,
        "level0Bytes": bucket.level0_bytes, "files": bucket.files, "bytes": bucket.bytes, "outputLevel": bucket.output_level,
    })
}

/// The members of a report.
pub(crate) fn report_json(table: &str, report: &CompactReport) -> Value {
    json!({
        "table": table, "snapshot": report.snapshot, "buckets": report.buckets,
        "filesBefore": report.files_before, "filesAfter": report.files_after, "filesUpgraded": report.files_upgraded,
        "changelogFiles": report.changelog_files, "bytesRewritten": report.bytes_rewritten,
        "bytesWritten": report.bytes_written,
    })
}

/// A report for a person.
pub(crate) fn summary(table: &str, done: &CompactReport) -> String {
    let Some(snapshot) = done.snapshot else { return format!("{table}: nothing to compact") };
    let changelog = match done.changelog_files {
        0 => String::new(),
        files => format!(", {} of changelog", counted(files, "file")),
    };
    format!(
        "{table}: snapshot {snapshot}: {} became {} in {} ({} moved up without being rewritten){changelog}; {} read, {} written",
        counted(done.files_before, "file"),
        done.files_after,
        counted(done.buckets, "bucket"),
        done.files_upgraded,
        bytes(i64::try_from(done.bytes_rewritten).unwrap_or(i64::MAX)),
        bytes(i64::try_from(done.bytes_written).unwrap_or(i64::MAX)),
    )
}

fn tell(event: &FleetEvent, json: bool) {
    if json {
        // Nobody may read it any more: the work goes on.
        let _ = report::print_lines([event_json(event).to_string()]);
        return;
    }
    match event {
        FleetEvent::Compacted { table, report } => say(summary(table, report)),
        FleetEvent::Clashed { table, buckets } => {
            say(format_args!("{table}: another job was first in {}; planned again", counted(*buckets, "bucket")))
        }
        FleetEvent::Skipped { table, why } => say(format_args!("{table}: left alone: {why}")),
        FleetEvent::Failed { table: Some(table), error } => say(format_args!("{table}: failed: {error}")),
        FleetEvent::Failed { table: None, error } => say(format_args!("listing the tables failed: {error}")),
        _ => {}
    }
}

fn event_json(event: &FleetEvent) -> Value {
    match event {
        FleetEvent::Compacted { table, report } => {
            let mut document = report_json(table, report);
            document["event"] = json!("compacted");
            document
        }
        FleetEvent::Clashed { table, buckets } => json!({"event": "clashed", "table": table, "buckets": buckets}),
        FleetEvent::Skipped { table, why } => json!({"event": "skipped", "table": table, "why": why}),
        FleetEvent::Failed { table, error } => {
            json!({"event": "failed", "table": table, "error": error.to_string()})
        }
        _ => Value::Null,
    }
}
