//! How much memory many buckets take: upserts with a budget, while scans are open, and the peak of the process.
//!
//! Two cases: 64 buckets, of which every commit writes all, in 1 GiB; and 2,000 buckets written at once, in 512 MiB. So much is the budget
//! for rows, and so much may the process take in all. Each is a process of its own, measured from outside.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use alluvium::{FileSystemCatalog, MemoryBudget, SchemaDefinition, Table};
use clap::Args;
use futures::TryStreamExt;

use crate::ours::batch;
use crate::process;
use crate::rows::{BATCH_ROWS, RowMaker};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A case: what is written, and the memory, for rows and in all.
struct Case {
    name: &'static str,
    buckets: u32,
    rows: u64,
    keys: u64,
    commits: u64,
    memory_mib: u64,
}

const CASES: [Case; 2] = [
    Case { name: "64 buckets", buckets: 64, rows: 50_000_000, keys: 5_000_000, commits: 20, memory_mib: 1024 },
    Case { name: "2,000 buckets", buckets: 2000, rows: 10_000_000, keys: 5_000_000, commits: 5, memory_mib: 512 },
];

/// Upserts within a budget, while scans are open.
#[derive(Clone, Debug, Args)]
pub struct MemoryWork {
    /// The warehouse, which is made.
    warehouse: String,
    /// Buckets of the table.
    #[arg(long)]
    buckets: u32,
    /// Upserted rows.
    #[arg(long)]
    rows: u64,
    /// Distinct keys at most.
    #[arg(long)]
    keys: u64,
    /// Commits.
    #[arg(long)]
    commits: u64,
    /// Of memory for rows.
    #[arg(long)]
    budget_mib: usize,
    /// Scans that are open all the time.
    #[arg(long, default_value_t = 2)]
    readers: usize,
}

/// Runs the cases, with `rows` in place of their own when given; an error when one takes more than it may.
pub fn run_cases(folder: &Path, rows: Option<u64>) -> Result<()> {
    let mut failed = Vec::new();
    for case in &CASES {
        let warehouse = folder.join(format!("memory-{}", case.buckets));
        let rows = rows.unwrap_or(case.rows);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["worker", "alluvium", "memory"]).arg(&warehouse);
        for (name, value) in [
            ("--buckets", u64::from(case.buckets)),
            ("--rows", rows),
            ("--keys", case.keys),
            ("--commits", case.commits),
            ("--budget-mib", case.memory_mib),
        ] {
            command.args([name, &value.to_string()]);
        }
        let measured = process::run(&mut command)?;
        let peak = measured.memory_bytes >> 20;
        println!(
            "{}: {rows} rows, {:.0} s, {:.0} CPU s, peak {peak} MiB of {}",
            case.name,
            measured.wall.as_secs_f64(),
            measured.cpu.as_secs_f64(),
            case.memory_mib
        );
        print!("{}", measured.output);
        if peak > case.memory_mib {
            failed.push(case.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("too much memory: {}", failed.join(", ")).into()) }
}

/// One case, in this process.
pub async fn ingest(work: &MemoryWork) -> Result<()> {
    let budget = MemoryBudget::new(work.budget_mib << 20);
    let catalog = FileSystemCatalog::open(&work.warehouse, Default::default())?.with_memory(budget.clone());
    catalog.create_database("db").await?;
    let table = catalog.create_table("db.t", definition(work.buckets)?).await?;
    let (stop, scanned) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> =
        (0..work.readers).map(|_| tokio::spawn(scan(table.clone(), Arc::clone(&stop), Arc::clone(&scanned)))).collect();
    let mut write = table.stream_write("bench").await?;
    let mut maker = RowMaker::new(1, work.keys);
    let commit_rows = work.rows.div_ceil(work.commits);
    let (mut done, mut runs_max) = (0, 0);
    for identifier in 1..=work.commits as i64 {
        let end = work.rows.min(done + commit_rows);
        while done < end {
            let count = BATCH_ROWS.min(end - done);
            write.write(batch(maker.columns(count))?, None).await?;
            done += count;
        }
        write.commit(identifier).await?;
        runs_max = runs_max.max(most_runs(&table).await?);
    }
    write.close().await?;
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await?.map_err(|error| format!("a scan failed: {error}"))?;
    }
    println!(
        "  budget {} MiB, peak of what was reserved {} MiB; {} rows scanned; {runs_max} runs in a bucket at most",
        budget.bytes_max() >> 20,
        budget.peak_bytes() >> 20,
        scanned.load(Ordering::Relaxed)
    );
    Ok(())
}

/// Scans the table again and again.
async fn scan(
    table: Table,
    stop: Arc<AtomicBool>,
    scanned: Arc<AtomicU64>,
) -> std::result::Result<(), alluvium::Error> {
    while !stop.load(Ordering::Relaxed) {
        let mut stream = table.read().execute().await?;
        while let Some(batch) = stream.try_next().await? {
            scanned.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// The most runs that a bucket has: a file of level 0 is one, another level is one.
async fn most_runs(table: &Table) -> Result<usize> {
    let Some(snapshot) = table.latest_snapshot().await? else { return Ok(0) };
    let mut runs = std::collections::BTreeMap::<i32, std::collections::BTreeSet<(i32, String)>>::new();
    for entry in table.files(&snapshot).await? {
        let level = entry.file.level;
        let name = if level == 0 { entry.file.file_name } else { String::new() };
        runs.entry(entry.bucket).or_default().insert((level, name));
    }
    Ok(runs.values().map(|runs| runs.len()).max().unwrap_or(0))
}

fn definition(buckets: u32) -> Result<SchemaDefinition> {
    let text = |name: &str, data_type: &str| format!(r#"{{"name":"{name}","type":"{data_type}"}}"#);
    let columns = [
        text("k", "BIGINT NOT NULL"),
        text("a", "BIGINT"),
        text("b", "BIGINT"),
        text("c", "BIGINT"),
        text("d", "BIGINT"),
        text("x", "DOUBLE"),
        text("y", "DOUBLE"),
        text("s", "STRING"),
        text("t", "STRING"),
        text("u", "STRING"),
    ];
    let columns = columns.join(",");
    let json = format!(
        r#"{{"fields":[{columns}],"primaryKeys":["k"],"partitionKeys":[],"options":{{"bucket":"{buckets}"}}}}"#
    );
    Ok(SchemaDefinition::from_json(json.as_bytes())?)
}
