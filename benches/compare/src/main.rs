//! The same work through Alluvium, Paimon Java 1.4.2 and the crate `paimon` 0.4.0, in turn on this machine, with ratios.
//!
//! Each piece of work is a process of its own that is measured from outside. Scans are compared by a checksum over every value
//! before a figure counts. Java's start and warm-up are in its CPU time; its scans are repeated in one process and so warm.

mod checksum;
mod freshness;
mod memory;
mod ours;
mod paimon_crate;
mod peers;
mod process;
mod report;
mod rows;
mod worker;
mod works;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The same work through Alluvium, Paimon Java and the crate `paimon`, with ratios.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Upserted rows.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Distinct keys at most.
    #[arg(long, default_value_t = 5_000_000)]
    keys: u64,
    /// Commits the rows are spread over.
    #[arg(long, default_value_t = 10)]
    commits: u64,
    /// Writes the figures as a JSON list too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where the tables are made; a scratch folder when absent.
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// The peak memory of many buckets beside what it may be.
    Memory {
        /// Upserted rows of each case, in place of its own.
        #[arg(long)]
        rows: Option<u64>,
    },
    /// The time from a commit to its row, what idle readers cost, and the memory of one that is behind.
    Freshness(freshness::Scale),
    /// One piece of work in this process (what the driver starts).
    #[command(hide = true)]
    Worker {
        /// Who does it.
        peer: worker::Peer,
        /// What.
        #[command(subcommand)]
        work: worker::Work,
    },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    if let Some(Command::Worker { peer, work }) = &cli.command {
        return tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(worker::run(*peer, work));
    }
    let scratch = tempfile::tempdir()?;
    let folder = cli.folder.clone().unwrap_or_else(|| scratch.path().to_owned());
    match cli.command {
        Some(Command::Memory { rows }) => return memory::run_cases(&folder, rows),
        Some(Command::Freshness(scale)) => return freshness::run(&folder, scale),
        Some(Command::Worker { .. }) | None => {}
    }
    let scale = works::Scale { rows: cli.rows, keys: cli.keys, commit_rows: cli.rows.div_ceil(cli.commits) };
    let figures = works::run_all(&folder, scale)?;
    report::print(&figures);
    if let Some(path) = &cli.json {
        std::fs::write(path, report::json(&figures))?;
    }
    Ok(())
}
