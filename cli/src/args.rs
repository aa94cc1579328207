//! The command line: what every command takes, and which commands there are.
//!
//! The arguments of a command are beside what it does, in [`crate::commands`].

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    clear_consumers, compact, compact_database, db, ingest, inspect, quickstart, rescale, reset_consumer,
    rewrite_file_index, scan, table, tail,
};

const EXAMPLES: &str = "\
Examples:
  alluvium quickstart                                        a month of flights: ingested, compacted, aggregated, shown
  alluvium db create shop
  alluvium table create shop.orders --schema orders.json
  alluvium ingest shop.orders orders.ndjson                  rows with their row kinds (+I -U +U -D)
  alluvium scan shop.orders --where \"total > 5 AND id <> 1\"
  alluvium tail shop.orders --from earliest                  changes, for ever
  alluvium compact shop.orders --full
  alluvium inspect shop.orders                               the LSM tree, the snapshots, who reads them

A table is DATABASE.TABLE, or 'DATABASE.TABLE$branch_NAME' of a branch. Data goes to standard output, everything else to standard
error. Exit status: 0 done, 1 failed or problems found, 2 the command line was wrong.";

/// Streaming tables in the Apache Paimon format, without a JVM: ingest changelogs, read and follow tables, keep them compact.
#[derive(Debug, Parser)]
#[command(name = "alluvium", version, after_help = EXAMPLES, subcommand_required = true)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the tables are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The folder of all databases: a path, or a URL (file:// s3:// gs:// az:// memory:)
    #[arg(
        short,
        long,
        global = true,
        env = "ALLUVIUM_WAREHOUSE",
        default_value = "./warehouse",
        value_name = "PATH|URL"
    )]
    #[arg(help_heading = "Warehouse")]
    pub(crate) warehouse: String,

    /// An option for this command, repeatable. Paimon's table options (keys with - or ., and `bucket`) apply to the table it names,
    /// as streaming-read-overwrite=true; others go to the object store by its own names, as aws_region=eu-central-1;
    /// allowed-external-paths=PREFIX[,PREFIX] says where data files outside of tables may be
    #[arg(short = 'o', long = "option", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    #[arg(help_heading = "Warehouse")]
    pub(crate) options: Vec<(String, String)>,

    /// Memory for rows, of all that this process does, like 512 mb, and 16 mb at least; what does not fit goes to the temporary folder (TMPDIR)
    #[arg(long, global = true, env = "ALLUVIUM_MEMORY", default_value = "1 gb", value_name = "SIZE")]
    #[arg(value_parser = memory_bytes, help_heading = "Warehouse")]
    pub(crate) memory: usize,

    /// The most that goes to the temporary folder, of all that this process does, like 20 gb; no limit by default. At the limit writers flush
    /// their rows to the table early, and other work that needs more fails
    #[arg(long, global = true, env = "ALLUVIUM_DISK", value_name = "SIZE", help_heading = "Warehouse")]
    #[arg(value_parser = size_bytes)]
    pub(crate) disk: Option<u64>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See everything at work on real data: a month of flights is ingested, compacted, followed and aggregated
    Quickstart(quickstart::QuickstartArgs),
    /// Create, list and drop databases
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Create, list, describe, alter and drop tables
    #[command(subcommand)]
    Table(table::TableCommand),
    /// Append changes from files or standard input to a table, committing as they come
    Ingest(ingest::IngestArgs),
    /// Print the rows of a table, now or as they were
    Scan(scan::ScanArgs),
    /// Print the changes of a table, each with its row kind, as they come
    Tail(tail::TailArgs),
    /// Merge the sorted runs of a table into fewer
    Compact(compact::CompactArgs),
    /// Merge the sorted runs of all tables of databases, once or for ever
    CompactDatabase(compact_database::CompactDatabaseArgs),
    /// Give the files of a table the indexes that its options ask for now
    RewriteFileIndex(rewrite_file_index::RewriteFileIndexArgs),
    /// Split partitions of a table into another number of buckets
    Rescale(rescale::RescaleArgs),
    /// Set the position of a consumer, or forget it
    ResetConsumer(reset_consumer::ResetConsumerArgs),
    /// Forget the consumers of a table
    ClearConsumers(clear_consumers::ClearConsumersArgs),
    /// Look at a table: levels, sorted runs, amplification, snapshots, consumers
    Inspect(inspect::InspectArgs),
}

/// How reports are printed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ReportArgs {
    /// Print the report as one JSON document on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// The arguments with all `-o` in one place: clap would let those after the command hide those before it.
pub(crate) fn gathered(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments = arguments.into_iter();
    let mut out: Vec<OsString> = arguments.next().into_iter().collect();
    let (mut options, mut others) = (Vec::new(), Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--") => {
                others.push(argument);
                others.extend(arguments.by_ref());
            }
            Some("-o" | "--option") => match arguments.next() {
                Some(value) => options.extend([argument, value]),
                None => others.push(argument),
            },
            Some(text) if text.starts_with("--option=") || (text.starts_with("-o") && text.len() > 2) => {
                options.push(argument);
            }
            _ => others.push(argument),
        }
    }
    out.extend(options);
    out.extend(others);
    out
}

/// A size, as table options write it, of what is in memory.
fn memory_bytes(text: &str) -> Result<usize, String> {
    usize::try_from(size_bytes(text)?).map_err(|_| "it is more than this machine can address".to_owned())
}

/// A size, as table options write it.
fn size_bytes(text: &str) -> Result<u64, String> {
    alluvium::format::options::parse_memory_bytes(text).map_err(|error| error.to_string())
}

/// `KEY=VALUE`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::gathered;

    #[test]
    fn options_are_gathered_from_both_sides_of_the_command() {
        let of = |line: &str| {
            let arguments = gathered(line.split(' ').map(OsString::from));
            arguments.iter().map(|argument| argument.to_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            of("a -o x=1 scan t -oy=2 --option z=3 --option=u=4 -w d"),
            "a -o x=1 -oy=2 --option z=3 --option=u=4 scan t -w d"
        );
        assert_eq!(of("a scan t -o"), "a scan t -o", "clap says what is missing");
        assert_eq!(of("a scan -- -o x"), "a scan -- -o x");
    }
}
