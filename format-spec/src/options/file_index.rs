//! The options of file indexes: `file-index.<type>.columns` and `file-index.<type>.<column>.<option>`.
//!
//! Goes in: the option pairs. Comes out: which columns are indexed and how, in the order in which Java's hash maps have them, which is
//! that of the indexes in a file. Answers to `FileIndexOptions`.

use indexmap::IndexMap;

use super::{CoreOptions, key};
use crate::error::{Error, Result};
use crate::java_map::{JavaKey, JavaMap, JavaString, string_hash_code};

const PREFIX: &str = "file-index.";
const COLUMNS: &str = ".columns";
/// `file-index.in-manifest-threshold`, by default.
const IN_MANIFEST_BYTES: u64 = 500;

/// A column, or a key of a map column, that has an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedColumn {
    /// The column's name.
    pub column: String,
    /// The key of the map whose values are indexed.
    pub map_key: Option<String>,
    /// Such as `bloom-filter`.
    pub index_type: String,
    /// What is said of the index.
    pub options: IndexMap<String, String>,
}

impl IndexedColumn {
    /// The name that the index has in a file.
    pub fn full_name(&self) -> String {
        match &self.map_key {
            Some(map_key) => format!("{}[{map_key}]", self.column),
            None => self.column.clone(),
        }
    }

    /// What an option says.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(|text| text.trim())
    }
}

/// A column or a key of a map column, as Java's maps have it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    map_key: Option<String>,
}

impl Column {
    /// `column` or `column[key]`.
    fn of(text: &str) -> Self {
        let nested = text.split_once('[').and_then(|(name, rest)| Some((name, rest.strip_suffix(']')?)));
        match nested {
            Some((name, map_key)) => Self { name: name.to_owned(), map_key: Some(map_key.to_owned()) },
            None => Self { name: text.to_owned(), map_key: None },
        }
    }
}

impl JavaKey for Column {
    fn hash_code(&self) -> i32 {
        let is_nested = if self.map_key.is_some() { 1231 } else { 1237 };
        let parts = [string_hash_code(&self.name), self.map_key.as_deref().map_or(0, string_hash_code), is_nested];
        parts.into_iter().fold(1, |hash: i32, part| hash.wrapping_mul(31).wrapping_add(part))
    }

    fn equals(&self, other: &Self) -> bool {
        self == other
    }
}

impl CoreOptions {
    /// `file-index.read.enabled`.
    pub fn file_index_read_enabled(&self) -> Result<bool> {
        self.flag_or(key::FILE_INDEX_READ_ENABLED, true)
    }

    /// `file-index.in-manifest-threshold`: bytes of indexes at most that go into a manifest.
    pub fn file_index_in_manifest_bytes(&self) -> Result<u64> {
        self.memory(key::FILE_INDEX_IN_MANIFEST_THRESHOLD, IN_MANIFEST_BYTES)
    }

    /// What is indexed, each column and type once.
    ///
    /// # Errors
    /// `Invalid` for an option without a column, or of a column that has no index.
    pub fn indexed_columns(&self) -> Result<Vec<IndexedColumn>> {
        let mut options = JavaMap::new();
        for (name, value) in self.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            options.put(JavaString(name.to_owned()), value.to_owned());
        }
        let options: Vec<(String, String)> = options.into_entries().map(|(name, value)| (name.0, value)).collect();
        let mut columns: JavaMap<Column, JavaMap<JavaString, ()>> = JavaMap::new();
        for (name, value) in &options {
            let Some(index_type) = name.strip_suffix(COLUMNS) else { continue };
            let Some(index_type) = index_type.strip_prefix(PREFIX) else {
                return Err(Error::invalid(format!("the option {name} names no type of index")));
            };
            for column in value.strip_suffix(',').unwrap_or(value).split(',') {
                if column.trim().is_empty() {
                    return Err(Error::invalid(format!(
                        "the option {name} is {value:?}; it must not have an empty column"
                    )));
                }
                let types = columns.compute_if_absent(Column::of(column.trim()));
                types.compute_if_absent(JavaString(index_type.to_owned()));
            }
        }
        let indexed = columns.into_entries().flat_map(|(column, types)| {
            types.into_entries().map(move |(index_type, ())| IndexedColumn {
                column: column.name.clone(),
                map_key: column.map_key.clone(),
                index_type: index_type.0,
                options: IndexMap::new(),
            })
        });
        let mut indexed: Vec<IndexedColumn> = indexed.collect();
        set_options(&mut indexed, &options)?;
        Ok(indexed)
    }
}

/// Gives each option to its index; one of a map column to the indexes of all its keys, unless they have their own.
fn set_options(indexed: &mut [IndexedColumn], options: &[(String, String)]) -> Result<()> {
    for (name, value) in options.iter().filter(|(name, _)| !name.ends_with(COLUMNS)) {
        let parts: Vec<&str> = name.strip_prefix(PREFIX).unwrap_or_default().split('.').collect();
        let [index_type, column, option] = parts.as_slice() else { continue };
        let wanted = Column::of(column);
        let exact = |index: &&mut IndexedColumn| {
            index.column == wanted.name && index.map_key == wanted.map_key && index.index_type == *index_type
        };
        if let Some(index) = indexed.iter_mut().find(exact) {
            index.options.insert((*option).to_owned(), value.clone());
            continue;
        }
        let of_map = |index: &IndexedColumn| {
            index.column == *column && index.map_key.is_some() && index.index_type == *index_type
        };
        if !indexed.iter().any(of_map) {
            return Err(Error::invalid(format!(
                "the option {name} is of a column that {PREFIX}{index_type}{COLUMNS} does not name"
            )));
        }
        for index in indexed.iter_mut().filter(|index| of_map(index)) {
            index.options.entry((*option).to_owned()).or_insert_with(|| value.clone());
        }
    }
    Ok(())
}
