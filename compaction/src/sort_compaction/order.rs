//! How the rows of a table are ordered, and the key of each row.
//!
//! Goes in: a strategy and columns. Comes out: keys, whose bytes in their plain order are the order of the rows. Invariant: no two rows have
//! the same key, as a row's number is its end; so equal rows stay in the order in which they came.

use std::fmt;

use alluvium_format::{BucketMode, DataField, Error, Result};
use alluvium_merge_tree::ordered_bytes;
use alluvium_store::TableStore;
use arrow_array::builder::BinaryBuilder;
use arrow_array::{Array, ArrayRef, BinaryArray, RecordBatch};

use super::curve::Curve;

/// Bytes of a row's number.
const NUMBER_BYTES: usize = size_of::<u64>();

/// How several columns make one order: Paimon's `order_strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStrategy {
    /// By the first column, then by the next: for conditions on the first ones.
    Order,
    /// Along the Z-order: for conditions on any of a few columns.
    ZOrder,
    /// Along the Hilbert curve: for conditions on any of more columns.
    Hilbert,
}

/// What rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortOrder {
    /// How the columns make an order.
    pub strategy: OrderStrategy,
    /// The columns, the first one first.
    pub columns: Vec<String>,
}

/// Makes the keys of a table's rows.
#[derive(Clone, Debug)]
pub(crate) struct SortKeys {
    fields: Vec<DataField>,
    /// Where they are among the columns of the table.
    places: Vec<usize>,
    /// `None`: column by column.
    curve: Option<Curve>,
}

impl fmt::Display for OrderStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Order => "order",
            Self::ZOrder => "zorder",
            Self::Hilbert => "hilbert",
        })
    }
}

impl SortKeys {
    /// Those of a table's rows in this order.
    ///
    /// # Errors
    /// `Unsupported` for tables that are not sorted; `Invalid` for columns that are not there, are named twice, or have no such order.
    pub(crate) fn of(table: &TableStore, order: &SortOrder) -> Result<Self> {
        check_table(table)?;
        let schema = table.schema();
        let mut places = Vec::with_capacity(order.columns.len());
        for name in &order.columns {
            let Some(place) = schema.index_of(name) else {
                let columns: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
                let what =
                    format!("there is no column {name} to sort {} by: it has {}", table.name(), columns.join(", "));
                return Err(Error::invalid(what));
            };
            if places.contains(&place) {
                return Err(Error::invalid(format!("the column {name} is twice among those to sort by: name it once")));
            }
            places.push(place);
        }
        let fields: Vec<DataField> = places.iter().filter_map(|place| schema.fields.get(*place)).cloned().collect();
        let curve = match order.strategy {
            OrderStrategy::Order => {
                check_ordered(&fields)?;
                None
            }
            OrderStrategy::ZOrder => {
                Some(Curve::ZOrder { var_length: table.options().zorder_var_length_contribution()? })
            }
            OrderStrategy::Hilbert => Some(Curve::Hilbert),
        };
        if let Some(curve) = curve {
            curve.check(&fields)?;
        }
        Ok(Self { fields, places, curve })
    }

    /// The keys of rows, of which the first one is the `first_row`th of all.
    ///
    /// # Errors
    /// `Internal` when the rows are not the table's.
    pub(super) fn keys(&self, rows: &RecordBatch, first_row: u64) -> Result<BinaryArray> {
        let column = |place: &usize| rows.columns().get(*place).cloned();
        let columns: Option<Vec<ArrayRef>> = self.places.iter().map(column).collect();
        let columns = columns.ok_or_else(|| Error::internal("rows to be sorted lack a column"))?;
        let keys = match self.curve {
            Some(curve) => curve.keys(&self.fields, &columns)?,
            None => ordered_bytes(&columns)?,
        };
        Ok(numbered(&keys, first_row))
    }
}

/// The keys, each with the number of its row behind it: none of them begins with all of another one, so that their order stays.
fn numbered(keys: &BinaryArray, first_row: u64) -> BinaryArray {
    let bytes = keys.value_data().len() + keys.len() * NUMBER_BYTES;
    let mut numbered = BinaryBuilder::with_capacity(keys.len(), bytes);
    let mut with_number = Vec::new();
    for (key, row) in keys.iter().zip(first_row..) {
        with_number.clear();
        with_number.extend_from_slice(key.unwrap_or_default());
        with_number.extend_from_slice(&row.to_be_bytes());
        numbered.append_value(&with_number);
    }
    numbered.finish()
}

/// Refuses tables whose rows are where they are for a reason.
fn check_table(table: &TableStore) -> Result<()> {
    let (schema, options) = (table.schema(), table.options());
    let refused = |why: String| Err(Error::unsupported(format!("sort compaction of {}: {why}", table.name())));
    if !schema.primary_keys.is_empty() {
        return refused("it has a primary key, by which its rows are sorted already".to_owned());
    }
    match options.bucket_mode(schema)? {
        BucketMode::Unaware => Ok(()),
        _ => refused(format!(
            "its rows keep their order within buckets (bucket = {}); only tables of bucket = -1 are sorted, as in Paimon",
            options.bucket()?
        )),
    }
}

fn check_ordered(fields: &[DataField]) -> Result<()> {
    if fields.is_empty() {
        return Err(Error::invalid("no column to sort by is named"));
    }
    match fields.iter().find(|field| field.data_type.is_nested()) {
        Some(field) => {
            let (name, root) = (&field.name, &field.data_type.root);
            Err(Error::invalid(format!("no order is made of the column {name}: it is of the type {root}")))
        }
        None => Ok(()),
    }
}
