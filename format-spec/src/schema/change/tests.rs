//! Every change, what it makes of a schema, and what is refused; wanted schemas are those that Paimon 1.4.2 makes of the same changes.

use serde_json::json;

use super::{Holding, SchemaChange};
use crate::schema::{SchemaDefinition, TableSchema};

fn table(json: &serde_json::Value) -> TableSchema {
    SchemaDefinition::from_json(json.to_string().as_bytes()).unwrap().into_schema(7).unwrap()
}

fn orders() -> TableSchema {
    table(&json!({
        "fields": [
            {"name": "p", "type": "INT"},
            {"name": "k", "type": "BIGINT NOT NULL"},
            {"name": "a", "type": "INT"},
            {"name": "r", "type": {"type": "ROW", "fields": [{"name": "x", "type": "INT"}, {"name": "y", "type": "STRING"}]}},
            {"name": "l", "type": {"type": "ARRAY", "element": {"type": "ROW", "fields": [{"name": "z", "type": "INT"}]}}},
            {"name": "m", "type": {"type": "MAP", "key": "STRING NOT NULL", "value": "INT"}},
            {"name": "s", "type": "BIGINT NOT NULL"}
        ],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"],
        "options": {"bucket": "2", "bucket-key": "k", "sequence.field": "s"}
    }))
}

fn change(schema: &TableSchema, changes: serde_json::Value, holding: Holding) -> Result<TableSchema, String> {
    let changes = SchemaChange::list_from_json(changes.to_string().as_bytes()).map_err(|error| error.to_string())?;
    schema.changed(&changes, holding, 8).map_err(|error| error.to_string())
}

/// `name:id:type` of every column.
fn columns(schema: &TableSchema) -> Vec<String> {
    schema.fields.iter().map(|field| format!("{}:{}:{}", field.name, field.id, field.data_type)).collect()
}

fn changed(changes: serde_json::Value) -> TableSchema {
    change(&orders(), changes, Holding::Snapshots).unwrap()
}

fn refused(changes: serde_json::Value) -> String {
    change(&orders(), changes, Holding::Snapshots).unwrap_err()
}

#[test]
fn columns_are_added_at_their_place_with_ids_that_were_never_used() {
    let old = orders();
    assert_eq!(old.highest_field_id, 9);
    let new = changed(json!([
        {"add": "b", "type": "DOUBLE"},
        {"add": "c", "type": "DATE", "first": true},
        {"add": "d", "type": {"type": "ROW", "fields": [{"name": "u", "type": "INT"}, {"name": "v", "type": "INT"}]}, "after": "k"},
        {"add": "r.w", "type": "INT", "after": "x"},
        {"add": "l.element.q", "type": "INT"}
    ]));
    assert_eq!((new.id, new.time_millis, new.highest_field_id), (1, 8, 16));
    assert_eq!(new.fields[0].name, "c");
    assert_eq!(new.fields[3].data_type.to_json()["fields"][1]["id"], json!(14));
    assert_eq!(
        columns(&new),
        [
            "c:11:DATE",
            "p:0:INT NOT NULL",
            "k:1:BIGINT NOT NULL",
            "d:12:ROW<`u` INT, `v` INT>",
            "a:2:INT",
            "r:3:ROW<`x` INT, `w` INT, `y` STRING>",
            "l:6:ARRAY<ROW<`z` INT, `q` INT>>",
            "m:8:MAP<STRING NOT NULL, INT>",
            "s:9:BIGINT NOT NULL",
            "b:10:DOUBLE",
        ]
    );
    // What was dropped leaves no id to be used again.
    let dropped = change(&new, json!([{"drop": "b"}, {"drop": "c"}, {"add": "b", "type": "INT"}]), Holding::Snapshots);
    assert_eq!(dropped.unwrap().field("b").unwrap().id, 17);
}

#[test]
fn names_types_places_and_words_of_columns_change() {
    let new = changed(json!([
        {"rename": "a", "to": "aa"},
        {"retype": "aa", "to": "BIGINT"},
        {"retype": "r.x", "to": "BIGINT"},
        {"retype": "l.element.z", "to": "STRING"},
        {"retype": "m.value", "to": "BIGINT"},
        {"rename": "r.y", "to": "yy"},
        {"drop": "r.x"},
        {"nullable": "s"},
        {"move": "m", "after": "k"},
        {"move": "aa", "last": true},
        {"describe": "aa", "to": "what it is"},
        {"default": "aa", "to": "7"},
        {"comment": "orders"}
    ]));
    assert_eq!(
        columns(&new),
        [
            "p:0:INT NOT NULL",
            "k:1:BIGINT NOT NULL",
            "m:8:MAP<STRING NOT NULL, BIGINT>",
            "r:3:ROW<`yy` STRING>",
            "l:6:ARRAY<ROW<`z` STRING>>",
            "s:9:BIGINT",
            "aa:2:BIGINT",
        ]
    );
    let field = new.field("aa").unwrap();
    assert_eq!((field.description.as_deref(), field.default_value.as_deref()), (Some("what it is"), Some("7")));
    assert_eq!(new.comment.as_deref(), Some("orders"));
    let back =
        change(&new, json!([{"default": "aa"}, {"comment": null}, {"describe": "aa"}]), Holding::Snapshots).unwrap();
    let field = back.field("aa").unwrap();
    assert_eq!((&field.description, &field.default_value, &back.comment, back.id), (&None, &None, &None, 2));
}

#[test]
fn keys_and_options_follow_the_names_of_columns() {
    let new = changed(json!([{"rename": "k", "to": "id"}, {"rename": "s", "to": "t"}, {"rename": "t", "to": "k"}]));
    assert_eq!(new.primary_keys, ["p", "id"]);
    assert_eq!((new.options["bucket-key"].as_str(), new.options["sequence.field"].as_str()), ("id", "k"));
    let old = table(&json!({
        "fields": [{"name": "k", "type": "INT"}, {"name": "g", "type": "INT"}, {"name": "h", "type": "INT"}, {"name": "a", "type": "INT"},
                   {"name": "b", "type": "INT"}],
        "primaryKeys": ["k"],
        "options": {"bucket": "1", "merge-engine": "partial-update", "fields.g,h.sequence-group": "a,b", "fields.a.aggregate-function": "sum",
                    "fields.a.ignore-retract": "true"}
    }));
    let renames = json!([{"rename": "h", "to": "i"}, {"rename": "a", "to": "c"}]);
    let new = change(&old, renames, Holding::Snapshots).unwrap();
    let options: Vec<(&str, &str)> = new.options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        options,
        [
            ("bucket", "1"),
            ("merge-engine", "partial-update"),
            ("fields.g,i.sequence-group", "c,b"),
            ("fields.c.aggregate-function", "sum"),
            ("fields.c.ignore-retract", "true"),
        ]
    );
}

#[test]
fn an_earlier_schema_has_later_options_under_its_own_names() {
    let old = table(&json!({
        "fields": [{"name": "k", "type": "INT"}, {"name": "a", "type": "INT"}, {"name": "b", "type": "INT"}, {"name": "s", "type": "INT"}],
        "primaryKeys": ["k"],
        "options": {"bucket": "1", "merge-engine": "aggregation", "sequence.field": "s", "bucket-key": "k",
                    "fields.a.aggregate-function": "sum", "fields.b.aggregate-function": "max"}
    }));
    let swapped = json!([
        {"rename": "a", "to": "c"}, {"rename": "b", "to": "a"}, {"rename": "c", "to": "b"},
        {"rename": "k", "to": "id"}, {"rename": "s", "to": "moment"},
        {"add": "d", "type": "INT"}, {"set": "fields.d.aggregate-function", "to": "min"}
    ]);
    let new = change(&old, swapped, Holding::Snapshots).unwrap();
    assert_eq!((new.options["sequence.field"].as_str(), new.options["bucket-key"].as_str()), ("moment", "id"));
    assert_eq!(new.options["fields.a.aggregate-function"], "max");
    let mut wanted = old.clone();
    wanted.options.insert("fields.d.aggregate-function".to_owned(), "min".to_owned());
    assert_eq!(old.with_options_of(&new), wanted);
}

#[test]
fn what_files_were_made_by_stays() {
    for (changes, wanted) in [
        (json!([{"drop": "k"}]), "key column k cannot be dropped"),
        (json!([{"drop": "p"}]), "partition column p cannot be dropped"),
        (json!([{"rename": "p", "to": "q"}]), "partition column p cannot be renamed"),
        (json!([{"retype": "k", "to": "STRING"}]), "key column k cannot be given another type"),
        (
            json!([{"rename": "k", "to": "j"}, {"retype": "j", "to": "STRING"}]),
            "key column j cannot be given another type",
        ),
        (json!([{"nullable": "k"}]), "key column k cannot be made nullable"),
        (json!([{"not-null": "a"}]), "alter-column-null-to-not-null.disabled = false"),
        (json!([{"retype": "a", "to": "BIGINT NOT NULL"}]), "alter-column-null-to-not-null.disabled = false"),
        (json!([{"retype": "a", "to": "DATE"}]), "cannot become DATE"),
        (json!([{"retype": "r", "to": {"type": "ROW", "fields": [{"name": "x", "type": "BIGINT"}]}}]), "cannot become"),
        (json!([{"drop": "s"}]), "sequence.field"),
        (json!([{"set": "bucket", "to": "-1"}]), "bucket cannot change from 2 to -1"),
        (json!([{"set": "merge-engine", "to": "deduplicate"}]), "merge-engine cannot change"),
        (json!([{"set": "deletion-vectors.enabled", "to": "true"}]), "deletion-vectors.modifiable"),
        (json!([{"reset": "bucket"}]), "bucket cannot be reset"),
        (json!([{"reset": "bucket-key"}]), "bucket-key cannot be reset"),
        (json!([{"set": "path", "to": "/elsewhere"}]), "path cannot be set"),
        (json!([{"set": "changelog-producer", "to": "sometimes"}]), "changelog-producer"),
        (json!([{"drop-primary-key": true}]), "make a new table"),
    ] {
        let error = refused(changes.clone());
        assert!(error.contains(wanted), "{changes}: {error}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    for (changes, wanted) in [
        (json!([]), "nothing to change"),
        (json!([{"drop-primary-key": true, "drop": "a"}]), "must have one of the members"),
        (json!([{"drop-primary-key": false}]), "true, or left away"),
        (json!([{"drop": "x"}]), "no column x; there are p, k, a, r, l, m, s"),
        (json!([{"drop": "r.q"}]), "no column q; there are x, y"),
        (json!([{"add": "a", "type": "INT"}]), "a column a already"),
        (json!([{"rename": "a", "to": "s"}]), "a column s already"),
        (json!([{"add": "b", "type": "INT NOT NULL"}]), "give it a default value"),
        (json!([{"add": "b", "type": "INT", "after": "c"}]), "no column c"),
        (json!([{"add": "_KEY_b", "type": "INT"}]), "reserved"),
        (json!([{"add": "a.b", "type": "INT"}]), "is no column and no field of a row"),
        (json!([{"rename": "l.element", "to": "b"}]), "is no column and no field of a row"),
        (json!([{"rename": "l.z", "to": "b"}]), "is no column and no field of a row"),
        (json!([{"retype": "m.key", "to": "INT"}]), "its keys stay as they are"),
        (json!([{"drop": "l.element.z"}]), "the last that is left"),
        (json!([{"move": "a", "after": "a"}]), "there already"),
        (json!([{"move": "p", "first": true}]), "there already"),
        (json!([{"move": "a"}]), "lacks first, last, after or before"),
        (json!([{"rename": "a"}]), "lacks the text \"to\""),
        (json!([{"set": "a", "drop": "a"}]), "must have one of the members"),
        (json!([{"erase": "a"}]), "has a member \"erase\""),
        (json!([{"drop": "a."}]), "a name is missing"),
        (json!([{"drop": "`a"}]), "a backquote is not closed"),
    ] {
        let error = refused(changes.clone());
        assert!(error.contains(wanted), "{changes}: {error}");
    }
}

#[test]
fn a_table_without_snapshots_may_change_more() {
    let keyed = orders();
    let of_nothing = |changes| change(&keyed, changes, Holding::Nothing);
    let new = of_nothing(json!([{"set": "merge-engine", "to": "partial-update"}, {"reset": "bucket-key"}])).unwrap();
    assert_eq!(new.options.get("bucket-key"), None);
    let new = of_nothing(json!([{"drop-primary-key": true}, {"reset": "sequence.field"}])).unwrap();
    assert!(new.primary_keys.is_empty());
    assert!(of_nothing(json!([{"set": "primary-key", "to": "k"}])).unwrap_err().contains("both name keys"));
}

#[test]
fn options_of_the_table_rule_its_changes() {
    let old = changed(json!([
        {"set": "alter-column-null-to-not-null.disabled", "to": "false"},
        {"set": "disable-explicit-type-casting", "to": "true"},
        {"set": "add-column-before-partition", "to": "true"},
        {"retype": "a", "to": "BIGINT"}
    ]));
    let new = change(&old, json!([{"add": "b", "type": "INT"}]), Holding::Snapshots).unwrap();
    assert_eq!(new.index_of("b"), Some(0));
    let narrower = change(&old, json!([{"retype": "a", "to": "INT"}]), Holding::Snapshots);
    assert!(narrower.unwrap_err().contains("cannot become INT"));
    // Java compares nullability before anything else where it casts implicitly only.
    assert!(change(&old, json!([{"retype": "a", "to": "BIGINT NOT NULL"}]), Holding::Snapshots).is_err());
    let new = change(&old, json!([{"not-null": "a"}]), Holding::Snapshots).unwrap();
    assert!(!new.field("a").unwrap().data_type.nullable);
}

#[test]
fn ids_end_before_those_of_the_columns_that_only_files_have() {
    let mut old = orders();
    old.highest_field_id = i32::MAX;
    assert!(
        change(&old, json!([{"add": "b", "type": "INT"}]), Holding::Snapshots).unwrap_err().contains("no ids left")
    );
    old.highest_field_id = crate::key_value_file::KEY_FIELD_ID_START - 2;
    assert!(change(&old, json!([{"add": "b", "type": "INT"}]), Holding::Snapshots).is_ok());
    let nested = json!({"type": "ROW", "fields": [{"name": "x", "type": "INT"}]});
    assert!(change(&old, json!([{"add": "b", "type": nested}]), Holding::Snapshots).is_err());
}
