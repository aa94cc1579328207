//! Writing data files: what comes back, how files roll, and that nothing is left of a writer that fails or gives up.

use std::ops::Range;
use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, to_arrow_schema};
use alluvium_format::{
    BinaryRow, DataField, DataFileMeta, DataType, Datum, ErrorKind, FileSource, Predicate, TableSchema, TypeRoot,
};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore, OperationKind};
use alluvium_store::{
    Clock, DataFileRead, DataFileReader, DataFileSpec, FileContent, FileNamer, PartitionBucket, Publish,
    RollingFileWriter, SystemColumns, TableIo, TableStore,
};
use arrow_array::{Int8Array, Int64Array, RecordBatch};
use bytes::Bytes;
use indexmap::IndexMap;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use parquet::basic::{Compression, Encoding, PageType, Type as PhysicalType};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::golden_table::{self, Place};

/// A clock that stands still.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now_millis(&self) -> i64 {
        1_000
    }

    fn local_millis(&self) -> i64 {
        3_601_000
    }

    fn millis_of_local(&self, local: i64) -> i64 {
        local - 3_600_000
    }
}

/// Gives the same name over and over.
#[derive(Debug)]
struct OneName;

impl FileNamer for OneName {
    fn uuid(&self) -> String {
        "name".to_owned()
    }
}

fn text() -> DataType {
    DataType::nullable(TypeRoot::VarChar(TypeRoot::STRING_LENGTH))
}

/// A table of `k BIGINT` (the key), `v BIGINT` and `s STRING`.
pub(crate) fn table(store: Arc<dyn ObjectStore>, options: &[(&str, &str)]) -> TableStore {
    let fields = vec![
        DataField::new(0, "k", DataType::not_null(TypeRoot::BigInt)),
        DataField::new(1, "v", DataType::nullable(TypeRoot::BigInt)),
        DataField::new(2, "s", text()),
    ];
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let schema = TableSchema {
        version: 3,
        id: 0,
        fields,
        highest_field_id: 2,
        partition_keys: Vec::new(),
        primary_keys: vec!["k".to_owned()],
        options: IndexMap::from_iter(options.chain([("bucket".to_owned(), "1".to_owned())])),
        comment: None,
        time_millis: 0,
    };
    let io = TableIo::new(store, Path::default(), Publish::ConditionalPut)
        .with_clock_and_namer(Arc::new(Noon), Arc::new(OneName));
    TableStore::new("db.t", io.clone(), io, Arc::new(schema)).unwrap()
}

pub(crate) fn in_memory(options: &[(&str, &str)]) -> TableStore {
    table(Arc::new(InMemory::new()), options)
}

pub(crate) fn spec() -> DataFileSpec {
    let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket: 0 };
    DataFileSpec { bucket, level: 0, content: FileContent::Data(FileSource::Append) }
}

/// Rows with the keys `keys`; their texts are random and so do not shrink.
pub(crate) fn batch(table: &TableStore, keys: Range<i64>) -> KeyValueBatch {
    let mut random = SmallRng::seed_from_u64(keys.start.unsigned_abs());
    let fields = &table.schema().fields;
    let mut columns: Vec<Vec<Option<Datum>>> = vec![Vec::new(); 3];
    for key in keys.clone() {
        columns[0].push(Some(Datum::BigInt(key)));
        columns[1].push((key % 5 != 0).then_some(Datum::BigInt(key * 2)));
        columns[2].push(Some(Datum::String(format!("{:032x}", random.random::<u128>()))));
    }
    let arrays =
        fields.iter().zip(&columns).map(|(field, values)| array_from_datums(&field.data_type, values).unwrap());
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), arrays.collect()).unwrap();
    let kinds = Int8Array::from_iter_values(keys.clone().map(|key| if key % 10 == 9 { 3 } else { 0 }));
    KeyValueBatch::try_new(Int64Array::from_iter_values(keys.map(|key| key + 100)), kinds, values).unwrap()
}

pub(crate) async fn write(table: &TableStore, batches: &[KeyValueBatch]) -> alluvium_format::Result<Vec<DataFileMeta>> {
    let mut writer = RollingFileWriter::new(table, spec())?;
    for batch in batches {
        writer.write(batch).await?;
    }
    writer.finish().await
}

pub(crate) async fn names(table: &TableStore) -> Vec<String> {
    let mut names = table.io().list_files("bucket-0").await.unwrap();
    names.sort();
    names
}

async fn bytes_of(table: &TableStore, file: &DataFileMeta) -> Bytes {
    table.data_file(&BinaryRow::empty(), 0, file).unwrap().get().await.unwrap()
}

async fn footer(table: &TableStore, file: &DataFileMeta) -> ParquetMetaData {
    SerializedFileReader::new(bytes_of(table, file).await).unwrap().metadata().clone()
}

async fn read(table: &TableStore, file: &DataFileMeta) -> Vec<KeyValueBatch> {
    table.io().put("schema/schema-0", table.schema().to_json()).await.unwrap();
    let fields = table.schema().fields.clone().into();
    let read =
        DataFileRead { fields, system: SystemColumns::All, predicate: Predicate::True, deletions: Arc::default() };
    let mut reader = DataFileReader::open(table, &spec().bucket, file, &read).await.unwrap();
    let mut out = Vec::new();
    while let Some(batch) = reader.next().await.unwrap() {
        out.push(batch.into_key_values().unwrap());
    }
    out
}

/// All rows of some batches as one.
fn together(batches: &[KeyValueBatch]) -> KeyValueBatch {
    let values =
        arrow_select::concat::concat_batches(&batches[0].values.schema(), batches.iter().map(|batch| &batch.values))
            .unwrap();
    let sequences = batches.iter().flat_map(|batch| batch.sequences.values().iter().copied());
    let kinds = batches.iter().flat_map(|batch| batch.kinds.values().iter().copied());
    KeyValueBatch::try_new(Int64Array::from_iter_values(sequences), Int8Array::from_iter_values(kinds), values).unwrap()
}

async fn all_rows(table: &TableStore, files: &[DataFileMeta]) -> KeyValueBatch {
    let mut batches = Vec::new();
    for file in files {
        batches.extend(read(table, file).await);
    }
    together(&batches)
}

fn key(of: i64) -> BinaryRow {
    BinaryRow::encode(&[DataType::not_null(TypeRoot::BigInt)], &[Some(Datum::BigInt(of))]).unwrap()
}

#[tokio::test]
async fn a_file_says_what_it_holds() {
    let table = in_memory(&[]);
    let spec = DataFileSpec { level: 4, content: FileContent::Data(FileSource::Compact), ..spec() };
    let mut writer = RollingFileWriter::new(&table, spec).unwrap();
    writer.write(&batch(&table, 0..1000)).await.unwrap();
    writer.write(&batch(&table, 1000..1000)).await.unwrap();
    writer.write(&batch(&table, 1000..20_000)).await.unwrap();
    let files = writer.finish().await.unwrap();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.file_name, "data-name-0.parquet");
    assert_eq!(file.file_size, bytes_of(&table, file).await.len() as i64);
    assert_eq!((file.row_count, file.delete_row_count), (20_000, Some(2000)));
    assert_eq!((&file.min_key, &file.max_key), (&key(0), &key(19_999)));
    assert_eq!((file.min_sequence_number, file.max_sequence_number), (100, 20_099));
    assert_eq!((file.schema_id, file.level, file.file_source), (0, 4, Some(FileSource::Compact)));
    assert_eq!(file.creation_time_millis, Some(3_601_000));
    assert_eq!((&file.key_stats.min_values, &file.key_stats.max_values), (&key(0), &key(19_999)));
    assert_eq!(file.value_stats.null_counts, [Some(0), Some(4000), Some(0)]);
    assert_eq!(file.value_stats_cols, None);
    assert_eq!(all_rows(&table, &files).await, together(&[batch(&table, 0..1000), batch(&table, 1000..20_000)]));
}

#[tokio::test]
async fn no_rows_make_no_file() {
    let table = in_memory(&[]);
    assert_eq!(write(&table, &[]).await.unwrap(), []);
    assert_eq!(write(&table, &[batch(&table, 0..0)]).await.unwrap(), []);
    assert_eq!(names(&table).await, Vec::<String>::new());
}

/// Batches larger than what is written between two looks at the size, and smaller ones.
#[tokio::test]
async fn files_end_at_the_target_size() {
    let table = in_memory(&[("target-file-size", "400 kb")]);
    let batches = [batch(&table, 0..70_000), batch(&table, 70_000..70_010), batch(&table, 70_010..90_000)];
    let files = write(&table, &batches).await.unwrap();
    assert!(files.len() >= 4, "{} files", files.len());
    for (index, file) in files.iter().enumerate() {
        assert_eq!(file.file_name, format!("data-name-{index}.parquet"));
        assert_eq!(file.file_size, bytes_of(&table, file).await.len() as i64);
        let is_last = index + 1 == files.len();
        // Half of it, as the random texts are hexadecimal digits; one slice over.
        assert!(is_last || file.file_size > 150 << 10, "{} bytes", file.file_size);
        assert!(file.file_size < 800 << 10, "{} bytes", file.file_size);
    }
    let types = [DataType::not_null(TypeRoot::BigInt)];
    for pair in files.windows(2) {
        assert!(pair[0].max_key.compare(&pair[1].min_key, &types).unwrap().is_lt());
    }
    assert_eq!(names(&table).await.len(), files.len());
    assert_eq!(all_rows(&table, &files).await, together(&batches));
}

#[tokio::test]
async fn the_block_size_ends_row_groups() {
    let table = in_memory(&[("file.block-size", "100 kb")]);
    let batches = [batch(&table, 0..60_000)];
    let files = write(&table, &batches).await.unwrap();
    let footer = footer(&table, &files[0]).await;
    assert!(footer.num_row_groups() >= 3, "{} row groups", footer.num_row_groups());
    assert_eq!(all_rows(&table, &files).await, together(&batches));
}

/// Over 8 MiB go up in parts. On this machine, nothing but the file may be left.
#[tokio::test]
async fn large_files_go_up_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let stores: [Arc<dyn ObjectStore>; 2] = [Arc::new(local), Arc::new(InMemory::new())];
    for store in stores {
        let table = table(store, &[("file.compression", "none"), ("file.block-size", "3 mb")]);
        let batches = [batch(&table, 0..300_000), batch(&table, 300_000..600_000)];
        let files = write(&table, &batches).await.unwrap();
        assert_eq!(names(&table).await, ["data-name-0.parquet"]);
        assert!(files[0].file_size > 20 << 20, "{} bytes", files[0].file_size);
        assert_eq!(files[0].file_size, bytes_of(&table, &files[0]).await.len() as i64);
        assert_eq!(all_rows(&table, &files).await, together(&batches));
    }
}

#[tokio::test]
async fn an_abort_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let table = table(
        Arc::new(local),
        &[("target-file-size", "30 mb"), ("file.compression", "none"), ("file.block-size", "3 mb")],
    );
    let mut writer = RollingFileWriter::new(&table, spec()).unwrap();
    // A whole file, and one of which some parts are up.
    writer.write(&batch(&table, 0..1_000_000)).await.unwrap();
    assert!(names(&table).await.contains(&"data-name-0.parquet".to_owned()));
    writer.abort().await;
    let left: Vec<_> = std::fs::read_dir(folder.path().join("bucket-0")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn keys_that_do_not_ascend_are_refused_and_nothing_is_left() {
    for second in [500..600, 999..1200, 0..10] {
        let table = in_memory(&[("target-file-size", "1 kb")]);
        let mut writer = RollingFileWriter::new(&table, spec()).unwrap();
        writer.write(&batch(&table, 0..1000)).await.unwrap();
        assert_eq!(names(&table).await.len(), 1);
        let error = writer.write(&batch(&table, second)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        assert_eq!(names(&table).await, Vec::<String>::new());
        assert_eq!(writer.write(&batch(&table, 2000..2001)).await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(writer.finish().await.unwrap_err().kind(), ErrorKind::Closed);
    }
}

/// Whatever call to the store fails, the error comes back, no file stays and no upload stays open.
#[tokio::test]
async fn a_store_that_fails_leaves_nothing() {
    let store = FaultyStore::new(Arc::new(InMemory::new()));
    let options = [("target-file-size", "9 mb"), ("file.compression", "none"), ("file.block-size", "1 mb")];
    let table = table(Arc::new(store.clone()), &options);
    let rows = batch(&table, 0..320_000);
    let mut writer = RollingFileWriter::new(&table, spec()).unwrap();
    writer.write(&rows).await.unwrap();
    writer.finish().await.unwrap();
    let operations = store.operations();
    for kind in
        [OperationKind::PutMultipart, OperationKind::PutPart, OperationKind::CompleteMultipart, OperationKind::Put]
    {
        assert!(operations.iter().any(|operation| operation.kind == kind), "no {kind:?}");
    }
    for (operation, failed) in operations.iter().enumerate() {
        for mode in [FaultMode::BeforeEffect, FaultMode::AfterEffect] {
            for name in names(&table).await {
                table.io().delete(&format!("bucket-0/{name}")).await.unwrap();
            }
            store.arm(Faults::At(Fault { operation, mode }));
            let error = write(&table, std::slice::from_ref(&rows)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Storage, "{failed} {mode:?}: {error}");
            assert!(error.to_string().contains("bucket-0/data-name-"), "{error}");
            let kinds: Vec<OperationKind> = store.operations().iter().map(|operation| operation.kind).collect();
            let count = |kind| kinds.iter().filter(|there| **there == kind).count();
            let began = count(OperationKind::PutMultipart) - usize::from(failed.kind == OperationKind::PutMultipart);
            let ended = count(OperationKind::CompleteMultipart) + count(OperationKind::AbortMultipart);
            assert!(ended >= began, "{failed} {mode:?} leaves an upload open");
            assert_eq!(names(&table).await, Vec::<String>::new(), "{failed} {mode:?}");
        }
    }
}

#[tokio::test]
async fn rows_that_are_not_of_the_schema_are_refused() {
    let table = in_memory(&[]);
    let good = batch(&table, 0..10);
    let fields: Vec<DataField> = table.schema().fields[..2].to_vec();
    let narrow = RecordBatch::try_new(to_arrow_schema(&fields).unwrap(), good.values.columns()[..2].to_vec()).unwrap();
    let swapped = RecordBatch::try_from_iter([
        ("k", good.values.column(0).clone()),
        ("v", good.values.column(2).clone()),
        ("s", good.values.column(1).clone()),
    ])
    .unwrap();
    let nulls = RecordBatch::try_from_iter([
        ("k", good.values.column(1).clone()),
        ("v", good.values.column(1).clone()),
        ("s", good.values.column(2).clone()),
    ])
    .unwrap();
    for values in [narrow, swapped, nulls] {
        let wrong = KeyValueBatch { values, ..good.clone() };
        assert_eq!(write(&table, &[wrong]).await.unwrap_err().kind(), ErrorKind::Internal);
    }
    assert_eq!(names(&table).await, Vec::<String>::new());
}

#[tokio::test]
async fn codecs_are_obeyed_and_named() {
    let table_of_codecs = [
        ("zstd", "data-name-0.zst.parquet", Compression::ZSTD(Default::default())),
        ("snappy", "data-name-0.snappy.parquet", Compression::SNAPPY),
        ("gzip", "data-name-0.gz.parquet", Compression::GZIP(Default::default())),
        ("lz4", "data-name-0.lz4.parquet", Compression::LZ4_RAW),
        ("brotli", "data-name-0.brotli.parquet", Compression::BROTLI(Default::default())),
        ("NONE", "data-name-0.parquet", Compression::UNCOMPRESSED),
    ];
    for (codec, name, wanted) in table_of_codecs {
        let table = in_memory(&[("file.compression", codec), ("file.suffix.include.compression", "true")]);
        let batches = [batch(&table, 0..1000)];
        let files = write(&table, &batches).await.unwrap();
        assert_eq!(files[0].file_name, name);
        let codec = footer(&table, &files[0]).await.row_group(0).column(0).compression();
        assert_eq!(std::mem::discriminant(&codec), std::mem::discriminant(&wanted), "{name}");
        assert_eq!(all_rows(&table, &files).await, together(&batches));
    }
}

#[test]
fn what_is_not_written_is_refused_by_name() {
    for (option, value) in [
        ("file.compression", "lzo"),
        ("file.format", "csv"),
        ("file.format.per.level", "0:csv"),
        ("file.compression.per.level", "0:bz2"),
    ] {
        let error = RollingFileWriter::new(&in_memory(&[(option, value)]), spec()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{option}");
        assert!(error.to_string().contains(value.rsplit(':').next().unwrap()), "{error}");
    }
    let error = RollingFileWriter::new(&in_memory(&[("parquet.enable.dictionary", "maybe")]), spec()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// Paimon 1.4 fails on other encodings, or reads wrong texts from them.
#[tokio::test]
async fn pages_are_what_paimon_reads_right() {
    for dictionary in ["true", "false"] {
        let golden = golden_table::open("types-parquet", Place::Memory).await;
        let options = [("parquet.enable.dictionary".to_owned(), dictionary.to_owned())];
        let table = golden.with_options(options.iter().map(|(name, value)| (name, value))).unwrap();
        let files = write(&table, &[every_type(&table, 5000)]).await.unwrap();
        let reader = SerializedFileReader::new(bytes_of(&table, &files[0]).await).unwrap();
        assert_eq!(reader.metadata().file_metadata().version(), 1);
        assert!(reader.metadata().file_metadata().created_by().unwrap().starts_with("alluvium version "));
        let group = reader.get_row_group(0).unwrap();
        let mut seen = Vec::new();
        for column in 0..group.num_columns() {
            let chunk = group.metadata().column(column);
            let texts = chunk.column_type() == PhysicalType::BYTE_ARRAY;
            for page in group.get_column_page_reader(column).unwrap() {
                let page = page.unwrap();
                assert_ne!(page.page_type(), PageType::DATA_PAGE_V2);
                let allowed = match page.encoding() {
                    Encoding::PLAIN => true,
                    Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => dictionary == "true",
                    Encoding::DELTA_BINARY_PACKED => !texts,
                    _ => false,
                };
                assert!(allowed, "{} has a page of {}", chunk.column_path(), page.encoding());
                seen.push(page.encoding());
            }
            let has_statistics = chunk.statistics().is_some();
            assert_eq!(has_statistics, chunk.column_type() != PhysicalType::INT96, "{}", chunk.column_path());
        }
        assert!(seen.contains(&Encoding::DELTA_BINARY_PACKED));
        assert_eq!(seen.contains(&Encoding::RLE_DICTIONARY), dictionary == "true");
    }
}

/// Paimon 1.4 reads wrong values from DELTA_BINARY_PACKED where it skips rows.
#[tokio::test]
async fn columns_that_are_read_by_rows_are_not_differences() {
    for (options, delta) in [
        (&[][..], vec!["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND", "k", "v"]),
        (&[("file-index.bloom-filter.columns", "v")], vec!["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND", "k", "v"]),
        (&[("file-index.bitmap.columns", "s")], vec!["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND"]),
        (&[("file-index.range-bitmap.columns", "v")], vec!["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND"]),
        (&[("file-index.bsi.columns", "v")], vec!["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND"]),
        (&[("deletion-vectors.enabled", "true")], vec!["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND"]),
        (
            &[("deletion-vectors.enabled", "true"), ("data-file.thin-mode", "true")],
            vec!["_SEQUENCE_NUMBER", "_VALUE_KIND"],
        ),
    ] {
        let table = in_memory(options);
        let batches = [batch(&table, 0..2000)];
        let files = write(&table, &batches).await.unwrap();
        assert_eq!(all_rows(&table, &files).await, together(&batches));
        let footer = footer(&table, &files[0]).await;
        let is_delta = |chunk: &&ColumnChunkMetaData| chunk.encodings().any(|e| e == Encoding::DELTA_BINARY_PACKED);
        let seen: Vec<String> =
            footer.row_group(0).columns().iter().filter(is_delta).map(|chunk| chunk.column_path().string()).collect();
        assert_eq!(seen, delta, "{options:?}");
    }
}

/// A column that begins with few texts and goes on with many: its dictionary overflows, and what follows is PLAIN.
#[tokio::test]
async fn a_dictionary_that_overflows_is_given_up_for_plain() {
    let table = in_memory(&[]);
    let many = batch(&table, 3000..80_000);
    let few = batch(&table, 0..3000);
    let same = array_from_datums(&text(), &vec![Some(Datum::String("same".to_owned())); 3000]).unwrap();
    let columns = vec![few.values.column(0).clone(), few.values.column(1).clone(), same];
    let values = RecordBatch::try_new(few.values.schema(), columns).unwrap();
    let batches = [KeyValueBatch { values, ..few }, many];
    let files = write(&table, &batches).await.unwrap();
    let reader = SerializedFileReader::new(bytes_of(&table, &files[0]).await).unwrap();
    let pages = reader.get_row_group(0).unwrap().get_column_page_reader(5).unwrap();
    let encodings: Vec<Encoding> = pages.map(|page| page.unwrap().encoding()).collect();
    assert!(encodings.contains(&Encoding::RLE_DICTIONARY), "{encodings:?}");
    assert_eq!(encodings.last(), Some(&Encoding::PLAIN), "{encodings:?}");
    assert!(encodings.iter().all(|encoding| [Encoding::PLAIN, Encoding::RLE_DICTIONARY].contains(encoding)));
    assert_eq!(all_rows(&table, &files).await, together(&batches));
}

/// A value of a type, or null: counting up, few, or any, by column.
fn value(data_type: &DataType, row: i64, column: usize, random: &mut SmallRng) -> Option<Datum> {
    if data_type.nullable && random.random_range(0..9) == 0 {
        return None;
    }
    let number: i64 = match column % 3 {
        0 => row,
        1 => [i64::MIN, -1, 3, 1 << 40][random.random_range(0..4)],
        _ => random.random(),
    };
    Some(match &data_type.root {
        TypeRoot::Boolean => Datum::Boolean(number % 2 == 0),
        TypeRoot::TinyInt => Datum::TinyInt(number as i8),
        TypeRoot::SmallInt => Datum::SmallInt(number as i16),
        TypeRoot::Int => Datum::Int(number as i32),
        TypeRoot::BigInt => Datum::BigInt(number),
        TypeRoot::Float => Datum::Float(number as f32),
        TypeRoot::Double => Datum::Double(number as f64),
        TypeRoot::Decimal { precision, .. } => {
            Datum::Decimal(i128::from(number) % 10_i128.pow(u32::from(*precision).min(18)))
        }
        TypeRoot::Char(_) | TypeRoot::VarChar(_) => Datum::String(format!("ü{}", number % 10)),
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => Datum::Bytes(number.to_le_bytes()[..2].to_vec()),
        TypeRoot::Date => Datum::Date(number.rem_euclid(1 << 20) as i32 - (1 << 19)),
        TypeRoot::Time(_) => Datum::Time(number.rem_euclid(86_400_000) as i32),
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => {
            let nanos = if *precision > 6 { 1 } else { 1000 };
            let nanos_of_milli = if *precision > 3 { number.rem_euclid(1000) as i32 * nanos } else { 0 };
            Datum::Timestamp { millis: number.rem_euclid(1 << 42) - (1 << 41), nanos_of_milli }
        }
        TypeRoot::Array(element) => {
            Datum::Array((0..random.random_range(0..3)).map(|_| value(element, row, column, random)).collect())
        }
        TypeRoot::Map { key, value: item } => {
            let key = value(&key.with_nullable(false), row, column, random);
            Datum::Map(vec![(key, value(item, row, column, random))])
        }
        TypeRoot::Multiset(key) => {
            Datum::Map(vec![(value(&key.with_nullable(false), row, column, random), Some(Datum::Int(2)))])
        }
        TypeRoot::Row(fields) => {
            Datum::Row(fields.iter().map(|field| value(&field.data_type, row, column, random)).collect())
        }
        other => panic!("{other} has no values"),
    })
}

/// Rows of a table whose first column is its key.
fn every_type(table: &TableStore, rows: i32) -> KeyValueBatch {
    let mut random = SmallRng::seed_from_u64(5);
    let fields = &table.schema().fields;
    let column = |(index, field): (usize, &DataField)| {
        let values: Vec<Option<Datum>> = (0..rows)
            .map(|row| match (index, &field.data_type.root) {
                (0, TypeRoot::Int) => Some(Datum::Int(row)),
                (0, _) => Some(Datum::BigInt(i64::from(row))),
                _ => value(&field.data_type, i64::from(row), index, &mut random),
            })
            .collect();
        array_from_datums(&field.data_type, &values).unwrap()
    };
    let arrays = fields.iter().enumerate().map(column).collect();
    let values = RecordBatch::try_new(to_arrow_schema(fields).unwrap(), arrays).unwrap();
    let kinds = Int8Array::from_iter_values((0..rows).map(|row| (row % 4) as i8));
    KeyValueBatch::try_new(Int64Array::from_iter_values((0..rows).map(i64::from)), kinds, values).unwrap()
}

/// Wide timestamps inside a ROW, an ARRAY, a MAP and a MULTISET, besides all types of the golden tables.
#[tokio::test]
async fn every_type_comes_back() {
    let wide = || DataType::nullable(TypeRoot::Timestamp(9));
    let map = TypeRoot::Map {
        key: Box::new(DataType::not_null(TypeRoot::TimestampLtz(8))),
        value: Box::new(DataType::nullable(TypeRoot::Array(Box::new(wide())))),
    };
    let row = vec![
        DataField::new(101, "list", DataType::nullable(TypeRoot::Array(Box::new(wide())))),
        DataField::new(102, "map", DataType::nullable(map)),
        DataField::new(103, "set", DataType::nullable(TypeRoot::Multiset(Box::new(wide())))),
        DataField::new(104, "moment", DataType::not_null(TypeRoot::Timestamp(7))),
    ];
    for case in ["types-parquet", "nested-values"] {
        let golden = golden_table::open(case, Place::Memory).await;
        let mut schema = golden.schema().as_ref().clone();
        schema.fields.push(DataField::new(100, "wide", DataType::nullable(TypeRoot::Row(row.clone()))));
        schema.options.insert("file.block-size".to_owned(), "200 kb".to_owned());
        let table =
            TableStore::new("db.t", golden.io().clone(), golden.io().clone(), Arc::new(schema.clone())).unwrap();
        table.io().put("schema/schema-0", schema.to_json()).await.unwrap();
        let table = TableStore::new("db.t", table.io().clone(), table.io().clone(), Arc::new(schema)).unwrap();
        let rows = every_type(&table, 20_000);
        let files = write(&table, &[rows.slice(0, 7), rows.slice(7, 19_993)]).await.unwrap();
        assert!(footer(&table, &files[0]).await.num_row_groups() > 1, "{case}");
        assert_eq!(all_rows(&table, &files).await, rows, "{case}");
    }
}

#[tokio::test]
async fn thin_files_hold_their_keys_once() {
    let columns = async |options: &[(&str, &str)]| {
        let table = in_memory(options);
        let batches = [batch(&table, 0..1000)];
        let files = write(&table, &batches).await.unwrap();
        assert_eq!(files[0].min_key, key(0));
        assert_eq!(files[0].key_stats.max_values, key(999));
        assert_eq!(all_rows(&table, &files).await, together(&batches));
        let footer = footer(&table, &files[0]).await;
        let columns = footer.file_metadata().schema_descr().columns();
        columns.iter().map(|column| column.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(columns(&[]).await, ["_KEY_k", "_SEQUENCE_NUMBER", "_VALUE_KIND", "k", "v", "s"]);
    assert_eq!(columns(&[("data-file.thin-mode", "true")]).await, ["_SEQUENCE_NUMBER", "_VALUE_KIND", "k", "v", "s"]);
}

/// Changes of the keys `keys`: the old row of every third one and its new row, an insert or a delete of each other.
fn changes(table: &TableStore, keys: Range<i64>) -> KeyValueBatch {
    let rows = batch(table, keys.clone());
    let mut taken = Vec::new();
    for (row, key) in (0_u32..).zip(keys) {
        match key % 3 {
            0 => taken.extend([(row, 1, key), (row, 2, key + 1000)]),
            1 => taken.push((row, 3, key)),
            _ => taken.push((row, 0, key)),
        }
    }
    let addresses = arrow_array::UInt32Array::from_iter_values(taken.iter().map(|(row, ..)| *row));
    let sequences = Int64Array::from_iter_values(taken.iter().map(|(.., sequence)| *sequence));
    let kinds = Int8Array::from_iter_values(taken.iter().map(|(_, kind, _)| *kind));
    let values = arrow_select::take::take_record_batch(&rows.values, &addresses).unwrap();
    KeyValueBatch::try_new(sequences, kinds, values).unwrap()
}

fn changelog_spec(level: i32) -> DataFileSpec {
    DataFileSpec { level, content: FileContent::Changelog, ..spec() }
}

#[tokio::test]
async fn a_changelog_file_says_what_it_holds() {
    let options = [
        ("changelog-file.prefix", "cl-"),
        ("changelog-file.compression", "snappy"),
        ("changelog-file.stats-mode", "none"),
        ("file.compression", "gzip"),
        ("file.suffix.include.compression", "true"),
    ];
    let table = in_memory(&options);
    let mut writer = RollingFileWriter::new(&table, changelog_spec(5)).unwrap();
    let rows = changes(&table, 0..30);
    // A key goes on from batch to batch: its old row and its new one.
    writer.write(&rows.slice(0, 1)).await.unwrap();
    writer.write(&rows.slice(1, rows.num_rows() - 1)).await.unwrap();
    let files = writer.finish().await.unwrap();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    assert_eq!(file.file_name, "cl-name-0.snappy.parquet");
    assert_eq!((file.row_count, file.delete_row_count), (40, Some(20)));
    assert_eq!((file.level, file.file_source), (5, Some(FileSource::Append)));
    assert_eq!((file.min_sequence_number, file.max_sequence_number), (0, 1027));
    assert_eq!((&file.min_key, &file.max_key), (&key(0), &key(29)));
    assert_eq!((&file.key_stats.min_values, &file.key_stats.max_values), (&key(0), &key(29)));
    assert_eq!(file.value_stats_cols.as_deref(), Some(&[][..]), "no statistics of values");
    let codecs: Vec<_> = footer(&table, file).await.row_group(0).columns().iter().map(|c| c.compression()).collect();
    assert!(codecs.iter().all(|codec| *codec == Compression::SNAPPY), "{codecs:?}");
    assert_eq!(all_rows(&table, &files).await, rows);
}

#[tokio::test]
async fn a_changelog_is_in_key_order_and_in_a_format_that_is_written() {
    let table = in_memory(&[]);
    let mut writer = RollingFileWriter::new(&table, changelog_spec(0)).unwrap();
    writer.write(&changes(&table, 10..20)).await.unwrap();
    let error = writer.write(&changes(&table, 9..10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(names(&table).await, Vec::<String>::new());
    // A data file holds each key once.
    let mut writer = RollingFileWriter::new(&table, spec()).unwrap();
    writer.write(&batch(&table, 10..20)).await.unwrap();
    assert_eq!(writer.write(&batch(&table, 19..20)).await.unwrap_err().kind(), ErrorKind::Internal);
    let csv = in_memory(&[("changelog-file.format", "csv")]);
    let error = RollingFileWriter::new(&csv, changelog_spec(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("changelog files of the format csv"), "{error}");
    RollingFileWriter::new(&csv, spec()).unwrap();
}

#[tokio::test]
async fn changelogs_roll_as_data_files_do() {
    let table = in_memory(&[("target-file-size", "100 kb"), ("file.compression", "none")]);
    let mut writer = RollingFileWriter::new(&table, changelog_spec(0)).unwrap();
    let rows = changes(&table, 0..30_000);
    writer.write(&rows).await.unwrap();
    let files = writer.finish().await.unwrap();
    assert!(files.len() > 2, "{}", files.len());
    let names: Vec<_> = files.iter().map(|file| file.file_name.as_str()).collect();
    assert_eq!(names[..2], ["changelog-name-0.parquet", "changelog-name-1.parquet"]);
    assert_eq!(all_rows(&table, &files).await, rows);
}
