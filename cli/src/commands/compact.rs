//! `compact`: merge the sorted runs of a table, or its small files, or sort its rows, as a job beside its writers.

use alluvium::{FleetScope, Table};
use clap::{Args, ValueEnum};

use crate::failure::{Failure, Outcome, say};
use crate::fleet::{self, FleetArgs};
use crate::partitions;
use crate::progress::Progress;
use crate::report;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Without --full it does what a writer's automatic rules would pick now; write-only tables too. Writers may go on meanwhile. Where rows
are complete, or changelog is made, only once level 0 is compacted (changelog-producer = lookup, deletion vectors, first-row), it
goes on until level 0 is empty. In tables without a primary key small files become large ones, and rows that were deleted go: with
--full also where there are fewer files than compaction.min.file-num. In tables with bucket = -2 rows wait, and are not read, until
this gives them their buckets: as many as their partition has, at first postpone.default-bucket-num.

With --order-strategy and --order-by it sorts, so that conditions on these columns skip most files. It is for tables without a primary
key and without buckets (bucket = -1): all rows of each partition are written anew, in an order over all of its files, in one OVERWRITE
snapshot. Rows that are committed meanwhile stay, and wait for the next sort.
  order    by the first column, then the next: for conditions on the first one
  zorder   along the Z-order of two to four columns: for conditions on any of them
  hilbert  along the Hilbert curve of two columns or more: the same, of numbers, dates and times
Memory is bounded; what does not fit into it goes to the local disk (TMPDIR), about as much as the partitions hold.

Examples:
  alluvium compact shop.orders --full
  alluvium compact shop.orders --partition dt=2013-01-31 --buckets 0-3
  alluvium compact shop.orders --dry-run
  alluvium compact shop.events --order-strategy zorder --order-by customer,day --partition year=2013
  alluvium compact shop.orders --watch --interval 30s";

/// Arguments of `compact`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompactArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Merge everything into the highest level; without a primary key, all small files
    #[arg(long, conflicts_with = "order_strategy")]
    full: bool,
    /// Only this partition, k=v,k2=v2 with all or some of its columns; repeatable
    #[arg(long, value_name = "K=V")]
    partition: Vec<String>,
    /// Only these buckets: one, or a range as 0-9
    #[arg(long, value_name = "A-B", value_parser = bucket_range, conflicts_with = "order_strategy")]
    buckets: Option<(i32, i32)>,
    /// Sort the rows of a table without a primary key: how the columns make an order
    #[arg(long, value_name = "ORDER", requires = "order_by", conflicts_with = "watch", ignore_case = true)]
    order_strategy: Option<OrderStrategy>,
    /// The columns to sort by, the most important one first
    #[arg(long, value_name = "A,B", requires = "order_strategy", value_delimiter = ',')]
    order_by: Vec<String>,
    #[command(flatten)]
    fleet: FleetArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OrderStrategy {
    /// By the first column, then the next
    Order,
    /// Along the Z-order
    Zorder,
    /// Along the Hilbert curve
    Hilbert,
}

impl From<OrderStrategy> for alluvium::OrderStrategy {
    fn from(strategy: OrderStrategy) -> Self {
        match strategy {
            OrderStrategy::Order => Self::Order,
            OrderStrategy::Zorder => Self::ZOrder,
            OrderStrategy::Hilbert => Self::Hilbert,
        }
    }
}

pub(crate) async fn run(args: CompactArgs, warehouse: &Warehouse) -> Outcome {
    let table = warehouse.table(&args.table).await?;
    if args.fleet.watch { watch(args, &table, warehouse).await } else { once(args, &table).await }
}

/// Keeps the table compact for ever.
async fn watch(args: CompactArgs, table: &Table, warehouse: &Warehouse) -> Outcome {
    let scope = FleetScope::Tables(vec![table.name().to_owned()]);
    let compact = warehouse.catalog.compact_tables(scope).options(warehouse.table_options().clone());
    let mut compact = compact.partitions(condition_of(&args, table)?);
    if args.full {
        compact = compact.full();
    }
    if let Some((first, last)) = args.buckets {
        compact = compact.buckets(first, last);
    }
    fleet::run(compact, &args.fleet).await
}

async fn once(args: CompactArgs, table: &Table) -> Outcome {
    let mut compact = table.compact().partitions(condition_of(&args, table)?);
    if args.full {
        compact = compact.full();
    }
    if let Some((first, last)) = args.buckets {
        compact = compact.buckets(first, last);
    }
    if let Some(strategy) = args.order_strategy {
        compact = compact.order_by(strategy.into(), args.order_by.iter().map(|column| column.trim()));
    }
    if let Some(buckets) = args.fleet.concurrency {
        compact = compact.at_once(buckets);
    }
    let doing = |error| Failure::from(error).doing(format!("compacting {}", table.name()));
    if args.fleet.dry_run {
        let buckets = compact.outlook().await.map_err(doing)?;
        return fleet::show_table_outlook(table.name(), buckets, args.fleet.json);
    }
    let progress = Progress::of_steps(if args.order_strategy.is_some() { "rows" } else { "buckets" });
    let done = compact.execute_with_progress(&|done, all| progress.step(done, all)).await;
    progress.finish();
    let done = done.map_err(doing)?;
    if args.fleet.json {
        return report::print_json(&fleet::report_json(table.name(), &done));
    }
    say(fleet::summary(table.name(), &done));
    Ok(())
}

fn condition_of(args: &CompactArgs, table: &Table) -> Outcome<alluvium::Predicate> {
    partitions::condition_of(&args.partition, table.schema()).map_err(|error| Failure::usage("--partition", error))
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
