//! Change events of databases: each format's rows, values in their odd forms, and lines that are no event.

use std::fs;

use super::{options, read_all, read_text, schema};
use crate::input::change_json::ChangeFormat;
use crate::input::{InputFormat, OnError};

const DEBEZIUM: InputFormat = InputFormat::Change(ChangeFormat::Debezium);
const CANAL: InputFormat = InputFormat::Change(ChangeFormat::Canal);
const MAXWELL: InputFormat = InputFormat::Change(ChangeFormat::Maxwell);
const OGG: InputFormat = InputFormat::Change(ChangeFormat::Ogg);

fn orders() -> std::sync::Arc<alluvium::TableSchema> {
    schema(&[("id", "INT NOT NULL"), ("name", "STRING"), ("weight", "DOUBLE")])
}

#[test]
fn debezium_gives_inserts_updates_and_deletes() {
    let text = r#"{"before":null,"after":{"id":1,"name":"a","weight":1.5},"source":{"table":"t"},"op":"r","ts_ms":1}
{"before":null,"after":{"id":2,"name":null,"weight":2},"op":"c"}
{"before":{"id":1,"name":"a","weight":1.5},"after":{"id":1,"name":"b","weight":1.5},"op":"u"}
{"before":null,"after":{"id":2,"name":"c"},"op":"u"}

null
{"op":"m","message":{"prefix":"p","content":"YQ=="}}
{"ddl":"ALTER TABLE t ADD c INT","databaseName":"d"}
{"before":{"id":1,"name":"b","weight":1.5},"after":null,"op":"d"}"#;
    let (rows, error) = read_text(text, &orders(), DEBEZIUM);
    let wanted = [
        r#"+I [1,"a",1.5]"#,
        r#"+I [2,null,2.0]"#,
        r#"-U [1,"a",1.5]"#,
        r#"+U [1,"b",1.5]"#,
        r#"+U [2,"c",null]"#,
        r#"-D [1,"b",1.5]"#,
    ];
    assert_eq!((rows, error), (wanted.map(str::to_owned).to_vec(), None));
}

#[test]
fn debezium_with_its_schema_gives_values_as_they_are_meant() {
    let columns = [
        ("id", "INT NOT NULL"),
        ("day", "DATE"),
        ("at", "TIMESTAMP(6)"),
        ("clock", "TIME(3)"),
        ("price", "DECIMAL(10, 2)"),
        ("raw", "BYTES"),
        ("any", "DECIMAL(20, 3)"),
        ("seen", "TIMESTAMP_LTZ(3)"),
        ("open", "BOOLEAN"),
        ("nanos", "TIMESTAMP(9)"),
    ];
    let table = schema(&columns);
    let field =
        |name: &str, kind: &str, class: &str| format!(r#"{{"field":"{name}","type":"{kind}","name":"{class}"}}"#);
    let fields = [
        field("id", "int32", ""),
        field("day", "int32", "io.debezium.time.Date"),
        field("at", "int64", "io.debezium.time.MicroTimestamp"),
        field("clock", "int32", "io.debezium.time.Time"),
        r#"{"field":"price","type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}"#
            .to_owned(),
        r#"{"field":"raw","type":"bytes"}"#.to_owned(),
        field("any", "struct", "io.debezium.data.VariableScaleDecimal"),
        field("seen", "string", "io.debezium.time.ZonedTimestamp"),
        field("open", "int16", ""),
        field("nanos", "int64", "io.debezium.time.NanoTimestamp"),
    ]
    .join(",");
    let image = |name: &str| format!(r#"{{"field":"{name}","type":"struct","fields":[{fields}]}}"#);
    let schema_text = format!(r#"{{"type":"struct","fields":[{},{}]}}"#, image("before"), image("after"));
    let event =
        |after: &str| format!(r#"{{"schema":{schema_text},"payload":{{"before":null,"after":{after},"op":"c"}}}}"#);
    let text = [
        event(
            r#"{"id":1,"day":15736,"at":1359626400123456,"clock":36000000,"price":"A7Y=","raw":"AP8=",
            "any":{"scale":1,"value":"AZA="},"seen":"2013-01-31T10:00:00Z","open":1,"nanos":-1}"#,
        )
        .replace('\n', ""),
        event(r#"{"id":2,"day":-1,"at":-1,"clock":0,"price":"/w==","raw":"","any":null,"seen":null,"open":0,"nanos":null}"#),
        r#"{"schema":null,"payload":null}"#.to_owned(),
    ]
    .join("\n");
    let (rows, error) = read_text(&text, &table, DEBEZIUM);
    let wanted = [
        r#"+I [1,"2013-01-31","2013-01-31T10:00:00.123456","10:00:00.000","9.50","00ff","40.000","2013-01-31T10:00:00.000Z",true,"1969-12-31T23:59:59.999999999"]"#,
        r#"+I [2,"1969-12-31","1969-12-31T23:59:59.999999","00:00:00.000","-0.01","",null,null,false,null]"#,
    ];
    assert_eq!((rows, error), (wanted.map(str::to_owned).to_vec(), None));
}

#[test]
fn canal_gives_all_rows_of_a_batch_and_what_was_before() {
    let text = r#"{"data":[{"id":"1","name":"a","weight":"1.5"},{"id":"2","name":"b","weight":null}],"type":"INSERT","isDdl":false,"old":null}
{"data":[{"id":"1","name":"a2","weight":"1.5"},{"id":"2","name":null,"weight":"3"}],"old":[{"name":"a"},{"name":"b","weight":null}],"type":"UPDATE"}
{"data":null,"type":"ALTER","isDdl":true,"sql":"ALTER TABLE t ADD c INT"}
{"data":[{"id":"2","name":null,"weight":"3"}],"type":"DELETE"}"#;
    let (rows, error) = read_text(text, &orders(), CANAL);
    let wanted = [
        r#"+I [1,"a",1.5]"#,
        r#"+I [2,"b",null]"#,
        r#"-U [1,"a",1.5]"#,
        r#"+U [1,"a2",1.5]"#,
        r#"-U [2,"b",null]"#,
        r#"+U [2,null,3.0]"#,
        r#"-D [2,null,3.0]"#,
    ];
    assert_eq!((rows, error), (wanted.map(str::to_owned).to_vec(), None));
}

#[test]
fn maxwell_and_ogg_give_what_was_before() {
    let maxwell = r#"{"database":"d","table":"t","type":"bootstrap-start","data":{}}
{"type":"bootstrap-insert","data":{"id":1,"name":"a","weight":1.5}}
{"type":"update","data":{"id":1,"name":"b","weight":1.5},"old":{"name":"a"}}
{"type":"table-alter","def":{}}
{"type":"delete","data":{"id":1,"name":"b","weight":1.5}}"#;
    let ogg = r#"{"table":"S.T","op_type":"I","op_ts":"x","after":{"id":1,"name":"a","weight":1.5}}
{"op_type":"U","before":{"name":"a"},"after":{"id":1,"name":"b","weight":1.5}}
{"op_type":"D","before":{"id":1,"name":"b","weight":1.5}}"#;
    let wanted = [r#"+I [1,"a",1.5]"#, r#"-U [1,"a",1.5]"#, r#"+U [1,"b",1.5]"#, r#"-D [1,"b",1.5]"#];
    for (text, format) in [(maxwell, MAXWELL), (ogg, OGG)] {
        let (rows, error) = read_text(text, &orders(), format);
        assert_eq!((rows, error), (wanted.map(str::to_owned).to_vec(), None));
    }
}

#[test]
fn lines_that_are_no_event_say_why() {
    for (format, text, why) in [
        (DEBEZIUM, r#"{"id":1}"#, "in line 1: it is no event of debezium-json: it has no op"),
        (DEBEZIUM, r#"{"op":"x"}"#, r#"in line 1: "x" is no op of debezium-json"#),
        (DEBEZIUM, r#"{"op":"d","before":null}"#, "in line 1: an event of the type d has no before"),
        (
            DEBEZIUM,
            r#"{"op":"t"}"#,
            "in line 1: a TRUNCATE cannot be applied as changes of rows: empty the table with `ingest --overwrite`, or skip it with --on-error skip",
        ),
        (
            CANAL,
            r#"{"type":"TRUNCATE","isDdl":true}"#,
            "in line 1: a TRUNCATE cannot be applied as changes of rows: empty the table with `ingest --overwrite`, or skip it with --on-error skip",
        ),
        (
            CANAL,
            r#"{"type":"UPDATE","data":[{"id":"1"}],"old":[{},{}]}"#,
            "in line 1: an UPDATE has 1 rows in data and 2 in old",
        ),
        (CANAL, r#"{"type":"INSERT","data":[1]}"#, "in line 1: 1 is no row of an event"),
        (
            CANAL,
            r#"{"type":"INSERT","data":[{"id":"x"}]}"#,
            r#"in line 1, column id: "x" is no INT: write it like a whole number of 32 bits"#,
        ),
        (MAXWELL, r#"{"type":"insert","data":{"id":1,"id":2}}"#, "in line 1, column id: it is there twice"),
        (OGG, r#"[]"#, r#"in line 1: it is no JSON object: write one object a line, like {"id": 1}"#),
        (
            OGG,
            r#"{"op_type":"I","after":{"id":1,"other":2}}"#,
            "in line 1: the table has no column \"other\": its columns are id, name, weight; --ignore-unknown leaves out what is none",
        ),
    ] {
        let (rows, error) = read_text(text, &orders(), format);
        assert_eq!((rows, error.as_deref()), (Vec::new(), Some(why)), "{text}");
    }
}

#[test]
fn an_event_comes_in_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let (input, letters) = (folder.path().join("in"), folder.path().join("letters"));
    let text = r#"{"type":"INSERT","data":[{"id":"1"}]}
{"type":"INSERT","data":[{"id":"2"},{"id":"x"}]}
{"type":"INSERT","data":[{"id":"3"}]}"#;
    fs::write(&input, text).unwrap();
    let mut options = options(Some(CANAL));
    options.on_error = OnError::Skip { dead_letter: Some(letters.clone()) };
    let (rows, error) = read_all(&[&input], &orders(), options);
    assert_eq!((rows, error), (vec!["+I [1,null,null]".to_owned(), "+I [3,null,null]".to_owned()], None));
    let letter: serde_json::Value = serde_json::from_str(&fs::read_to_string(letters).unwrap()).unwrap();
    assert_eq!((&letter["line"], &letter["column"]), (&2.into(), &"id".into()));
}

#[test]
fn a_table_may_have_a_column_with_the_name_of_the_row_kind() {
    let table = schema(&[("rowkind", "STRING")]);
    let (rows, error) = read_text(r#"{"op":"c","after":{"rowkind":"gold"}}"#, &table, DEBEZIUM);
    assert_eq!((rows, error), (vec![r#"+I ["gold"]"#.to_owned()], None));
}
