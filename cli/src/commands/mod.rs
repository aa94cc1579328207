//! The commands, one a file: its arguments, its help, and what it does.

pub(crate) mod clear_consumers;
pub(crate) mod compact;
pub(crate) mod compact_database;
pub(crate) mod db;
pub(crate) mod ingest;
pub(crate) mod inspect;
pub(crate) mod quickstart;
pub(crate) mod rescale;
pub(crate) mod reset_consumer;
pub(crate) mod rewrite_file_index;
pub(crate) mod scan;
pub(crate) mod table;
pub(crate) mod table_alter;
pub(crate) mod tail;

use crate::args::{Arguments, Command};
use crate::failure::Outcome;
use crate::warehouse::Warehouse;

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments) -> Outcome {
    let place = &arguments.place;
    match arguments.command {
        Command::Quickstart(args) => quickstart::run(args, place).await,
        Command::Db(command) => db::run(command, &Warehouse::open(place)?).await,
        Command::Table(command) => table::run(command, &Warehouse::open(place)?).await,
        Command::Ingest(args) => ingest::run(args, &Warehouse::open(place)?).await,
        Command::Scan(args) => scan::run(args, &Warehouse::open(place)?).await,
        Command::Tail(args) => tail::run(args, &Warehouse::open(place)?).await,
        Command::Compact(args) => compact::run(args, &Warehouse::open(place)?).await,
        Command::CompactDatabase(args) => compact_database::run(args, &Warehouse::open(place)?).await,
        Command::RewriteFileIndex(args) => rewrite_file_index::run(args, &Warehouse::open(place)?).await,
        Command::Rescale(args) => rescale::run(args, &Warehouse::open(place)?).await,
        Command::ResetConsumer(args) => reset_consumer::run(args, &Warehouse::open(place)?).await,
        Command::ClearConsumers(args) => clear_consumers::run(args, &Warehouse::open(place)?).await,
        Command::Inspect(args) => inspect::run(args, &Warehouse::open(place)?).await,
    }
}
