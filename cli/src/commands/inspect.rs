//! `inspect`: a table at a look: its LSM trees, its last snapshots, and who reads it.

use std::fmt::Write;
use std::path::PathBuf;

use alluvium::format::CommitKind;
use alluvium::{Error, ErrorKind, LookedUp, Snapshot, Table};
use clap::Args;
use serde_json::{Value, json};

use crate::args::ReportArgs;
use crate::commands::compact::bucket_range;
use crate::failure::Outcome;
use crate::lsm::{self, BucketTree, picture};
use crate::quantity::{bytes, count, counted};
use crate::report::{self, Column};
use crate::warehouse::Warehouse;
use crate::{terminal, time_text};

const EXAMPLES: &str = "\
A line is a sorted run: level, size, files, rows, rows that delete others, rows that deletion vectors have deleted, and its range of
keys. A read merges at most all runs of a bucket (read amplification), or none where compactions look every key up and in tables
without a key; bytes of all runs over those of the oldest are its space amplification. The counts of a snapshot are rows of files, before merging, and rows of its changelog.

Examples:
  alluvium inspect shop.orders
  alluvium inspect shop.orders --json | jq '.buckets[].readAmplification'";

/// Arguments of `inspect`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// At most so many buckets, the largest, and so many snapshots, the last
    #[arg(long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// Only these buckets: one, or a range as 0-9
    #[arg(long, value_name = "A-B", value_parser = bucket_range)]
    buckets: Option<(i32, i32)>,
    /// Not built yet: draw it into a file
    #[arg(long, value_name = "FILE", hide = true)]
    html: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

/// What is known of a table.
struct Inspection {
    table: Table,
    latest: Option<Snapshot>,
    trees: Vec<BucketTree>,
    snapshots: Vec<Seen>,
    snapshot_count: usize,
    consumers: Vec<(String, i64)>,
}

/// A snapshot, and how many changelog files it has.
struct Seen {
    snapshot: Snapshot,
    changelog_files: usize,
}

pub(crate) async fn run(args: InspectArgs, warehouse: &Warehouse) -> Outcome {
    if args.html.is_some() {
        return Err(Error::unsupported("inspect --html: the picture is for terminals, --json for programs").into());
    }
    let table = warehouse.table(&args.table).await?;
    let doing = format!("inspecting {}", table.name());
    let found = look(table, args.limit, args.buckets).await.map_err(|failure| failure.doing(doing))?;
    if args.report.json {
        return report::print_json(&found.to_json(args.limit));
    }
    report::print_text(&found.to_text(args.limit))
}

/// The picture of a table's trees alone.
pub(crate) async fn picture_of(table: &Table, limit: usize) -> Outcome<String> {
    Ok(look(table.clone(), limit, None).await?.trees_text(limit))
}

async fn look(table: Table, limit: usize, buckets: Option<(i32, i32)>) -> Outcome<Inspection> {
    let latest = table.latest_snapshot().await?;
    let mut entries = match &latest {
        Some(snapshot) => table.files(snapshot).await?,
        None => Vec::new(),
    };
    if let Some((first, last)) = buckets {
        entries.retain(|entry| (first..=last).contains(&entry.bucket));
    }
    let index = match &latest {
        Some(snapshot) => table.index_files(snapshot).await?,
        None => Vec::new(),
    };
    let looked_up =
        if table.schema().primary_keys.is_empty() { LookedUp::Never } else { table.looked_up(&entries).await? };
    let trees = lsm::trees_of(&table, entries, &index, looked_up)?;
    let ids = table.snapshot_ids().await?;
    let mut snapshots = Vec::new();
    for id in ids.iter().rev().take(limit) {
        // One that expires meanwhile is left out.
        if let Some(snapshot) = table.snapshot(*id).await? {
            let changelog_files = match table.changelog_files(&snapshot).await {
                Ok(files) => files.len(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            snapshots.push(Seen { snapshot, changelog_files });
        }
    }
    let consumers = table.consumers().await?;
    Ok(Inspection { table, latest, trees, snapshots, snapshot_count: ids.len(), consumers })
}

impl Inspection {
    fn to_text(&self, limit: usize) -> String {
        let mut text = self.trees_text(limit);
        if !self.snapshots.is_empty() {
            let _ = write!(text, "\nsnapshots{}\n", self.of_how_many());
            text.push_str(&snapshots_text(&self.snapshots));
        }
        if !self.consumers.is_empty() {
            let next = self.next_snapshot();
            let columns = [Column::Text("consumer"), Column::Number("next snapshot"), Column::Number("behind by")];
            let rows =
                self.consumers.iter().map(|(id, at)| vec![id.clone(), at.to_string(), count((next - at).max(0))]);
            let _ = write!(text, "\n{}", report::table(&columns, rows));
        }
        text
    }

    fn trees_text(&self, limit: usize) -> String {
        let name = self.table.name();
        let Some(latest) = &self.latest else { return format!("{name}: no snapshot yet\n") };
        let all_bytes: i64 = self.trees.iter().map(BucketTree::bytes).sum();
        let files: usize = self.trees.iter().map(BucketTree::files).sum();
        let mut text = format!(
            "{name}: snapshot {} ({}, {}), {} of {} in {}, {} before merging\n",
            latest.id,
            kind_text(latest.commit_kind),
            time_text::show(latest.time_millis),
            counted(files, "file"),
            bytes(all_bytes),
            counted(self.trees.len(), "bucket"),
            counted(latest.total_record_count.unwrap_or(0), "row"),
        );
        let _ = writeln!(
            text,
            "read amplification {}, space amplification {:.2}\n",
            self.read_amplification(),
            lsm::space_amplification(&self.trees),
        );
        text.push_str(&picture::draw(&largest(&self.trees, limit), terminal::output_width()));
        if self.trees.len() > limit {
            let _ = writeln!(text, "… the {limit} largest of {} (--limit)", counted(self.trees.len(), "bucket"));
        }
        text
    }

    fn read_amplification(&self) -> usize {
        self.trees.iter().map(BucketTree::read_amplification).max().unwrap_or(0)
    }

    fn next_snapshot(&self) -> i64 {
        self.latest.as_ref().map_or(1, |snapshot| snapshot.id + 1)
    }

    fn of_how_many(&self) -> String {
        match self.snapshot_count > self.snapshots.len() {
            true => format!(", the last {} of {}", self.snapshots.len(), self.snapshot_count),
            false => String::new(),
        }
    }

    fn to_json(&self, limit: usize) -> Value {
        let snapshot = |snapshot: &Snapshot| {
            json!({
                "id": snapshot.id, "kind": snapshot.commit_kind, "timeMillis": snapshot.time_millis,
                "commitUser": snapshot.commit_user, "commitIdentifier": snapshot.commit_identifier,
                "deltaRecordCount": snapshot.delta_record_count, "totalRecordCount": snapshot.total_record_count,
                "changelogRecordCount": snapshot.changelog_record_count, "watermark": snapshot.watermark, "properties": snapshot.properties,
            })
        };
        let seen = |seen: &Seen| {
            let mut json = snapshot(&seen.snapshot);
            json["changelogFiles"] = seen.changelog_files.into();
            json
        };
        let next = self.next_snapshot();
        let consumer = |(id, at): &(String, i64)| json!({ "id": id, "nextSnapshot": at, "lag": (next - at).max(0) });
        json!({
            "table": self.table.name(),
            "snapshot": self.latest.as_ref().map(snapshot),
            "bucketCount": self.trees.len(),
            "files": self.trees.iter().map(BucketTree::files).sum::<usize>(),
            "bytes": self.trees.iter().map(BucketTree::bytes).sum::<i64>(),
            "readAmplification": self.read_amplification(),
            "spaceAmplification": lsm::space_amplification(&self.trees),
            "buckets": largest(&self.trees, limit).iter().map(BucketTree::to_json).collect::<Vec<_>>(),
            "snapshotCount": self.snapshot_count,
            "snapshots": self.snapshots.iter().map(seen).collect::<Vec<_>>(),
            "consumers": self.consumers.iter().map(consumer).collect::<Vec<_>>(),
        })
    }
}

/// All trees where there are few, else the largest first.
fn largest(trees: &[BucketTree], limit: usize) -> Vec<BucketTree> {
    let mut trees = trees.to_vec();
    if trees.len() > limit {
        trees.sort_by_key(|tree| std::cmp::Reverse(tree.bytes()));
        trees.truncate(limit);
    }
    trees
}

fn snapshots_text(snapshots: &[Seen]) -> String {
    let columns = [
        Column::Number("id"),
        Column::Text("kind"),
        Column::Text("time"),
        Column::Text("commit user"),
        Column::Number("identifier"),
        Column::Number("rows"),
        Column::Number("total"),
        Column::Text("changelog"),
    ];
    let number = |number: Option<i64>| number.map_or(String::new(), count);
    let change = |number: Option<i64>| match number {
        Some(number) if number > 0 => format!("+{}", count(number)),
        number => number.map_or(String::new(), count),
    };
    let changelog = |seen: &Seen| match (seen.changelog_files, seen.snapshot.changelog_record_count) {
        (0, _) => String::new(),
        (files, None) => counted(files, "file"),
        (files, Some(rows)) => format!("{}, {}", counted(rows, "row"), counted(files, "file")),
    };
    let rows = snapshots.iter().map(|seen| {
        let snapshot = &seen.snapshot;
        vec![
            snapshot.id.to_string(),
            kind_text(snapshot.commit_kind).to_owned(),
            time_text::show(snapshot.time_millis),
            snapshot.commit_user.clone(),
            snapshot.commit_identifier.to_string(),
            change(snapshot.delta_record_count),
            number(snapshot.total_record_count),
            changelog(seen),
        ]
    });
    report::table(&columns, rows)
}

fn kind_text(kind: CommitKind) -> &'static str {
    match kind {
        CommitKind::Append => "APPEND",
        CommitKind::Compact => "COMPACT",
        CommitKind::Overwrite => "OVERWRITE",
        CommitKind::Analyze => "ANALYZE",
    }
}
