//! New names of columns in the keys and options of a schema.
//!
//! Goes in: the changed schema, and its changes. Comes out: the schema whose primary key, bucket key, sequence fields and options of
//! columns speak of the new names. Only columns count, not fields of rows: no option names those. Answers to
//! `SchemaManager.applyRenameColumnsToOptions` and `applyNotNestedColumnRename`.

use super::SchemaChange;
use crate::options::key;
use crate::schema::TableSchema;

/// Options of one column that go with its name.
const OF_COLUMN: [&str; 4] =
    [key::AGGREGATE_FUNCTION_SUFFIX, key::IGNORE_RETRACT_SUFFIX, key::DISTINCT_SUFFIX, key::LIST_AGG_DELIMITER_SUFFIX];

/// Options whose key and value both name columns.
const OF_COLUMNS: [&str; 2] = [key::SEQUENCE_GROUP_SUFFIX, key::NESTED_KEY_SUFFIX];

/// Lets keys and options follow the columns that were renamed, one after the other.
pub(super) fn apply(schema: &mut TableSchema, changes: &[SchemaChange]) {
    for change in changes {
        if let SchemaChange::RenameColumn { path, name } = change
            && let Some(column) = path.column()
        {
            follow_column(schema, column, name);
        }
    }
}

fn follow_column(schema: &mut TableSchema, old: &str, new: &str) {
    for name in schema.primary_keys.iter_mut().filter(|name| *name == old) {
        new.clone_into(name);
    }
    for option in [key::BUCKET_KEY, key::SEQUENCE_FIELD] {
        if let Some(value) = schema.options.get_mut(option) {
            *value = renamed(value, old, new);
        }
    }
    for suffix in OF_COLUMN {
        let of = |column: &str| format!("{}{column}{suffix}", key::FIELDS_PREFIX);
        move_option(schema, &of(old), of(new));
    }
    let of_columns: Vec<(String, &str)> = schema.options.keys().filter_map(|option| of_columns(option)).collect();
    for (option, suffix) in of_columns {
        let columns = option.strip_prefix(key::FIELDS_PREFIX).and_then(|rest| rest.strip_suffix(suffix));
        let columns = renamed(columns.unwrap_or_default(), old, new);
        if let Some(value) = schema.options.get_mut(&option) {
            *value = renamed(value, old, new);
        }
        move_option(schema, &option, format!("{}{columns}{suffix}", key::FIELDS_PREFIX));
    }
}

fn of_columns(option: &str) -> Option<(String, &'static str)> {
    let rest = option.strip_prefix(key::FIELDS_PREFIX)?;
    let suffix = OF_COLUMNS.into_iter().find(|suffix| rest.ends_with(suffix))?;
    Some((option.to_owned(), suffix))
}

/// Gives the value of an option to another one, in its place.
fn move_option(schema: &mut TableSchema, from: &str, to: String) {
    if from == to || !schema.options.contains_key(from) {
        return;
    }
    schema.options.shift_remove(&to);
    if let Some((at, _, value)) = schema.options.shift_remove_full(from) {
        schema.options.shift_insert(at, to, value);
    }
}

/// A list of columns in which one has another name.
fn renamed(list: &str, old: &str, new: &str) -> String {
    let columns = list.split(',').map(|name| if name.trim() == old { new } else { name });
    columns.collect::<Vec<_>>().join(",")
}
