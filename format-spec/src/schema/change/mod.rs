//! Changes of a table's schema, and the next schema that they make of it.
//!
//! Goes in: the latest schema and changes, in order; all of them make one new version. Comes out: the schema with the next id, checked as
//! that of a new table is, or an error that says which change is refused and why. Pure. Invariants: a field keeps its id whatever becomes of
//! its name and type, ids are never used again, and what files were split or ordered by stays what it was. Answers to
//! `SchemaManager.generateTableSchema` and to `SchemaChange`.

mod columns;
mod json;
mod path;
mod rename;

use super::TableSchema;
use super::definition::assign_ids;
use crate::data_type::casts::CastRules;
use crate::data_type::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result, ResultExt};
use crate::options::{CoreOptions, key};

pub use path::ColumnPath;

/// The highest id of a field: those of the columns that only files have begin above.
const FIELD_ID_MAX: i32 = crate::key_value_file::KEY_FIELD_ID_START - 1;

/// A change of a table's schema.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaChange {
    /// An option has this value from now on.
    SetOption {
        /// The option's key.
        key: String,
        /// Its value.
        value: String,
    },
    /// An option is not set any more.
    ResetOption(String),
    /// The table's comment; `None` takes it away.
    SetComment(Option<String>),
    /// A new column, or a new field of a nested row, which is null in the rows there are.
    AddColumn {
        /// Where it is, its own name last.
        path: ColumnPath,
        /// Its type, nullable; ids of nested fields do not count.
        data_type: DataType,
        /// Its comment.
        description: Option<String>,
        /// Its place; `None`: the last.
        place: Option<Place>,
    },
    /// A column or field is called something else.
    RenameColumn {
        /// Which.
        path: ColumnPath,
        /// Its new name, without the path.
        name: String,
    },
    /// A column or field goes; its values stay in the files there are, and are not seen any more.
    DropColumn(ColumnPath),
    /// A column or field, the elements of a list or the values of a map are of another type.
    Retype {
        /// Which.
        path: ColumnPath,
        /// The new type.
        data_type: DataType,
        /// What becomes of NOT NULL.
        nullability: Nullability,
    },
    /// Null is a value of it, or is none any more.
    SetNullable {
        /// Which.
        path: ColumnPath,
        /// Whether null is a value.
        nullable: bool,
    },
    /// Its comment; `None` takes it away.
    DescribeColumn {
        /// Which.
        path: ColumnPath,
        /// The comment.
        description: Option<String>,
    },
    /// What writers put in the place of null; `None` takes it away.
    SetDefault {
        /// Which.
        path: ColumnPath,
        /// The value's text.
        value: Option<String>,
    },
    /// A column goes to another place.
    MoveColumn {
        /// Its name.
        name: String,
        /// Where to.
        place: Place,
    },
    /// The table has no primary key any more; only while it is empty.
    DropPrimaryKey,
}

/// What becomes of NOT NULL when a type changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nullability {
    /// It stays as it was.
    Kept,
    /// It is that of the new type.
    Given,
}

/// A place among the columns, or among the fields of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// Just after this one.
    After(String),
    /// Just before this one.
    Before(String),
}

/// Whether a table has a snapshot: then some of its options stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It has none, and never had.
    Nothing,
    /// It has one.
    Snapshots,
}

impl TableSchema {
    /// The next schema of the table. Default values are taken as they are: whether they can be read is for the writer's casts to say.
    ///
    /// # Errors
    /// `Invalid` that says which change is refused, why, and what to do.
    pub fn changed(&self, changes: &[SchemaChange], holding: Holding, time_millis: i64) -> Result<Self> {
        if changes.is_empty() {
            return Err(Error::invalid("there is nothing to change"));
        }
        let mut plan = Plan {
            old: self,
            options: self.core_options(),
            holding,
            new: Self { version: super::json::VERSION, id: next_id(self.id)?, time_millis, ..self.clone() },
        };
        for change in changes {
            plan.apply(change)?;
        }
        let mut new = plan.new;
        rename::apply(&mut new, changes);
        new.checked().context(|| "the schema with these changes".to_owned())
    }
}

fn next_id(id: i64) -> Result<i64> {
    id.checked_add(1).ok_or_else(|| Error::invalid("the table has no number left for another schema"))
}

/// A schema that is being changed.
struct Plan<'a> {
    old: &'a TableSchema,
    /// Those of the old schema.
    options: CoreOptions,
    holding: Holding,
    new: TableSchema,
}

impl Plan<'_> {
    fn apply(&mut self, change: &SchemaChange) -> Result<()> {
        match change {
            SchemaChange::SetOption { key, value } => self.set_option(key, value),
            SchemaChange::ResetOption(key) => {
                if self.holding == Holding::Snapshots {
                    self.options.check_reset(key)?;
                }
                self.new.options.shift_remove(key);
                Ok(())
            }
            SchemaChange::SetComment(comment) => {
                self.new.comment.clone_from(comment);
                Ok(())
            }
            SchemaChange::DropPrimaryKey if self.holding == Holding::Snapshots => {
                Err(Error::invalid("the table holds rows, which are merged by its primary key: make a new table"))
            }
            SchemaChange::DropPrimaryKey => {
                self.new.primary_keys.clear();
                Ok(())
            }
            SchemaChange::MoveColumn { name, place } => columns::move_column(&mut self.new.fields, name, place),
            of_column => self.change_column(of_column),
        }
    }

    fn set_option(&mut self, key: &str, value: &str) -> Result<()> {
        if key.eq_ignore_ascii_case(key::PATH) {
            return Err(Error::invalid("the option path cannot be set: the table is where it is"));
        }
        if self.holding == Holding::Snapshots {
            self.options.check_set(key, value)?;
        }
        self.new.options.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn change_column(&mut self, change: &SchemaChange) -> Result<()> {
        match change {
            SchemaChange::AddColumn { path, data_type, description, place } => {
                let field = self.new_field(path, data_type, description)?;
                let place = self.place_of_new(path, place.as_ref())?;
                columns::add(&mut self.new.fields, path, field, &place)
            }
            SchemaChange::RenameColumn { path, name } => {
                self.check_partition(path, "renamed")?;
                columns::rename(&mut self.new.fields, path, name)
            }
            SchemaChange::DropColumn(path) => {
                self.check_partition(path, "dropped")?;
                self.check_key(path, "dropped")?;
                columns::drop(&mut self.new.fields, path)
            }
            SchemaChange::Retype { path, data_type, nullability } => {
                self.check_partition(path, "given another type")?;
                self.check_key(path, "given another type")?;
                self.retype(path, data_type, *nullability)
            }
            SchemaChange::SetNullable { path, nullable } => {
                if *nullable {
                    self.check_key(path, "made nullable")?;
                }
                self.set_nullable(path, *nullable)
            }
            SchemaChange::DescribeColumn { path, description } => {
                columns::change_field(&mut self.new.fields, path, |field| {
                    field.description.clone_from(description);
                    Ok(())
                })
            }
            SchemaChange::SetDefault { path, value } => columns::change_field(&mut self.new.fields, path, |field| {
                field.default_value.clone_from(value);
                Ok(())
            }),
            _ => Err(Error::internal("a change of the table was taken for one of a column")),
        }
    }

    fn new_field(
        &mut self,
        path: &ColumnPath,
        data_type: &DataType,
        description: &Option<String>,
    ) -> Result<DataField> {
        if !data_type.nullable {
            return Err(Error::invalid(format!(
                "the column {path} cannot be NOT NULL: it is null in the rows there are; give it a default value"
            )));
        }
        let id = self.new.highest_field_id.saturating_add(1);
        let room = FIELD_ID_MAX.saturating_sub(id);
        if id < 0 || usize::try_from(room).map_or(true, |room| data_type.nested_fields() > room) {
            return Err(Error::invalid(format!("the table has no ids left for the fields of {path}")));
        }
        let (mut data_type, mut next) = (data_type.clone(), id + 1);
        assign_ids(&mut data_type, &mut next);
        self.new.highest_field_id = next - 1;
        let name = path.last().to_owned();
        Ok(DataField { id, name, data_type, description: description.clone(), default_value: None })
    }

    /// Where a new column goes when it is not said.
    fn place_of_new(&self, path: &ColumnPath, given: Option<&Place>) -> Result<Place> {
        if let Some(place) = given {
            return Ok(place.clone());
        }
        let of_partition = |field: &&DataField| self.old.partition_keys.contains(&field.name);
        let before = self.new.fields.iter().find(of_partition).filter(|_| path.column().is_some());
        Ok(match before {
            Some(field) if self.options.add_column_before_partition()? => Place::Before(field.name.clone()),
            _ => Place::Last,
        })
    }

    fn retype(&mut self, path: &ColumnPath, data_type: &DataType, nullability: Nullability) -> Result<()> {
        let options = &self.options;
        let rules = if options.explicit_type_casting_disabled()? { CastRules::Implicit } else { CastRules::Explicit };
        columns::change_type(&mut self.new.fields, path, |old| {
            let new = match nullability {
                Nullability::Kept => data_type.with_nullable(old.nullable),
                Nullability::Given => data_type.clone(),
            };
            check_nullability(options, path, [old, &new])?;
            if !old.can_become(&new, rules) {
                return Err(Error::invalid(format!(
                    "the column {path} of type {old} cannot become {new}: add a column of that type instead"
                )));
            }
            *old = new;
            Ok(())
        })
    }

    fn set_nullable(&mut self, path: &ColumnPath, nullable: bool) -> Result<()> {
        let options = &self.options;
        columns::change_type(&mut self.new.fields, path, |old| {
            let new = old.with_nullable(nullable);
            check_nullability(options, path, [old, &new])?;
            *old = new;
            Ok(())
        })
    }

    fn check_partition(&self, path: &ColumnPath, what: &str) -> Result<()> {
        match path.column().filter(|name| self.old.partition_keys.iter().any(|key| key == name)) {
            None => Ok(()),
            Some(name) => {
                Err(Error::invalid(format!("the partition column {name} cannot be {what}: folders are named by it")))
            }
        }
    }

    fn check_key(&self, path: &ColumnPath, what: &str) -> Result<()> {
        // A key column that was renamed by an earlier change is found by its id.
        let key_ids = self.old.fields.iter().filter(|field| self.old.primary_keys.contains(&field.name));
        let key_ids: Vec<i32> = key_ids.map(|field| field.id).collect();
        let named = path.column().and_then(|name| self.new.fields.iter().find(|field| field.name == name));
        match named.filter(|field| key_ids.contains(&field.id)) {
            None => Ok(()),
            Some(field) => {
                Err(Error::invalid(format!("the key column {} cannot be {what}: files are ordered by it", field.name)))
            }
        }
    }
}

fn check_nullability(options: &CoreOptions, path: &ColumnPath, [old, new]: [&DataType; 2]) -> Result<()> {
    if old.nullable && !new.nullable && options.alter_null_to_not_null_disabled()? {
        let option = key::ALTER_NULL_TO_NOT_NULL_DISABLED;
        return Err(Error::invalid(format!(
            "the column {path} cannot become NOT NULL: it may hold nulls; set {option} = false first when it has none"
        )));
    }
    Ok(())
}

impl DataType {
    /// How many fields the rows nested in it have.
    fn nested_fields(&self) -> usize {
        match &self.root {
            TypeRoot::Array(element) | TypeRoot::Multiset(element) | TypeRoot::Vector { element, .. } => {
                element.nested_fields()
            }
            TypeRoot::Map { key, value } => key.nested_fields() + value.nested_fields(),
            TypeRoot::Row(fields) => fields.iter().map(|field| 1 + field.data_type.nested_fields()).sum(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests;
