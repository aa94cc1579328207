//! Inputs with rows that cannot be read, and with names that mean nothing.

use std::fs;
use std::sync::Arc;

use alluvium::ErrorKind;

use super::super::InputFormat::{Csv, Ndjson};
use super::super::{OnError, Position, RowReader, UnknownMembers};
use super::{options, read_all, read_text, schema, shown};

const COLUMNS: [(&str, &str); 2] = [("id", "BIGINT NOT NULL"), ("total", "DECIMAL(10, 2)")];

#[test]
fn everything_before_a_wrong_row_comes_out_first() {
    let text = "{\"id\":1}\n\n{\"id\":2,\"total\":\"2\"}\r\n{\"id\":3,\"total\":\"x\"}\n{\"id\":4}\n";
    let (rows, error) = read_text(text, &schema(&COLUMNS), Ndjson);
    assert_eq!(rows, ["+I [1,null]", "+I [2,\"2.00\"]"]);
    assert_eq!(error.unwrap(), "in line 4, column total: \"x\" is no DECIMAL(10, 2): it is no number");
}

#[test]
fn lines_that_are_no_rows() {
    let cases = [
        ("{\"id\":1", "instead of a comma or }"),
        ("{\"id\":1}}", "instead of the end of the line"),
        ("{\"id\":01}", "instead of a comma or }"),
        ("{\"id\":1,}", "instead of a member's name in quotes"),
        ("{id:1}", "instead of a member's name in quotes"),
        ("{\"id\" 1}", "instead of a colon"),
        ("{\"id\":}", "instead of a value"),
        ("{\"id\":nul}", "instead of a value"),
        ("{\"id\":1.}", "instead of a digit"),
        ("{\"total\":\"a", "a text is not closed"),
        ("{\"total\":[1", "is not closed"),
        ("[1]", "it is no JSON object: write one object a line"),
        ("1", "it is no JSON object"),
        ("{\"id\":1,\"id\":2}", "column id: it is there twice"),
        ("{\"rowkind\":\"+I\",\"rowkind\":\"+I\",\"id\":2}", "column rowkind: it is there twice"),
        ("{\"rowkind\":\"+X\",\"id\":1}", "\"+X\" is no row kind: write +I, -U, +U or -D"),
        ("{\"rowkind\":1,\"id\":1}", "1 is no row kind"),
        ("{}", "column id: null, and the column is BIGINT NOT NULL"),
        ("{\"id\":1,\"price\":2}", "the table has no column \"price\": its columns are id, total; --ignore-unknown"),
        ("{\"id\":1,\"total\":\"\t\"}", "control characters"),
    ];
    for (line, wanted) in cases {
        let (rows, error) = read_text(&format!("{{\"id\":0}}\n{line}\n"), &schema(&COLUMNS), Ndjson);
        let error = error.unwrap_or_else(|| panic!("{line} was read"));
        assert_eq!(rows.len(), 1, "{line}");
        assert!(error.starts_with("in line 2") && error.contains(wanted), "{line}: {error}");
    }
    let deep = format!("{{\"id\":{}1", "[".repeat(100_000));
    assert!(read_text(&deep, &schema(&COLUMNS), Ndjson).1.unwrap().contains("nested deeper"));
}

#[test]
fn kinds_marks_and_columns_that_are_absent() {
    let text = "\u{feff}{\"total\":1,\"id\":1}\n{\"rowkind\":\"-U\",\"id\":2}\n{\"\\u0069d\":3,\"rowkind\":\"-D\"}";
    let (rows, error) = read_text(text, &schema(&COLUMNS), Ndjson);
    assert_eq!((rows, error), (["+I [1,\"1.00\"]", "-U [2,null]", "-D [3,null]"].map(str::to_owned).to_vec(), None));
    let text = "\u{feff}\"total\",rowkind,id\r\n1,+U,1\r\n\r\n,,2";
    let (rows, error) = read_text(text, &schema(&COLUMNS), Csv);
    assert_eq!((rows, error), (["+U [1,\"1.00\"]", "+I [2,null]"].map(str::to_owned).to_vec(), None));
}

#[test]
fn csv_that_is_none() {
    let cases = [
        ("id,price\n1,2\n", "in line 1: in the header, which names the columns: the table has no column \"price\""),
        ("id,id\n1,2\n", "in line 1: the header names id twice"),
        ("id,total\n1\n", "in line 2: it has 1 fields, the header has 2"),
        ("id,total\n1,2,3\n", "in line 2: it has 3 fields, the header has 2"),
        ("id,total\n1,\"2\"x\n", "in line 2: it is no CSV: 'x' follows the closing quote"),
        ("id,total\n\n1,\"2\n", "the quotes opened in the record on line 3 are never closed"),
        ("id,total\n1,\"1\n\"\n2,x\n", "in line 4, column total: \"x\" is no DECIMAL"),
        ("id,total\n,1\n", "in line 2, column id: null"),
    ];
    for (text, wanted) in cases {
        let error = read_text(text, &schema(&COLUMNS), Csv).1.unwrap_or_else(|| panic!("{text:?} was read"));
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

#[test]
fn under_a_header_of_one_column_an_empty_line_is_a_null() {
    let (rows, error) = read_text("c\n1\n\n2\n", &schema(&[("c", "INT")]), Csv);
    assert_eq!((rows, error), (["+I [1]", "+I [null]", "+I [2]"].map(str::to_owned).to_vec(), None));
}

#[test]
fn unknown_members_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.ndjson");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        let mut options = options(None);
        options.unknown = UnknownMembers::Ignore;
        read_all(&[&path], &schema(&COLUMNS), options)
    };
    let (rows, error) = read("{\"x\":{\"y\":[1,\"}\"]},\"id\":1,\"z\":\"\\u0041\"}\n{\"x\":1,\"id\":2}\n");
    assert_eq!((rows.len(), error), (2, None));
    for wrong in ["{\"x\":[tru],\"id\":1}", "{\"x\":\"\\q\",\"id\":1}", "{\"x\":{]},\"id\":1}"] {
        assert!(read(wrong).1.is_some(), "{wrong}");
    }
}

#[test]
fn skipped_rows_are_counted_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.ndjson");
    let dead = folder.path().join("dead.ndjson");
    fs::write(&path, b"{\"id\":1}\nnot json\n{\"id\":2}\n\xff\xfe\n{\"id\":3,\"total\":\"x\"}\n{\"id\":4}\n").unwrap();
    let mut options = options(None);
    options.on_error = OnError::Skip { dead_letter: Some(dead.clone()) };
    let name = path.to_str().unwrap().to_owned();
    let schema = schema(&COLUMNS);
    let mut reader = RowReader::open(std::slice::from_ref(&name), Arc::clone(&schema), options).unwrap();
    let batch = reader.next_batch(100).unwrap().unwrap();
    assert_eq!(shown(&batch, &schema), ["+I [1,null]", "+I [2,null]", "+I [4,null]"]);
    assert_eq!((batch.skipped, batch.position), (3, Position { file: 0, row: 6 }));
    assert!(reader.next_batch(100).unwrap().is_none());
    let lines: Vec<serde_json::Value> =
        fs::read_to_string(&dead).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["record"], &lines[0]["line"], &lines[0]["input"]),
        (&"not json".into(), &2.into(), &name.into())
    );
    assert_eq!(lines[1]["record_hex"], "fffe");
    assert_eq!((&lines[2]["column"], &lines[2]["line"]), (&"total".into(), &5.into()));
    assert_eq!(lines[2]["record"], "{\"id\":3,\"total\":\"x\"}");
}

#[test]
fn after_an_error_there_is_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.ndjson");
    fs::write(&path, "{\"id\":1}\nx\n{\"id\":2}\n").unwrap();
    let paths = [path.to_str().unwrap().to_owned()];
    let mut reader = RowReader::open(&paths, schema(&COLUMNS), options(None)).unwrap();
    assert_eq!(reader.next_batch(10).unwrap().unwrap().position, Position { file: 0, row: 1 });
    assert_eq!(reader.next_batch(10).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(reader.next_batch(10).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn what_cannot_be_opened() {
    let open = |path: &str, format: Option<&str>| {
        let format = format.map(str::parse).transpose();
        format.and_then(|format| RowReader::open(&[path.to_owned()], schema(&COLUMNS), options(format)).map(drop))
    };
    let unsupported = ["arrow", "avro"];
    for name in unsupported {
        let error = open("-", Some(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(name), "{error}");
    }
    let invalid = [
        ("-", Some("xml"), "\"xml\" is no input format: the formats are ndjson, csv, parquet, debezium-json,"),
        ("-", None, "the format of standard input cannot be told from its name: give --input-format"),
        ("-", Some("parquet"), "standard input cannot be read as parquet"),
        ("/nowhere/a.csv", None, "/nowhere/a.csv cannot be opened"),
        ("/", Some("csv"), "is a folder"),
    ];
    for (path, format, wanted) in invalid {
        let error = open(path, format).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let twice = RowReader::open(&["-".to_owned(), "-".to_owned()], schema(&COLUMNS), options(Some(Csv))).err().unwrap();
    assert!(twice.to_string().contains("named twice"), "{twice}");
    let clash = RowReader::open(&[], schema(&[("rowkind", "STRING")]), options(None)).err().unwrap();
    assert!(clash.to_string().contains("--rowkind-field"), "{clash}");
}
