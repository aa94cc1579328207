//! `alluvium`: one binary for streaming tables in the Apache Paimon format.
//!
//! Goes in: arguments, and rows as text or files. Comes out: data on standard output, everything else on standard error, and an exit
//! status: 0 done, 1 failed or problems found, 2 the command line was wrong. It speaks to tables through the facade only.

mod args;
mod carrier_delays;
mod commands;
mod condition;
mod failure;
mod fleet;
mod ingestion;
mod input;
mod interrupt;
mod lsm;
mod output;
mod partitions;
mod progress;
mod quantity;
mod report;
mod sink;
mod terminal;
mod time_text;
mod warehouse;

use std::process::ExitCode;

use clap::Parser;

/// Parquet and zstd allocate in large, short-lived pieces from many threads, which it gives back sooner.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse_from(args::gathered(std::env::args_os()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::Failure::from(error).doing("starting threads").report(),
    };
    let outcome = runtime.block_on(commands::run(arguments));
    // A thread may still wait for standard input, which may never come.
    runtime.shutdown_background();
    outcome.map_or_else(failure::Failure::report, |()| ExitCode::SUCCESS)
}
