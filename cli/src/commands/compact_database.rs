//! `compact-database`: merge the sorted runs of all tables of databases, once or for ever.

use alluvium::FleetScope;
use clap::Args;

use crate::failure::Outcome;
use crate::fleet::{self, FleetArgs};
use crate::warehouse::Warehouse;

const EXAMPLES: &str = "\
Tables that cannot be compacted are named and left alone; what fails in one table leaves the others alone. Options given with -o apply
to every table. With --watch, tables that are created later are taken in.

Examples:
  alluvium compact-database shop
  alluvium compact-database shop --including 'orders*' --full
  alluvium compact-database --watch --interval 30s --concurrency 4 --memory 2gb --disk 20gb --json";

/// Arguments of `compact-database`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompactDatabaseArgs {
    /// The databases; all of the warehouse when none is named
    database: Vec<String>,
    /// Only tables whose name fits, with * for any characters; repeatable
    #[arg(long, value_name = "PATTERN")]
    including: Vec<String>,
    /// No tables whose name fits; repeatable
    #[arg(long, value_name = "PATTERN")]
    excluding: Vec<String>,
    /// Merge everything into the highest level
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    fleet: FleetArgs,
}

pub(crate) async fn run(args: CompactDatabaseArgs, warehouse: &Warehouse) -> Outcome {
    let CompactDatabaseArgs { database, including, excluding, full, fleet } = args;
    let scope = FleetScope::Databases { databases: database, including, excluding };
    let compact = warehouse.catalog.compact_tables(scope).options(warehouse.table_options().clone());
    fleet::run(if full { compact.full() } else { compact }, &fleet).await
}
