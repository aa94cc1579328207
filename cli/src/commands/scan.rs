//! `scan`: the rows of a table, now or as they were, or the changes between two snapshots.

use std::sync::Arc;

use alluvium::format::Predicate;
use alluvium::{ChangeLog, ChangesBetween, ErrorKind, SystemTable, Table, TableSchema, TimeTravel};
use clap::Args;
use futures::TryStreamExt;

use crate::condition::parse_condition;
use crate::failure::{Failure, Outcome};
use crate::output::RowKindColumn;
use crate::sink::SinkArgs;
use crate::time_text;
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Examples:
  alluvium scan shop.orders --columns id,total --where \"total >= 5 AND item LIKE 'tea%'\" --limit 10
  alluvium scan shop.orders --snapshot 3
  alluvium scan shop.orders --timestamp '2013-01-31 10:00:00'
  alluvium scan shop.orders --incremental 3..7                     the changes of snapshots 4 to 7, each with its row kind
  alluvium scan 'shop.orders$audit_log' --where \"rowkind = '-D'\"  what is deleted and not compacted away
  alluvium scan 'shop.orders$consumers'
  alluvium scan shop.orders --output parquet > orders.parquet";

/// Arguments of `scan`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScanArgs {
    /// The table, DATABASE.TABLE, or one of its system tables: DATABASE.TABLE$audit_log, …$binlog or …$consumers
    table: String,
    #[command(flatten)]
    sink: SinkArgs,
    /// At most so many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The table as of this snapshot
    #[arg(long, value_name = "ID", group = "state", value_parser = clap::value_parser!(i64).range(1..))]
    snapshot: Option<i64>,
    /// The table as of this tag
    #[arg(long, value_name = "NAME", group = "state")]
    tag: Option<String>,
    /// The table as of this time: milliseconds since 1970, or like '2013-01-31 10:00:00' of the local zone
    #[arg(long, value_name = "TIME", group = "state", value_parser = time_text::parse, allow_hyphen_values = true)]
    timestamp: Option<i64>,
    /// The changes after snapshot A up to and including B; between two tags, what became of the rows. Paimon's options say more:
    /// -o incremental-between-scan-mode=diff|delta|changelog, -o incremental-between-timestamp=A,B
    #[arg(long, value_name = "A..B", group = "state", value_parser = interval)]
    incremental: Option<(String, String)>,
}

pub(crate) async fn run(args: ScanArgs, warehouse: &Warehouse) -> Outcome {
    let (table, system) = warehouse.shown_table(&args.table).await?;
    let doing = |failure: Failure| failure.doing(format!("scanning {}", args.table));
    let log = match system {
        Some(SystemTable::Consumers) => return consumers(&args, &table).await.map_err(doing),
        Some(SystemTable::ChangeLog(log)) => Some(log),
        None => None,
    };
    let between = match &args.incremental {
        Some((from, to)) => Some(ChangesBetween::Versions(from.clone(), to.clone())),
        None if travel(&args).is_none() => table.read().range_of_options()?,
        None => None,
    };
    match between {
        Some(between) => changes(&args, (&table, log), &between).await.map_err(doing),
        None => rows(&args, (&table, log)).await.map_err(doing),
    }
}

async fn rows(args: &ScanArgs, (table, log): (&Table, Option<ChangeLog>)) -> Outcome {
    let mut read = match travel(args) {
        Some(travel) => table.read().at(travel),
        None => table.read(),
    };
    let schema = shown_schema(&read.plan().await?.table_schema, log)?;
    let fields = args.sink.fields(&schema)?;
    if let Some(log) = log {
        read = read.shown_as(log);
    }
    read = read.columns(fields.iter().map(|field| field.name.clone())).filter(condition(&args.sink, &schema)?);
    if let Some(limit) = args.limit {
        read = read.limit(limit);
    }
    let mut batches = read.execute().await?;
    let mut sink = args.sink.open(&fields, RowKindColumn::Absent)?;
    while let Some(batch) = batches.try_next().await? {
        sink.write(&batch, None)?;
    }
    sink.finish()
}

async fn changes(args: &ScanArgs, (table, log): (&Table, Option<ChangeLog>), between: &ChangesBetween) -> Outcome {
    let schema = shown_schema(table.schema(), log)?;
    let fields = args.sink.fields(&schema)?;
    let mut read = table.read();
    if let Some(log) = log {
        read = read.shown_as(log);
    }
    read = read.columns(fields.iter().map(|field| field.name.clone())).filter(condition(&args.sink, &schema)?);
    let changes = read.changes(between).await;
    let mut batches = changes.map_err(|error| match (error.kind(), between) {
        (ErrorKind::Invalid, ChangesBetween::Versions(from, to)) => {
            Failure::usage(format_args!("--incremental {from}..{to}"), error)
        }
        _ => Failure::Failed(error),
    })?;
    let mut sink = args.sink.open(&fields, row_kind_column(log))?;
    let mut left = args.limit.unwrap_or(usize::MAX);
    while left > 0 {
        let Some(batch) = batches.try_next().await? else { break };
        let rows = left.min(batch.rows.num_rows());
        sink.write(&batch.rows.slice(0, rows), Some(&batch.kinds.slice(0, rows)))?;
        left -= rows;
    }
    sink.finish()
}

async fn consumers(args: &ScanArgs, table: &Table) -> Outcome {
    if args.incremental.is_some() || travel(args).is_some() {
        let why = "consumers are as they are now: leave --snapshot, --tag, --timestamp and --incremental away";
        return Err(Failure::Usage(why.to_owned()));
    }
    let consumers = table.consumers_table();
    let schema = consumers.schema()?;
    let fields = args.sink.fields(&schema)?;
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let rows = consumers.rows(Some(&names), &condition(&args.sink, &schema)?).await?;
    let mut sink = args.sink.open(&fields, RowKindColumn::Absent)?;
    sink.write(&rows.slice(0, rows.num_rows().min(args.limit.unwrap_or(usize::MAX))), None)?;
    sink.finish()
}

/// The columns of a table, or of its log.
pub(crate) fn shown_schema(table: &Arc<TableSchema>, log: Option<ChangeLog>) -> Outcome<Arc<TableSchema>> {
    Ok(match log {
        Some(log) => Arc::new(log.schema(table)?),
        None => Arc::clone(table),
    })
}

/// Where the kind of a change is written: rows of a log have it among their columns.
pub(crate) fn row_kind_column(log: Option<ChangeLog>) -> RowKindColumn {
    if log.is_some() { RowKindColumn::Absent } else { RowKindColumn::Leading }
}

fn travel(args: &ScanArgs) -> Option<TimeTravel> {
    match (args.snapshot, &args.tag, args.timestamp) {
        (Some(id), _, _) => Some(TimeTravel::Snapshot(id)),
        (_, Some(tag), _) => Some(TimeTravel::Tag(tag.clone())),
        (_, _, Some(millis)) => Some(TimeTravel::Timestamp(millis)),
        _ => None,
    }
}

/// The condition of `--where`.
pub(crate) fn condition(sink: &SinkArgs, schema: &TableSchema) -> Outcome<Predicate> {
    let Some(text) = &sink.condition else { return Ok(Predicate::True) };
    parse_condition(text, schema).map_err(|error| match error.kind() {
        ErrorKind::Invalid => Failure::usage("--where", error),
        _ => Failure::Failed(error),
    })
}

fn interval(text: &str) -> Result<(String, String), String> {
    match text.split_once("..") {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err("write it as A..B, two snapshot ids or tags".to_owned()),
    }
}
