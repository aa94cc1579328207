//! The warehouse of a command and the tables it names, with the options of the command line sorted to whom they are for.
//!
//! Invariant: an option reaches the catalog with its stores or the table, never both: the store's may be secrets, and `bucket` means another thing there.

use std::collections::BTreeMap;

use alluvium::{Error, FileSystemCatalog, MemoryBudget, SystemTable, Table, TableName};

use crate::args::Place;
use crate::failure::{Failure, Outcome};

/// Paimon's table options that are one word.
const TABLE_WORDS: [&str; 4] = ["bucket", "branch", "partition", "path"];
/// The option of the catalog: folders, with commas between them, where data files outside of tables may be.
const ALLOWED_EXTERNAL_PATHS: &str = "allowed-external-paths";

/// A warehouse, with the dynamic options for the table that the command names.
#[derive(Debug)]
pub(crate) struct Warehouse {
    /// Its databases and tables.
    pub(crate) catalog: FileSystemCatalog,
    table_options: BTreeMap<String, String>,
}

impl Warehouse {
    /// Opens the warehouse of the command line.
    pub(crate) fn open(place: &Place) -> Outcome<Self> {
        let (table_options, store_options) = sort_options(&place.options);
        let external = store_options.get(ALLOWED_EXTERNAL_PATHS).map_or("", String::as_str);
        let all_local = external.split(',').chain([place.warehouse.as_str()]).all(|path| is_local(path.trim()));
        let of_store = store_options.keys().find(|name| *name != ALLOWED_EXTERNAL_PATHS);
        if let (Some(name), true) = (of_store, all_local) {
            return Err(Failure::Usage(format!(
                "-o {name}=…: a warehouse in a folder takes no such option; options of tables have - or . in their names"
            )));
        }
        let catalog = FileSystemCatalog::open(&place.warehouse, store_options)
            .map_err(|error| Failure::usage(format_args!("--warehouse {}", shown(&place.warehouse)), error))?;
        let catalog = catalog.with_memory(MemoryBudget::new(place.memory));
        let catalog = match place.disk {
            Some(bytes_max) => catalog.with_disk_limit(bytes_max),
            None => catalog,
        };
        Ok(Self { catalog, table_options })
    }

    /// The dynamic options for tables.
    pub(crate) fn table_options(&self) -> &BTreeMap<String, String> {
        &self.table_options
    }

    /// Opens a table as it is at rest.
    pub(crate) async fn table_at_rest(&self, name: &str) -> Outcome<Table> {
        Ok(self.catalog.table(&table_name(name)?.to_string()).await?)
    }

    /// Opens a table, with the dynamic options over its own.
    pub(crate) async fn table(&self, name: &str) -> Outcome<Table> {
        let table = self.table_at_rest(name).await?;
        if self.table_options.is_empty() {
            return Ok(table);
        }
        let wrong = |error| Failure::usage("-o", error);
        let table = table.with_options(&self.table_options).map_err(wrong)?;
        table.options().validate(table.schema()).map_err(wrong)?;
        Ok(table)
    }

    /// Opens a table, or that of a system table, with the dynamic options over its own.
    pub(crate) async fn shown_table(&self, name: &str) -> Outcome<(Table, Option<SystemTable>)> {
        let (name, system) = SystemTable::of_name(name);
        Ok((self.table(name).await?, system))
    }
}

/// A table's name, checked.
pub(crate) fn table_name(text: &str) -> Outcome<TableName> {
    if let (table, Some(_)) = SystemTable::of_name(text) {
        return Err(Failure::Usage(format!("{text} is a system table, which scan and tail show: name {table} itself")));
    }
    text.parse().map_err(|error: Error| match error.kind() {
        alluvium::ErrorKind::Invalid => Failure::Usage(error.to_string()),
        _ => Failure::Failed(error),
    })
}

type Options = BTreeMap<String, String>;

fn sort_options(options: &[(String, String)]) -> (Options, Options) {
    let is_word = |name: &str| TABLE_WORDS.contains(&name);
    let has_form = |name: &str| name.contains(['-', '.']) && !name.contains('_') && name != ALLOWED_EXTERNAL_PATHS;
    let of_table = |name: &str| is_word(name) || has_form(name);
    options.iter().cloned().partition(|(name, _)| of_table(name))
}

fn is_local(warehouse: &str) -> bool {
    !warehouse.contains("://") || warehouse.starts_with("file://")
}

/// The warehouse without what may be a secret in a URL.
fn shown(warehouse: &str) -> String {
    match warehouse.split_once("://") {
        Some((scheme, rest)) if rest.contains(['@', '?']) => format!("{scheme}://…"),
        _ => warehouse.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{shown, sort_options};

    #[test]
    fn options_go_to_whom_they_are_for() {
        let given = [
            "sequence.field",
            "write-only",
            "bucket",
            "allowed-external-paths",
            "aws_region",
            "region",
            "token",
            "aws_endpoint",
        ];
        let given: Vec<_> = given.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let (table, store) = sort_options(&given);
        assert_eq!(table.into_keys().collect::<Vec<_>>(), ["bucket", "sequence.field", "write-only"]);
        assert_eq!(
            store.into_keys().collect::<Vec<_>>(),
            ["allowed-external-paths", "aws_endpoint", "aws_region", "region", "token"]
        );
    }

    #[test]
    fn secrets_of_a_url_are_not_shown() {
        assert_eq!(shown("s3://key:secret@bucket/wh"), "s3://…");
        assert_eq!(shown("s3://bucket/wh"), "s3://bucket/wh");
    }
}
