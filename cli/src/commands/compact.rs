//! `compact`: merge the sorted runs of a table, as a job beside its writers.

use alluvium::{CompactReport, Error};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::partitions;
use crate::progress::Progress;
use crate::quantity::{bytes, counted};
use crate::report;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Without --full it does what a writer's automatic rules would pick now; write-only tables too. Writers may go on meanwhile.

Examples:
  alluvium compact shop.orders --full
  alluvium compact shop.orders --partition dt=2013-01-31 --buckets 0-3";

/// Arguments of `compact`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompactArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Merge everything into the highest level
    #[arg(long)]
    full: bool,
    /// Only this partition, k=v,k2=v2 with all or some of its columns; repeatable
    #[arg(long, value_name = "K=V")]
    partition: Vec<String>,
    /// Only these buckets: one, or a range as 0-9
    #[arg(long, value_name = "A-B", value_parser = bucket_range)]
    buckets: Option<(i32, i32)>,
    /// Not built yet: sort the rows of append tables
    #[arg(long, value_name = "ORDER", hide = true)]
    order_strategy: Option<OrderStrategy>,
    /// Not built yet: the columns to sort by
    #[arg(long, value_name = "A,B", hide = true)]
    order_by: Option<String>,
    /// Not built yet: keep compacting
    #[arg(long, hide = true)]
    watch: bool,
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OrderStrategy {
    Order,
    Zorder,
    Hilbert,
}

pub(crate) async fn run(args: CompactArgs, warehouse: &Warehouse) -> Outcome {
    if args.watch {
        return Err(Error::unsupported("compact --watch: run compact again and again for now").into());
    }
    if args.order_strategy.is_some() || args.order_by.is_some() {
        return Err(Error::unsupported("compact --order-strategy and --order-by").into());
    }
    let table = warehouse.table(&args.table).await?;
    let partitions = partitions::condition_of(&args.partition, table.schema())
        .map_err(|error| Failure::usage("--partition", error))?;
    let mut compact = table.compact().partitions(partitions);
    if args.full {
        compact = compact.full();
    }
    if let Some((first, last)) = args.buckets {
        compact = compact.buckets(first, last);
    }
    let progress = Progress::of_steps("buckets");
    let done = compact.execute_with_progress(&|done, all| progress.step(done, all)).await;
    progress.finish();
    let done = done.map_err(|error| Failure::from(error).doing(format!("compacting {}", table.name())))?;
    if args.report.json {
        return report::print_json(&json!({
            "table": table.name(), "snapshot": done.snapshot, "buckets": done.buckets,
            "filesBefore": done.files_before, "filesAfter": done.files_after, "filesUpgraded": done.files_upgraded,
            "bytesRewritten": done.bytes_rewritten, "bytesWritten": done.bytes_written,
        }));
    }
    say(summary(table.name(), &done));
    Ok(())
}

fn summary(table: &str, done: &CompactReport) -> String {
    let Some(snapshot) = done.snapshot else { return format!("{table}: nothing to compact") };
    format!(
        "{table}: snapshot {snapshot}: {} became {} in {} ({} moved up without being rewritten); {} read, {} written",
        counted(done.files_before, "file"),
        done.files_after,
        counted(done.buckets, "bucket"),
        done.files_upgraded,
        bytes(done.bytes_rewritten),
        bytes(done.bytes_written),
    )
}

/// A bucket, or the first and the last of some.
pub(crate) fn bucket_range(text: &str) -> Result<(i32, i32), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if (0..=last).contains(&first) => Ok((first, last)),
        _ => Err("write it as a bucket, 3, or a range, 0-9".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::bucket_range;

    #[test]
    fn buckets_are_one_or_a_range() {
        assert_eq!(bucket_range("3"), Ok((3, 3)));
        assert_eq!(bucket_range("0-9"), Ok((0, 9)));
        for wrong in ["", "9-0", "-1", "a", "1-", "0-99999999999"] {
            assert!(bucket_range(wrong).is_err(), "{wrong}");
        }
    }
}
