//! The world of the fault tests: one table in memory, seen through a store that fails and through one that does not, and work on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alluvium::format::ColumnDefinition;
use alluvium::{
    CommitExtras, DataType, Error, FileSystemCatalog, OverwriteScope, Publish, Result, SchemaDefinition, StreamWrite,
    Table, WriteOptions,
};
use alluvium_sim::{Change, FaultyStore, SimClock, SimNamer, Step, Workload};
use alluvium_store::{TableIo, TableStore};
use arrow_array::{ArrayRef, Int8Array, Int32Array, Int64Array, RecordBatch, StringArray};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

const TABLE: &str = "db.t";
/// 2026-01-01.
const START_MILLIS: i64 = 1_767_225_600_000;

/// Through which store the table is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Faulty,
    Healthy,
}

/// What a test asks of the table.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) options: Vec<(&'static str, &'static str)>,
    pub(crate) publish: Publish,
    pub(crate) write: WriteOptions,
}

/// A table with the columns `pt`, `id` (together its key), `ord` and `value`, partitioned by `pt`.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) inner: Arc<InMemory>,
    pub(crate) faulty: FaultyStore,
    pub(crate) setting: Setting,
    clock: SimClock,
    seed: u64,
    processes: AtomicU64,
}

/// How a piece of work ended.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Identifiers whose commit was answered with success.
    pub(crate) acknowledged: BTreeSet<i64>,
    pub(crate) error: Option<Error>,
}

impl World {
    pub(crate) async fn create(seed: u64, setting: &Setting) -> Self {
        let inner = Arc::new(InMemory::new());
        let faulty = FaultyStore::new(inner.clone());
        let clock = SimClock::at(START_MILLIS).ticking(1);
        let world = Self { inner, faulty, setting: setting.clone(), clock, seed, processes: AtomicU64::new(0) };
        let catalog = FileSystemCatalog::of_io(world.io(View::Healthy));
        catalog.create_database("db").await.unwrap();
        catalog.create_table(TABLE, definition(setting)).await.unwrap();
        world
    }

    /// Files as a new process sees them: it has names of its own.
    fn io(&self, view: View) -> TableIo {
        let store: Arc<dyn ObjectStore> = match view {
            View::Faulty => Arc::new(self.faulty.clone()),
            View::Healthy => self.inner.clone(),
        };
        let process = self.processes.fetch_add(1, Ordering::SeqCst);
        let namer = SimNamer::new(self.seed.wrapping_mul(1_000_003).wrapping_add(process));
        let io = TableIo::new(store, Path::from("wh"), self.setting.publish);
        io.with_clock_and_namer(Arc::new(self.clock.clone()), Arc::new(namer))
    }

    pub(crate) async fn table(&self, view: View) -> Result<Table> {
        FileSystemCatalog::of_io(self.io(view)).table(TABLE).await
    }

    /// The table's stores.
    pub(crate) async fn table_store(&self, view: View) -> Result<TableStore> {
        alluvium_store::FileSystemCatalog::of(self.io(view)).table(&TABLE.parse().unwrap()).await
    }

    /// A new process that does the work as `user`, from behind the user's last commit to the end or to the first error.
    pub(crate) async fn run(&self, view: View, user: &str, work: &Workload) -> Outcome {
        let mut acknowledged = BTreeSet::new();
        let error = self.try_run(view, user, work, &mut acknowledged).await.err();
        Outcome { acknowledged, error }
    }

    async fn try_run(&self, view: View, user: &str, work: &Workload, acknowledged: &mut BTreeSet<i64>) -> Result<()> {
        let table = self.table(view).await?;
        let open = async || table.stream_write_with(user, self.setting.write.clone()).await;
        let mut write = open().await?;
        let done = write.last_committed().unwrap_or(0);
        let mut identifier = 1;
        for step in &work.steps {
            if identifier <= done {
                identifier = step.identifier().map_or(identifier, |at| at + 1);
                continue;
            }
            match step {
                Step::Write(changes) => write_changes(&mut write, changes).await?,
                Step::Commit(at) => drop(write.commit(*at).await?),
                Step::Overwrite(at) => {
                    drop(write.overwrite(OverwriteScope::Written, *at, CommitExtras::default()).await?);
                }
                Step::Compact => {
                    table.compact().execute().await?;
                }
                Step::CompactFully => {
                    table.compact().full().execute().await?;
                }
                Step::Reopen => {
                    write.close().await?;
                    write = open().await?;
                }
            }
            acknowledged.extend(step.identifier());
        }
        write.close().await.map(drop)
    }
}

pub(crate) fn columns() -> Vec<ColumnDefinition> {
    let column = |(name, data_type)| ColumnDefinition::new(name, DataType::parse(data_type).unwrap());
    let columns = [("pt", "INT NOT NULL"), ("id", "BIGINT NOT NULL"), ("ord", "BIGINT"), ("value", "STRING")];
    columns.map(column).to_vec()
}

fn definition(setting: &Setting) -> SchemaDefinition {
    let options = setting.options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    SchemaDefinition {
        columns: columns(),
        partition_keys: vec!["pt".to_owned()],
        primary_keys: vec!["pt".to_owned(), "id".to_owned()],
        options: options.collect(),
        comment: None,
    }
}

pub(crate) async fn write_changes(write: &mut StreamWrite, changes: &[Change]) -> Result<()> {
    let partitions: Int32Array = changes.iter().map(|change| change.key.0).collect();
    let ids: Int64Array = changes.iter().map(|change| change.key.1).collect();
    let orders: Int64Array = changes.iter().map(|change| change.order).collect();
    let values: StringArray = changes.iter().map(|change| change.value.as_deref()).collect();
    let kinds: Int8Array = changes.iter().map(|change| change.kind.to_byte()).collect();
    let columns: BTreeMap<&str, ArrayRef> = BTreeMap::from([
        ("pt", Arc::new(partitions) as ArrayRef),
        ("id", Arc::new(ids) as ArrayRef),
        ("ord", Arc::new(orders) as ArrayRef),
        ("value", Arc::new(values) as ArrayRef),
    ]);
    let nullable = |name: &str| matches!(name, "ord" | "value");
    let columns = columns.into_iter().map(|(name, array)| (name, array, nullable(name)));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    write.write(batch, Some(kinds)).await
}
