//! `table alter`: columns, options and the comment of a table, changed in one new schema.
//!
//! Goes in: the arguments, or a file of changes. Comes out: the next schema, or with `--dry-run` what it would differ in.

use alluvium::{ColumnPath, DataType, Error, Nullability, Place, SchemaChange, TableSchema};
use clap::Args;
use serde_json::Value;

use crate::args::key_value;
use crate::commands::table::read_json_file;
use crate::failure::{Failure, Outcome, say};
use crate::quantity::counted;
use crate::report;
use crate::warehouse::Warehouse;

/// What comparing two schemas line by line may take; beyond it all lines are shown.
const DIFFERENCE_CELLS_MAX: usize = 4 << 20;

const ALTER_HELP: &str = r#"All changes of a command make one new schema; rows that are there are read under it. Columns are dropped first, then renamed, then added;
all else speaks of them by the names that they have then. A field of a row is ROW.FIELD, the elements of a list are LIST.element, the values of
a map MAP.value; a name with points or blanks stands between backquotes. Nested types are written as in schema files.

The same in a file, for --changes, in the order of the list:
  [{"add": "c", "type": "INT", "after": "b"}, {"rename": "a", "to": "b"}, {"drop": "c"}, {"retype": "a", "to": "BIGINT"}, {"move": "a", "first": true},
   {"nullable": "a"}, {"not-null": "a"}, {"default": "a", "to": "0"}, {"describe": "a", "to": "in euros"}, {"comment": "orders"},
   {"set": "bucket", "to": "4"}, {"reset": "write-only"}]

Examples:
  alluvium table alter shop.orders --add-column 'note STRING after total' --set snapshot.num-retained.max=50
  alluvium table alter shop.orders --alter-column 'total DECIMAL(20, 2)' --rename-column total=amount --dry-run"#;

/// Arguments of `table alter`.
#[derive(Args, Debug)]
#[command(after_help = ALTER_HELP)]
pub(crate) struct AlterArgs {
    /// The table, DATABASE.TABLE
    table: String,
    /// Drop a column
    #[arg(long, value_name = "COLUMN", value_parser = path)]
    drop_column: Vec<ColumnPath>,
    /// Rename a column
    #[arg(long, value_name = "OLD=NEW", value_parser = key_value)]
    rename_column: Vec<(String, String)>,
    /// Add a column, last unless its place is given
    #[arg(long, value_name = "NAME TYPE [first|after X|before X]", value_parser = added)]
    add_column: Vec<SchemaChange>,
    /// Change the type of a column; NOT NULL stays as it is unless it is given
    #[arg(long, value_name = "NAME TYPE", value_parser = retyped)]
    alter_column: Vec<SchemaChange>,
    /// Let a column be null
    #[arg(long, value_name = "COLUMN", value_parser = path)]
    nullable: Vec<ColumnPath>,
    /// Let a column not be null
    #[arg(long, value_name = "COLUMN", value_parser = path)]
    not_null: Vec<ColumnPath>,
    /// Have writers put a value in the place of null
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = key_value)]
    default: Vec<(String, String)>,
    /// Take the default value of a column away
    #[arg(long, value_name = "COLUMN", value_parser = path)]
    no_default: Vec<ColumnPath>,
    /// Describe a column
    #[arg(long, value_name = "COLUMN=TEXT", value_parser = key_value)]
    describe: Vec<(String, String)>,
    /// Move a column
    #[arg(long, value_name = "NAME first|last|after X|before X", value_parser = moved)]
    move_column: Vec<SchemaChange>,
    /// The comment of the table
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Set an option of the table
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Take an option away
    #[arg(long, value_name = "KEY")]
    reset: Vec<String>,
    /// Do what a file says, after the other arguments: a JSON list of changes, or - for standard input
    #[arg(long, value_name = "FILE.json")]
    changes: Option<String>,
    /// Change nothing, print what would be
    #[arg(long)]
    dry_run: bool,
}

impl AlterArgs {
    fn changes(&self) -> Outcome<Vec<SchemaChange>> {
        let mut changes: Vec<SchemaChange> = self.drop_column.iter().cloned().map(SchemaChange::DropColumn).collect();
        for (column, name) in &self.rename_column {
            changes.push(SchemaChange::RenameColumn { path: named(column)?, name: unquoted(name) });
        }
        changes.extend(self.add_column.iter().chain(&self.alter_column).cloned());
        let nullable = [(&self.nullable, true), (&self.not_null, false)];
        for (paths, nullable) in nullable {
            changes.extend(paths.iter().map(|path| SchemaChange::SetNullable { path: path.clone(), nullable }));
        }
        for (column, value) in &self.default {
            changes.push(SchemaChange::SetDefault { path: named(column)?, value: Some(value.clone()) });
        }
        changes.extend(self.no_default.iter().map(|path| SchemaChange::SetDefault { path: path.clone(), value: None }));
        for (column, text) in &self.describe {
            changes.push(SchemaChange::DescribeColumn { path: named(column)?, description: Some(text.clone()) });
        }
        changes.extend(self.move_column.iter().cloned());
        changes.extend(self.comment.iter().map(|text| SchemaChange::SetComment(Some(text.clone()))));
        let set = |(key, value): &(String, String)| SchemaChange::SetOption { key: key.clone(), value: value.clone() };
        changes.extend(self.set.iter().map(set));
        changes.extend(self.reset.iter().map(|key| SchemaChange::ResetOption(key.trim().to_owned())));
        if let Some(file) = &self.changes {
            let wrong = |error: Error| Failure::Failed(error.context(format!("the file {file}")));
            changes.extend(SchemaChange::list_from_json(&read_json_file(file)?).map_err(wrong)?);
        }
        Ok(changes)
    }
}

pub(crate) async fn run(args: AlterArgs, warehouse: &Warehouse) -> Outcome {
    let changes = args.changes()?;
    if changes.is_empty() {
        return Err(Failure::Usage(
            "there is nothing to change: give --add-column, --set, or another change".to_owned(),
        ));
    }
    let table = warehouse.table_at_rest(&args.table).await?;
    let doing = |error: Error| Failure::from(error).doing(format!("changing the table {}", table.name()));
    if args.dry_run {
        let planned = table.plan_alter(&changes).await.map_err(doing)?;
        let latest = table.schema_of(planned.id - 1).await?;
        report::print_lines(differences(&lines(&latest), &lines(&planned)))?;
        say(format_args!(
            "would make schema {} of {} with {}",
            planned.id,
            table.name(),
            counted(changes.len(), "change")
        ));
        return Ok(());
    }
    let altered = table.alter(&changes).await.map_err(doing)?;
    say(format_args!(
        "made schema {} of {} with {}",
        altered.schema().id,
        table.name(),
        counted(changes.len(), "change")
    ));
    Ok(())
}

/// A schema, a line for each of its parts.
fn lines(schema: &TableSchema) -> Vec<String> {
    let column = |field: &alluvium::DataField| {
        let default = field.default_value.as_ref().map(|text| format!(" default {text:?}")).unwrap_or_default();
        let description = field.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        format!("column {} {} {}{default}{description}", field.id, field.name, field.data_type)
    };
    let mut lines: Vec<String> = schema.comment.iter().map(|text| format!("comment {text}")).collect();
    lines.extend(schema.fields.iter().map(column));
    let keys = [("primary key", &schema.primary_keys), ("partition keys", &schema.partition_keys)];
    lines.extend(
        keys.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| format!("{what} {}", names.join(", "))),
    );
    let mut options: Vec<String> =
        schema.options.iter().map(|(key, value)| format!("option {key} = {value}")).collect();
    options.sort_unstable();
    lines.extend(options);
    lines
}

/// The lines that go, with `- ` before them, and those that come, with `+ `: as few as there can be.
fn differences(old: &[String], new: &[String]) -> Vec<String> {
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (old.get(same..).unwrap_or_default(), new.get(same..).unwrap_or_default());
    if old.len().saturating_mul(new.len()) > DIFFERENCE_CELLS_MAX {
        return old.iter().map(|line| format!("- {line}")).chain(new.iter().map(|line| format!("+ {line}"))).collect();
    }
    // kept[a][b]: how many lines the old ones from a on and the new ones from b on have in common, in their order.
    let mut kept = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            kept[a][b] = if old[a] == new[b] { kept[a + 1][b + 1] + 1 } else { kept[a + 1][b].max(kept[a][b + 1]) };
        }
    }
    let (mut a, mut b, mut out) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if b == new.len() || (a < old.len() && kept[a + 1][b] >= kept[a][b + 1]) {
            out.push(format!("- {}", old[a]));
            a += 1;
        } else {
            out.push(format!("+ {}", new[b]));
            b += 1;
        }
    }
    out
}

/// What clap shows of a wrong value.
fn shown<T>(result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn path(text: &str) -> Result<ColumnPath, String> {
    shown(text.parse())
}

fn named(text: &str) -> Outcome<ColumnPath> {
    text.parse().map_err(|error: Error| Failure::Usage(error.to_string()))
}

fn unquoted(name: &str) -> String {
    name.trim().trim_matches('`').to_owned()
}

/// The first word, which may stand between backquotes, and what follows it.
fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '`';
        c.is_whitespace() && !quoted
    });
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (word, rest.trim())
}

/// A type, and what follows it.
fn leading_type(text: &str) -> Result<(DataType, &str), String> {
    if text.starts_with('{') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let json = match values.next() {
            Some(Ok(json)) => json,
            Some(Err(error)) => return Err(format!("the type is no JSON: {error}")),
            None => return Err("there is no type".to_owned()),
        };
        let rest = text.get(values.byte_offset()..).unwrap_or_default();
        return Ok((shown(DataType::from_json_without_ids(&json))?, rest.trim()));
    }
    let words = text.match_indices(char::is_whitespace).map(|(at, _)| at).chain([text.len()]);
    let end = words.into_iter().find(|at| {
        let (next, _) = first_word(text.get(*at..).unwrap_or_default());
        next.is_empty() || ["first", "last", "after", "before"].iter().any(|word| next.eq_ignore_ascii_case(word))
    });
    let (text, rest) = text.split_at(end.unwrap_or(text.len()));
    Ok((shown(DataType::parse(text))?, rest.trim()))
}

fn place(text: &str) -> Result<Option<Place>, String> {
    let (word, name) = first_word(text);
    Ok(match (word.to_ascii_lowercase().as_str(), name) {
        ("", _) => None,
        ("first", "") => Some(Place::First),
        ("last", "") => Some(Place::Last),
        ("after", name) if !name.is_empty() => Some(Place::After(unquoted(name))),
        ("before", name) if !name.is_empty() => Some(Place::Before(unquoted(name))),
        _ => return Err(format!("{text:?} is no place: write first, last, after COLUMN or before COLUMN")),
    })
}

fn added(text: &str) -> Result<SchemaChange, String> {
    let (name, rest) = first_word(text);
    let (data_type, rest) = leading_type(rest)?;
    Ok(SchemaChange::AddColumn { path: path(name)?, data_type, description: None, place: place(rest)? })
}

fn retyped(text: &str) -> Result<SchemaChange, String> {
    let (name, rest) = first_word(text);
    let (data_type, rest) = leading_type(rest)?;
    if !rest.is_empty() {
        return Err(format!("{rest:?} is no part of a type; --move-column moves a column"));
    }
    let nullability = if data_type.nullable { Nullability::Kept } else { Nullability::Given };
    Ok(SchemaChange::Retype { path: path(name)?, data_type, nullability })
}

fn moved(text: &str) -> Result<SchemaChange, String> {
    let (name, rest) = first_word(text);
    let place = place(rest)?.ok_or("say where to: first, last, after COLUMN or before COLUMN")?;
    Ok(SchemaChange::MoveColumn { name: unquoted(name), place })
}
