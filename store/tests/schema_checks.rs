//! What a schema is refused for before it is written, when a table is created and when it is altered.

use std::collections::BTreeMap;

use alluvium_format::{ErrorKind, SchemaChange, SchemaDefinition};
use alluvium_store::{FileSystemCatalog, TableName, schema_change};

#[tokio::test]
async fn default_values_are_values() {
    let catalog = FileSystemCatalog::open("memory:", &BTreeMap::new()).unwrap();
    catalog.create_database("d").await.unwrap();
    let name: TableName = "d.t".parse().unwrap();
    let definition = |default: &str| {
        let schema = format!(
            r#"{{"fields": [{{"name": "k", "type": "INT NOT NULL"}}, {{"name": "a", "type": "INT", "defaultValue": "{default}"}}],
                "primaryKeys": ["k"], "options": {{"bucket": "1"}}}}"#
        );
        SchemaDefinition::from_json(schema.as_bytes()).unwrap()
    };
    let error = catalog.create_table(&name, definition("seven")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("default value \"seven\" of column a"), "{error}");
    assert_eq!(catalog.list_tables("d").await.unwrap(), [""; 0], "nothing was written");
    let table = catalog.create_table(&name, definition("7")).await.unwrap();
    let changes = SchemaChange::list_from_json(br#"[{"default": "a", "to": "eight"}]"#).unwrap();
    let error = schema_change::alter(&table, &changes).await.unwrap_err();
    assert!(error.to_string().contains("default value \"eight\" of column a"), "{error}");
}
