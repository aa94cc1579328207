//! Changes of single columns and nested fields, in a list of fields.
//!
//! Goes in: the fields of a schema and a path. Comes out: the fields changed, or an error that names what is not there. Answers to
//! `SchemaManager.NestedColumnModifier` and `applyMove`; unlike it, a step of a path says what it goes through: `element` of a list, `value`
//! of a map, a field of a row.

use super::{ColumnPath, Place};
use crate::data_type::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result};

/// Puts a new field at its place.
pub(super) fn add(fields: &mut Vec<DataField>, path: &ColumnPath, field: DataField, place: &Place) -> Result<()> {
    let siblings = siblings(fields, path)?;
    check_free(siblings, path, &field.name)?;
    let at = match place {
        Place::First => 0,
        Place::Last => siblings.len(),
        Place::After(name) => position(siblings, name)? + 1,
        Place::Before(name) => position(siblings, name)?,
    };
    siblings.insert(at, field);
    Ok(())
}

/// Gives a field another name.
pub(super) fn rename(fields: &mut Vec<DataField>, path: &ColumnPath, name: &str) -> Result<()> {
    let siblings = siblings(fields, path)?;
    let at = position_of(siblings, path)?;
    check_free(siblings, path, name)?;
    if let Some(field) = siblings.get_mut(at) {
        if field.data_type.root == TypeRoot::Blob {
            return Err(Error::invalid(format!(
                "the column {path} is a BLOB, whose files are named by it: it keeps its name"
            )));
        }
        name.clone_into(&mut field.name);
    }
    Ok(())
}

/// Takes a field away.
pub(super) fn drop(fields: &mut Vec<DataField>, path: &ColumnPath) -> Result<()> {
    let siblings = siblings(fields, path)?;
    let at = position_of(siblings, path)?;
    if siblings.len() == 1 {
        return Err(Error::invalid(format!("{path} cannot be dropped: it is the last that is left beside it")));
    }
    siblings.remove(at);
    Ok(())
}

/// Changes a field of a row, or a column.
pub(super) fn change_field(
    fields: &mut Vec<DataField>,
    path: &ColumnPath,
    change: impl FnOnce(&mut DataField) -> Result<()>,
) -> Result<()> {
    let siblings = siblings(fields, path)?;
    let at = position_of(siblings, path)?;
    siblings.get_mut(at).map_or(Ok(()), change)
}

/// Changes the type of a field, of the elements of a list or of the values of a map.
pub(super) fn change_type(
    fields: &mut Vec<DataField>,
    path: &ColumnPath,
    change: impl FnOnce(&mut DataType) -> Result<()>,
) -> Result<()> {
    match parent(fields, path)? {
        Parent::Fields(siblings) => {
            let at = position_of(siblings, path)?;
            siblings.get_mut(at).map_or(Ok(()), |field| change(&mut field.data_type))
        }
        Parent::Type(data_type) => change(step_into(data_type, path.last(), path)?),
    }
}

/// Puts a column elsewhere.
pub(super) fn move_column(fields: &mut Vec<DataField>, name: &str, place: &Place) -> Result<()> {
    let from = position(fields, name)?;
    let stays = || Error::invalid(format!("the column {name} is there already"));
    let to = match place {
        Place::First => 0,
        Place::Last => fields.len() - 1,
        Place::After(other) | Place::Before(other) => {
            let other = position(fields, other)?;
            if other == from {
                return Err(stays());
            }
            match place {
                Place::After(_) if from > other => other + 1,
                Place::Before(_) if from < other => other - 1,
                _ => other,
            }
        }
    };
    if to == from && matches!(place, Place::First | Place::Last) {
        return Err(stays());
    }
    let field = fields.remove(from);
    fields.insert(to.min(fields.len()), field);
    Ok(())
}

/// What the last name of a path is in.
enum Parent<'a> {
    Fields(&'a mut Vec<DataField>),
    /// A list or a map.
    Type(&'a mut DataType),
}

fn parent<'a>(fields: &'a mut Vec<DataField>, path: &ColumnPath) -> Result<Parent<'a>> {
    let Some((first, rest)) = path.above().split_first() else { return Ok(Parent::Fields(fields)) };
    let at = position(fields, first)?;
    let field = fields.get_mut(at).ok_or_else(|| Error::internal("a field is not where it was found"))?;
    let mut data_type = &mut field.data_type;
    for name in rest {
        data_type = step_into(data_type, name, path)?;
    }
    if matches!(data_type.root, TypeRoot::Row(_)) {
        return match &mut data_type.root {
            TypeRoot::Row(fields) => Ok(Parent::Fields(fields)),
            _ => Err(Error::internal("a row is no row")),
        };
    }
    Ok(Parent::Type(data_type))
}

/// The fields beside the last name of a path, which must be one of a row.
fn siblings<'a>(fields: &'a mut Vec<DataField>, path: &ColumnPath) -> Result<&'a mut Vec<DataField>> {
    match parent(fields, path)? {
        Parent::Fields(fields) => Ok(fields),
        Parent::Type(data_type) => {
            Err(Error::invalid(format!("{path} is no column and no field of a row: what is above it is {data_type}")))
        }
    }
}

/// The type that a name stands for in a type.
fn step_into<'a>(data_type: &'a mut DataType, name: &str, path: &ColumnPath) -> Result<&'a mut DataType> {
    let text = data_type.to_string();
    match (&mut data_type.root, name) {
        (TypeRoot::Array(element), "element") => Ok(element),
        (TypeRoot::Map { value, .. }, "value") => Ok(value),
        (TypeRoot::Row(fields), name) => {
            let at = position(fields, name)?;
            let field = fields.get_mut(at).ok_or_else(|| Error::internal("a field is not where it was found"))?;
            Ok(&mut field.data_type)
        }
        (root, name) => {
            let inside = match root {
                TypeRoot::Array(_) => "its elements are called element",
                TypeRoot::Map { .. } => "its values are called value, and its keys stay as they are",
                _ => "nothing in it can be changed",
            };
            Err(Error::invalid(format!("there is no {name} in {text} ({path}): {inside}")))
        }
    }
}

fn position_of(fields: &[DataField], path: &ColumnPath) -> Result<usize> {
    position(fields, path.last())
}

fn position(fields: &[DataField], name: &str) -> Result<usize> {
    fields.iter().position(|field| field.name == name).ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        Error::invalid(format!("there is no column {name}; there are {}", known.join(", ")))
    })
}

fn check_free(fields: &[DataField], path: &ColumnPath, name: &str) -> Result<()> {
    if fields.iter().any(|field| field.name == name) {
        return Err(Error::invalid(format!("there is a column {name} already ({path})")));
    }
    Ok(())
}
