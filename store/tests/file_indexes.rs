//! Indexes of data files: written with them, in the manifest entry or beside the file, gone with them, and what they select.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_format::file_index::FileIndexResult;
use alluvium_format::{CompareOp, DataFileMeta, Datum, ErrorKind, Predicate};
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore, OperationKind};
use alluvium_store::{DataFileRead, DataFileReader, RollingFileWriter, SystemColumns, TableStore, select_rows};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use object_store::memory::InMemory;

use crate::data_file_writer::{batch, in_memory, names, spec, table, write};

const ALL_TYPES: [(&str, &str); 4] = [
    ("file-index.bloom-filter.columns", "k"),
    ("file-index.bloom-filter.k.items", "100"),
    ("file-index.bitmap.columns", "v"),
    ("file-index.range-bitmap.columns", "v"),
];

fn equal(column: &str, number: i64) -> Predicate {
    Predicate::Compare { column: column.to_owned(), op: CompareOp::Eq, literal: Datum::BigInt(number) }
}

async fn selected(table: &TableStore, file: &DataFileMeta, predicate: &Predicate) -> FileIndexResult {
    table.io().put("schema/schema-0", table.schema().to_json()).await.unwrap();
    select_rows(table, &spec().bucket, file, (predicate, &table.schema().fields)).await.unwrap()
}

#[tokio::test]
async fn indexes_lie_in_the_manifest_or_beside_the_file_by_their_size() {
    for (threshold, is_embedded) in [("1 kb", true), ("100 b", false)] {
        let options: Vec<_> = ALL_TYPES.into_iter().chain([("file-index.in-manifest-threshold", threshold)]).collect();
        let table = in_memory(&options);
        let files = write(&table, &[batch(&table, 0..10), batch(&table, 10..20)]).await.unwrap();
        let [file] = files.as_slice() else { panic!("{files:?}") };
        if is_embedded {
            assert!(file.embedded_index.is_some());
            assert_eq!(file.extra_files, Vec::<String>::new());
            assert_eq!(names(&table).await, ["data-name-0.parquet"]);
        } else {
            assert_eq!(file.embedded_index, None);
            assert_eq!(file.extra_files, ["data-name-0.parquet.index"]);
            assert_eq!(names(&table).await, ["data-name-0.parquet", "data-name-0.parquet.index"]);
        }
        let rows = |rows: &[u32]| FileIndexResult::Rows(rows.iter().copied().collect());
        assert_eq!(selected(&table, file, &equal("v", 14)).await, rows(&[7]));
        assert_eq!(selected(&table, file, &Predicate::IsNull("v".to_owned())).await, rows(&[0, 5, 10, 15]));
        assert_eq!(selected(&table, file, &equal("k", 19)).await, FileIndexResult::Remain);
        assert_eq!(selected(&table, file, &equal("k", 1 << 40)).await, rows(&[]));
        assert_eq!(selected(&table, file, &Predicate::IsNull("s".to_owned())).await, FileIndexResult::Remain);
        let off =
            table.with_options(&BTreeMap::from([("file-index.read.enabled".to_owned(), "false".to_owned())])).unwrap();
        assert_eq!(selected(&off, file, &equal("k", 1 << 40)).await, FileIndexResult::Remain);
    }
}

/// Deleted rows and selected ones are both told by the position in the file.
#[tokio::test]
async fn only_selected_rows_are_read() {
    let options = [ALL_TYPES.as_slice(), &[("target-file-size", "200 kb"), ("file.block-size", "64 kb")]].concat();
    let table = in_memory(&options);
    let files = write(&table, &[batch(&table, 0..30_000)]).await.unwrap();
    let file = &files[0];
    let last = file.row_count - 1;
    let wanted = [3, 8_191, 8_192, last];
    let predicate = Predicate::In {
        column: "v".to_owned(),
        literals: wanted.iter().map(|key| Datum::BigInt(key * 2)).collect(),
        has_null: false,
    };
    let rows = selected(&table, file, &predicate).await;
    let read = DataFileRead {
        fields: table.schema().fields.clone().into(),
        system: SystemColumns::None,
        predicate,
        deletions: Arc::default(),
    };
    let mut reader = DataFileReader::open_selected(&table, &spec().bucket, file, (&read, &rows)).await.unwrap();
    let mut keys: Vec<i64> = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        keys.extend(batch.values.column(0).as_primitive::<Int64Type>().values());
    }
    assert_eq!(keys, wanted.iter().copied().filter(|key| key % 5 != 0).collect::<Vec<_>>());
}

#[tokio::test]
async fn side_files_go_with_their_data_files() {
    let options =
        [ALL_TYPES.as_slice(), &[("file-index.in-manifest-threshold", "0 b"), ("target-file-size", "100 kb")]];
    let options = options.concat();
    let given_up = in_memory(&options);
    let mut writer = RollingFileWriter::new(&given_up, spec()).unwrap();
    writer.write(&batch(&given_up, 0..20_000)).await.unwrap();
    assert!(names(&given_up).await.iter().any(|name| name.ends_with(".index")));
    writer.abort().await;
    assert_eq!(names(&given_up).await, Vec::<String>::new());

    // Whichever put fails, of a data file or of an index, before it does anything or after.
    for mode in [FaultMode::BeforeEffect, FaultMode::AfterEffect] {
        for at in 0..4 {
            let store = FaultyStore::new(Arc::new(InMemory::new()));
            let table = table(Arc::new(store.clone()), &options);
            store.arm(Faults::At(Fault { operation: at, mode }));
            let error = write(&table, &[batch(&table, 0..20_000)]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Storage);
            assert!(
                store.failures().iter().all(|(failed, _)| failed.kind == OperationKind::Put),
                "{:?}",
                store.failures()
            );
            assert_eq!(names(&table).await, Vec::<String>::new(), "{mode:?} {at}");
        }
    }
}

/// What an index does not hold is an error that names it, and leaves nothing.
#[tokio::test]
async fn a_value_that_an_index_refuses_leaves_no_file() {
    let table = in_memory(&[("file-index.bitmap.columns", "s"), ("file-index.bitmap.s.index-block-size", "30 b")]);
    let error = write(&table, &[batch(&table, 0..10)]).await.unwrap_err();
    assert!(error.to_string().contains("the bitmap index over s"), "{error}");
    assert_eq!(names(&table).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_damaged_side_file_is_named() {
    let table = in_memory(&[ALL_TYPES.as_slice(), &[("file-index.in-manifest-threshold", "0 b")]].concat());
    let files = write(&table, &[batch(&table, 0..10)]).await.unwrap();
    table.io().put("schema/schema-0", table.schema().to_json()).await.unwrap();
    let read = |predicate: Predicate| {
        let (table, file) = (&table, &files[0]);
        async move { select_rows(table, &spec().bucket, file, (&predicate, &table.schema().fields)).await }
    };
    table.io().put("bucket-0/data-name-0.parquet.index", &b"no index at all"[..]).await.unwrap();
    let error = read(equal("v", 2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("bucket-0/data-name-0.parquet.index"), "{error}");
    table.io().delete("bucket-0/data-name-0.parquet.index").await.unwrap();
    assert_eq!(read(equal("v", 2)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(read(Predicate::True).await.unwrap(), FileIndexResult::Remain);
}
