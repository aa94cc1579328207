//! `rewrite-file-index`: Paimon's procedure of the same name.

use clap::Args;
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::partitions;
use crate::report;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
New files get their indexes as they are written. This is for the files there are when the options have changed: data is read, not
rewritten, and one snapshot says which indexes files have. For bitmap, bsi and range-bitmap, `compact --full -o
compaction.force-rewrite-all-files=true` is better where Paimon reads the table, too: it reads wrong numbers by them from Parquet
files that were written before such an index was asked for.

Examples:
  alluvium table alter shop.orders --set file-index.bloom-filter.columns=customer
  alluvium rewrite-file-index shop.orders
  alluvium rewrite-file-index shop.orders --partitions 'dt=2013-01-30;dt=2013-01-31'";

/// Arguments of `rewrite-file-index`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RewriteFileIndexArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Only these partitions, each k=v,k2=v2 with all or some of its columns
    #[arg(long, value_name = "K=V;K=V", value_delimiter = ';')]
    partitions: Vec<String>,
    #[command(flatten)]
    report: ReportArgs,
}

pub(crate) async fn run(args: RewriteFileIndexArgs, warehouse: &Warehouse) -> Outcome {
    let table = warehouse.table(&args.table).await?;
    let condition = partitions::condition_of(&args.partitions, table.schema());
    let condition = condition.map_err(|error| Failure::usage("--partitions", error))?;
    let done = table.rewrite_file_index(&condition).await;
    let done = done.map_err(|error| Failure::from(error).doing(format!("indexing the files of {}", table.name())))?;
    if args.report.json {
        return report::print_json(&json!({
            "table": table.name(),
            "files": done.files,
            "rewritten": done.rewritten,
            "snapshot": done.snapshot,
        }));
    }
    say(match done.snapshot {
        Some(snapshot) => format!(
            "{}: {} of {} files have other indexes, snapshot {snapshot}",
            table.name(),
            done.rewritten,
            done.files
        ),
        None => format!("{}: the {} files have their indexes", table.name(), done.files),
    });
    Ok(())
}
