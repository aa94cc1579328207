//! `quickstart`: everything at work on a month of real flights, with nothing but this binary.
//!
//! Goes in: a folder. Comes out: two tables in it and a report. Every step can be repeated: killed at any moment and run again, it
//! goes on where its last commits ended, and on a folder that is complete it changes nothing.

use std::path::Path;
use std::time::Duration;

use alluvium::format::datum::compare_values;
use alluvium::format::text_value::to_text;
use alluvium::format::{CommitKind, Datum, arrow::datum_at};
use alluvium::{Error, ErrorKind, SchemaDefinition, Table};
use clap::Args;
use futures::TryStreamExt;
use tokio::sync::watch;

use crate::args::Place;
use crate::carrier_delays::aggregate;
use crate::commands::inspect::picture_of;
use crate::condition::parse_condition;
use crate::failure::{Failure, Outcome, say};
use crate::ingestion::{CommitPlan, InputNames, ingest};
use crate::input::{InputOptions, OnError, RowReader, UnknownMembers};
use crate::quantity::{count_of, counted};
use crate::report::{self, Column};
use crate::warehouse::Warehouse;

/// Changes of flights that left New York City in January 2013; examples/flights says where they are from.
const FLIGHTS: &[u8] = include_bytes!("../../../examples/flights/flights-2013-01.ndjson.zst");
const FLIGHTS_FILE: &str = "flights-2013-01.ndjson.zst";
const DELAYS_SCHEMA: &str = include_str!("../../../examples/flights/delays.json");
const CARRIER_DELAYS_SCHEMA: &str = include_str!("../../../examples/flights/carrier_delays.json");

const DATABASE: &str = "flights";
const DELAYS: &str = "flights.delays";
const CARRIER_DELAYS: &str = "flights.carrier_delays";
const COMMIT_USER: &str = "quickstart";
/// Twenty commits: enough that runs pile up and are compacted.
const COMMIT_ROWS: usize = 4_000;
/// Rows alone say when to commit, so that every run makes the same commits.
const COMMIT_INTERVAL: Duration = Duration::from_secs(3600);
/// Rows of the large table that are shown.
const ROWS_SHOWN: usize = 5;

/// Arguments of `quickstart`.
#[derive(Args, Debug)]
pub(crate) struct QuickstartArgs {
    /// The folder of the tables; it is a warehouse then
    #[arg(long, default_value = "quickstart", value_name = "FOLDER")]
    dir: String,
}

pub(crate) async fn run(args: QuickstartArgs, place: &Place) -> Outcome {
    let warehouse = Warehouse::open(&Place { warehouse: args.dir.clone(), ..place.clone() })?;
    let doing = |failure: Failure| failure.doing(format!("the quickstart in {}", args.dir));
    let file = put_flights(Path::new(&args.dir)).map_err(doing)?;
    match warehouse.catalog.create_database(DATABASE).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        result => result?,
    }
    let delays = open_or_create(&warehouse, DELAYS, DELAYS_SCHEMA).await?;
    let carriers = open_or_create(&warehouse, CARRIER_DELAYS, CARRIER_DELAYS_SCHEMA).await?;
    say(format_args!("ingesting {file} into {DELAYS}, and its changes into {CARRIER_DELAYS}"));
    let (know_last, last) = watch::channel(None);
    let aggregated = async { aggregate(&delays, &carriers, last).await.map_err(Failure::from) };
    tokio::try_join!(ingest_flights(&delays, &file, know_last), aggregated).map_err(doing)?;
    report_on(&args.dir, &delays, &carriers).await.map_err(doing)
}

/// Puts the changes into the folder, whole or not at all.
fn put_flights(folder: &Path) -> Outcome<String> {
    let file = folder.join(FLIGHTS_FILE);
    let put = || {
        if std::fs::read(&file).is_ok_and(|bytes| bytes == FLIGHTS) {
            return Ok(());
        }
        std::fs::create_dir_all(folder)?;
        let temporary = folder.join(format!(".{FLIGHTS_FILE}.{}", std::process::id()));
        std::fs::write(&temporary, FLIGHTS)?;
        std::fs::rename(&temporary, &file)
    };
    put().map_err(|error: std::io::Error| {
        Error::new(ErrorKind::Storage, format!("writing {}", file.display())).with_source(error)
    })?;
    Ok(file.to_string_lossy().into_owned())
}

async fn open_or_create(warehouse: &Warehouse, name: &str, schema: &str) -> Outcome<Table> {
    match warehouse.table(name).await {
        Err(Failure::Failed(error)) if error.kind() == ErrorKind::NotFound => {
            let definition = SchemaDefinition::from_json(schema.as_bytes())?;
            warehouse.catalog.create_table(name, definition).await?;
            warehouse.table(name).await
        }
        table => table,
    }
}

/// Ingests the changes, then tells the last snapshot that has any.
async fn ingest_flights(delays: &Table, file: &str, know_last: watch::Sender<Option<i64>>) -> Outcome {
    let options = InputOptions {
        format: None,
        rowkind_field: "rowkind".to_owned(),
        unknown: UnknownMembers::Refuse,
        on_error: OnError::Stop,
    };
    let reader = RowReader::open(&[file.to_owned()], delays.schema().clone(), options)?;
    let plan = CommitPlan {
        user: Some(COMMIT_USER.to_owned()),
        rows: Some(COMMIT_ROWS),
        interval: COMMIT_INTERVAL,
        overwrite: None,
    };
    let done = ingest(delays, reader, InputNames::of_name(FLIGHTS_FILE), plan, std::future::pending()).await?;
    say(format_args!("{DELAYS}: {} in {}", counted(done.rows, "new change"), counted(done.commits, "commit")));
    let mut ids = delays.snapshot_ids().await?;
    while let Some(id) = ids.pop() {
        match delays.snapshot(id).await? {
            Some(snapshot) if snapshot.commit_kind == CommitKind::Append => {
                know_last.send_replace(Some(id));
                return Ok(());
            }
            _ => {}
        }
    }
    Err(Error::internal(format!("{DELAYS} has no commit")).into())
}

async fn report_on(folder: &str, delays: &Table, carriers: &Table) -> Outcome {
    let worst = "arr_delay > 300";
    let condition = parse_condition(worst, delays.schema())?;
    let columns = ["arr_delay", "time_hour", "carrier", "flight", "origin", "dest", "dep_delay"];
    let read = delays.read().columns(columns).filter(condition);
    let mut rows = sorted_rows(delays, read, &columns).await?;
    rows.reverse();
    let total = row_count(delays).await?;
    let mut text = format!("{DELAYS}: {} rows; those that arrived latest:\n", count_of(total));
    text.push_str(&table_text(delays, &columns, rows.iter().take(ROWS_SHOWN)));

    let columns = ["carrier", "flights", "dep_delay_total", "arr_delay_total"];
    let rows = sorted_rows(carriers, carriers.read().columns(columns), &columns).await?;
    text.push_str(&format!("\n{CARRIER_DELAYS}: its changes, added up by carrier as they came:\n"));
    text.push_str(&table_text(carriers, &columns, rows.iter()));

    text.push_str(&format!("\n{}\nTry next:\n", picture_of(delays, 1).await?));
    for next in [
        "scan flights.delays --where \"carrier = 'HA' AND dep_delay > 60\"".to_owned(),
        "scan flights.carrier_delays --snapshot 1".to_owned(),
        "tail flights.carrier_delays --from earliest --to latest".to_owned(),
        "compact flights.delays --full".to_owned(),
        "inspect flights.delays".to_owned(),
    ] {
        text.push_str(&format!("  alluvium -w {folder} {next}\n"));
    }
    report::print_text(&text)
}

type Row = Vec<Option<Datum>>;

async fn sorted_rows(table: &Table, read: alluvium::Read, columns: &[&str]) -> Outcome<Vec<Row>> {
    let fields = table.schema().fields_of(columns)?;
    let mut batches = read.execute().await?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        for row in 0..batch.num_rows() {
            let values = fields.iter().zip(batch.columns());
            let values = values.map(|(field, column)| datum_at(column.as_ref(), &field.data_type, row));
            rows.push(values.collect::<alluvium::Result<Row>>()?);
        }
    }
    rows.sort_by(|a, b| compare_values(a, b));
    Ok(rows)
}

async fn row_count(table: &Table) -> Outcome<usize> {
    let mut batches = table.read().columns(["flight"]).execute().await?;
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await? {
        rows += batch.num_rows();
    }
    Ok(rows)
}

fn table_text<'a>(table: &Table, columns: &[&'static str], rows: impl Iterator<Item = &'a Row>) -> String {
    let field = |name: &str| table.schema().field(name);
    let header = columns.iter().map(|name| match field(name).map(|field| &field.data_type.root) {
        Some(alluvium::format::TypeRoot::Int | alluvium::format::TypeRoot::BigInt) => Column::Number(name),
        _ => Column::Text(name),
    });
    let rows = rows.map(|row| {
        let cells = row.iter().zip(columns).map(|(value, name)| {
            let text = value.as_ref().zip(field(name)).and_then(|(value, field)| to_text(value, &field.data_type));
            text.unwrap_or_else(|| "null".to_owned())
        });
        cells.collect()
    });
    report::table(&header.collect::<Vec<_>>(), rows)
}
