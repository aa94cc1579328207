//! Tables whose columns change in the midst of writes and compactions: every way of reading gives what a model says.
//!
//! The model knows the values of a row by field id, so that it says what a column holds whatever it was called, wherever it stood and whatever
//! type it had. A writer that stays open over changes writes under the schema that it was opened with.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use alluvium::format::{CompareOp, Datum, TypeRoot};
use alluvium::{
    ColumnPath, DataField, DataType, FileSystemCatalog, Nullability, Place, Predicate, SchemaChange, SchemaDefinition,
    StreamWrite, Table, TableSchema,
};
use alluvium_sim::{Replay, seeds};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch};
use futures::TryStreamExt;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The keys of writers that are opened for a write, and those of the one that stays open: which of two rows is newer only one writer knows.
const KEYS: Range<i32> = 0..12;
const OLD_KEYS: Range<i32> = 12..16;
const SEEDS: u64 = 24;
const STEPS: usize = 14;

/// The values of a row by field id; those that are null are left out.
type Row = BTreeMap<i32, i64>;

struct World {
    table: Table,
    /// Opened once, at the first schema.
    old: StreamWrite,
    old_schema: Arc<TableSchema>,
    old_commits: i64,
    model: BTreeMap<i32, Row>,
}

impl World {
    async fn new(options: &[(&str, &str)]) -> Self {
        let catalog = FileSystemCatalog::open("memory:", BTreeMap::new()).unwrap();
        catalog.create_database("db").await.unwrap();
        let schema = r#"{"fields":[{"name":"k","type":"INT NOT NULL"},{"name":"a","type":"INT"},{"name":"b","type":"BIGINT"}],
            "primaryKeys":["k"],"options":{"bucket":"2"}}"#;
        let mut definition = SchemaDefinition::from_json(schema.as_bytes()).unwrap();
        definition.options.extend(options.iter().map(|(key, value)| (key.to_string(), value.to_string())));
        let table = catalog.create_table("db.t", definition).await.unwrap();
        // One writer at a time compacts: it would not know of the others' files.
        let write_only = BTreeMap::from([("write-only".to_owned(), "true".to_owned())]);
        let old = table.with_options(&write_only).unwrap().stream_write("old").await.unwrap();
        let old_schema = Arc::clone(table.schema());
        Self { table, old, old_schema, old_commits: 0, model: BTreeMap::new() }
    }

    async fn write(&mut self, random: &mut StdRng, number: usize) {
        let rows = rows(random, self.table.schema(), KEYS);
        let mut write = self.table.stream_write(&format!("user-{number}")).await.unwrap();
        write.write(batch(self.table.schema(), &rows), None).await.unwrap();
        write.commit(1).await.unwrap();
        self.model.extend(with_defaults(rows, self.table.schema()));
    }

    /// Through the writer that was opened at the first schema: it knows no other column.
    async fn write_old(&mut self, random: &mut StdRng) {
        let rows = rows(random, &self.old_schema, OLD_KEYS);
        self.old.write(batch(&self.old_schema, &rows), None).await.unwrap();
        self.old_commits += 1;
        self.old.commit(self.old_commits).await.unwrap();
        self.table.compact().full().execute().await.unwrap();
        self.model.extend(rows);
    }

    async fn alter(&mut self, random: &mut StdRng, number: usize) {
        // What is refused changes nothing.
        if let Ok(table) = self.table.alter(&[change(random, self.table.schema(), number)]).await {
            self.table = table;
        }
    }

    async fn check(&self, random: &mut StdRng) {
        let schema = self.table.schema();
        let live = |row: &Row| -> Row {
            row.iter()
                .filter(|(id, _)| schema.fields.iter().any(|field| field.id == **id))
                .map(|(id, value)| (*id, *value))
                .collect()
        };
        let wanted: BTreeMap<i32, Row> = self.model.iter().map(|(key, row)| (*key, live(row))).collect();
        assert_eq!(
            read(schema, self.table.read().execute().await.unwrap().try_collect().await.unwrap()),
            wanted,
            "a scan"
        );

        let keys: Vec<i32> = (0..OLD_KEYS.end + 2).collect();
        let asked: ArrayRef = Arc::new(Int32Array::from(keys));
        let asked = RecordBatch::try_from_iter([(schema.fields[key_at(schema)].name.as_str(), asked)]).unwrap();
        let found = self.table.get(asked).execute().await.unwrap();
        assert_eq!(read(schema, vec![found.rows]), wanted, "rows by key");

        let field = &schema.fields[random.random_range(0..schema.fields.len())];
        let bound = random.random_range(0..100_i64);
        let literal =
            if field.data_type.root == TypeRoot::Int { Datum::Int(bound as i32) } else { Datum::BigInt(bound) };
        let predicate = Predicate::Compare { column: field.name.clone(), op: CompareOp::Lt, literal };
        let passing = wanted.into_iter().filter(|(key, row)| {
            let value = if field.name == schema.fields[key_at(schema)].name {
                Some(i64::from(*key))
            } else {
                row.get(&field.id).copied()
            };
            value.is_some_and(|value| value < bound)
        });
        let filtered = self.table.read().filter(predicate).execute().await.unwrap().try_collect().await.unwrap();
        assert_eq!(read(schema, filtered), passing.collect(), "a condition on {}", field.name);
    }
}

fn key_at(schema: &TableSchema) -> usize {
    schema.index_of(&schema.primary_keys[0]).unwrap()
}

fn rows(random: &mut StdRng, schema: &TableSchema, keys: Range<i32>) -> BTreeMap<i32, Row> {
    let values = |random: &mut StdRng| -> Row {
        let ids = schema.fields.iter().filter(|field| !schema.primary_keys.contains(&field.name)).map(|field| field.id);
        ids.filter(|_| random.random_bool(0.8))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|id| (id, random.random_range(0..100)))
            .collect()
    };
    (0..random.random_range(1..8)).map(|_| (random.random_range(keys.clone()), values(random))).collect()
}

fn with_defaults(rows: BTreeMap<i32, Row>, schema: &TableSchema) -> BTreeMap<i32, Row> {
    let mut rows = rows;
    for field in schema.fields.iter().filter(|field| field.default_value.is_some()) {
        for row in rows.values_mut() {
            row.entry(field.id).or_insert(7);
        }
    }
    rows
}

fn batch(schema: &TableSchema, rows: &BTreeMap<i32, Row>) -> RecordBatch {
    let column = |field: &DataField| -> ArrayRef {
        if schema.primary_keys.contains(&field.name) {
            return Arc::new(Int32Array::from_iter_values(rows.keys().copied()));
        }
        let values = rows.values().map(|row| row.get(&field.id).copied());
        match field.data_type.root {
            TypeRoot::Int => Arc::new(values.map(|value| value.map(|value| value as i32)).collect::<Int32Array>()),
            _ => Arc::new(values.collect::<Int64Array>()),
        }
    };
    let columns = schema.fields.iter().map(|field| (field.name.as_str(), column(field), field.data_type.nullable));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn read(schema: &TableSchema, batches: Vec<RecordBatch>) -> BTreeMap<i32, Row> {
    let mut out = BTreeMap::new();
    for batch in batches {
        let keys = batch.column(key_at(schema)).as_primitive::<Int32Type>().clone();
        for row in 0..batch.num_rows() {
            let others = schema
                .fields
                .iter()
                .zip(batch.columns())
                .filter(|(field, column)| !schema.primary_keys.contains(&field.name) && column.is_valid(row));
            let value = |column: &ArrayRef| match column.as_primitive_opt::<Int64Type>() {
                Some(column) => column.value(row),
                None => i64::from(column.as_primitive::<Int32Type>().value(row)),
            };
            let values = others.map(|(field, column)| (field.id, value(column))).collect();
            assert_eq!(out.insert(keys.value(row), values), None, "a key is there twice");
        }
    }
    out
}

fn change(random: &mut StdRng, schema: &TableSchema, number: usize) -> SchemaChange {
    let field = &schema.fields[random.random_range(0..schema.fields.len())];
    let other = schema.fields[random.random_range(0..schema.fields.len())].name.clone();
    let path = ColumnPath::of_column(field.name.clone());
    let root = if random.random() { TypeRoot::Int } else { TypeRoot::BigInt };
    match random.random_range(0..8) {
        0 | 1 => SchemaChange::AddColumn {
            path: ColumnPath::of_column(format!("c{number}")),
            data_type: DataType::nullable(root),
            description: None,
            place: random.random::<bool>().then_some(Place::After(other)),
        },
        2 => SchemaChange::RenameColumn { path, name: format!("n{number}") },
        // A name that was another column's before is another column all the same.
        3 => SchemaChange::RenameColumn { path, name: ["a", "b", "k"][random.random_range(0..3)].to_owned() },
        4 => SchemaChange::DropColumn(path),
        5 => SchemaChange::Retype {
            path,
            data_type: DataType::nullable(TypeRoot::BigInt),
            nullability: Nullability::Kept,
        },
        6 => SchemaChange::MoveColumn { name: field.name.clone(), place: Place::Before(other) },
        _ if schema.primary_keys.contains(&field.name) => SchemaChange::SetComment(Some("keyed".to_owned())),
        _ => SchemaChange::SetDefault { path, value: Some("7".to_owned()) },
    }
}

const TABLES: [&[(&str, &str)]; 5] = [
    &[],
    &[("changelog-producer", "lookup")],
    &[("deletion-vectors.enabled", "true")],
    &[("changelog-producer", "full-compaction"), ("num-sorted-run.compaction-trigger", "2")],
    &[("metadata.stats-dense-store", "true"), ("metadata.stats-keep-first-n-columns", "2")],
];

#[test]
fn every_read_sees_columns_as_they_are_now() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for seed in seeds(SEEDS) {
        let options = TABLES[usize::try_from(seed).unwrap() % TABLES.len()];
        let _replay = Replay::new(seed, format!("{options:?}"));
        runtime.block_on(sequence(seed, options));
    }
}

async fn sequence(seed: u64, options: &[(&str, &str)]) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::new(options).await;
    for number in 0..STEPS {
        match random.random_range(0..8) {
            0..3 => world.write(&mut random, number).await,
            3 => world.write_old(&mut random).await,
            4 => drop(world.table.compact().full().execute().await.unwrap()),
            _ => world.alter(&mut random, number).await,
        }
        world.check(&mut random).await;
    }
}

#[test]
fn one_of_two_alters_at_a_time_comes_second_and_both_are_there() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new(&[]).await;
        let add = |name: String| {
            let table = world.table.clone();
            async move {
                let path = ColumnPath::of_column(name);
                let (data_type, description, place) = (DataType::nullable(TypeRoot::Int), None, None);
                table.alter(&[SchemaChange::AddColumn { path, data_type, description, place }]).await.unwrap()
            }
        };
        futures::future::join_all((0..8).map(|number| add(format!("c{number}")))).await;
        let latest = world.table.schema_of(8).await.unwrap();
        let mut ids: Vec<i32> = latest.fields.iter().map(|field| field.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..11).collect::<Vec<_>>());
        assert_eq!(latest.highest_field_id, 10);
    });
}
