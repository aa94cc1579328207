//! How fresh streams are: the time from a commit's return to its row, in one process and in another; what idle readers cost; and the memory
//! of a reader that is far behind.
//!
//! The table is on local disk: one bucket, one row a commit, commits at a pace, compaction off. A row that is there before its commit has
//! returned counts as 0. Clocks of two processes are one: that of the machine.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alluvium::{FileSystemCatalog, SchemaDefinition, StreamWrite, Table, Tail, TailEvent};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch};
use clap::{Args, Subcommand};

use crate::process;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What 99 of 100 commits may take to another reader of the process, and to one of another process.
const SAME_PROCESS_P99_MAX: Duration = Duration::from_millis(2);
const OTHER_PROCESS_P99_MAX: Duration = Duration::from_millis(50);
/// What idle readers may take of a core, all together.
const IDLE_SHARE_MAX: f64 = 0.01;
/// The memory of a reader that is as far behind as it is by default, bytes: what it keeps of manifests is a small part of their cache.
const LAG_MEMORY_MAX: u64 = 160 << 20;

/// How much is measured.
#[derive(Clone, Copy, Debug, Args)]
pub struct Scale {
    /// Commits whose time is measured, in each case.
    #[arg(long, default_value_t = 1000)]
    commits: i64,
    /// Commits a second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Idle readers, in one process.
    #[arg(long, default_value_t = 10)]
    readers: usize,
    /// How long they are idle.
    #[arg(long, default_value_t = 15)]
    idle_seconds: u64,
    /// Snapshots that a reader is behind.
    #[arg(long, default_value_t = 10_000)]
    lag: i64,
}

/// What a process of its own does.
#[derive(Clone, Debug, Subcommand)]
pub enum Work {
    /// Prints each row and when it came, for ever.
    Follow {
        /// The warehouse with the table `db.t`.
        warehouse: String,
    },
    /// Waits for rows with many readers, for ever.
    Idle {
        /// The warehouse with the table `db.t`.
        warehouse: String,
        /// How many.
        readers: usize,
    },
    /// Makes the warehouse, with a snapshot for each of so many commits.
    Fill {
        /// The warehouse.
        warehouse: String,
        /// How many.
        commits: i64,
    },
    /// Reads the changes of the first snapshots.
    CatchUp {
        /// The warehouse with the table `db.t`.
        warehouse: String,
        /// The last one.
        to: i64,
    },
}

/// Does the work of a process.
pub async fn work(work: &Work) -> Result<()> {
    match work {
        Work::Follow { warehouse } => {
            let mut tail = open(Path::new(warehouse)).await?.tail().from_earliest().execute().await?;
            let mut stdout = std::io::stdout();
            while let Some(id) = next_row(&mut tail).await? {
                writeln!(stdout, "{id} {}", now()?.as_nanos())?;
            }
        }
        Work::Idle { warehouse, readers } => {
            let mut waiting = tokio::task::JoinSet::new();
            for _ in 0..*readers {
                let mut tail = open(Path::new(warehouse)).await?.tail().from_latest().execute().await?;
                waiting.spawn(async move { tail.next().await.map(drop) });
            }
            println!("ready");
            while let Some(ended) = waiting.join_next().await {
                ended??;
            }
        }
        Work::Fill { warehouse, commits } => fill(Path::new(warehouse), *commits).await?,
        Work::CatchUp { warehouse, to } => {
            let mut tail = open(Path::new(warehouse)).await?.tail().from_earliest().to(*to).execute().await?;
            let mut rows = 0;
            while next_row(&mut tail).await?.is_some() {
                rows += 1;
            }
            println!("{rows} rows");
        }
    }
    Ok(())
}

/// Measures all, and prints it; an error when a figure is not what it must be.
pub fn run(folder: &Path, scale: Scale) -> Result<()> {
    let mut failed = Vec::new();
    let mut check = |what: &'static str, holds: bool| {
        if !holds {
            failed.push(what)
        }
    };
    // The kernel counts the memory of a process from its parent's on: this one is small yet.
    let most = lag_memory(&folder.join("lag"), scale.lag)?;
    check("memory of a reader that is behind", most <= LAG_MEMORY_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let same = runtime.block_on(same_process(&folder.join("same"), scale))?;
    check("the same process", show("the same process", same) < SAME_PROCESS_P99_MAX);
    let other = runtime.block_on(other_process(&folder.join("other"), scale))?;
    check("another process", show("another process", other) < OTHER_PROCESS_P99_MAX);
    drop(runtime);
    let share = idle_share(&folder.join("other"), scale)?;
    println!("{} idle readers: {:.3} % of a core over {} s", scale.readers, share * 100.0, scale.idle_seconds);
    check("idle readers", share < IDLE_SHARE_MAX);
    if failed.is_empty() { Ok(()) } else { Err(format!("not as it must be: {}", failed.join(", ")).into()) }
}

async fn same_process(warehouse: &Path, scale: Scale) -> Result<Vec<Duration>> {
    let table = create(warehouse).await?;
    let mut tail = table.tail().from_earliest().execute().await?;
    let commits = scale.commits;
    let reading = tokio::spawn(async move {
        let mut came = Vec::new();
        while came.len() < commits as usize {
            next_row(&mut tail).await.map_err(|error| error.to_string())?;
            came.push(now().map_err(|error| error.to_string())?);
        }
        Ok::<_, String>(came)
    });
    let mut write = table.stream_write("bench").await?;
    let returned = paced(&mut write, 1..=commits, scale.rate).await?;
    write.close().await?;
    Ok(lags(&returned, &reading.await??))
}

async fn other_process(warehouse: &Path, scale: Scale) -> Result<Vec<Duration>> {
    let table = create(warehouse).await?;
    let (mut child, mut lines) = start(&["follow"], warehouse, &[])?;
    let mut write = table.stream_write("bench").await?;
    // The first row says that the reader runs.
    paced(&mut write, 1..=1, scale.rate).await?;
    read_line(&mut lines)?;
    let returned = paced(&mut write, 2..=scale.commits + 1, scale.rate).await?;
    write.close().await?;
    let mut came = Vec::new();
    for _ in 0..scale.commits {
        let line = read_line(&mut lines)?;
        let nanos = line.split_whitespace().nth(1).ok_or("the reader said something else")?;
        came.push(Duration::from_nanos(nanos.parse()?));
    }
    child.kill()?;
    child.wait()?;
    Ok(lags(&returned, &came))
}

/// The share of a core that idle readers take.
fn idle_share(warehouse: &Path, scale: Scale) -> Result<f64> {
    let (mut child, mut lines) = start(&["idle"], warehouse, &[scale.readers.to_string()])?;
    read_line(&mut lines)?;
    // What they do to begin with is not counted.
    std::thread::sleep(Duration::from_secs(3));
    let before = cpu_time(child.id())?;
    std::thread::sleep(Duration::from_secs(scale.idle_seconds));
    let spent = cpu_time(child.id())?.saturating_sub(before);
    child.kill()?;
    child.wait()?;
    Ok(spent.as_secs_f64() / Duration::from_secs(scale.idle_seconds).as_secs_f64())
}

/// What all threads of a process have run, as Linux counts it in nanoseconds.
fn cpu_time(process: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += text.split_whitespace().next().ok_or("schedstat is empty")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

async fn fill(warehouse: &Path, commits: i64) -> Result<()> {
    let mut write = create(warehouse).await?.stream_write("bench").await?;
    for identifier in 1..=commits {
        commit(&mut write, identifier).await?;
    }
    write.close().await?;
    Ok(())
}

/// The peak memory of a process that reads the changes of so many snapshots, bytes; that for a tenth of them is printed, too.
fn lag_memory(warehouse: &Path, snapshots: i64) -> Result<u64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["worker", "alluvium", "freshness", "fill"]).arg(warehouse).arg(snapshots.to_string());
    process::run(&mut command)?;
    catch_up(warehouse, snapshots / 10)?;
    catch_up(warehouse, snapshots)
}

/// The peak memory of a process that reads the changes of so many snapshots, bytes.
fn catch_up(warehouse: &Path, to: i64) -> Result<u64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["worker", "alluvium", "freshness", "catch-up"]).arg(warehouse).arg(to.to_string());
    let measured = process::run(&mut command)?;
    let (seconds, peak) = (measured.wall.as_secs_f64(), measured.memory_bytes >> 20);
    println!("{to} snapshots behind: {}, {seconds:.1} s, peak {peak} MiB", measured.output.trim());
    Ok(measured.memory_bytes)
}

fn start(work: &[&str], warehouse: &Path, rest: &[String]) -> Result<(Child, BufReader<std::process::ChildStdout>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["worker", "alluvium", "freshness"]).args(work).arg(warehouse).args(rest);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().ok_or("the process has no output")?;
    Ok((child, BufReader::new(stdout)))
}

fn read_line(lines: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    if lines.read_line(&mut line)? == 0 {
        return Err("the reader ended".into());
    }
    Ok(line)
}

/// Commits at a pace; when each had returned.
async fn paced(write: &mut StreamWrite, ids: std::ops::RangeInclusive<i64>, rate: u32) -> Result<Vec<Duration>> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut returned = Vec::new();
    for identifier in ids {
        pace.tick().await;
        commit(write, identifier).await?;
        returned.push(now()?);
    }
    Ok(returned)
}

async fn commit(write: &mut StreamWrite, identifier: i64) -> Result<()> {
    let ids = Int64Array::from(vec![identifier]);
    let columns = [("id", Arc::new(ids.clone()) as _, false), ("v", Arc::new(ids) as _, true)];
    write.write(RecordBatch::try_from_iter_with_nullable(columns)?, None).await?;
    write.commit(identifier).await?;
    Ok(())
}

/// The first row of the next batch: each commit has one.
async fn next_row(tail: &mut Tail) -> Result<Option<i64>> {
    while let Some(event) = tail.next().await? {
        if let TailEvent::Changes(batch) = event {
            return Ok(batch.rows.column(0).as_primitive::<Int64Type>().values().first().copied());
        }
    }
    Ok(None)
}

fn lags(returned: &[Duration], came: &[Duration]) -> Vec<Duration> {
    returned.iter().zip(came).map(|(returned, came)| came.saturating_sub(*returned)).collect()
}

/// Prints the quantiles, and gives that of 99 %.
fn show(what: &str, mut lags: Vec<Duration>) -> Duration {
    lags.sort_unstable();
    let at = |part: f64| lags.get((lags.len() as f64 * part) as usize).or(lags.last()).copied().unwrap_or_default();
    let [half, most, last] = [0.5, 0.99, 1.0].map(at);
    println!("{what}: {} commits, p50 {half:.2?}, p99 {most:.2?}, max {last:.2?}", lags.len());
    most
}

fn now() -> Result<Duration> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?)
}

async fn open(warehouse: &Path) -> Result<Table> {
    let warehouse = warehouse.to_str().ok_or("the folder is not UTF-8")?;
    Ok(FileSystemCatalog::open(warehouse, Default::default())?.table("db.t").await?)
}

async fn create(warehouse: &Path) -> Result<Table> {
    let warehouse = warehouse.to_str().ok_or("the folder is not UTF-8")?;
    let catalog = FileSystemCatalog::open(warehouse, Default::default())?;
    catalog.create_database("db").await?;
    let json = r#"{"fields":[{"name":"id","type":"BIGINT NOT NULL"},{"name":"v","type":"BIGINT"}],"primaryKeys":["id"],
        "partitionKeys":[],"options":{"bucket":"1","write-only":"true"}}"#;
    Ok(catalog.create_table("db.t", SchemaDefinition::from_json(json.as_bytes())?).await?)
}
