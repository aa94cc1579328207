//! `db`: create, list and drop databases.

use alluvium::ErrorKind;
use clap::Subcommand;
use serde_json::json;

use crate::args::ReportArgs;
use crate::failure::{Failure, Outcome, say};
use crate::report;
use crate::warehouse::Warehouse;

/// What to do with databases.
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Create a database: a folder NAME.db of the warehouse
    Create {
        /// Its name
        name: String,
        /// Do nothing when there is one of that name
        #[arg(long)]
        if_not_exists: bool,
    },
    /// List the databases of the warehouse
    List {
        #[command(flatten)]
        report: ReportArgs,
    },
    /// Drop a database that has no tables
    Drop {
        /// Its name
        name: String,
        /// Do nothing when there is none of that name
        #[arg(long)]
        if_exists: bool,
    },
}

pub(crate) async fn run(command: DbCommand, warehouse: &Warehouse) -> Outcome {
    match command {
        DbCommand::Create { name, if_not_exists } => create(&name, if_not_exists, warehouse).await,
        DbCommand::List { report } => list(report, warehouse).await,
        DbCommand::Drop { name, if_exists } => drop(&name, if_exists, warehouse).await,
    }
}

async fn create(name: &str, if_not_exists: bool, warehouse: &Warehouse) -> Outcome {
    match warehouse.catalog.create_database(name).await {
        Err(error) if if_not_exists && error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::Invalid => Err(Failure::Usage(error.to_string())),
        result => Ok(result?),
    }
}

async fn list(args: ReportArgs, warehouse: &Warehouse) -> Outcome {
    let names = warehouse.catalog.list_databases().await?;
    if args.json {
        return report::print_json(&json!({ "warehouse": warehouse.catalog.warehouse(), "databases": names }));
    }
    if names.is_empty() {
        say(format_args!("no databases in {}", warehouse.catalog.warehouse()));
    }
    report::print_lines(names)
}

async fn drop(name: &str, if_exists: bool, warehouse: &Warehouse) -> Outcome {
    match warehouse.catalog.drop_database(name).await {
        Err(error) if if_exists && error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => {
            say(format_args!("dropped the database {name}"));
            Ok(())
        }
    }
}
