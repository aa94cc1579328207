//! What every form looks like.

use std::io::{self, Write};

use alluvium::arrow_array::cast::AsArray;
use alluvium::arrow_array::types::TimestampNanosecondType;
use alluvium::{DataField, DataType, Datum, ErrorKind};

use super::super::OutputFormat::{Arrow, Csv, Ndjson, Parquet, Table};
use super::super::{OutputOptions, RowKindColumn, RowWriter, is_closed_pipe};
use super::{Shared, batch, options, written};

fn field(id: i32, name: &str, data_type: &str) -> DataField {
    DataField::new(id, name, DataType::parse(data_type).unwrap())
}

fn orders() -> (Vec<DataField>, Vec<Vec<Option<Datum>>>) {
    let fields = vec![
        field(0, "id", "BIGINT NOT NULL"),
        field(1, "total", "DECIMAL(10, 2)"),
        field(2, "name", "STRING"),
        field(3, "at", "TIMESTAMP(3)"),
    ];
    let at = |millis| Some(Datum::Timestamp { millis, nanos_of_milli: 0 });
    let text = |text: &str| Some(Datum::String(text.to_owned()));
    let rows = vec![
        vec![Some(Datum::BigInt(1)), Some(Datum::Decimal(950)), text("a \"b\""), at(1)],
        vec![Some(Datum::BigInt(-2)), None, text(""), at(-1)],
        vec![Some(Datum::BigInt(3)), Some(Datum::Decimal(-5)), None, None],
    ];
    (fields, rows)
}

#[test]
fn json_lines() {
    let (fields, rows) = orders();
    let text = String::from_utf8(written(&fields, &rows, None, Ndjson).unwrap()).unwrap();
    assert_eq!(
        text,
        "{\"id\":1,\"total\":\"9.50\",\"name\":\"a \\\"b\\\"\",\"at\":\"1970-01-01T00:00:00.001\"}\n\
         {\"id\":-2,\"total\":null,\"name\":\"\",\"at\":\"1969-12-31T23:59:59.999\"}\n\
         {\"id\":3,\"total\":\"-0.05\",\"name\":null,\"at\":null}\n"
    );
    let text = String::from_utf8(written(&fields[..1], &rows, Some(&[1, 2, 3]), Ndjson).unwrap()).unwrap();
    assert_eq!(text, "{\"rowkind\":\"-U\",\"id\":1}\n{\"rowkind\":\"+U\",\"id\":-2}\n{\"rowkind\":\"-D\",\"id\":3}\n");
}

#[test]
fn csv_records() {
    let (fields, rows) = orders();
    let text = String::from_utf8(written(&fields, &rows, Some(&[0, 1, 3]), Csv).unwrap()).unwrap();
    assert_eq!(
        text,
        "rowkind,id,total,name,at\n\
         +I,1,9.50,\"a \"\"b\"\"\",1970-01-01T00:00:00.001\n\
         -U,-2,,\"\",1969-12-31T23:59:59.999\n\
         -D,3,-0.05,,\n"
    );
    let text = String::from_utf8(written(&[field(0, "a,b", "INT")], &[], None, Csv).unwrap()).unwrap();
    assert_eq!(text, "\"a,b\"\n");
}

#[test]
fn tables() {
    let (fields, rows) = orders();
    let text = String::from_utf8(written(&fields[..3], &rows, Some(&[0, 1, 3]), Table).unwrap()).unwrap();
    assert_eq!(
        text,
        "╭─────────┬────┬───────┬───────╮\n\
         │ rowkind ┆ id ┆ total ┆ name  │\n\
         ╞═════════╪════╪═══════╪═══════╡\n\
         │ +I      ┆  1 ┆  9.50 ┆ a \"b\" │\n\
         │ -U      ┆ -2 ┆  NULL ┆       │\n\
         │ -D      ┆  3 ┆ -0.05 ┆ NULL  │\n\
         ╰─────────┴────┴───────┴───────╯\n"
    );
    let out = Shared::default();
    let options = OutputOptions { terminal_width: Some(36), ..options(Table, RowKindColumn::Absent) };
    let mut writer = RowWriter::new(Box::new(out.clone()), &fields, options).unwrap();
    writer.write(&batch(&fields, &rows), None).unwrap();
    writer.finish().unwrap();
    let text = out.text();
    assert!(text.lines().all(|line| line.chars().count() <= 36), "{text}");
    assert!(text.contains('…'), "{text}");
}

#[test]
fn an_output_without_rows_has_its_header() {
    let (fields, _) = orders();
    assert_eq!(written(&fields, &[], None, Ndjson).unwrap(), b"");
    assert_eq!(written(&fields, &[], None, Csv).unwrap(), b"id,total,name,at\n");
    assert!(String::from_utf8(written(&fields, &[], None, Table).unwrap()).unwrap().contains("┆ total ┆"));
}

#[test]
fn flushing_brings_out_every_row() {
    let (fields, rows) = orders();
    for format in [Ndjson, Csv, Table, Arrow] {
        let out = Shared::default();
        let mut writer =
            RowWriter::new(Box::new(out.clone()), &fields, options(format, RowKindColumn::Leading)).unwrap();
        writer.write(&batch(&fields, &rows), None).unwrap();
        writer.flush().unwrap();
        let before = out.bytes().len();
        assert!(before > 0, "{format:?}");
        writer.write(&batch(&fields, &rows), None).unwrap();
        writer.flush().unwrap();
        assert!(out.bytes().len() > before, "{format:?}");
        writer.finish().unwrap();
    }
}

#[test]
fn wide_timestamps_are_nanoseconds_where_they_fit() {
    let fields = [field(0, "t", "TIMESTAMP(9)"), field(1, "z", "TIMESTAMP(9) WITH LOCAL TIME ZONE")];
    let at = |millis| Some(Datum::Timestamp { millis, nanos_of_milli: 123_456 });
    let bytes = written(&fields, &[vec![at(-1), at(7)], vec![None, None]], None, Arrow).unwrap();
    let mut reader = arrow_ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let read = reader.next().unwrap().unwrap();
    let values = read.column(0).as_primitive::<TimestampNanosecondType>();
    assert_eq!(values.iter().collect::<Vec<_>>(), [Some(-876_544), None]);
    assert_eq!(read.schema().field(1).data_type().to_string(), "Timestamp(ns, \"UTC\")");
    for format in [Arrow, Parquet] {
        let error = written(&fields, &[vec![at(i64::MAX / 1_000_000 + 1), None]], None, format).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().starts_with("column t: "), "{error}");
    }
}

#[test]
fn a_column_with_the_name_of_the_kind_is_refused_beside_it() {
    let fields = [field(0, "rowkind", "STRING")];
    let open = |kinds| RowWriter::new(Box::new(io::sink()), &fields, options(Ndjson, kinds)).map(drop);
    assert!(open(RowKindColumn::Absent).is_ok());
    assert_eq!(open(RowKindColumn::Leading).unwrap_err().kind(), ErrorKind::Invalid);
}

struct Closed(io::ErrorKind);

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn a_closed_pipe_is_told_from_other_failures() {
    let (fields, rows) = orders();
    for format in [Ndjson, Csv, Table, Arrow, Parquet] {
        for (kind, closed) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
            let write = || {
                let mut writer =
                    RowWriter::new(Box::new(Closed(kind)), &fields, options(format, RowKindColumn::Absent))?;
                writer.write(&batch(&fields, &rows), None)?;
                writer.flush()?;
                writer.finish()
            };
            let error = write().unwrap_err();
            assert_eq!(is_closed_pipe(&error), closed, "{format:?}: {error}");
            assert_eq!(
                error.kind(),
                if closed { ErrorKind::Closed } else { ErrorKind::Storage },
                "{format:?}: {error}"
            );
        }
    }
}
