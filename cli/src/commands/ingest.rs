//! `ingest`: append the changes of files or standard input to a table, or replace what it has by them.

use std::path::PathBuf;
use std::time::Duration;

use alluvium::{Error, ErrorKind, OverwriteScope, Table};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::ingestion::{CommitPlan, Ingested, InputNames, ingest};
use crate::input::{InputFormat, InputOptions, OnError, RowReader, UnknownMembers};
use crate::partitions;
use crate::quantity::counted;
use crate::warehouse::Warehouse;
use crate::{interrupt, report, time_text};

const EXAMPLES: &str = "\
A row without a kind is an insert (+I). Absent columns are null. Rows are committed as soon as --commit-rows is reached or
--commit-interval has passed, and at the end; then the compactions that were started are waited for and committed.

A row that cannot be read stops the ingest before the commit that would hold it; what was committed stays. With --commit-user the same
command run again goes on after the last committed row of its files (standard input is never skipped); other files start at
their beginning.

The changes of a database come as its connector writes them, one event a line: with --input-format debezium-json (with its schema or
without), canal-json, maxwell-json or ogg-json. An update whose event says what was there before is -U and +U.

Examples:
  alluvium ingest shop.orders orders.ndjson.zst more.csv --commit-user nightly
  alluvium tail shop.orders --from earliest | alluvium ingest shop.copy -
  alluvium ingest shop.orders day.parquet --overwrite --partition dt=2013-01-31
  alluvium ingest shop.orders orders.log.zst --input-format debezium-json --ignore-unknown
  alluvium ingest shop.orders dirty.ndjson --on-error skip --dead-letter bad.ndjson";

/// Arguments of `ingest`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IngestArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Files, or - for standard input; .gz and .zst are unpacked
    #[arg(default_value = "-", value_name = "FILE|-")]
    inputs: Vec<String>,
    /// The form of the rows; by each file's ending when not given, ndjson on standard input
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<FormatArg>,
    /// The member or column that holds the row kind
    #[arg(long, default_value = "rowkind", value_name = "NAME")]
    rowkind_field: String,
    /// Leave out members that are no column of the table
    #[arg(long)]
    ignore_unknown: bool,
    /// Commit whenever so many rows have come
    #[arg(long, value_name = "N", value_parser = positive)]
    commit_rows: Option<usize>,
    /// Commit when rows have waited so long, as 500ms, 10s or 5min
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = time_text::duration)]
    commit_interval: Duration,
    /// Commit as this user, and go on where its last commit of the same files ended
    #[arg(long, value_name = "USER")]
    commit_user: Option<String>,
    /// Replace all rows of the table, or of --partition, in one commit at the end
    #[arg(long, conflicts_with = "commit_rows")]
    overwrite: bool,
    /// The partition to replace, as k=v,k2=v2; repeatable
    #[arg(long, value_name = "K=V", requires = "overwrite")]
    partition: Vec<String>,
    /// What to do with a row that cannot be read
    #[arg(long, default_value = "stop", value_name = "stop|skip", hide_possible_values = true)]
    on_error: OnErrorArg,
    /// Keep skipped rows here, with the reason
    #[arg(long, value_name = "FILE")]
    dead_letter: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Ndjson,
    Csv,
    Parquet,
    #[value(hide = true)]
    Arrow,
    #[value(hide = true)]
    Avro,
    DebeziumJson,
    CanalJson,
    MaxwellJson,
    OggJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnErrorArg {
    Stop,
    Skip,
}

pub(crate) async fn run(args: IngestArgs, warehouse: &Warehouse) -> Outcome {
    let options = input_options(&args)?;
    let table = warehouse.table(&args.table).await?;
    if !matches!(options.format, Some(InputFormat::Change(_))) {
        check_rowkind_field(&table, &args.rowkind_field)?;
    }
    let plan = CommitPlan {
        user: args.commit_user.clone(),
        rows: args.commit_rows,
        interval: args.commit_interval,
        overwrite: overwrite_scope(&args, &table)?,
    };
    let reader = RowReader::open(&args.inputs, table.schema().clone(), options)?;
    let names = InputNames::of_paths(&args.inputs);
    let done = ingest(&table, reader, names, plan, interrupt::requested()).await?;
    if args.report.json {
        return report::print_json(&json!({
            "table": table.name(), "rows": done.rows, "skipped": done.skipped, "commits": done.commits,
            "snapshot": done.snapshot, "commitUser": done.user, "commitIdentifier": done.identifier,
            "resumedAt": done.resumed_at.map(|at| json!({ "file": at.file, "row": at.row })),
        }));
    }
    say(summary(table.name(), &args.inputs, &done));
    Ok(())
}

/// What an ingest did, in a line.
fn summary(table: &str, inputs: &[String], done: &Ingested) -> String {
    let mut text = format!("{table}: {} in {}", counted(done.rows, "row"), counted(done.commits, "commit"));
    if let Some(snapshot) = done.snapshot {
        text.push_str(&format!(", snapshot {snapshot}"));
    }
    if done.skipped > 0 {
        text.push_str(&format!(", {} skipped", counted(done.skipped, "unreadable row")));
    }
    if let Some(at) = done.resumed_at {
        let input = inputs.get(at.file).map_or("the inputs", String::as_str);
        text.push_str(&format!("; went on after row {} of {input}", at.row));
    }
    text
}

fn input_options(args: &IngestArgs) -> Outcome<InputOptions> {
    let format = args.input_format.and_then(|format| format.to_possible_value()).map(|name| name.get_name().parse());
    let on_error = match (args.on_error, &args.dead_letter) {
        (OnErrorArg::Stop, None) => OnError::Stop,
        (OnErrorArg::Stop, Some(_)) => return Err(Failure::Usage("--dead-letter needs --on-error skip".to_owned())),
        (OnErrorArg::Skip, dead_letter) => OnError::Skip { dead_letter: dead_letter.clone() },
    };
    let unknown = if args.ignore_unknown { UnknownMembers::Ignore } else { UnknownMembers::Refuse };
    // Standard input has no ending; a tail is ndjson.
    let only_standard_input = args.inputs.iter().all(|input| input == "-");
    let format = format.transpose()?.or(only_standard_input.then_some(InputFormat::Ndjson));
    Ok(InputOptions { format, rowkind_field: args.rowkind_field.clone(), unknown, on_error })
}

/// A column of that name would be taken for the kind.
fn check_rowkind_field(table: &Table, name: &str) -> Outcome {
    if table.schema().index_of(name).is_none() {
        return Ok(());
    }
    let message = format!(
        "{} has a column named {name}, which is the name of the row kind too: \
         give the kind another name with --rowkind-field (any that the rows do not have)",
        table.name()
    );
    Err(Error::new(ErrorKind::Invalid, message).into())
}

fn overwrite_scope(args: &IngestArgs, table: &Table) -> Outcome<Option<OverwriteScope>> {
    if !args.overwrite {
        return Ok(None);
    }
    if args.partition.is_empty() {
        return Ok(Some(OverwriteScope::Table));
    }
    let rows = args.partition.iter().map(|spec| partitions::row_of(spec, table.schema()));
    match rows.collect::<alluvium::Result<_>>() {
        Ok(rows) => Ok(Some(OverwriteScope::Partitions(rows))),
        Err(error) if error.kind() == ErrorKind::Invalid => Err(Failure::usage("--partition", error)),
        Err(error) => Err(error.into()),
    }
}

fn positive(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("give a number above 0".to_owned()),
    }
}
