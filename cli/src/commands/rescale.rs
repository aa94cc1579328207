//! `rescale`: Paimon's procedure of the same name.

use alluvium::Table;
use alluvium::format::BucketMode;
use clap::Args;
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::partitions;
use crate::report;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Rows are read and written again, in one snapshot that replaces the partitions. Nobody else may write to them meanwhile: what others
bring makes it fail, and nothing is lost. Partitions that have so many buckets already are left as they are. Writers take their number
from the option bucket; in tables with bucket = -2 each partition keeps its own, and rows that wait go on waiting.

Examples:
  alluvium rescale shop.orders --bucket-num 8
  alluvium table alter shop.orders --set bucket=8
  alluvium rescale shop.orders --partition dt=2013-01-31";

/// Arguments of `rescale`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RescaleArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// How many buckets each partition is to have [default: the option bucket]
    #[arg(long, value_name = "N")]
    bucket_num: Option<i32>,
    /// Only this partition, k=v,k2=v2 with all or some of its columns; repeatable
    #[arg(long, value_name = "K=V")]
    partition: Vec<String>,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) async fn run(args: RescaleArgs, warehouse: &Warehouse) -> Outcome {
    let table = warehouse.table(&args.table).await?;
    let condition = partitions::condition_of(&args.partition, table.schema());
    let condition = condition.map_err(|error| Failure::usage("--partition", error))?;
    let mut rescale = table.rescale().partitions(condition);
    if let Some(buckets) = args.bucket_num {
        rescale = rescale.buckets(buckets);
    }
    let done = rescale.execute().await;
    let done = done.map_err(|error| Failure::from(error).doing(format!("rescaling {}", table.name())))?;
    if args.report.json {
        return report::print_json(&json!({
            "table": table.name(),
            "buckets": done.buckets,
            "partitions": done.partitions,
            "rows": done.rows,
            "snapshot": done.snapshot,
        }));
    }
    let (name, buckets) = (table.name(), done.buckets);
    match done.snapshot {
        None => say(format!("{name}: every partition has {buckets} buckets, or no rows")),
        Some(snapshot) => {
            let (partitions, rows) = (done.partitions, done.rows);
            say(format!(
                "{name}: {rows} rows of {partitions} partitions are in {buckets} buckets each, snapshot {snapshot}"
            ));
            if is_other_than_option(&table, buckets)? {
                say(format!("writers need to know: alluvium table alter {name} --set bucket={buckets}"));
            }
        }
    }
    Ok(())
}

/// Whether the option `bucket` says another number.
fn is_other_than_option(table: &Table, buckets: i32) -> Outcome<bool> {
    Ok(matches!(table.options().bucket_mode(table.schema())?, BucketMode::Fixed(fixed) if fixed != buckets))
}
