//! `table`: create, list, describe and drop tables; [`table_alter`] changes them.

use std::io::Read;

use alluvium::{Error, ErrorKind, SchemaDefinition, Table, TableSchema};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::ReportArgs;
use crate::commands::table_alter::{self, AlterArgs};
use crate::failure::{Failure, Outcome, say};
use crate::quantity::counted;
use crate::report::{self, Column};
use crate::warehouse::{Warehouse, table_name};

/// A schema file is a page or two; what is larger is another file.
const SCHEMA_BYTES_MAX: u64 = 16 << 20;

const CREATE_HELP: &str = r#"The schema file, with Paimon's types:
  {"fields": [{"name": "id", "type": "BIGINT NOT NULL"}, {"name": "total", "type": "DECIMAL(10, 2)", "description": "in euros"},
              {"name": "tags", "type": {"type": "ARRAY", "element": "STRING"}}],
   "primaryKeys": ["id"], "partitionKeys": [], "options": {"bucket": "1"}, "comment": "orders of the shop"}

Examples:
  alluvium table create shop.orders --schema orders.json
  alluvium table create shop.orders_copy --like shop.orders"#;

/// What to do with tables.
#[derive(Debug, Subcommand)]
pub(crate) enum TableCommand {
    /// Create a table; its database must exist
    #[command(after_help = CREATE_HELP)]
    Create(CreateArgs),
    /// List the tables of a database, or of all
    List {
        /// The database; all of them when not given
        database: Option<String>,
        #[command(flatten)]
        report: ReportArgs,
    },
    /// Show the columns, keys and options of a table
    Describe {
        /// The table, DATABASE.TABLE
        table: String,
        #[command(flatten)]
        report: ReportArgs,
    },
    /// Change the columns, options and comment of a table, all in one new schema
    Alter(Box<AlterArgs>),
    /// Drop a table with all its files, and print what was deleted
    Drop(DropArgs),
}

/// Arguments of `table create`.
#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// The schema: a JSON file, or - for standard input
    #[arg(long, value_name = "FILE.json", required_unless_present = "like", conflicts_with = "like")]
    schema: Option<String>,
    /// Columns, keys and options of this table
    #[arg(long, value_name = "DATABASE.TABLE")]
    like: Option<String>,
    /// Do nothing when there is a table of that name
    #[arg(long)]
    if_not_exists: bool,
}

/// Arguments of `table drop`.
#[derive(Args, Debug)]
pub(crate) struct DropArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Delete nothing, print what would be
    #[arg(long)]
    dry_run: bool,
    /// Do nothing when there is none of that name
    #[arg(long)]
    if_exists: bool,
}

pub(crate) async fn run(command: TableCommand, warehouse: &Warehouse) -> Outcome {
    match command {
        TableCommand::Create(args) => create(args, warehouse).await,
        TableCommand::List { database, report } => list(database, report, warehouse).await,
        TableCommand::Describe { table, report } => describe(&warehouse.table_at_rest(&table).await?, report),
        TableCommand::Alter(args) => table_alter::run(*args, warehouse).await,
        TableCommand::Drop(args) => drop(args, warehouse).await,
    }
}

async fn create(args: CreateArgs, warehouse: &Warehouse) -> Outcome {
    let name = table_name(&args.table)?.to_string();
    let definition = match (&args.schema, &args.like) {
        (Some(file), _) => {
            let wrong = |error: Error| Failure::Failed(error.context(format!("the schema file {file}")));
            SchemaDefinition::from_json(&read_json_file(file)?).map_err(wrong)?
        }
        (None, Some(like)) => SchemaDefinition::like(warehouse.table_at_rest(like).await?.schema()),
        (None, None) => return Err(Failure::Usage("give --schema or --like".to_owned())),
    };
    match warehouse.catalog.create_table(&name, definition).await {
        Err(error) if args.if_not_exists && error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::from(error).doing(format!("creating the table {name}"))),
        Ok(_) => Ok(()),
    }
}

/// The bytes of a file of a schema or of changes; `-` is standard input.
pub(crate) fn read_json_file(file: &str) -> Outcome<Vec<u8>> {
    let failed = |error: std::io::Error| {
        Failure::Failed(Error::new(ErrorKind::NotFound, format!("reading the file {file}")).with_source(error))
    };
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().take(SCHEMA_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).map_err(failed)?.take(SCHEMA_BYTES_MAX + 1).read_to_end(&mut bytes)
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > SCHEMA_BYTES_MAX {
        return Err(Error::invalid(format!("the file {file} is longer than {SCHEMA_BYTES_MAX} bytes")).into());
    }
    Ok(bytes)
}

async fn list(database: Option<String>, args: ReportArgs, warehouse: &Warehouse) -> Outcome {
    let databases = match database {
        Some(database) => vec![database],
        None => warehouse.catalog.list_databases().await?,
    };
    let mut names = Vec::new();
    for database in databases {
        let tables = warehouse.catalog.list_tables(&database).await?;
        names.extend(tables.into_iter().map(|table| format!("{database}.{table}")));
    }
    if args.json {
        return report::print_json(&json!({ "tables": names }));
    }
    if names.is_empty() {
        say("no tables");
    }
    report::print_lines(names)
}

fn describe(table: &Table, args: ReportArgs) -> Outcome {
    let schema = table.schema();
    if args.json {
        let document: Value = serde_json::from_str(&schema.to_json())
            .map_err(|error| Error::internal("a schema is no JSON").with_source(error))?;
        return report::print_json(&document);
    }
    report::print_text(&description(table.name(), schema))
}

fn description(name: &str, schema: &TableSchema) -> String {
    let mut text = format!("{name}, schema {}", schema.id);
    if let Some(comment) = schema.comment.as_ref().filter(|comment| !comment.is_empty()) {
        text.push_str(&format!(": {comment}"));
    }
    text.push_str("\n\n");
    let role = |column: &str| {
        let at = |names: &[String]| names.iter().position(|name| name == column).map(|at| at + 1);
        let key = at(&schema.primary_keys).map(|at| format!("key {at}"));
        let partition = at(&schema.partition_keys).map(|at| format!("partition {at}"));
        [key, partition].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let columns = [
        Column::Number("id"),
        Column::Text("column"),
        Column::Text("type"),
        Column::Text("role"),
        Column::Text("description"),
    ];
    let rows = schema.fields.iter().map(|field| {
        let described = field.description.clone().unwrap_or_default();
        vec![field.id.to_string(), field.name.clone(), field.data_type.to_string(), role(&field.name), described]
    });
    text.push_str(&report::table(&columns, rows));
    if !schema.options.is_empty() {
        text.push('\n');
        let rows = schema.options.iter().map(|(name, value)| vec![name.clone(), value.clone()]);
        text.push_str(&report::table(&[Column::Text("option"), Column::Text("value")], rows));
    }
    text
}

async fn drop(args: DropArgs, warehouse: &Warehouse) -> Outcome {
    let name = table_name(&args.table)?;
    if name.branch.is_some() {
        return Err(Failure::Failed(Error::unsupported("dropping a branch (delete-branch)")));
    }
    match warehouse.catalog.table(&name.to_string()).await {
        Err(error) if args.if_exists && error.kind() == ErrorKind::NotFound => return Ok(()),
        table => table.map(std::mem::drop)?,
    }
    let (files, done) = if args.dry_run {
        (warehouse.catalog.table_files(&name.to_string()).await?, "would delete")
    } else {
        (warehouse.catalog.drop_table(&name.to_string()).await?, "deleted")
    };
    report::print_lines(files.iter().cloned())?;
    say(format_args!("{done} {} of the table {name}", counted(files.len(), "file")));
    Ok(())
}
