//! Data files in Avro: what is written comes back, whatever the types, the codec and the place; files of other writers; damage.

use std::sync::Arc;

use alluvium_format::avro::{Compression, Encoder, Header, Writer};
use alluvium_format::{BinaryRow, DataFileMeta, DataType, ErrorKind, Predicate, TypeRoot, json_value};
use alluvium_merge_tree::KeyValueBatch;
use alluvium_store::{DataFileRead, DataFileReader, RollingFileWriter, SystemColumns, TableStore};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use bytes::Bytes;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use crate::one_file::{self, bucket, read, spec, write};
use crate::{memory_table, random_rows};

/// A type as a schema file has it.
fn parsed(data_type: &str) -> DataType {
    match serde_json::from_str(data_type) {
        Ok(nested) => DataType::from_json(&nested).unwrap(),
        Err(_) => DataType::parse(data_type).unwrap(),
    }
}

fn in_memory(columns: &[&str], options: &[(&str, &str)]) -> TableStore {
    let columns = columns.iter().map(|data_type| parsed(data_type));
    one_file::table("avro", Arc::new(InMemory::new()), columns.collect(), options)
}

async fn bytes_of(table: &TableStore, file: &DataFileMeta) -> Bytes {
    table.data_file(&BinaryRow::empty(), 0, file).unwrap().get().await.unwrap()
}

/// An atom that Avro files hold.
fn atom(random: &mut SmallRng) -> TypeRoot {
    random_rows::atom(random, 0..=6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rows_of_any_types_come_back(seed in any::<u64>(), is_local in any::<bool>()) {
        let mut random = SmallRng::seed_from_u64(seed);
        let types = (0..random.random_range(0..7)).map(|_| random_rows::data_type(&mut random, 3, &atom)).collect();
        let codec = ["zstd", "zstandard", "snappy", "deflate", "null"][random.random_range(0..5)];
        let thin = ["true", "false"][random.random_range(0..2)];
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ObjectStore> = match is_local {
            true => Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()),
            false => Arc::new(InMemory::new()),
        };
        let table = one_file::table("avro", store, types, &[("file.compression", codec), ("data-file.thin-mode", thin)]);
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

/// Files that are fetched piece by piece, and rows that are larger than a block and than a piece.
#[tokio::test]
async fn large_files_and_large_rows_come_back() {
    for (rows, length) in [(60_000, 100), (7, 3 << 20)] {
        let table = in_memory(&["BYTES", "STRING"], &[("file.compression", "null")]);
        let mut random = SmallRng::seed_from_u64(rows);
        let keys: Vec<i32> = (0..i32::try_from(rows).unwrap()).collect();
        let noise = keys.iter().map(|_| (0..length).map(|_| random.random::<u8>()).collect::<Vec<u8>>());
        let noise: arrow_array::BinaryArray = noise.map(Some).collect();
        let texts = arrow_array::StringArray::from_iter_values(keys.iter().map(|key| key.to_string().repeat(9)));
        let schema = alluvium_format::arrow::to_arrow_schema(&table.schema().fields).unwrap();
        let columns: Vec<arrow_array::ArrayRef> =
            vec![Arc::new(arrow_array::Int32Array::from(keys)), Arc::new(noise), Arc::new(texts)];
        let values = RecordBatch::try_new(schema, columns).unwrap();
        let count = values.num_rows();
        let batch = KeyValueBatch::try_new(vec![7; count].into(), vec![0; count].into(), values).unwrap();
        let file = write(&table, &batch).await.unwrap();
        assert!(file.file_size > 5 << 20, "{}", file.file_size);
        assert_eq!(read(&table, &file, &table.schema().fields, Predicate::True).await.unwrap(), batch);
    }
}

/// As Java's `DEFAULT_SYNC_INTERVAL` has it, and in its codecs by their names.
#[tokio::test]
async fn blocks_and_codecs_are_those_of_java() {
    let codecs = [
        (("file.compression", "zstd"), "zstandard"),
        (("file.compression", "zstandard"), "zstandard"),
        (("file.compression", "snappy"), "snappy"),
        (("file.compression", "deflate"), "deflate"),
        (("file.compression", "null"), "null"),
        (("avro.codec", "deflate"), "deflate"),
        (("parquet.compression", "lz4"), "zstandard"),
    ];
    for (option, name) in codecs {
        let table = in_memory(&["BIGINT"], &[option]);
        let mut random = SmallRng::seed_from_u64(1);
        let batch = random_rows::rows(&mut random, &table.schema().fields, 30_000);
        let bytes = bytes_of(&table, &write(&table, &batch).await.unwrap()).await;
        let header = Header::read(&bytes, "f").unwrap();
        let text = String::from_utf8_lossy(&bytes[..header.bytes()]);
        assert!(text.contains(&format!("avro.codec{}{name}", char::from(name.len() as u8 * 2))), "{text}");
        let marker = &bytes[header.bytes() - 16..header.bytes()];
        let blocks = bytes.windows(16).filter(|window| *window == marker).count() - 1;
        assert!((4..20).contains(&blocks), "{blocks} blocks of {name}");
    }
}

#[test]
fn what_avro_does_not_hold_is_refused_by_name() {
    for (data_type, option, named) in [
        ("TIMESTAMP(9)", ("file.compression", "zstd"), "TIMESTAMP(9)"),
        ("TIMESTAMP(7) WITH LOCAL TIME ZONE", ("file.compression", "zstd"), "TIMESTAMP(7) WITH LOCAL TIME ZONE"),
        (r#"{"type":"ARRAY","element":"TIMESTAMP(8)"}"#, ("file.compression", "zstd"), "TIMESTAMP(8)"),
        ("TIME(6)", ("file.compression", "zstd"), "TIME(6)"),
        (r#"{"type":"MULTISET","element":"INT"}"#, ("file.compression", "zstd"), "MULTISET<INT> in Avro"),
        ("INT", ("file.compression", "none"), "none"),
        ("INT", ("file.compression", "lz4"), "lz4"),
        ("INT", ("avro.codec", "xz"), "xz"),
        ("INT", ("file.compression.per.level", "0:bzip2"), "bzip2"),
    ] {
        let table = in_memory(&[data_type], &[option]);
        let written = RollingFileWriter::new(&table, spec()).map(drop);
        let checked = table.options().check_write_supported(table.schema());
        for refused in [written.unwrap_err(), checked.unwrap_err()] {
            assert_eq!(refused.kind(), ErrorKind::Unsupported);
            assert!(refused.to_string().contains(named), "{refused}");
        }
    }
}

/// Writes a value or a record.
type Encode<'a> = &'a dyn Fn(&mut Encoder);

/// A file that somebody wrote, under a schema of theirs.
async fn foreign(
    table: &TableStore,
    schema: &'static str,
    records: &[Encode<'_>],
) -> alluvium_format::Result<RecordBatch> {
    table.io().put("schema/schema-0", table.schema().to_json()).await.unwrap();
    let mut writer = Writer::new(schema, Compression::Null);
    for record in records {
        writer.append(record).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let mut file = memory_table::file("foreign", 0, 1..=i32::try_from(records.len()).unwrap());
    file.file_name = "data-foreign-0.avro".to_owned();
    file.file_size = i64::try_from(bytes.len()).unwrap();
    table.io().put("bucket-0/data-foreign-0.avro", bytes).await.unwrap();
    let read = DataFileRead {
        fields: table.schema().fields.clone().into(),
        system: SystemColumns::None,
        predicate: Predicate::True,
        deletions: Arc::default(),
    };
    let mut reader = DataFileReader::open(table, &bucket(), &file, &read).await?;
    Ok(reader.next().await?.unwrap().values)
}

/// Another order, null as second branch, unknown fields of all kinds, lists in runs that say how long they are, other units, and columns
/// that are absent.
#[tokio::test]
async fn files_of_other_writers_are_read_by_name() {
    let table = in_memory(
        &[
            r#"{"type":"ARRAY","element":"INT"}"#,
            "TIMESTAMP(3)",
            "TIMESTAMP(9)",
            r#"{"type":"MAP","key":"STRING NOT NULL","value":"BIGINT"}"#,
            r#"{"type":"ROW","fields":[{"id":10,"name":"a","type":"INT"},{"id":11,"name":"b","type":"STRING"}]}"#,
            "DOUBLE",
        ],
        &[],
    );
    let schema = r#"["null",{"type":"record","name":"r","fields":[
        {"name":"c4","type":{"type":"array","items":{"type":"record","name":"e","fields":[
            {"name":"key","type":"string"},{"name":"value","type":["long","null"]}]}}},
        {"name":"x1","type":{"type":"array","items":{"type":"map","values":["null","double","string"]}}},
        {"name":"x2","type":{"type":"fixed","name":"f","size":3}},
        {"name":"x3","type":{"type":"enum","name":"n","symbols":["A"]}},
        {"name":"c3","type":{"type":"long","logicalType":"timestamp-micros"}},
        {"name":"c2","type":[{"type":"long","logicalType":"local-timestamp-micros"},"null"]},
        {"name":"c1","type":{"type":"array","items":["int","null"]}},
        {"name":"c5","type":["null",{"type":"record","name":"q","fields":[
            {"name":"b","type":"string"},{"name":"z","type":"boolean"}]}]},
        {"name":"k","type":"int"}]}]"#;
    let longs = |out: &mut Encoder, numbers: &[i64]| numbers.iter().for_each(|number| out.long(*number));
    let full = |out: &mut Encoder| {
        longs(out, &[1, 1]);
        out.string("a");
        longs(out, &[0, 5, -1, 3]);
        out.string("b");
        longs(out, &[1, 0]);
        // Two items of x1 that are skipped by their length.
        longs(out, &[-2, 3]);
        out.raw(&[0xff; 3]);
        out.long(0);
        out.raw(&[1, 2, 3]);
        longs(out, &[0, -1, 0, 1_999_999]);
        longs(out, &[-3, 5, 0, 7, 1, 0, 8, 0]);
        out.long(1);
        out.string("in");
        out.raw(&[1]);
        out.int(1);
    };
    let sparse = |out: &mut Encoder| {
        longs(out, &[1, 0, 0]);
        out.raw(&[1, 2, 3]);
        longs(out, &[0, 0, 1, 0, 0]);
        out.int(2);
    };
    let rows = foreign(&table, schema, &[&full, &sparse]).await.unwrap();
    let texts: Vec<String> = (0..2)
        .map(|row| {
            let values = table.schema().fields.iter().zip(rows.columns()).map(|(field, column)| {
                let value = alluvium_format::arrow::datum_at(column, &field.data_type, row).unwrap();
                json_value::to_json(value.as_ref(), &field.data_type).to_string()
            });
            values.collect::<Vec<_>>().join(" ")
        })
        .collect();
    let first = r#"1 [7,null,8] "1970-01-01T00:00:01.999" "1969-12-31T23:59:59.999999000" {"a":5,"b":null} {"a":null,"b":"in"} null"#;
    assert_eq!(texts[0], first);
    assert_eq!(texts[1], r#"2 [] null "1970-01-01T00:00:00.000000000" {} null null"#);
}

#[tokio::test]
async fn what_does_not_fit_its_type_is_an_error() {
    let cases: [(&str, &str, Encode<'_>); 9] = [
        ("TINYINT", r#""int""#, &|out| out.long(128)),
        ("INT", r#""long""#, &|out| out.long(1 << 31)),
        ("BOOLEAN", r#""boolean""#, &|out| out.raw(&[2])),
        ("STRING", r#""string""#, &|out| out.bytes(&[0xff])),
        ("DECIMAL(3, 1)", r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":1}"#, &|out| {
            out.bytes(&[4, 0])
        }),
        ("DECIMAL(38, 0)", r#"{"type":"bytes","logicalType":"decimal","precision":99,"scale":0}"#, &|out| {
            out.bytes(&[1; 17]);
        }),
        ("DECIMAL(9, 2)", r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":1}"#, &|out| {
            out.bytes(&[1])
        }),
        ("BIGINT", r#""double""#, &|out| out.raw(&[0; 8])),
        ("BIGINT", r#"["null","long"]"#, &|out| out.long(2)),
    ];
    for (data_type, in_file, value) in cases {
        let table = in_memory(&[data_type], &[]);
        let fields = format!(r#"{{"name":"c1","type":{in_file}}},{{"name":"k","type":"int"}}"#);
        let schema = format!(r#"{{"type":"record","name":"r","fields":[{fields}]}}"#).leak();
        let record = |out: &mut Encoder| {
            value(out);
            out.int(1);
        };
        let error = foreign(&table, schema, &[&record]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{data_type}: {error}");
        assert!(error.to_string().contains("data-foreign-0.avro"), "{error}");
    }
}

/// A decimal may be longer than it needs to be.
#[tokio::test]
async fn numbers_of_any_length_are_read() {
    let table = in_memory(&["DECIMAL(38, 0)"], &[]);
    let schema = r#"{"type":"record","name":"r","fields":[
        {"name":"c1","type":{"type":"bytes","logicalType":"decimal","precision":38}},{"name":"k","type":"int"}]}"#;
    let of = |bytes: &'static [u8]| {
        move |out: &mut Encoder| {
            out.bytes(bytes);
            out.int(1);
        }
    };
    let long: &[u8] =
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80];
    let rows = foreign(&table, schema, &[&of(&[]), &of(&[0, 0x80]), &of(&[0x80]), &of(long)]).await.unwrap();
    let values = rows.column(1).as_primitive::<arrow_array::types::Decimal128Type>().values();
    assert_eq!(values[..], [0, 128, -128, -128]);
}
