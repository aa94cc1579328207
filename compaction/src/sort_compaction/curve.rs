//! Space-filling curves: rows of several columns in an order in which rows that are near in all of them are near.
//!
//! Goes in: columns. Comes out: a key for each row, whose bytes in their plain order are the order of the rows. Invariant: the keys are Java's,
//! byte for byte; what is odd about some of them (decimals, small floats, Hilbert keys of many columns) is odd there too. Answers to
//! `org.apache.paimon.sort.zorder.ZIndexer` and `org.apache.paimon.sort.hilbert.HilbertIndexer`.

mod hilbert;
mod scalar;
mod zorder;

use alluvium_format::{DataField, Error, Result, TypeRoot};
use arrow_array::{ArrayRef, BinaryArray};

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// The bits of the columns in turn; texts and bytes give so many of their bytes.
    ZOrder {
        /// `zorder.var-length-contribution`.
        var_length: usize,
    },
    /// The position on the Hilbert curve; of two columns at least.
    Hilbert,
}

impl Curve {
    /// Checks that the curve goes through columns of these types.
    ///
    /// # Errors
    /// `Invalid` that names the column, or how many there must be.
    pub fn check(self, fields: &[DataField]) -> Result<()> {
        let least = if self == Self::Hilbert { 2 } else { 1 };
        if fields.len() < least {
            return Err(Error::invalid(format!("this order needs {least} columns at least, not {}", fields.len())));
        }
        let nested = |field: &&DataField| {
            let root = &field.data_type.root;
            matches!(root, TypeRoot::Array(_) | TypeRoot::Map { .. } | TypeRoot::Multiset(_) | TypeRoot::Row(_))
        };
        match fields.iter().find(nested) {
            Some(field) => {
                let (name, root) = (&field.name, &field.data_type.root);
                Err(Error::invalid(format!("no curve goes through the column {name}: it is of the type {root}")))
            }
            None => Ok(()),
        }
    }

    /// The keys of rows, of which `columns` are those of `fields`.
    ///
    /// # Errors
    /// `Invalid` for fields that no curve goes through; `Internal` when a column is not of its field's type.
    pub fn keys(self, fields: &[DataField], columns: &[ArrayRef]) -> Result<BinaryArray> {
        self.check(fields)?;
        match self {
            Self::ZOrder { var_length } => zorder::keys(fields, columns, var_length),
            Self::Hilbert => hilbert::keys(fields, columns),
        }
    }
}
