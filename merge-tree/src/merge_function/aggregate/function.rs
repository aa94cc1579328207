//! The functions there are, by name: which types each takes, and which options it has.
//!
//! Goes in: a name, a column, the options. Comes out: a [`Function`]. Types and options are checked as in Java, when the function is made
//! and not when it meets a row. Answers to the factories in `org.apache.paimon.mergetree.compact.aggregate.factory`.

use alluvium_format::data_type::{DataType, TypeRoot};
use alluvium_format::options::CoreOptions;
use alluvium_format::{DataField, Error, Result};

/// What is done with the values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Sum,
    Product,
    Min,
    Max,
    LastValue,
    LastNonNullValue,
    FirstValue,
    FirstNonNullValue,
    PrimaryKey,
    BoolAnd,
    BoolOr,
    Listagg {
        delimiter: String,
        tokens: Tokens,
    },
    Collect(Tokens),
    MergeMap,
    MergeMapWithKeytime {
        /// The field of the values that tells which is newer.
        time_field: usize,
    },
    NestedUpdate {
        /// The fields that identify a row; none: whole rows do.
        key: Vec<usize>,
        count_limit: usize,
    },
    NestedPartialUpdate {
        key: Vec<usize>,
    },
    Rbm32,
    Rbm64,
    HllSketch,
    ThetaSketch,
}

/// Which elements are kept: `fields.<column>.distinct`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    All,
    Distinct,
}

/// The function of sequence fields.
pub(crate) const LAST_VALUE: &str = "last_value";
/// The function of key columns.
pub(crate) const PRIMARY_KEY: &str = "primary-key";
/// The function of columns for which nothing is set.
pub(crate) const LAST_NON_NULL_VALUE: &str = "last_non_null_value";

/// All names, for people.
const NAMES: &str = "sum, product, min, max, last_value, last_non_null_value, first_value, first_non_null_value, listagg, bool_and, \
                     bool_or, collect, merge_map, merge_map_with_keytime, nested_update, nested_partial_update, rbm32, rbm64, \
                     hll_sketch, theta_sketch, primary-key";

impl Function {
    /// The function of a name for a column.
    pub(super) fn new(name: &str, field: &DataField, options: &CoreOptions) -> Result<Self> {
        Ok(match name {
            "sum" => checked(name, field, "a numeric type", is_numeric, Self::Sum)?,
            "product" => checked(name, field, "a numeric type", is_numeric, Self::Product)?,
            "min" => Self::Min,
            "max" => Self::Max,
            LAST_VALUE => Self::LastValue,
            LAST_NON_NULL_VALUE => Self::LastNonNullValue,
            "first_value" => Self::FirstValue,
            // The second name is that of versions before 0.9.
            "first_non_null_value" | "first_not_null_value" => Self::FirstNonNullValue,
            PRIMARY_KEY => Self::PrimaryKey,
            "bool_and" => checked(name, field, "BOOLEAN", is_boolean, Self::BoolAnd)?,
            "bool_or" => checked(name, field, "BOOLEAN", is_boolean, Self::BoolOr)?,
            "listagg" => {
                let delimiter = options.field_list_agg_delimiter(&field.name).to_owned();
                let tokens = tokens(options, field)?;
                checked(
                    name,
                    field,
                    "STRING (VARCHAR without a limit)",
                    is_string,
                    Self::Listagg { delimiter, tokens },
                )?
            }
            "collect" => {
                let function = Self::Collect(tokens(options, field)?);
                checked(name, field, "an ARRAY", |root| matches!(root, TypeRoot::Array(_)), function)?
            }
            "merge_map" => checked(name, field, "a MAP", |root| matches!(root, TypeRoot::Map { .. }), Self::MergeMap)?,
            "merge_map_with_keytime" => Self::MergeMapWithKeytime { time_field: time_field(name, field, options)? },
            "nested_update" => {
                let limit = options.field_count_limit(&field.name)?;
                Self::NestedUpdate {
                    key: nested_key(name, field, options)?,
                    count_limit: usize::try_from(limit).unwrap_or(0),
                }
            }
            "nested_partial_update" => {
                let key = nested_key(name, field, options)?;
                if key.is_empty() {
                    let column = &field.name;
                    return Err(Error::invalid(format!(
                        "nested_partial_update of {column} needs fields.{column}.nested-key"
                    )));
                }
                Self::NestedPartialUpdate { key }
            }
            "rbm32" => checked(name, field, "VARBINARY", is_var_binary, Self::Rbm32)?,
            "rbm64" => checked(name, field, "VARBINARY", is_var_binary, Self::Rbm64)?,
            "hll_sketch" => checked(name, field, "VARBINARY", is_var_binary, Self::HllSketch)?,
            "theta_sketch" => checked(name, field, "VARBINARY", is_var_binary, Self::ThetaSketch)?,
            _ => {
                let column = &field.name;
                return Err(Error::invalid(format!(
                    "{column} has the aggregate function {name:?}, which there is not: use one of {NAMES}"
                )));
            }
        })
    }
}

fn checked(
    name: &str,
    field: &DataField,
    wanted: &str,
    takes: impl Fn(&TypeRoot) -> bool,
    function: Function,
) -> Result<Function> {
    if takes(&field.data_type.root) { Ok(function) } else { Err(wrong_type(name, field, wanted)) }
}

fn wrong_type(name: &str, field: &DataField, wanted: &str) -> Error {
    Error::invalid(format!("{name} takes {wanted}, but {} is {}", field.name, field.data_type))
}

fn is_numeric(root: &TypeRoot) -> bool {
    matches!(
        root,
        TypeRoot::TinyInt
            | TypeRoot::SmallInt
            | TypeRoot::Int
            | TypeRoot::BigInt
            | TypeRoot::Float
            | TypeRoot::Double
            | TypeRoot::Decimal { .. }
    )
}

fn is_boolean(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::Boolean)
}

fn is_string(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::VarChar(TypeRoot::STRING_LENGTH))
}

fn is_var_binary(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::VarBinary(_))
}

fn tokens(options: &CoreOptions, field: &DataField) -> Result<Tokens> {
    Ok(if options.field_distinct(&field.name)? { Tokens::Distinct } else { Tokens::All })
}

/// The positions in the rows of an `ARRAY<ROW>` of the fields that `fields.<column>.nested-key` names.
fn nested_key(name: &str, field: &DataField, options: &CoreOptions) -> Result<Vec<usize>> {
    let fields = row_of(name, field)?;
    let position = |key: String| {
        fields.iter().position(|field| field.name == key).ok_or_else(|| {
            let (column, known) = (&field.name, names(fields));
            Error::invalid(format!("fields.{column}.nested-key names {key:?}, which is none of the fields {known}"))
        })
    };
    options.field_nested_key(&field.name).into_iter().map(position).collect()
}

/// The fields of the rows of an `ARRAY<ROW>`.
fn row_of<'a>(name: &str, field: &'a DataField) -> Result<&'a [DataField]> {
    match &field.data_type.root {
        TypeRoot::Array(element) => row_fields(element),
        _ => None,
    }
    .ok_or_else(|| wrong_type(name, field, "an ARRAY<ROW>"))
}

fn row_fields(data_type: &DataType) -> Option<&[DataField]> {
    match &data_type.root {
        TypeRoot::Row(fields) => Some(fields),
        _ => None,
    }
}

/// The position of `fields.<column>.ts-field` in the rows of a `MAP<…, ROW>`, by default the last. Java takes a field of any type and then
/// reads it as a text.
fn time_field(name: &str, field: &DataField, options: &CoreOptions) -> Result<usize> {
    let fields = match &field.data_type.root {
        TypeRoot::Map { value, .. } => row_fields(value),
        _ => None,
    };
    let Some(fields) = fields.filter(|fields| fields.len() >= 2) else {
        return Err(wrong_type(name, field, "a MAP whose values are a ROW of two fields or more"));
    };
    let position = match options.field_ts_field(&field.name) {
        None => fields.len() - 1,
        Some(name) => fields.iter().position(|field| field.name == name).ok_or_else(|| {
            let (column, known) = (&field.name, names(fields));
            Error::invalid(format!("fields.{column}.ts-field names none of the fields {known}"))
        })?,
    };
    let is_text = |field: &DataField| matches!(field.data_type.root, TypeRoot::Char(_) | TypeRoot::VarChar(_));
    if !fields.get(position).is_some_and(is_text) {
        let column = &field.name;
        return Err(Error::invalid(format!(
            "the field of {column} that tells the time must be a STRING; name it in fields.{column}.ts-field"
        )));
    }
    Ok(position)
}

fn names(fields: &[DataField]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    names.join(", ")
}
