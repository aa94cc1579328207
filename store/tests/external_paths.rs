//! Files outside of the table's folder: written, read and deleted where the catalog allows it, and nowhere else.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path as LocalPath;
use std::sync::Arc;

use alluvium_format::deletion_vector::{DeletionVector, DeletionVectorKind};
use alluvium_format::{
    BinaryRow, DataFileMeta, Error, ErrorKind, FileSource, IndexFileMeta, Predicate, SchemaDefinition,
};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{
    DataFileRead, DataFileReader, DataFileSpec, DeletionVectors, ExternalStores, FileContent, FileSystemCatalog,
    PartitionBucket, Publish, RollingFileWriter, SystemColumns, TableStore, deletion_vectors, index_files,
};
use arrow_array::{Int8Array, Int32Array, Int64Array, RecordBatch};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::memory_table::KEYED;

const STRATEGY: (&str, &str) = ("data-file.external-paths.strategy", "round-robin");

fn bucket() -> PartitionBucket {
    PartitionBucket { partition: BinaryRow::empty(), bucket: 0 }
}

pub(crate) async fn create(catalog: &FileSystemCatalog, options: &[(&str, &str)]) -> TableStore {
    let mut definition = SchemaDefinition::from_json(KEYED.as_bytes()).unwrap();
    definition.options.extend(options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    catalog.create_database("d").await.unwrap();
    catalog.create_table(&"d.t".parse().unwrap(), definition).await.unwrap()
}

pub(crate) fn batch(table: &TableStore, keys: Range<i32>) -> KeyValueBatch {
    let schema = alluvium_format::arrow::to_arrow_schema(&table.schema().fields).unwrap();
    let numbers = Int64Array::from_iter_values(keys.clone().map(i64::from));
    let kinds = Int8Array::from(vec![0; numbers.len()]);
    let keys = Arc::new(Int32Array::from_iter_values(keys));
    let rows = RecordBatch::try_new(schema, vec![keys, Arc::new(numbers.clone())]).unwrap();
    KeyValueBatch::try_new(numbers, kinds, rows).unwrap()
}

fn writer(table: &TableStore) -> RollingFileWriter {
    let content = FileContent::Data(FileSource::Append);
    RollingFileWriter::new(table, DataFileSpec { bucket: bucket(), level: 0, content }).unwrap()
}

/// Four batches.
async fn write(table: &TableStore) -> Result<Vec<DataFileMeta>, Error> {
    let mut writer = writer(table);
    for start in 0..4 {
        writer.write(&batch(table, start * 10..start * 10 + 10)).await?;
    }
    writer.finish().await
}

async fn rows(table: &TableStore, file: &DataFileMeta) -> Result<usize, Error> {
    let fields = table.schema().fields.clone().into();
    let (system, predicate) = (SystemColumns::None, Predicate::True);
    let read = DataFileRead { fields, system, predicate, deletions: Arc::default() };
    let mut reader = DataFileReader::open(table, &bucket(), file, &read).await?;
    let mut rows = 0;
    while let Some(batch) = reader.next().await? {
        rows += batch.values.num_rows();
    }
    Ok(rows)
}

fn local(warehouse: &LocalPath, allowed: &str) -> FileSystemCatalog {
    let options = BTreeMap::from([("allowed-external-paths".to_owned(), allowed.to_owned())]);
    FileSystemCatalog::open(warehouse.to_str().unwrap(), &options).unwrap()
}

fn names(folder: &LocalPath) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("allowed-external-paths="), "{error}");
}

#[tokio::test]
async fn files_go_to_other_stores_in_turn_and_are_read_and_deleted_there() {
    let (own, a, b) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()), Arc::new(InMemory::new()));
    let external = ExternalStores::default().with("mem://a/x", a.clone(), Path::from("deep/x")).unwrap();
    let external = external.with("mem://b", b.clone(), Path::default()).unwrap();
    let catalog = FileSystemCatalog::new(own.clone(), Path::from("w"), Publish::ConditionalPut);
    let catalog = catalog.with_external_stores(external);
    let options = [("data-file.external-paths", "mem://a/x/y,mem://b"), STRATEGY, ("target-file-size", "1 b")];
    let table = create(&catalog, &options).await;
    table.check_write_supported().unwrap();
    let files = write(&table).await.unwrap();
    assert_eq!(files.len(), 4);
    for file in &files {
        let name = &file.file_name;
        let (path, store, at) = match file.external_path.as_deref() {
            Some(path) if path.starts_with("mem://a") => (format!("mem://a/x/y/bucket-0/{name}"), &a, "deep/x/y/"),
            _ => (format!("mem://b/bucket-0/{name}"), &b, ""),
        };
        assert_eq!(file.external_path.as_ref(), Some(&path));
        store.head(&Path::from(format!("{at}bucket-0/{name}"))).await.unwrap();
        assert_eq!(rows(&table, file).await.unwrap(), 10);
        let beside = table.data_file(&BinaryRow::empty(), 0, file).unwrap().beside("x.index").unwrap();
        beside.put("x").await.unwrap();
        assert_eq!(store.get(&Path::from(format!("{at}bucket-0/x.index"))).await.unwrap().bytes().await.unwrap(), "x");
        beside.delete().await.unwrap();
    }
    assert_eq!((count(a.as_ref()).await, count(b.as_ref()).await), (2, 2), "in turn");

    let mut abandoned = writer(&table);
    abandoned.write(&batch(&table, 0..10)).await.unwrap();
    abandoned.write(&batch(&table, 20..30)).await.unwrap();
    abandoned.abort().await;
    assert_eq!((count(a.as_ref()).await, count(b.as_ref()).await), (2, 2), "nothing is left of a writer that gave up");
}

async fn count(store: &dyn ObjectStore) -> usize {
    futures::StreamExt::count(store.list(None)).await
}

#[tokio::test]
async fn index_files_go_with_the_data_or_to_a_folder_of_their_own() {
    let vector = |row| {
        let mut vector = DeletionVector::new(DeletionVectorKind::Bitmap32);
        vector.delete(row).unwrap();
        DeletionVectors::from([("data-a-0.parquet".to_owned(), Arc::new(vector))])
    };
    let beside = [("data-file.external-paths", "mem://a"), STRATEGY, ("index-file-in-data-file-dir", "true")];
    let apart = [("data-file.external-paths", "mem://a"), STRATEGY];
    let of_their_own = [("global-index.external-path", "mem://a/i")];
    for (options, folder) in
        [(&beside[..], Some("mem://a/bucket-0")), (&apart[..], None), (&of_their_own[..], Some("mem://a/i"))]
    {
        let a = Arc::new(InMemory::new());
        let catalog = FileSystemCatalog::new(Arc::new(InMemory::new()), Path::from("w"), Publish::ConditionalPut);
        let external = ExternalStores::default().with("mem://a", a.clone(), Path::default()).unwrap();
        let table = create(&catalog.with_external_stores(external), options).await;
        let index = deletion_vectors::write(&table, &bucket(), &vector(3)).await.unwrap();
        let wanted = folder.map(|folder| format!("{folder}/{}", index.file_name));
        assert_eq!(index.external_path, wanted);
        assert_eq!(count(a.as_ref()).await, usize::from(folder.is_some()));
        let location = table.index_file(&bucket(), &index).unwrap();
        assert_eq!(location.get().await.unwrap().len(), usize::try_from(index.file_size).unwrap());
        index_files::delete_unpublished(&table, &bucket(), &index).await;
        assert!(!location.exists().await.unwrap());
    }
}

#[tokio::test]
async fn nothing_outside_is_touched_that_is_not_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let (outside, other) = (folder.path().join("outside"), folder.path().join("outside-too"));
    let option = format!("file://{}", outside.display());
    let options = [("data-file.external-paths", option.as_str()), STRATEGY];
    let table = create(&local(&folder.path().join("wh"), &option), &options).await;
    let file = write(&table).await.unwrap().remove(0);
    assert_eq!(rows(&table, &file).await.unwrap(), 40);

    for allowed in ["", other.to_str().unwrap(), "memory:///x"] {
        let table = local(&folder.path().join("wh"), allowed).table(&"d.t".parse().unwrap()).await.unwrap();
        refused(&table.check_write_supported().unwrap_err());
        refused(&write(&table).await.unwrap_err());
        refused(&rows(&table, &file).await.unwrap_err());
        let index = IndexFileMeta { external_path: file.external_path.clone(), ..index_file() };
        refused(&table.index_file(&bucket(), &index).unwrap_err());
    }
    assert_eq!(names(&outside.join("bucket-0")).len(), 1);

    for (path, kind) in [("../x", ErrorKind::Invalid), ("b/../../x", ErrorKind::Invalid)] {
        let lie = DataFileMeta { external_path: Some(format!("{option}/{path}")), ..file.clone() };
        assert_eq!(table.data_file(&BinaryRow::empty(), 0, &lie).unwrap_err().kind(), kind, "{path}");
    }
    let location = table.data_file(&BinaryRow::empty(), 0, &file).unwrap();
    for name in ["", ".", "..", "../x", "a/b"] {
        assert_eq!(location.beside(name).unwrap_err().kind(), ErrorKind::Corrupt, "{name}");
    }
}

fn index_file() -> IndexFileMeta {
    IndexFileMeta {
        index_type: "DELETION_VECTORS".to_owned(),
        file_name: "index-a-0".to_owned(),
        file_size: 1,
        row_count: 0,
        dv_ranges: None,
        external_path: None,
        global_index: None,
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_out_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (allowed, secret) = (folder.path().join("allowed"), folder.path().join("secret"));
    std::fs::create_dir_all(allowed.join("real")).unwrap();
    std::fs::create_dir_all(&secret).unwrap();
    std::fs::write(secret.join("data-a-0.parquet"), "secret").unwrap();
    std::fs::write(allowed.join("real/data-a-0.parquet"), "shared").unwrap();
    let link = |to: &LocalPath, name: &str| std::os::unix::fs::symlink(to, allowed.join(name)).unwrap();
    link(&secret, "out");
    link(&allowed.join("real"), "in");
    link(&secret.join("data-a-0.parquet"), "data-a-0.parquet");
    link(&folder.path().join("nowhere"), "data-b-0.parquet");
    let table = create(&local(&folder.path().join("wh"), allowed.to_str().unwrap()), &[]).await;
    let location = |path: &str| {
        let external_path = Some(format!("file:{}/{path}", allowed.display()));
        let file_name = path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
        let file = DataFileMeta { file_name, external_path, ..DataFileMeta::blank() };
        table.data_file(&BinaryRow::empty(), 0, &file).unwrap()
    };
    assert_eq!(location("in/data-a-0.parquet").get().await.unwrap(), "shared");
    for path in ["out/data-a-0.parquet", "out/deep/data-c-0.parquet", "data-a-0.parquet", "data-b-0.parquet"] {
        let location = location(path);
        let errors = [
            location.get().await.unwrap_err(),
            location.put("x").await.unwrap_err(),
            location.delete().await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{path}: {error}");
            assert!(error.to_string().contains("symbolic link"), "{error}");
        }
    }
    assert_eq!(names(&secret), ["data-a-0.parquet"]);
    assert_eq!(std::fs::read(secret.join("data-a-0.parquet")).unwrap(), b"secret");
}
