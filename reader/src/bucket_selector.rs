//! Which buckets can hold rows that pass a condition: where it fixes the whole bucket key, those that the key hashes to.
//!
//! Goes in: a schema and a condition. Comes out: for a bucket and the number of buckets it was written with, whether it may hold such
//! a row. Pure. Each entry is judged by its own number of buckets, as a rescaled table has partitions of several. Answers to
//! `org.apache.paimon.operation.BucketSelectConverter`.

use std::collections::{HashMap, HashSet};

use alluvium_format::bucket::bucket_of_row;
use alluvium_format::{
    BinaryRow, BucketFunction, CompareOp, DataField, DataType, Datum, Predicate, Result, TableSchema,
};

/// Keys that are hashed at most: beyond it most buckets are hit anyway. Java's `BucketSelectConverter.MAX_VALUES`.
const KEYS_MAX: usize = 1000;

/// The keys that a condition leaves, and the buckets they are in.
#[derive(Debug)]
pub(crate) struct BucketSelector {
    function: BucketFunction,
    types: Vec<DataType>,
    /// `None`: any key may pass.
    keys: Option<Vec<BinaryRow>>,
    known: HashMap<i32, HashSet<i32>>,
}

impl BucketSelector {
    /// The keys that `predicate` leaves of the table's bucket key.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong.
    pub(crate) fn new(schema: &TableSchema, predicate: &Predicate) -> Result<Self> {
        let fields = schema.fields_of(&schema.bucket_keys()?)?;
        let types: Vec<DataType> = fields.iter().map(|field| field.data_type.clone()).collect();
        let keys = keys_of(&fields, predicate)
            .and_then(|keys| keys.iter().map(|key| BinaryRow::encode(&types, key).ok()).collect());
        Ok(Self { function: schema.core_options().bucket_function()?, types, keys, known: HashMap::new() })
    }

    /// Whether `bucket` of `total` may hold a row that passes; yes for tables whose buckets are not by hash.
    pub(crate) fn may_hold(&mut self, bucket: i32, total: i32) -> bool {
        let Some(keys) = &self.keys else { return true };
        if total <= 0 {
            return true;
        }
        let (function, types) = (self.function, &self.types);
        let buckets = self
            .known
            .entry(total)
            .or_insert_with(|| keys.iter().filter_map(|key| bucket_of_row(function, total, types, key).ok()).collect());
        // A key that cannot be hashed is not looked for by its bucket.
        buckets.is_empty() || buckets.contains(&bucket)
    }
}

/// Every key of `fields` that can pass; `None` when they are not few.
fn keys_of(fields: &[DataField], predicate: &Predicate) -> Option<Vec<Vec<Option<Datum>>>> {
    if fields.is_empty() {
        return None;
    }
    let conjuncts = predicate.conjuncts();
    let mut keys: Vec<Vec<Option<Datum>>> = vec![Vec::new()];
    for field in fields {
        let literals = conjuncts.iter().find_map(|part| literals_of(part, &field.name))?;
        if keys.len().saturating_mul(literals.len()) > KEYS_MAX || literals.iter().any(has_many_forms) {
            return None;
        }
        keys = keys.iter().flat_map(|key| literals.iter().map(|literal| extended(key, literal))).collect();
    }
    // A condition that leaves no key at all is left to the filter.
    Some(keys).filter(|keys| !keys.is_empty())
}

fn extended(key: &[Option<Datum>], literal: &Datum) -> Vec<Option<Datum>> {
    let mut key = key.to_vec();
    key.push(Some(literal.clone()));
    key
}

/// The values that a condition leaves to a column, when it is one of `=`, `IN` and an `OR` of them.
fn literals_of(predicate: &Predicate, name: &str) -> Option<Vec<Datum>> {
    match predicate {
        Predicate::Compare { column, op: CompareOp::Eq, literal } if column == name => Some(vec![literal.clone()]),
        Predicate::In { column, literals, .. } if column == name => Some(literals.clone()),
        Predicate::Or(parts) => {
            let parts: Option<Vec<Vec<Datum>>> = parts.iter().map(|part| literals_of(part, name)).collect();
            parts.map(|parts| parts.concat())
        }
        _ => None,
    }
}

/// Whether values that compare as equal may be stored, and so hashed, in several ways.
fn has_many_forms(value: &Datum) -> bool {
    matches!(value, Datum::Float(_) | Datum::Double(_))
}

#[cfg(test)]
mod tests;
