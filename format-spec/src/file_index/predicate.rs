//! What the indexes of a file say of a condition.
//!
//! Goes in: a container, the columns of the file that it may speak of, and a condition. Comes out: that nothing is known, or the rows
//! that may pass. Invariants: no row that passes is left out, in SQL's three-valued logic; a column of which there is no index, or
//! whose literals are of another type, rules nothing out. Answers to `FileIndexPredicate`.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use roaring::RoaringBitmap;

use super::column_index::{ColumnIndex, ColumnTest};
use super::value::{Probe, is_cut_off};
use crate::data_type::{DataField, DataType};
use crate::datum::Datum;
use crate::error::Result;
use crate::predicate::{CompareOp, Predicate};

/// Which rows of a file may pass.
#[derive(Clone, Debug, PartialEq)]
pub enum FileIndexResult {
    /// Any.
    Remain,
    /// These, by position from 0.
    Rows(RoaringBitmap),
}

impl FileIndexResult {
    /// No row passes.
    pub fn skip() -> Self {
        Self::Rows(RoaringBitmap::new())
    }

    /// Whether a row may pass.
    pub fn remains(&self) -> bool {
        !matches!(self, Self::Rows(rows) if rows.is_empty())
    }

    /// Whether a row of these positions may pass.
    pub fn has_rows_in(&self, positions: Range<u64>) -> bool {
        self.rows_in(positions).is_none_or(|mut rows| rows.next().is_some())
    }

    /// The rows of these positions that may pass, in order; `None`: any.
    pub fn rows_in(&self, positions: Range<u64>) -> Option<impl Iterator<Item = u64>> {
        let Self::Rows(rows) = self else { return None };
        let end = |position: u64| u32::try_from(position).unwrap_or(u32::MAX);
        Some(rows.range(end(positions.start)..end(positions.end)).map(u64::from))
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Remain, other) | (other, Self::Remain) => other,
            (Self::Rows(left), Self::Rows(right)) => Self::Rows(left & right),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Remain, _) | (_, Self::Remain) => Self::Remain,
            (Self::Rows(left), Self::Rows(right)) => Self::Rows(left | right),
        }
    }
}

/// The indexes of one file over the columns of a condition, opened.
#[derive(Debug)]
pub struct FileIndexPredicate {
    columns: HashMap<String, (DataType, Vec<ColumnIndex>)>,
}

impl FileIndexPredicate {
    /// From the container `bytes` of a data file of `row_count` rows, read from `path`. `written` are the
    /// [`comparable_columns`] of the condition.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`]; [`crate::ErrorKind::Unsupported`] for another version of the container.
    pub fn open(bytes: &Bytes, written: &[(&str, &DataField)], row_count: u64, path: &str) -> Result<Self> {
        let indexes = super::decode(bytes, path)?;
        let mut columns = HashMap::new();
        for (name, field) in written {
            let mut opened = Vec::new();
            for index in indexes.iter().filter(|index| index.column == field.name) {
                let at_rest = (index.index_type.as_str(), index.body.as_ref());
                opened.extend(ColumnIndex::open(at_rest, &field.data_type, row_count, path)?);
            }
            if !opened.is_empty() {
                columns.insert((*name).to_owned(), (field.data_type.clone(), opened));
            }
        }
        Ok(Self { columns })
    }

    /// The rows for which `predicate` may be true.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`].
    pub fn evaluate(&self, predicate: &Predicate) -> Result<FileIndexResult> {
        if self.columns.is_empty() {
            return Ok(FileIndexResult::Remain);
        }
        self.rows(predicate, true)
    }

    /// The rows for which `predicate` may have this truth.
    fn rows(&self, predicate: &Predicate, truth: bool) -> Result<FileIndexResult> {
        match predicate {
            Predicate::True => Ok(if truth { FileIndexResult::Remain } else { FileIndexResult::skip() }),
            Predicate::False => Ok(if truth { FileIndexResult::skip() } else { FileIndexResult::Remain }),
            Predicate::Not(inner) => self.rows(inner, !truth),
            Predicate::And(parts) if truth => self.all(parts, truth),
            Predicate::Or(parts) if !truth => self.all(parts, truth),
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().try_fold(FileIndexResult::skip(), |any, part| match any {
                    FileIndexResult::Remain => Ok(any),
                    any => Ok(any.or(self.rows(part, truth)?)),
                })
            }
            Predicate::Compare { column, op, literal } => {
                let op = if truth { *op } else { negated(*op) };
                self.test(column, |data_type| compare_test(op, literal, data_type))
            }
            // It is never false when a null is in the list.
            Predicate::In { has_null: true, .. } if !truth => Ok(FileIndexResult::skip()),
            Predicate::In { column, literals, .. } => {
                self.test(column, |data_type| in_test(truth, literals, data_type))
            }
            Predicate::Like { .. } => Ok(FileIndexResult::Remain),
            Predicate::IsNull(column) => self.test(column, |_| Some(null_test(truth))),
            Predicate::IsNotNull(column) => self.test(column, |_| Some(null_test(!truth))),
        }
    }

    fn all(&self, parts: &[Predicate], truth: bool) -> Result<FileIndexResult> {
        parts.iter().try_fold(FileIndexResult::Remain, |all, part| {
            if !all.remains() {
                return Ok(all);
            }
            Ok(all.and(self.rows(part, truth)?))
        })
    }

    /// What all indexes of a column say together.
    fn test(&self, column: &str, test: impl Fn(&DataType) -> Option<ColumnTest>) -> Result<FileIndexResult> {
        let Some((data_type, indexes)) = self.columns.get(column) else { return Ok(FileIndexResult::Remain) };
        let Some(test) = test(data_type) else { return Ok(FileIndexResult::Remain) };
        indexes.iter().try_fold(FileIndexResult::Remain, |all, index| {
            if !all.remains() {
                return Ok(all);
            }
            Ok(all.and(index.test(&test)?))
        })
    }
}

/// The columns of a condition that a file holds under the type they are asked for: by the name asked for, as the file's schema has them.
pub fn comparable_columns<'a>(
    predicate: &'a Predicate,
    asked: &[DataField],
    written: &'a [DataField],
) -> Vec<(&'a str, &'a DataField)> {
    let column = |name: &'a str| {
        let asked = asked.iter().find(|field| field.name == name)?;
        let field = written.iter().find(|field| field.id == asked.id)?;
        (field.data_type.root == asked.data_type.root).then_some((name, field))
    };
    predicate.columns().into_iter().filter_map(column).collect()
}

fn negated(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::NotEq,
        CompareOp::NotEq => CompareOp::Eq,
        CompareOp::Lt => CompareOp::GtEq,
        CompareOp::LtEq => CompareOp::Gt,
        CompareOp::Gt => CompareOp::LtEq,
        CompareOp::GtEq => CompareOp::Lt,
    }
}

fn null_test(is_null: bool) -> ColumnTest {
    if is_null { ColumnTest::IsNull } else { ColumnTest::IsNotNull }
}

/// The test that a comparison is; `None` when the literal says nothing of an index.
fn compare_test(op: CompareOp, literal: &Datum, data_type: &DataType) -> Option<ColumnTest> {
    let probe = Probe::of(literal, data_type)?;
    Some(match op {
        CompareOp::Eq => ColumnTest::Equal(vec![probe.value]),
        CompareOp::NotEq if probe.exact => ColumnTest::NotEqual(vec![probe.value]),
        CompareOp::NotEq => ColumnTest::IsNotNull,
        // What was cut off the literal, or off the column's values, is above what is left.
        CompareOp::Lt if !probe.exact => ColumnTest::Compare(CompareOp::LtEq, probe.value),
        CompareOp::Gt if is_cut_off(data_type) => ColumnTest::Compare(CompareOp::GtEq, probe.value),
        op => ColumnTest::Compare(op, probe.value),
    })
}

/// The test that a list of literals is, or the absence from it.
fn in_test(truth: bool, literals: &[Datum], data_type: &DataType) -> Option<ColumnTest> {
    let probes = literals.iter().map(|literal| Probe::of(literal, data_type)).collect::<Option<Vec<_>>>()?;
    Some(if truth {
        ColumnTest::Equal(probes.into_iter().map(|probe| probe.value).collect())
    } else {
        ColumnTest::NotEqual(probes.into_iter().filter(|probe| probe.exact).map(|probe| probe.value).collect())
    })
}
