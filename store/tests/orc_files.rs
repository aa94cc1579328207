//! Data files in ORC: what is written comes back, whatever the types, the codec and the place; stripes that are left out; what is
//! refused.

use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_schema};
use alluvium_format::{CompareOp, DataType, Datum, ErrorKind, Predicate, TypeRoot};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{RollingFileWriter, TableStore};
use arrow_array::{Int8Array, Int64Array, RecordBatch};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use crate::one_file::{self, read, spec, write};
use crate::random_rows;

fn in_memory(columns: &[&str], options: &[(&str, &str)]) -> TableStore {
    let columns = columns.iter().map(|data_type| DataType::parse(data_type).unwrap());
    one_file::table("orc", Arc::new(InMemory::new()), columns.collect(), options)
}

/// An atom that comes back from ORC files as it is: a CHAR loses the blanks at its end.
fn atom(random: &mut SmallRng) -> TypeRoot {
    random_rows::atom(random, 0..=9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_of_any_types_come_back(seed in any::<u64>(), is_local in any::<bool>()) {
        let mut random = SmallRng::seed_from_u64(seed);
        let types = (0..random.random_range(0..7)).map(|_| random_rows::data_type(&mut random, 3, &atom)).collect();
        let codec = ["zstd", "zlib", "snappy", "lz4", "none"][random.random_range(0..5)];
        let thin = ["true", "false"][random.random_range(0..2)];
        let chunk = ["17", "4096", "262144"][random.random_range(0..3)];
        let options = [("file.compression", codec), ("data-file.thin-mode", thin), ("orc.compress.size", chunk)];
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = match is_local {
            true => Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            false => Arc::new(InMemory::new()),
        };
        let table = one_file::table("orc", store, types, &options);
        let count = if random.random_ratio(1, 8) { 20_000 } else { random.random_range(1..200) };
        let batch = random_rows::rows(&mut random, &table.schema().fields, count);
        let mut asked = table.schema().fields.clone();
        asked.shuffle(&mut random);
        asked.truncate(random.random_range(0..=asked.len()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let file = write(&table, &batch).await.unwrap();
            assert_eq!(read(&table, &file, &table.schema().fields, Predicate::True).await.unwrap(), batch);
            let some = read(&table, &file, &asked, Predicate::True).await.unwrap();
            assert_eq!(some.num_rows(), batch.num_rows());
            for (field, column) in asked.iter().zip(some.values.columns()) {
                assert_eq!(column, batch.values.column(table.schema().index_of(&field.name).unwrap()), "{field:?}");
            }
        });
    }
}

/// Rows with the keys 0, 1 … and one more column.
fn rows(table: &TableStore, values: Vec<Option<Datum>>) -> KeyValueBatch {
    let fields = &table.schema().fields;
    let count = values.len();
    let keys: Vec<_> = (0..count as i32).map(|key| Some(Datum::Int(key))).collect();
    let columns = [keys, values]
        .into_iter()
        .zip(fields)
        .map(|(values, field)| array_from_datums(&field.data_type, &values).unwrap());
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), columns.collect()).unwrap();
    KeyValueBatch::try_new(Int64Array::from(vec![7; count]), Int8Array::from(vec![0; count]), values).unwrap()
}

/// Each slice that is written becomes a stripe.
const SMALL_STRIPES: (&str, &str) = ("orc.stripe.size", "1");

#[tokio::test]
async fn stripes_that_cannot_match_are_not_read() {
    let table = in_memory(&["STRING"], &[SMALL_STRIPES]);
    let text = |row: i32| Some(Datum::String(format!("{row:06}")));
    let batch = rows(&table, (0..30_000).map(text).collect());
    let file = write(&table, &batch).await.unwrap();
    let compare = |column: &str, op, literal| Predicate::Compare { column: column.to_owned(), op, literal };
    for (predicate, rows) in [
        (compare("k", CompareOp::Lt, Datum::Int(100)), 8192),
        (compare("k", CompareOp::GtEq, Datum::Int(24_576)), 30_000 - 24_576),
        (compare("c1", CompareOp::Eq, Datum::String("008192".to_owned())), 8192),
        (compare("c1", CompareOp::Gt, Datum::String("1".to_owned())), 0),
        (Predicate::IsNull("c1".to_owned()), 0),
        (Predicate::IsNotNull("c1".to_owned()), 30_000),
    ] {
        let read = read(&table, &file, &table.schema().fields, predicate.clone()).await.unwrap();
        assert_eq!(read.num_rows(), rows, "{predicate:?}");
    }
}

/// A column of many different texts that begins with few: its dictionaries end their stripes.
#[tokio::test]
async fn dictionaries_end_before_they_are_too_large() {
    let table = in_memory(&["STRING"], &[]);
    let text = |row: usize| Some(Datum::String(if row < 5000 { "same".to_owned() } else { format!("text {row}") }));
    let batch = rows(&table, (0..150_000).map(text).collect());
    let file = write(&table, &batch).await.unwrap();
    assert_eq!(read(&table, &file, &table.schema().fields, Predicate::True).await.unwrap(), batch);
}

#[tokio::test]
async fn the_second_before_1970_is_refused_unless_it_is_whole() {
    for data_type in ["TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP(9)"] {
        let table = in_memory(&[data_type], &[]);
        let moments = |millis: &[i64]| {
            let moment = |millis: &i64| Some(Datum::Timestamp { millis: *millis, nanos_of_milli: 0 });
            rows(&table, millis.iter().map(moment).collect())
        };
        let batch = moments(&[-1000, -1001, -1999, -2000, -123_456_789, 0, 1]);
        let file = write(&table, &batch).await.unwrap();
        assert_eq!(read(&table, &file, &table.schema().fields, Predicate::True).await.unwrap(), batch);
        for millis in [-1, -999] {
            let error = write(&table, &moments(&[millis])).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("column"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_char_comes_back_without_the_blanks_at_its_end() {
    let table = in_memory(&["CHAR(4)"], &[]);
    let texts =
        |texts: &[&str]| rows(&table, texts.iter().map(|text| Some(Datum::String((*text).to_owned()))).collect());
    let file = write(&table, &texts(&["a", "ü b", "c  ", "", "full"])).await.unwrap();
    let read = read(&table, &file, &table.schema().fields, Predicate::True).await.unwrap();
    assert_eq!(read, texts(&["a", "ü b", "c", "", "full"]));
}

#[test]
fn what_orc_has_not_is_refused_by_name() {
    for (option, value, kind) in [
        ("file.compression", "gzip", ErrorKind::Unsupported),
        ("orc.compress", "LZO", ErrorKind::Unsupported),
        ("file.compression.zstd-level", "99", ErrorKind::Invalid),
        ("orc.compress.size", "0", ErrorKind::Invalid),
        ("orc.stripe.size", "much", ErrorKind::Invalid),
    ] {
        let error = RollingFileWriter::new(&in_memory(&[], &[(option, value)]), spec()).unwrap_err();
        assert_eq!(error.kind(), kind, "{option}");
        assert!(error.to_string().contains(value), "{error}");
    }
    RollingFileWriter::new(&in_memory(&[], &[("file.compression", "gzip"), ("orc.compress", "SNAPPY")]), spec())
        .unwrap();
}
