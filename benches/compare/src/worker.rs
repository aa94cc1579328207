//! What a worker process is told to do.

use clap::{Args, Subcommand, ValueEnum};

/// A Rust peer; the Java one has a program of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// This project.
    Alluvium,
    /// The crate `paimon`.
    Crate,
}

/// One piece of work in one process.
#[derive(Clone, Debug, Subcommand)]
pub enum Work {
    /// Upserts.
    Ingest(Ingest),
    /// Full compaction.
    Compact {
        /// The warehouse with the table `db.t`.
        warehouse: String,
    },
    /// Reads every value.
    Scan(Scan),
    /// Upserts within a budget, while scans are open.
    Memory(crate::memory::MemoryWork),
    /// Follows a table.
    Freshness {
        /// How.
        #[command(subcommand)]
        work: crate::freshness::Work,
    },
}

/// Upserts with a commit every so many rows.
#[derive(Clone, Debug, Args)]
pub struct Ingest {
    /// The warehouse with the table `db.t`.
    pub warehouse: String,
    /// Rows in all.
    #[arg(long)]
    pub rows: u64,
    /// Distinct keys at most.
    #[arg(long)]
    pub keys: u64,
    /// Rows a commit.
    #[arg(long)]
    pub commit_rows: u64,
}

/// Reads every value of some columns.
#[derive(Clone, Debug, Args)]
pub struct Scan {
    /// The warehouse with the table `db.t`.
    pub warehouse: String,
    /// Comma-separated; all when absent.
    #[arg(long)]
    pub columns: Option<String>,
    /// How often.
    #[arg(long, default_value_t = 1)]
    pub repeat: u32,
}

/// Does the work as the peer does it.
pub async fn run(peer: Peer, work: &Work) -> Result<(), Box<dyn std::error::Error>> {
    match (peer, work) {
        (Peer::Alluvium, Work::Ingest(ingest)) => crate::ours::ingest(ingest).await,
        (Peer::Alluvium, Work::Scan(scan)) => crate::ours::scan(scan).await,
        (Peer::Alluvium, Work::Compact { warehouse }) => crate::ours::compact(warehouse).await,
        (Peer::Alluvium, Work::Freshness { work }) => crate::freshness::work(work).await,
        (Peer::Crate, Work::Freshness { .. }) => Err("the crate paimon has no streams".into()),
        (Peer::Crate, Work::Ingest(ingest)) => crate::paimon_crate::ingest(ingest).await,
        (Peer::Crate, Work::Scan(scan)) => crate::paimon_crate::scan(scan).await,
        (Peer::Alluvium, Work::Memory(work)) => crate::memory::ingest(work).await,
        (Peer::Crate, Work::Memory(_)) => Err("the crate paimon has no budget".into()),
        (Peer::Crate, Work::Compact { .. }) => Err("the crate paimon cannot compact".into()),
    }
}
