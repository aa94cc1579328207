//! Which stripes of a file may hold rows that are wanted.
//!
//! Goes in: a predicate on columns that are asked for, and the statistics of each stripe. Comes out: the stripes to read. Invariant:
//! wrong only in reading too much; a column that was written as another type says nothing, nor do timestamps, which Java's writer
//! and reader take for different ones before 1970.

use alluvium_format::{ColumnRange, DataField, Predicate};

use super::tail::Tail;
use crate::data_file::orc::statistics::ColumnStatistics;

/// The stripes for which `predicate` may be true, in order. `written` are the columns of the file's schema, `asked` those asked for.
pub(super) fn select(tail: &Tail, predicate: &Predicate, written: &[DataField], asked: &[DataField]) -> Vec<usize> {
    let stripes = &tail.footer.stripes;
    let all = 0..stripes.len();
    if *predicate == Predicate::True {
        return all.collect();
    }
    // Statistics that are wrong are as good as none.
    let statistics = tail.stripe_statistics().unwrap_or_default();
    let may_match = |index: &usize| {
        let rows = stripes.get(*index).and_then(|stripe| i64::try_from(stripe.rows).ok());
        let columns = statistics.get(*index).map(Vec::as_slice).unwrap_or_default();
        let stripe = StripeColumns { tail, rows, columns };
        predicate.may_match(&|name| stripe.range_of(name, written, asked))
    };
    all.filter(may_match).collect()
}

/// What is known of the columns of a stripe.
struct StripeColumns<'a> {
    tail: &'a Tail,
    rows: Option<i64>,
    columns: &'a [ColumnStatistics],
}

impl StripeColumns<'_> {
    /// What is known of the column that is asked for as `name`.
    fn range_of(&self, name: &str, written: &[DataField], asked: &[DataField]) -> ColumnRange {
        let unknown = ColumnRange { row_count: self.rows, ..ColumnRange::default() };
        let Some(asked) = asked.iter().find(|field| field.name == name) else { return unknown };
        let Some(field) = written.iter().find(|field| field.id == asked.id) else {
            return ColumnRange { null_count: self.rows, ..unknown };
        };
        if field.data_type.root != asked.data_type.root || field.data_type.is_nested() {
            return unknown;
        }
        let number = self.tail.footer.schema.part(0, &field.name);
        let Some(statistics) = number.and_then(|number| self.columns.get(number)) else { return unknown };
        let values = statistics.values.and_then(|values| i64::try_from(values).ok());
        let null_count = self.rows.zip(values).and_then(|(rows, values)| rows.checked_sub(values));
        let (min, max) = statistics.bounds(&field.data_type).unzip();
        ColumnRange { min, max, null_count: null_count.filter(|count| *count >= 0), ..unknown }
    }
}
