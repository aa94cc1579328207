//! One index of one column, opened, and what it says of a condition.
//!
//! Goes in: an index at rest, then tests of its column. Comes out: the rows that may pass. Invariant: no row that passes is left out.
//! Answers to `FileIndexReader` and its subclasses.

use bytes::Bytes;
use roaring::RoaringBitmap;

use super::FileIndexResult;
use super::bitmap::{BitmapIndex, BitmapVersion};
use super::bloom::BloomFilter;
use super::bsi::BsiIndex;
use super::hash::hash;
use super::kind::FileIndexKind;
use super::range_bitmap::RangeBitmapIndex;
use super::row_bitmap;
use super::value::{Value, ValueForm};
use crate::data_type::DataType;
use crate::error::{Error, Result};
use crate::predicate::CompareOp;

/// A test of a column, in values as an index tells them apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ColumnTest {
    /// It is one of these.
    Equal(Vec<Value>),
    /// It is not null and none of these.
    NotEqual(Vec<Value>),
    /// It compares like this: `<`, `<=`, `>` or `>=`.
    Compare(CompareOp, Value),
    IsNull,
    IsNotNull,
}

/// An index, opened.
#[derive(Clone, Debug)]
pub(super) enum ColumnIndex {
    Bloom {
        filter: BloomFilter,
        form: ValueForm,
    },
    Bitmap(BitmapIndex),
    Bsi(BsiIndex),
    Range(RangeBitmapIndex),
    /// The file has no value of the column.
    Empty,
}

impl ColumnIndex {
    /// The index called `index_type`, of a column of `data_type` in a file of `row_count` rows. `None` for one that is not known.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`].
    pub(super) fn open(
        (index_type, body): (&str, Option<&Bytes>),
        data_type: &DataType,
        row_count: u64,
        path: &str,
    ) -> Result<Option<Self>> {
        let Some(body) = body else { return Ok(Some(Self::Empty)) };
        let kind = match index_type {
            "bitmap" => FileIndexKind::Bitmap(BitmapVersion::One),
            other => match FileIndexKind::new(other, data_type, |_| None) {
                Ok(kind) => kind,
                Err(_) => return Ok(None),
            },
        };
        let Some(form) = kind.form(data_type) else { return Ok(None) };
        let opened = match kind {
            FileIndexKind::BloomFilter { .. } => {
                BloomFilter::decode(body, path).map(|filter| Self::Bloom { filter, form })
            }
            FileIndexKind::Bitmap(_) => BitmapIndex::open(body.clone(), form, path).map(Self::Bitmap),
            FileIndexKind::Bsi => BsiIndex::open(body, path).map(Self::Bsi),
            FileIndexKind::RangeBitmap { .. } => RangeBitmapIndex::open(body.clone(), form, path).map(Self::Range),
        };
        match opened {
            Ok(index) => index.check_rows(row_count, path).map(Some),
            // A version to come can be done without.
            Err(error) if error.kind() == crate::ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn check_rows(self, row_count: u64, path: &str) -> Result<Self> {
        let said = match &self {
            Self::Bloom { .. } | Self::Empty => return Ok(self),
            Self::Bitmap(index) => index.row_count(),
            Self::Bsi(index) => index.row_count(),
            Self::Range(index) => index.row_count(),
        };
        if u64::from(said) == row_count {
            return Ok(self);
        }
        Err(Error::corrupt(path, 0, format!("an index of {said} rows, where the data file has {row_count}")))
    }

    /// The rows that may pass.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`].
    pub(super) fn test(&self, test: &ColumnTest) -> Result<FileIndexResult> {
        match self {
            Self::Bloom { filter, form } => Ok(match test {
                ColumnTest::Equal(values) if !values.iter().any(|value| filter.may_contain(hash(value, *form))) => {
                    FileIndexResult::skip()
                }
                _ => FileIndexResult::Remain,
            }),
            Self::Empty => Ok(match test {
                ColumnTest::IsNull => FileIndexResult::Remain,
                _ => FileIndexResult::skip(),
            }),
            Self::Bitmap(index) => test_bitmap(index, test),
            Self::Bsi(index) => Ok(FileIndexResult::Rows(test_bsi(index, test))),
            Self::Range(index) => test_range(index, test).map(FileIndexResult::Rows),
        }
    }
}

fn test_bitmap(index: &BitmapIndex, test: &ColumnTest) -> Result<FileIndexResult> {
    let any_of = |values: &[Value]| {
        values.iter().try_fold(RoaringBitmap::new(), |rows, value| Ok::<_, Error>(rows | index.rows_of(value)?))
    };
    let all = || row_bitmap::all(index.row_count());
    Ok(FileIndexResult::Rows(match test {
        ColumnTest::Equal(values) => any_of(values)?,
        ColumnTest::NotEqual(values) => all() - index.null_rows()? - any_of(values)?,
        ColumnTest::IsNull => index.null_rows()?,
        ColumnTest::IsNotNull => all() - index.null_rows()?,
        ColumnTest::Compare(..) => return Ok(FileIndexResult::Remain),
    }))
}

fn test_bsi(index: &BsiIndex, test: &ColumnTest) -> RoaringBitmap {
    let compare = |op, value: &Value| match value {
        Value::Number(number) => index.compare(op, *number),
        Value::Bytes(_) => index.not_null(),
    };
    match test {
        ColumnTest::Equal(values) => {
            values.iter().fold(RoaringBitmap::new(), |rows, value| rows | compare(CompareOp::Eq, value))
        }
        ColumnTest::NotEqual(values) => {
            values.iter().fold(index.not_null(), |rows, value| rows & compare(CompareOp::NotEq, value))
        }
        ColumnTest::Compare(op, value) => compare(*op, value),
        ColumnTest::IsNull => row_bitmap::all(index.row_count()) - index.not_null(),
        ColumnTest::IsNotNull => index.not_null(),
    }
}

fn test_range(index: &RangeBitmapIndex, test: &ColumnTest) -> Result<RoaringBitmap> {
    match test {
        ColumnTest::Equal(values) => {
            values.iter().try_fold(RoaringBitmap::new(), |rows, value| Ok(rows | index.compare(CompareOp::Eq, value)?))
        }
        ColumnTest::NotEqual(values) => {
            values.iter().try_fold(index.not_null()?, |rows, value| Ok(rows - index.compare(CompareOp::Eq, value)?))
        }
        ColumnTest::Compare(op, value) => index.compare(*op, value),
        ColumnTest::IsNull => Ok(row_bitmap::all(index.row_count()) - index.not_null()?),
        ColumnTest::IsNotNull => index.not_null(),
    }
}
