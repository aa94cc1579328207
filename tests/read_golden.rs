//! Reads the tables that Paimon wrote, and compares with what Paimon read of them: every case agrees in all its answers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium::format::{TypeRoot, arrow, json_value};
use alluvium::{
    BatchPlan, DataField, DataType, Datum, Error, ExternalStores, FileSystemCatalog, RowKind, StartupMode, Table,
    TableSchema, TailEvent, TimeTravel,
};
use arrow_array::RecordBatch;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use serde_json::Value;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// All cases.
pub(crate) fn case_names() -> Vec<String> {
    let folders = fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let mut names: Vec<String> = folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    assert!(names.len() > 100, "golden tables are lost: {names:?}");
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Where the files of a case are that were outside of its table when Paimon wrote it.
fn external(case: &Path) -> ExternalStores {
    let folder = case.join("external");
    if !folder.exists() {
        return ExternalStores::default();
    }
    let base = object_store::path::Path::from_absolute_path(folder).unwrap();
    let store = Arc::new(LocalFileSystem::new());
    ExternalStores::default().with("file:///tmp/alluvium-golden/external", store, base).unwrap()
}

/// A case, opened in a warehouse of its own that goes with it.
pub(crate) struct Case {
    name: String,
    catalog: FileSystemCatalog,
    read_options: BTreeMap<String, String>,
    /// Columns whose lists have no order: Java keeps them in hash sets.
    unordered: Vec<String>,
    _warehouse: tempfile::TempDir,
}

impl Case {
    pub(crate) fn open(name: &str) -> Self {
        let warehouse = tempfile::tempdir().unwrap();
        let folder = golden().join(name);
        copy(&folder.join("table"), &warehouse.path().join("golden.db").join(name));
        let about: Value = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
        let options = about["read_options"].as_object().into_iter().flatten();
        let read_options = options.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect();
        let unordered = about["unordered"].as_array().into_iter().flatten();
        let unordered = unordered.map(|name| name.as_str().unwrap().to_owned()).collect();
        let catalog = FileSystemCatalog::open(warehouse.path().to_str().unwrap(), BTreeMap::new()).unwrap();
        let catalog = catalog.with_external_stores(external(&folder));
        Self { name: name.to_owned(), catalog, read_options, unordered, _warehouse: warehouse }
    }

    pub(crate) async fn table(&self, suffix: &str) -> Table {
        let table = self.catalog.table(&format!("golden.{}{suffix}", self.name)).await.unwrap();
        table.with_options(&self.read_options).unwrap()
    }

    /// The files with answers: each one's name without its ending.
    fn answers(&self) -> Vec<String> {
        let files = fs::read_dir(golden().join(&self.name)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> =
            files.filter_map(|name| name.to_str().unwrap().strip_suffix(".ndjson").map(str::to_owned)).collect();
        names.sort_unstable();
        names
    }

    fn answer(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(golden().join(&self.name).join(format!("{name}.ndjson"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Whether our answer is Paimon's.
    async fn check(&self, answer: &str) -> Result<(), Error> {
        let wanted = self.answer(answer);
        if answer == "changelog" {
            return self.check_changelog(&wanted).await;
        }
        let (suffix, travel) = match answer.split_once('-') {
            Some(("at", id)) => (String::new(), TimeTravel::Snapshot(id.parse().unwrap())),
            Some(("tag", tag)) => (String::new(), TimeTravel::Tag(tag.to_owned())),
            Some(("branch", branch)) => (format!("$branch_{branch}"), TimeTravel::Latest),
            _ => (String::new(), TimeTravel::Latest),
        };
        let table = self.table(&suffix).await;
        let (plan, rows) = read(&table, travel).await?;
        let fields = &plan.table_schema.fields;
        let text = |row: Row| format!("{:?}", self.without_order(row, fields));
        let mut got: Vec<String> = rows.into_iter().map(text).collect();
        let mut wanted: Vec<String> = wanted.iter().map(|row| text(parsed(row, fields))).collect();
        got.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(got, wanted, "{} {answer}", self.name);
        Ok(())
    }

    fn without_order(&self, mut row: Row, fields: &[DataField]) -> Row {
        for (value, _) in row.iter_mut().zip(fields).filter(|(_, field)| self.unordered.contains(&field.name)) {
            if let Some(Datum::Array(items)) = value {
                items.sort_by_key(|item| format!("{item:?}"));
            }
        }
        row
    }

    async fn check_changelog(&self, wanted: &[Value]) -> Result<(), Error> {
        let table = self.table("").await;
        let latest = table.latest_snapshot().await?.unwrap().id;
        let mut tail = table.tail().from(StartupMode::Earliest).to(latest).execute().await?;
        let schema = table.schema().clone();
        let (mut got, mut in_snapshot) = (Vec::new(), Vec::new());
        while let Some(event) = tail.next().await? {
            match event {
                TailEvent::Changes(batch) => {
                    let rows = rows_of(&batch.rows, &schema.fields);
                    let kinds = batch.kinds.values().iter().map(|kind| RowKind::from_byte(*kind).unwrap());
                    in_snapshot.extend(kinds.map(|kind| kind.short_string()).zip(rows));
                }
                TailEvent::SnapshotEnd(id) => {
                    got.extend(in_snapshot.drain(..).map(|(kind, row)| (id, kind.to_owned(), row)));
                }
                TailEvent::Expired(..) => panic!("nothing has expired"),
            }
        }
        let wanted = wanted.iter().map(|line| {
            let kind = line["rowkind"].as_str().unwrap().to_owned();
            (line["snapshot"].as_i64().unwrap(), kind, parsed(line, &schema.fields))
        });
        let (mut got, mut wanted) = (by_key(got, &schema), by_key(wanted.collect(), &schema));
        if self.name.starts_with("cross-partition") {
            // A key moves between buckets, and buckets have no order among each other.
            got.values_mut().chain(wanted.values_mut()).for_each(|changes| changes.sort());
        }
        assert_eq!(got, wanted, "{} changelog", self.name);
        Ok(())
    }
}

pub(crate) type Row = Vec<Option<Datum>>;

async fn read(table: &Table, travel: TimeTravel) -> Result<(BatchPlan, Vec<Row>), Error> {
    let read = table.read().at(travel);
    let plan = read.plan().await?;
    let batches: Vec<RecordBatch> = read.execute().await?.try_collect().await?;
    let rows = batches.iter().flat_map(|batch| rows_of(batch, &plan.table_schema.fields)).collect();
    Ok((plan, rows))
}

pub(crate) fn rows_of(batch: &RecordBatch, fields: &[DataField]) -> Vec<Row> {
    let value = |row: usize, at: usize| {
        let data_type = &fields[at].data_type;
        arrow::datum_at(batch.column(at), data_type, row).unwrap().map(normal)
    };
    (0..batch.num_rows()).map(|row| (0..fields.len()).map(|at| value(row, at)).collect()).collect()
}

fn parsed(row: &Value, fields: &[DataField]) -> Row {
    let value = |field: &DataField| {
        let root = match &field.data_type.root {
            // A product may be larger than its type says, in Java too.
            TypeRoot::Decimal { scale, .. } => TypeRoot::Decimal { precision: 38, scale: *scale },
            root => root.clone(),
        };
        json_value::from_json(&row[&field.name], &DataType { nullable: true, root }).unwrap().map(normal)
    };
    fields.iter().map(value).collect()
}

/// Maps have no order.
fn normal(value: Datum) -> Datum {
    match value {
        Datum::Array(items) => Datum::Array(items.into_iter().map(|item| item.map(normal)).collect()),
        Datum::Row(items) => Datum::Row(items.into_iter().map(|item| item.map(normal)).collect()),
        Datum::Map(pairs) => {
            let mut pairs: Vec<_> =
                pairs.into_iter().map(|(key, value)| (key.map(normal), value.map(normal))).collect();
            pairs.sort_by_key(|pair| format!("{pair:?}"));
            Datum::Map(pairs)
        }
        other => other,
    }
}

/// The changes of every key in order, with the snapshot of each; without a key, all in order.
fn by_key(changes: Vec<(i64, String, Row)>, schema: &TableSchema) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (snapshot, kind, row) in changes {
        let key: Vec<&Option<Datum>> =
            schema.primary_keys.iter().map(|name| &row[schema.index_of(name).unwrap()]).collect();
        out.entry(format!("{key:?}")).or_default().push(format!("{snapshot} {kind} {row:?}"));
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn what_paimon_wrote_reads_as_paimon_reads_it() {
    let mut found = Vec::new();
    for name in case_names() {
        let case = Case::open(&name);
        for answer in case.answers() {
            if let Err(error) = case.check(&answer).await {
                found.push(format!("{name} {answer}: {error}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_paimon_deleted_are_compacted_away() {
    let case = Case::open("dv-append");
    let table = case.table("").await;
    let report = table.compact().execute().await.unwrap();
    assert_eq!((report.snapshot, report.files_before, report.files_after), (Some(5), 1, 1));
    for answer in case.answers() {
        case.check(&answer).await.unwrap();
    }
    let latest = table.latest_snapshot().await.unwrap().unwrap();
    assert_eq!(table.index_files(&latest).await.unwrap(), []);
    assert_eq!(table.compact().full().execute().await.unwrap().files_before, 2);
    case.check("expected").await.unwrap();
}
