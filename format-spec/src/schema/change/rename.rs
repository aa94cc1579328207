//! New names of columns in the keys and options of a schema.
//!
//! Goes in: the changed schema, and its changes; or an earlier schema, and a later one whose options it is to have. Comes out: the schema
//! whose primary key, bucket key, sequence fields and options of columns speak of the names that its columns have. Only columns count, not
//! fields of rows: no option names those. Answers to `SchemaManager.applyRenameColumnsToOptions` and `applyNotNestedColumnRename`.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::SchemaChange;
use crate::options::key;
use crate::schema::TableSchema;

/// Options of one column that go with its name.
const OF_COLUMN: [&str; 4] =
    [key::AGGREGATE_FUNCTION_SUFFIX, key::IGNORE_RETRACT_SUFFIX, key::DISTINCT_SUFFIX, key::LIST_AGG_DELIMITER_SUFFIX];

/// Options whose key and value both name columns.
const OF_COLUMNS: [&str; 2] = [key::SEQUENCE_GROUP_SUFFIX, key::NESTED_KEY_SUFFIX];

/// The names that columns get, by those they had.
type Names<'a> = HashMap<&'a str, &'a str>;

/// Lets keys and options follow the columns that were renamed, one after the other.
pub(super) fn apply(schema: &mut TableSchema, changes: &[SchemaChange]) {
    for change in changes {
        if let SchemaChange::RenameColumn { path, name } = change
            && let Some(column) = path.column()
        {
            let names = Names::from([(column, name.as_str())]);
            for key in &mut schema.primary_keys {
                *key = renamed(key, &names).to_owned();
            }
            follow(&mut schema.options, &names);
        }
    }
}

impl TableSchema {
    /// This schema with the options of a later one of the same table. They speak of the columns by the names that those have here; a column
    /// that is not here keeps its name in them.
    #[must_use]
    pub fn with_options_of(&self, later: &Self) -> Self {
        let here: HashMap<i32, &str> = self.fields.iter().map(|field| (field.id, field.name.as_str())).collect();
        let name_here = |id| here.get(&id).copied();
        let names = later.fields.iter().filter_map(|field| Some((field.name.as_str(), name_here(field.id)?))).collect();
        let mut schema = Self { options: later.options.clone(), ..self.clone() };
        follow(&mut schema.options, &names);
        schema
    }
}

/// Renames columns in all options at once, each in its place. One that gets the key of another takes its stead.
fn follow(options: &mut IndexMap<String, String>, names: &Names<'_>) {
    let followed: Vec<(bool, String, String)> = std::mem::take(options)
        .into_iter()
        .map(|(option, value)| {
            let (key, value) = renamed_option(&option, value, names);
            (key != option, key, value)
        })
        .collect();
    let taken: HashSet<String> = followed.iter().filter(|(moves, ..)| *moves).map(|(_, key, _)| key.clone()).collect();
    let left = followed.into_iter().filter(|(moves, key, _)| *moves || !taken.contains(key));
    options.extend(left.map(|(_, key, value)| (key, value)));
}

fn renamed_option(option: &str, value: String, names: &Names<'_>) -> (String, String) {
    if option == key::BUCKET_KEY || option == key::SEQUENCE_FIELD {
        return (option.to_owned(), renamed_list(&value, names));
    }
    let Some(rest) = option.strip_prefix(key::FIELDS_PREFIX) else { return (option.to_owned(), value) };
    let split = |suffix: &'static str| Some((rest.strip_suffix(suffix)?, suffix));
    if let Some((column, suffix)) = OF_COLUMN.into_iter().find_map(split) {
        return (format!("{}{}{suffix}", key::FIELDS_PREFIX, renamed(column, names)), value);
    }
    if let Some((columns, suffix)) = OF_COLUMNS.into_iter().find_map(split) {
        let columns = renamed_list(columns, names);
        return (format!("{}{columns}{suffix}", key::FIELDS_PREFIX), renamed_list(&value, names));
    }
    (option.to_owned(), value)
}

fn renamed<'a>(name: &'a str, names: &Names<'a>) -> &'a str {
    names.get(name).copied().unwrap_or(name)
}

/// A list of columns in which some have other names; what is not renamed keeps its blanks.
fn renamed_list(list: &str, names: &Names<'_>) -> String {
    let columns = list.split(',').map(|name| names.get(name.trim()).copied().unwrap_or(name));
    columns.collect::<Vec<_>>().join(",")
}
