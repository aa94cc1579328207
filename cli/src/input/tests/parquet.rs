//! Parquet files of others: what converts, what does not, and rows that do not fit.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use alluvium::arrow_array::{
    ArrayRef, BinaryArray, Decimal128Array, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt32Array,
};
use parquet::arrow::ArrowWriter;

use super::super::{OnError, Position, RowReader, UnknownMembers};
use super::{options, read_all, schema, shown};

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// The rows of a file of one column `c` under a type.
fn read_column(array: ArrayRef, data_type: &str) -> (Vec<String>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    write(&path, vec![("c", array)]);
    let schema = schema(&[("c", data_type)]);
    let name = path.to_str().unwrap().to_owned();
    match RowReader::open(&[name], Arc::clone(&schema), options(None)) {
        Ok(_) => read_all(&[&path], &schema, options(None)),
        Err(error) => (Vec::new(), Some(error.to_string())),
    }
}

#[test]
fn what_loses_nothing_converts() {
    let cases: Vec<(ArrayRef, &str, &str)> = vec![
        (Arc::new(Int64Array::from(vec![127])), "TINYINT", "127"),
        (Arc::new(UInt32Array::from(vec![u32::MAX])), "BIGINT", "4294967295"),
        (Arc::new(Int32Array::from(vec![-5])), "DECIMAL(10, 2)", "\"-5.00\""),
        (Arc::new(Int32Array::from(vec![i32::MIN])), "DOUBLE", "-2147483648.0"),
        (
            Arc::new(Decimal128Array::from(vec![12_500]).with_precision_and_scale(10, 3).unwrap()),
            "DECIMAL(10, 1)",
            "\"12.5\"",
        ),
        (Arc::new(BinaryArray::from(vec!["ü".as_bytes()])), "STRING", "\"ü\""),
        (text(&["ab"]), "VARCHAR(2)", "\"ab\""),
        (text(&["2013-01-31"]), "DATE", "\"2013-01-31\""),
        (text(&["1.5"]), "DECIMAL(10, 2)", "\"1.50\""),
        (Arc::new(Time64MicrosecondArray::from(vec![1_500_000])), "TIME(3)", "\"00:00:01.500\""),
        (Arc::new(TimestampNanosecondArray::from(vec![-1_000])), "TIMESTAMP(6)", "\"1969-12-31T23:59:59.999999\""),
        (Arc::new(TimestampNanosecondArray::from(vec![-1])), "TIMESTAMP(9)", "\"1969-12-31T23:59:59.999999999\""),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![1_000]).with_timezone("UTC")),
            "TIMESTAMP(3) WITH LOCAL TIME ZONE",
            "\"1970-01-01T00:00:00.001Z\"",
        ),
    ];
    for (array, data_type, wanted) in cases {
        let source = array.data_type().clone();
        let found = read_column(array, data_type);
        assert_eq!(found, (vec![format!("+I [{wanted}]")], None), "{source} as {data_type}");
    }
}

#[test]
fn what_would_lose_something_is_refused() {
    let cases: Vec<(ArrayRef, &str, &str)> = vec![
        (
            Arc::new(Int64Array::from(vec![128])),
            "TINYINT",
            "row 1, column c: 128 is no TINYINT: it is out of its range",
        ),
        (Arc::new(Int32Array::from(vec![1000])), "DECIMAL(4, 2)", "has more digits than DECIMAL(4, 2)"),
        (
            Arc::new(Decimal128Array::from(vec![12_505]).with_precision_and_scale(10, 3).unwrap()),
            "DECIMAL(10, 2)",
            "has more digits than DECIMAL(10, 2)",
        ),
        (text(&["abc"]), "VARCHAR(2)", "too long for VARCHAR(2)"),
        (Arc::new(BinaryArray::from(vec![&[0xff][..]])), "STRING", "not UTF-8"),
        (Arc::new(Time64MicrosecondArray::from(vec![1])), "TIME(3)", "finer than TIME(3)"),
        (Arc::new(TimestampNanosecondArray::from(vec![1])), "TIMESTAMP(6)", "finer than TIMESTAMP(6)"),
        (
            Arc::new(Int32Array::from(vec![None])),
            "INT NOT NULL",
            "row 1, column c: null, and the column is INT NOT NULL",
        ),
        (
            Arc::new(Float64Array::from(vec![1.0])),
            "FLOAT",
            "has the column c as Float64, which does not become FLOAT without loss",
        ),
        (Arc::new(Float64Array::from(vec![1.0])), "INT", "does not become INT without loss"),
        (Arc::new(TimestampMicrosecondArray::from(vec![1])), "DATE", "does not become DATE without loss"),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![1])),
            "TIMESTAMP(6) WITH LOCAL TIME ZONE",
            "does not become TIMESTAMP(6) WITH LOCAL TIME ZONE without loss",
        ),
    ];
    for (array, data_type, wanted) in cases {
        let source = array.data_type().clone();
        let (rows, error) = read_column(array, data_type);
        let error = error.unwrap_or_else(|| panic!("{source} as {data_type}: {rows:?}"));
        assert!(rows.is_empty() && error.contains(wanted), "{source} as {data_type}: {error}");
    }
}

#[test]
fn rows_that_do_not_fit_end_the_reading_or_are_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    let ids: Vec<Option<i64>> = vec![Some(1), Some(2), None, Some(4), Some(5)];
    write(
        &path,
        vec![
            ("name", text(&["a", "b", "c", "d", "e"])),
            ("rowkind", text(&["+I", "-D", "+I", "+X", "+U"])),
            ("id", Arc::new(Int64Array::from(ids))),
        ],
    );
    let schema = schema(&[("id", "BIGINT NOT NULL"), ("absent", "INT"), ("name", "STRING")]);
    let (rows, error) = read_all(&[&path], &schema, options(None));
    assert_eq!(rows, ["+I [1,null,\"a\"]", "-D [2,null,\"b\"]"]);
    let error = error.unwrap();
    assert!(error.ends_with("in.parquet row 3, column id: null, and the column is BIGINT NOT NULL"), "{error}");

    let dead = folder.path().join("dead");
    let mut skipping = options(None);
    skipping.on_error = OnError::Skip { dead_letter: Some(dead.clone()) };
    let (rows, error) = read_all(&[&path], &schema, skipping.clone());
    assert_eq!((rows.len(), error), (3, None));
    let kept = fs::read_to_string(&dead).unwrap();
    assert_eq!(kept.lines().count(), 2);
    assert!(kept.contains("\"row\":3,\"column\":\"id\""), "{kept}");
    assert!(kept.contains("+X"), "{kept}");

    let mut reader = RowReader::open(&[path.to_str().unwrap().to_owned()], Arc::clone(&schema), skipping).unwrap();
    reader.seek(Position { file: 0, row: 4 }).unwrap();
    let batch = reader.next_batch(10).unwrap().unwrap();
    assert_eq!(shown(&batch, &schema), ["+U [5,null,\"e\"]"]);
    assert_eq!(batch.position, Position { file: 0, row: 5 });
    assert!(reader.next_batch(10).unwrap().is_none());
}

#[test]
fn kinds_may_be_bytes_and_other_columns_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    write(
        &path,
        vec![
            ("x", text(&["a", "b"])),
            ("id", Arc::new(Int32Array::from(vec![1, 2]))),
            ("rowkind", Arc::new(Int8Array::from(vec![Some(3), None]))),
        ],
    );
    let schema = schema(&[("id", "INT")]);
    let (_, error) = read_all(&[&path], &schema, options(None));
    assert!(error.unwrap().contains("the table has no column \"x\""));
    let mut ignoring = options(None);
    ignoring.unknown = UnknownMembers::Ignore;
    assert_eq!(read_all(&[&path], &schema, ignoring), (vec!["-D [1]".to_owned(), "+I [2]".to_owned()], None));
}

#[test]
fn what_is_no_parquet_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.parquet");
    for bytes in [&b""[..], b"PAR1", b"PAR1 and more than eight bytes PAR1"] {
        fs::write(&path, bytes).unwrap();
        let (rows, error) = read_all(&[&path], &schema(&[("id", "INT")]), options(None));
        assert!(rows.is_empty() && error.unwrap().contains("is no Parquet file"));
    }
}
