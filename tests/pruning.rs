//! Scans of tables with indexes of every kind, statistics of every mode and columns that change: a condition leaves of a scan what it leaves
//! of the whole, and what indexes rule out is not read.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use alluvium::format::{CompareOp, Datum, TypeRoot, arrow};
use alluvium::{
    ColumnPath, DataField, DataType, FileSystemCatalog, Nullability, Place, Predicate, Publish, SchemaChange,
    SchemaDefinition, Table,
};
use alluvium_reader::filter_batch;
use alluvium_sim::{Faults, FaultyStore, OperationKind, Replay, seeds};
use arrow_array::{Int8Array, RecordBatch};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::read_golden::rows_of;

const SEEDS: u64 = 16;
const STEPS: usize = 10;
const CONDITIONS: usize = 8;

const FIELDS: &str = r#"[{"name":"k","type":"INT NOT NULL"},{"name":"i","type":"INT"},{"name":"l","type":"BIGINT"},
    {"name":"t","type":"STRING"},{"name":"d","type":"DOUBLE"},{"name":"m","type":"TIMESTAMP(6)"},{"name":"w","type":"TIMESTAMP(9)"},
    {"name":"n","type":"DECIMAL(9, 2)"},{"name":"b","type":"BOOLEAN"},{"name":"y","type":"DATE"}]"#;

/// Options of the tables besides those of indexes and statistics.
const TABLES: [&[(&str, &str)]; 5] = [
    &[("bucket", "1")],
    &[("bucket", "2"), ("deletion-vectors.enabled", "true")],
    &[("bucket", "1"), ("merge-engine", "partial-update"), ("ignore-delete", "true")],
    &[("bucket", "1"), ("changelog-producer", "lookup"), ("merge-engine", "first-row"), ("ignore-delete", "true")],
    &[("bucket", "2"), ("num-sorted-run.compaction-trigger", "2")],
];

/// Columns that each type of index can be over.
const INDEXES: [(&str, &[&str]); 4] = [
    ("bloom-filter", &["k", "i", "l", "t", "d", "m", "w", "y"]),
    ("bitmap", &["k", "i", "l", "t", "d", "m", "w", "b", "y"]),
    ("bsi", &["k", "i", "l", "m", "w", "n", "y"]),
    ("range-bitmap", &["k", "i", "l", "t", "d", "m", "n", "b", "y"]),
];

/// What scans had to fetch.
#[derive(Debug, Default)]
struct Fetched {
    by_all: usize,
    without_indexes: usize,
    with_indexes: usize,
}

struct World {
    store: FaultyStore,
    table: Table,
    commits: i64,
}

/// Some columns for each type of index.
fn index_options(random: &mut StdRng) -> Vec<(String, String)> {
    let mut options = Vec::new();
    for (index_type, columns) in INDEXES {
        let count = random.random_range(0..=4);
        let chosen: Vec<&str> = columns.choose_multiple(random, count).copied().collect();
        if !chosen.is_empty() {
            options.push((format!("file-index.{index_type}.columns"), chosen.join(",")));
        }
        if index_type == "bloom-filter" {
            options
                .extend(chosen.iter().map(|column| (format!("file-index.bloom-filter.{column}.items"), "50".into())));
        }
    }
    options
}

fn text_pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl World {
    async fn new(random: &mut StdRng, options: &[(&str, &str)]) -> Self {
        let store = FaultyStore::new(Arc::new(InMemory::new()));
        let catalog = FileSystemCatalog::of_store(Arc::new(store.clone()), Path::default(), Publish::ConditionalPut);
        catalog.create_database("db").await.unwrap();
        let schema = format!(r#"{{"fields":{FIELDS},"primaryKeys":["k"],"options":{{}}}}"#);
        let mut definition = SchemaDefinition::from_json(schema.as_bytes()).unwrap();
        definition.options.extend(text_pairs(options));
        definition.options.extend(index_options(random));
        let threshold = ["0 b", "500 b", "1 mb"].choose(random).unwrap();
        let stats = ["none", "counts", "truncate(2)", "full"].choose(random).unwrap();
        definition
            .options
            .extend(text_pairs(&[("file-index.in-manifest-threshold", threshold), ("metadata.stats-mode", stats)]));
        let table = catalog.create_table("db.t", definition).await.unwrap();
        Self { store, table, commits: 0 }
    }

    async fn write(&mut self, random: &mut StdRng) {
        let fields = self.table.schema().fields.clone();
        let rows = random.random_range(1..20);
        // Files of their own ranges of values, so that some can be ruled out.
        let base = random.random_range(0..4) * 100;
        let columns = fields.iter().map(|field| {
            let values: Vec<_> = (0..rows).map(|_| value(random, field, base)).collect();
            arrow::array_from_datums(&field.data_type, &values).unwrap()
        });
        let columns: Vec<_> = columns.collect();
        let batch = RecordBatch::try_new(arrow::to_arrow_schema(&fields).unwrap(), columns).unwrap();
        let kinds = Int8Array::from_iter_values((0..rows).map(|_| if random.random_bool(0.15) { 3 } else { 0 }));
        self.commits += 1;
        let mut write = self.table.stream_write(&format!("user-{}", self.commits)).await.unwrap();
        write.write(batch, Some(kinds)).await.unwrap();
        write.commit(1).await.unwrap();
    }

    async fn alter(&mut self, random: &mut StdRng) {
        let column = |name: &str| ColumnPath::of_column(name.to_owned());
        let change = match random.random_range(0..4) {
            0 => SchemaChange::AddColumn {
                path: column(&format!("c{}", self.commits)),
                data_type: DataType::nullable(TypeRoot::Int),
                description: None,
                place: Some(Place::First),
            },
            1 => SchemaChange::Retype {
                path: column("i"),
                data_type: DataType::nullable(TypeRoot::BigInt),
                nullability: Nullability::Kept,
            },
            2 => SchemaChange::MoveColumn { name: "t".to_owned(), place: Place::Last },
            _ => {
                // Options of filters would stay behind their columns.
                let of_filters = |(key, _): &(String, String)| key.contains("bloom-filter");
                let Some((key, value)) = index_options(random).pop().filter(|option| !of_filters(option)) else {
                    return;
                };
                SchemaChange::SetOption { key, value }
            }
        };
        // What is refused changes nothing.
        if let Ok(table) = self.table.alter(&[change]).await {
            self.table = table;
        }
    }

    /// The files have the indexes that the options ask for, and only these.
    async fn rewrite_indexes(&self) {
        let report = self.table.rewrite_file_index(&Predicate::True).await.unwrap();
        let again = self.table.rewrite_file_index(&Predicate::True).await.unwrap();
        assert_eq!((again.files, again.rewritten, again.snapshot), (report.files, 0, None));
        let Some(snapshot) = self.table.latest_snapshot().await.unwrap() else { return };
        assert!(report.snapshot.is_none_or(|id| id == snapshot.id));
        let is_indexed = self.table.options().iter().any(|(name, _)| name.ends_with(".columns"));
        for entry in self.table.files(&snapshot).await.unwrap() {
            let indexes = usize::from(entry.file.embedded_index.is_some()) + entry.file.extra_files.len();
            assert_eq!(indexes, usize::from(is_indexed), "{:?}", entry.file);
        }
    }

    /// The rows of a scan, and how many data files it fetched.
    async fn scan(&self, table: &Table, predicate: Predicate) -> (Vec<RecordBatch>, usize) {
        self.store.arm(Faults::None);
        let read = table.read().filter(predicate).execute().await.unwrap();
        let batches = read.try_collect().await.unwrap();
        let fetched = self.store.operations().into_iter().filter(|operation| operation.kind == OperationKind::Get);
        // Each once: of a file of which rows are left out, several ranges are fetched.
        let files: HashSet<String> = fetched.map(|get| get.path).filter(|path| path.ends_with(".parquet")).collect();
        (batches, files.len())
    }

    async fn check(&self, random: &mut StdRng, fetched: &mut Fetched) {
        let fields = self.table.schema().fields.clone();
        let (whole, by_all) = self.scan(&self.table, Predicate::True).await;
        let off = BTreeMap::from([("file-index.read.enabled".to_owned(), "false".to_owned())]);
        let without = self.table.with_options(&off).unwrap();
        for _ in 0..CONDITIONS {
            let predicate = condition(random, &fields, 2);
            let wanted: Vec<RecordBatch> = whole.iter().map(|batch| filter_batch(&predicate, batch).unwrap()).collect();
            let (got, with_indexes) = self.scan(&self.table, predicate.clone()).await;
            assert_eq!(rows(&got, &fields), rows(&wanted, &fields), "{predicate:?}");
            let (got, without_indexes) = self.scan(&without, predicate.clone()).await;
            assert_eq!(rows(&got, &fields), rows(&wanted, &fields), "without indexes, {predicate:?}");
            assert!(with_indexes <= without_indexes && without_indexes <= by_all, "{predicate:?}");
            fetched.by_all += by_all;
            fetched.without_indexes += without_indexes;
            fetched.with_indexes += with_indexes;
        }
    }
}

fn rows(batches: &[RecordBatch], fields: &[DataField]) -> Vec<String> {
    let rows = batches.iter().flat_map(|batch| rows_of(batch, fields));
    let mut rows: Vec<String> = rows.map(|row| format!("{row:?}")).collect();
    rows.sort_unstable();
    rows
}

/// A value of a column, somewhere around `base`.
fn value(random: &mut StdRng, field: &DataField, base: i32) -> Option<Datum> {
    if field.data_type.nullable && random.random_bool(0.15) {
        return None;
    }
    let number = base + random.random_range(0..6);
    Some(match field.data_type.root {
        TypeRoot::Int => Datum::Int(number),
        TypeRoot::BigInt => Datum::BigInt(i64::from(number)),
        TypeRoot::Double => Datum::Double(match number % 8 {
            0 => f64::NAN,
            1 => -0.0,
            2 => 0.0,
            _ => f64::from(number) / 4.0,
        }),
        TypeRoot::Timestamp(6) => Datum::Timestamp { millis: i64::from(number - 50), nanos_of_milli: number * 1000 },
        TypeRoot::Timestamp(_) => Datum::Timestamp { millis: i64::from(number / 3), nanos_of_milli: number },
        TypeRoot::Decimal { .. } => Datum::Decimal(i128::from(number)),
        TypeRoot::Boolean => Datum::Boolean(number % 2 == 0),
        TypeRoot::Date => Datum::Date(number - 100),
        _ => Datum::String(format!("t{number}")),
    })
}

/// A condition of up to `depth` levels.
fn condition(random: &mut StdRng, fields: &[DataField], depth: u32) -> Predicate {
    let parts = |random: &mut StdRng| (0..2).map(|_| condition(random, fields, depth - 1)).collect();
    match if depth == 0 { 9 } else { random.random_range(0..10) } {
        0 | 1 => return Predicate::And(parts(random)),
        2 => return Predicate::Or(parts(random)),
        3 => return Predicate::Not(Box::new(condition(random, fields, depth - 1))),
        _ => {}
    }
    let field = fields.choose(random).unwrap();
    let column = field.name.clone();
    let base = random.random_range(0..5) * 100;
    let literal = |random: &mut StdRng| loop {
        if let Some(literal) = value(random, field, base) {
            return literal;
        }
    };
    use CompareOp as Op;
    match random.random_range(0..10) {
        0 => Predicate::IsNull(column),
        1 => Predicate::IsNotNull(column),
        2 | 3 => {
            let literals = (0..3).map(|_| literal(random)).collect();
            Predicate::In { column, literals, has_null: random.random_bool(0.2) }
        }
        4..8 => Predicate::Compare { column, op: Op::Eq, literal: literal(random) },
        _ => {
            let op = *[Op::NotEq, Op::Lt, Op::LtEq, Op::Gt, Op::GtEq].choose(random).unwrap();
            Predicate::Compare { column, op, literal: literal(random) }
        }
    }
}

#[test]
fn a_pruned_scan_is_the_whole_scan_filtered_and_reads_less() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut fetched = Fetched::default();
    for seed in seeds(SEEDS) {
        let options = TABLES[usize::try_from(seed).unwrap() % TABLES.len()];
        let _replay = Replay::new(seed, format!("{options:?}"));
        runtime.block_on(sequence(seed, options, &mut fetched));
    }
    let Fetched { by_all, without_indexes, with_indexes } = fetched;
    assert!(seeds(SEEDS).count() < 4 || with_indexes < without_indexes && without_indexes < by_all, "{fetched:?}");
}

async fn sequence(seed: u64, options: &[(&str, &str)], fetched: &mut Fetched) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(&mut random, options).await;
    for _ in 0..STEPS {
        match random.random_range(0..8) {
            0..4 => world.write(&mut random).await,
            4 => world.rewrite_indexes().await,
            7 => drop(world.table.compact().execute().await.unwrap()),
            5 => drop(world.table.compact().full().execute().await.unwrap()),
            _ => world.alter(&mut random).await,
        }
        world.check(&mut random, fetched).await;
    }
}
