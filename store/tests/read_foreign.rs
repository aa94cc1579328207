//! Data files as other writers leave them: other widths, units and names than Paimon's own.

use std::sync::Arc;

use alluvium_format::arrow::datum_at;
use alluvium_format::text_value::to_text;
use alluvium_format::{BinaryRow, ErrorKind, Predicate, json_value};
use alluvium_store::{DataFileRead, DataFileReader, PartitionBucket, SystemColumns, TableStore};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type as ArrowInt32;
use arrow_array::{
    ArrayRef, Decimal256Array, FixedSizeBinaryArray, Int32Array, LargeStringArray, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampNanosecondArray, UInt32Array,
};
use arrow_buffer::i256;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use parquet::arrow::ArrowWriter;
use parquet::data_type::{ByteArray, ByteArrayType, DataType as ParquetType, Int32Type, Int64Type, Int96, Int96Type};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::memory_table;

fn definition(columns: &str) -> String {
    format!(
        r#"{{"fields":[{{"name":"k","type":"INT NOT NULL"}},{columns}],
        "primaryKeys":["k"],"partitionKeys":[],"options":{{"bucket":"1"}}}}"#
    )
}

/// Reads a file of `rows` rows in all columns of the table.
async fn read(table: &TableStore, bytes: Vec<u8>, rows: i32) -> alluvium_format::Result<RecordBatch> {
    let mut file = memory_table::file("foreign", 0, 1..=rows);
    file.file_size = i64::try_from(bytes.len()).unwrap();
    table.io().put("bucket-0/data-foreign-0.parquet", bytes).await.unwrap();
    let read = DataFileRead {
        fields: table.schema().fields.clone().into(),
        system: SystemColumns::None,
        predicate: Predicate::True,
        deletions: Arc::default(),
    };
    let bucket = PartitionBucket { partition: BinaryRow::empty(), bucket: 0 };
    let mut reader = DataFileReader::open(table, &bucket, &file, &read).await?;
    Ok(reader.next().await?.unwrap().values)
}

/// What a file with one column besides the key reads as, a text for each row.
async fn texts(data_type: &str, column: ArrayRef) -> alluvium_format::Result<Vec<Option<String>>> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table =
        memory_table::create(&store, &definition(&format!(r#"{{"name":"c","type":"{data_type}"}}"#)), &[]).await;
    let rows = i32::try_from(column.len()).unwrap();
    let keys: ArrayRef = Arc::new(Int32Array::from_iter_values(1..=rows));
    let batch = RecordBatch::try_from_iter_with_nullable([("k", keys, false), ("c", column, true)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let values = read(&table, bytes, rows).await?;
    let field = &table.schema().fields[1];
    let texts = (0..values.num_rows()).map(|row| {
        let value = datum_at(values.column(1).as_ref(), &field.data_type, row).unwrap();
        value.map(|value| to_text(&value, &field.data_type).unwrap())
    });
    Ok(texts.collect())
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| (*text != "null").then(|| text.to_string())).collect()
}

#[tokio::test]
async fn other_widths_and_units() {
    let unsigned: ArrayRef = Arc::new(UInt32Array::from(vec![Some(u32::MAX), None]));
    assert_eq!(texts("BIGINT", Arc::clone(&unsigned)).await.unwrap(), some(&["4294967295", "null"]));
    assert_eq!(texts("INT", unsigned).await.unwrap_err().kind(), ErrorKind::Corrupt);

    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(-1), Some(1_500_000_001)]));
    let moments = |texts: &[&str]| some(texts);
    assert_eq!(
        texts("TIMESTAMP(9)", Arc::clone(&nanos)).await.unwrap(),
        moments(&["1969-12-31T23:59:59.999999999", "1970-01-01T00:00:01.500000001"])
    );
    assert_eq!(
        texts("TIMESTAMP(6) WITH LOCAL TIME ZONE", Arc::clone(&nanos)).await.unwrap(),
        moments(&["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:01.500000Z"])
    );
    assert_eq!(texts("TIMESTAMP(0)", nanos).await.unwrap(), moments(&["1969-12-31T23:59:59", "1970-01-01T00:00:01"]));

    let times: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![36_000_000_000]));
    assert_eq!(texts("TIME(3)", times).await.unwrap(), some(&["10:00:00.000"]));
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec!["é"]));
    assert_eq!(texts("STRING", Arc::clone(&large)).await.unwrap(), some(&["é"]));
    assert_eq!(texts("BYTES", large).await.unwrap(), some(&["c3a9"]));
    let fixed: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([[0xff_u8, 1]].into_iter()).unwrap());
    assert_eq!(texts("BYTES", Arc::clone(&fixed)).await.unwrap(), some(&["ff01"]));
    assert_eq!(texts("STRING", fixed).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let days: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    assert_eq!(texts("DATE", Arc::clone(&days)).await.unwrap(), some(&["1970-01-02"]));
    assert_eq!(texts("DECIMAL(4, 2)", Arc::clone(&days)).await.unwrap(), some(&["0.01"]));
    assert_eq!(texts("DOUBLE", days).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let wide = Decimal256Array::from(vec![i256::from_i128(125)]).with_precision_and_scale(50, 1).unwrap();
    assert_eq!(texts("DECIMAL(10, 2)", Arc::new(wide)).await.unwrap(), some(&["12.50"]));
}

/// A file of one row of this schema; `write` fills its leaves in their order.
fn raw_file(message: &str, write: impl FnOnce(&mut SerializedRowGroupWriter<'_, Vec<u8>>)) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(message).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write(&mut group);
    group.close().unwrap();
    writer.into_inner().unwrap()
}

/// Writes the next leaf: values, definition levels, repetition levels.
fn leaf<T: ParquetType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, definition, repetition).unwrap();
    column.close().unwrap();
}

const LISTS: &str = "message other {
    required int32 k;
    optional group two (LIST) { repeated int32 element; }
    repeated int32 bare;
    optional group hive (LIST) { repeated group bag { optional binary array_element; } }
    optional group rows (LIST) { repeated group array { required int32 unwanted; optional int64 y; } }
    optional group m (MAP) { repeated group map { required binary key (UTF8); optional int96 value; } }
    optional group gone { optional int32 z; }
}";

#[tokio::test]
async fn other_names_and_levels() {
    let columns = r#"{"name":"two","type":{"type":"ARRAY","element":"BIGINT"}},
        {"name":"bare","type":{"type":"ARRAY","element":"INT"}},
        {"name":"hive","type":{"type":"ARRAY","element":"STRING"}},
        {"name":"rows","type":{"type":"ARRAY","element":
            {"type":"ROW","fields":[{"id":0,"name":"y","type":"BIGINT"},{"id":1,"name":"x","type":"INT"}]}}},
        {"name":"m","type":{"type":"MAP","key":"STRING NOT NULL","value":"TIMESTAMP(9)"}},
        {"name":"gone","type":{"type":"ROW","fields":[{"id":0,"name":"other","type":"INT"}]}},
        {"name":"none","type":"DOUBLE"}"#;
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, &definition(columns), &[]).await;
    let moment = |nanos: i64, day: i32| {
        let bytes: Vec<u8> = nanos.to_le_bytes().into_iter().chain(day.to_le_bytes()).collect();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let mut value = Int96::new();
        value.set_data(word(0), word(4), word(8));
        value
    };
    let bytes = raw_file(LISTS, |group| {
        leaf::<Int32Type>(group, &[7], None, None);
        leaf::<Int32Type>(group, &[1, 2], Some(&[2, 2]), Some(&[0, 1]));
        leaf::<Int32Type>(group, &[3, 4], Some(&[1, 1]), Some(&[0, 1]));
        leaf::<ByteArrayType>(group, &[ByteArray::from("a")], Some(&[3, 2]), Some(&[0, 1]));
        leaf::<Int32Type>(group, &[0, 0], Some(&[2, 2]), Some(&[0, 1]));
        leaf::<Int64Type>(group, &[5], Some(&[3, 2]), Some(&[0, 1]));
        leaf::<ByteArrayType>(group, &[ByteArray::from("t")], Some(&[2]), Some(&[0]));
        leaf::<Int96Type>(group, &[moment(-1, 2_440_588)], Some(&[3]), Some(&[0]));
        leaf::<Int32Type>(group, &[9], Some(&[2]), None);
    });
    let values = read(&table, bytes, 1).await.unwrap();
    let json = values.columns().iter().zip(&table.schema().fields).map(|(column, field)| {
        let value = datum_at(column.as_ref(), &field.data_type, 0).unwrap();
        json_value::to_json(value.as_ref(), &field.data_type).to_string()
    });
    let wanted = [
        "7",
        "[1,2]",
        "[3,4]",
        r#"["a",null]"#,
        r#"[{"y":5,"x":null},{"y":null,"x":null}]"#,
        r#"{"t":"1969-12-31T23:59:59.999999999"}"#,
        "null",
        "null",
    ];
    assert_eq!(json.collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn the_partition_is_what_the_manifest_says() {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = memory_table::create(&store, memory_table::PARTITIONED, &[]).await;
    let column = |name: &str, values: Vec<i32>| (name.to_owned(), Arc::new(Int32Array::from(values)) as ArrayRef);
    // Tables that were moved here from Hive have files without it.
    let batch = RecordBatch::try_from_iter([column("k", vec![1, 2]), column("v", vec![3, 4])]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let mut file = memory_table::file("moved", 0, 1..=2);
    file.file_size = i64::try_from(bytes.len()).unwrap();
    table.io().put("p=x/bucket-0/data-moved-0.parquet", bytes).await.unwrap();
    let read = DataFileRead {
        fields: table.schema().fields[..2].into(),
        system: SystemColumns::None,
        predicate: Predicate::True,
        deletions: Arc::default(),
    };
    let bucket = PartitionBucket { partition: memory_table::partition("x"), bucket: 0 };
    let values =
        DataFileReader::open(&table, &bucket, &file, &read).await.unwrap().next().await.unwrap().unwrap().values;
    assert_eq!(values.column(0).as_string::<i32>(), &StringArray::from(vec!["x", "x"]));
    assert_eq!(values.column(1).as_primitive::<ArrowInt32>().values(), &[1, 2]);
}
