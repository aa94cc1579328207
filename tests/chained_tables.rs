//! Three jobs in a row, each a process that is killed again and again: a changelog into a table, its changes aggregated into a second one,
//! and the changes of that one copied into a third.
//!
//! Each job keeps its place in what it reads in the properties of its commits, so that rows and place move together. At the end all three
//! tables hold what a computation over the whole changelog gives. `CHAIN_KILLS` sets how often each job is killed. However fast the jobs are,
//! none has nothing to do when its kill comes: in each round the changelog goes on by a few commits, and each job is killed once.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use alluvium::{
    CommitExtras, FileSystemCatalog, RowKind, SchemaDefinition, StreamPosition, StreamWrite, Table, TailEvent,
};
use alluvium_sim::{Replay, seeds};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int8Array, Int64Array, RecordBatch};
use futures::TryStreamExt;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const KILLS: i64 = 3;
/// Commits of the changelog in a round: each brings a snapshot at least to every table.
const COMMITS_PER_ROUND: i64 = 12;
/// Within so many snapshots of its table, less than there are in a round, a job is killed.
const SNAPSHOTS_BEFORE_KILL: usize = 5;
const CHANGES_PER_COMMIT: usize = 20;
const KEYS: i64 = 60;
const GROUPS: i64 = 7;
/// Rows that a job reads before it commits, also in the midst of a snapshot.
const ROWS_PER_COMMIT: usize = 15;

const POSITION: &str = "chain.position";
const WAREHOUSE: &str = "CHAIN_WAREHOUSE";
const STAGE: &str = "CHAIN_STAGE";
const SEED: &str = "CHAIN_SEED";
const COMMITS: &str = "CHAIN_COMMITS";
const END: &str = "CHAIN_END";

/// id, group, value and kind.
type Row = (i64, i64, i64, RowKind);
/// The rows of a table by its key.
type Rows = BTreeMap<i64, Vec<i64>>;

/// The changes of a commit.
fn changelog(seed: u64, commit: i64) -> Vec<Row> {
    let mut random = SmallRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(commit.unsigned_abs()));
    let mut change = || {
        let kind = if random.random_ratio(1, 5) { RowKind::Delete } else { RowKind::UpdateAfter };
        (random.random_range(0..KEYS), random.random_range(0..GROUPS), random.random_range(-9..100), kind)
    };
    (0..CHANGES_PER_COMMIT).map(|_| change()).collect()
}

/// What the source and the aggregate are after all commits.
fn recomputed(seed: u64, commits: i64) -> (Rows, Rows) {
    let mut source = Rows::new();
    for (id, group, value, kind) in (1..=commits).flat_map(|commit| changelog(seed, commit)) {
        match kind {
            RowKind::Delete => source.remove(&id),
            _ => source.insert(id, vec![group, value]),
        };
    }
    let mut sums = Rows::new();
    for row in source.values() {
        let sum = sums.entry(row[0]).or_insert_with(|| vec![0, 0]);
        sum[0] += row[1];
        sum[1] += 1;
    }
    (source, sums)
}

fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

async fn create(catalog: &FileSystemCatalog) {
    catalog.create_database("db").await.unwrap();
    let lookup = r#""bucket":"2","changelog-producer":"lookup""#;
    let sums =
        r#""merge-engine":"aggregation","fields.total.aggregate-function":"sum","fields.n.aggregate-function":"sum""#;
    for (name, columns, options) in [
        ("source", ["id", "g", "v"], lookup.to_owned()),
        ("sums", ["g", "total", "n"], format!("{lookup},{sums}")),
        ("copy", ["g", "total", "n"], r#""bucket":"1""#.to_owned()),
    ] {
        let fields = columns.map(|column| format!(r#"{{"name":"{column}","type":"BIGINT"}}"#)).join(",");
        let key = columns[0];
        let definition = format!(r#"{{"fields":[{fields}],"primaryKeys":["{key}"],"options":{{{options}}}}}"#);
        let definition = SchemaDefinition::from_json(definition.as_bytes()).unwrap();
        catalog.create_table(&format!("db.{name}"), definition).await.unwrap();
    }
}

async fn rows(table: &Table) -> Rows {
    let batches: Vec<RecordBatch> = table.read().execute().await.unwrap().try_collect().await.unwrap();
    let mut rows = Rows::new();
    for batch in &batches {
        let column = |index: usize| batch.column(index).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let earlier = rows.insert(column(0).value(row), vec![column(1).value(row), column(2).value(row)]);
            assert_eq!(earlier, None, "a key of {} is there twice", table.name());
        }
    }
    rows
}

/// The first job: commits the changelog, each commit under its own number.
async fn write_changelog(source: &Table, seed: u64, commits: i64) {
    let mut write = source.stream_write("changelog").await.unwrap();
    for commit in write.last_committed().unwrap_or(0) + 1..=commits {
        let changes = changelog(seed, commit);
        let column = |of: fn(&Row) -> i64| numbers(changes.iter().map(of));
        let columns = [("id", column(|row| row.0)), ("g", column(|row| row.1)), ("v", column(|row| row.2))];
        let kinds = Int8Array::from_iter_values(changes.iter().map(|row| row.3.to_byte()));
        write.write(RecordBatch::try_from_iter(columns).unwrap(), Some(kinds)).await.unwrap();
        write.commit(commit).await.unwrap();
    }
    write.close().await.unwrap();
}

/// A job that follows a table: where it is goes into its commits.
struct Follower {
    write: StreamWrite,
    identifier: i64,
    pending: usize,
}

impl Follower {
    async fn follow(from: &Table, to: &Table, last: Option<i64>, changed: fn(&RecordBatch, &Int8Array) -> Change) {
        let write = to.stream_write("follower").await.unwrap();
        let mut tail = match write.last_properties().get(POSITION) {
            Some(position) => from.tail().from_position(StreamPosition::from_json(position).unwrap()),
            None => from.tail().from_earliest(),
        };
        if let Some(last) = last {
            tail = tail.to(last);
        }
        let mut tail = tail.execute().await.unwrap();
        let identifier = write.last_committed().unwrap_or(0);
        let mut follower = Self { write, identifier, pending: 0 };
        while let Some(event) = tail.next().await.unwrap() {
            let is_end = match event {
                TailEvent::Changes(changes) => {
                    let (rows, kinds) = changed(&changes.rows, &changes.kinds);
                    follower.pending += rows.num_rows();
                    follower.write.write(rows, Some(kinds)).await.unwrap();
                    false
                }
                TailEvent::SnapshotEnd(_) => true,
                TailEvent::Expired(..) => panic!("nothing expires here"),
            };
            if follower.pending > ROWS_PER_COMMIT || is_end && follower.pending > 0 {
                follower.commit(tail.position().unwrap()).await;
            }
        }
        follower.write.close().await.unwrap();
    }

    async fn commit(&mut self, position: &StreamPosition) {
        self.identifier += 1;
        self.pending = 0;
        let properties = BTreeMap::from([(POSITION.to_owned(), position.to_json())]);
        let extras = CommitExtras { properties, ..CommitExtras::default() };
        self.write.commit_with(self.identifier, extras).await.unwrap();
    }
}

type Change = (RecordBatch, Int8Array);

/// What a change of the source adds to its group, or takes back.
fn counted(rows: &RecordBatch, kinds: &Int8Array) -> Change {
    let column = |name: &str| Arc::clone(rows.column_by_name(name).unwrap());
    let columns = [("g", column("g")), ("total", column("v")), ("n", numbers(vec![1; rows.num_rows()]))];
    (RecordBatch::try_from_iter(columns).unwrap(), kinds.clone())
}

/// A group without rows is none.
fn copied(rows: &RecordBatch, kinds: &Int8Array) -> Change {
    let counts = rows.column_by_name("n").unwrap().as_primitive::<Int64Type>();
    let kind = |(kind, n): (&i8, &i64)| if *n == 0 { RowKind::Delete.to_byte() } else { *kind };
    (rows.clone(), kinds.values().iter().zip(counts.values()).map(kind).collect::<Vec<i8>>().into())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "one of the three jobs, as a process of its own; the test below runs it"]
async fn job() {
    let given = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is said by the test of the chain"));
    let catalog = FileSystemCatalog::open(&given(WAREHOUSE), BTreeMap::default()).unwrap();
    let end = std::env::var(END).ok().map(|id| id.parse().unwrap());
    let (source, sums) = (catalog.table("db.source").await.unwrap(), catalog.table("db.sums").await.unwrap());
    match given(STAGE).as_str() {
        "source" => {
            write_changelog(&source, given(SEED).parse().unwrap(), given(COMMITS).parse().unwrap()).await;
            if end.is_none() {
                std::future::pending::<()>().await;
            }
        }
        "sums" => Follower::follow(&source, &sums, end, counted).await,
        _ => Follower::follow(&sums, &catalog.table("db.copy").await.unwrap(), end, copied).await,
    }
}

struct Chain {
    warehouse: String,
    seed: u64,
}

impl Chain {
    /// Starts a job over so many commits of the changelog; it runs until it is killed, or ends behind the snapshot `end` of what it reads.
    fn start(&self, stage: &str, commits: i64, end: Option<i64>) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["chained_tables::job", "--exact", "--ignored", "--nocapture"]).stdout(Stdio::null());
        command.env(WAREHOUSE, &self.warehouse).env(STAGE, stage);
        command.env(SEED, self.seed.to_string()).env(COMMITS, commits.to_string());
        if let Some(end) = end {
            command.env(END, end.to_string());
        }
        command.spawn().unwrap()
    }
}

/// A job that is running; it does not outlive the test.
struct Job {
    stage: &'static str,
    target: Table,
    child: Child,
    /// It is killed once its table has so many snapshots; `None`: it was, in this round.
    kill_at: Option<usize>,
}

impl Drop for Job {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Job {
    /// Kills it, and starts it again.
    fn restart(&mut self, chain: &Chain, commits: i64, end: Option<i64>) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = chain.start(self.stage, commits, end);
    }

    async fn snapshots(&self) -> usize {
        self.target.snapshot_ids().await.unwrap().len()
    }

    /// Kills it if it has come far enough in this round; a moment later, wherever it may be then.
    async fn kill_at_its_time(&mut self, chain: &Chain, commits: i64, random: &mut SmallRng) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{} ended by itself: {ended:?}", self.stage);
        let Some(kill_at) = self.kill_at else { return };
        if self.snapshots().await >= kill_at {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
            self.restart(chain, commits, None);
            self.kill_at = None;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_killed_end_with_what_a_batch_gives() {
    let kills = std::env::var("CHAIN_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for seed in seeds(1) {
        let _replay = Replay::new(seed, format!("{kills} kills of each job"));
        kill_and_compare(seed, kills).await;
    }
}

async fn kill_and_compare(seed: u64, kills: i64) {
    let mut random = SmallRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain { warehouse: folder.path().to_string_lossy().into_owned(), seed };
    let catalog = FileSystemCatalog::open(&chain.warehouse, BTreeMap::default()).unwrap();
    create(&catalog).await;
    let mut jobs = Vec::new();
    for stage in ["source", "sums", "copy"] {
        let target = catalog.table(&format!("db.{stage}")).await.unwrap();
        jobs.push(Job { stage, target, child: chain.start(stage, 0, None), kill_at: None });
    }
    for round in 1..=kills {
        let commits = round * COMMITS_PER_ROUND;
        for job in &mut jobs {
            job.kill_at = Some(job.snapshots().await + random.random_range(1..=SNAPSHOTS_BEFORE_KILL));
        }
        jobs[0].restart(&chain, commits, None);
        while jobs.iter().any(|job| job.kill_at.is_some()) {
            for job in &mut jobs {
                job.kill_at_its_time(&chain, commits, &mut random).await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let (commits, mut end) = ((kills + 1) * COMMITS_PER_ROUND, 0);
    for job in &mut jobs {
        job.restart(&chain, commits, Some(end));
        assert!(job.child.wait().unwrap().success(), "{} failed", job.stage);
        end = job.target.latest_snapshot().await.unwrap().unwrap().id;
    }
    let (source, sums) = recomputed(seed, commits);
    assert_eq!(rows(&jobs[0].target).await, source);
    let mut summed = rows(&jobs[1].target).await;
    summed.retain(|_, sum| *sum != [0, 0]);
    assert_eq!(summed, sums);
    assert_eq!(rows(&jobs[2].target).await, sums);
}
