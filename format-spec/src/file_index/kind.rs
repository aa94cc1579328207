//! The types of indexes, and how one is written.
//!
//! Goes in: the name of a type and its options. Comes out: what it takes to write one, or why Java would not. Answers to `FileIndexer`
//! and its factories.

use super::bitmap::BitmapVersion;
use super::bloom::BloomFilter;
use super::hash::bloom_form;
use super::value::ValueForm;
use crate::data_type::{DataType, TypeRoot};
use crate::error::{Error, Result};
use crate::options::parse_memory_bytes;

/// Option `items` of bloom filters, by default.
const BLOOM_ITEMS: u32 = 1_000_000;
/// Option `fpp` of bloom filters, by default.
const BLOOM_FALSE_POSITIVES: f64 = 0.1;
/// Option `index-block-size` of bitmap indexes, by default.
const BITMAP_BLOCK_BYTES: u64 = 16 << 10;
/// Option `chunk-size` of range-bitmap indexes, by default.
const RANGE_CHUNK_BYTES: u64 = 16 << 10;
/// Digits of a decimal that 64 bits hold.
const COMPACT_PRECISION_MAX: u8 = 18;
/// Digits after the second that range-bitmap indexes know.
const MICROS_PRECISION_MAX: u8 = 6;

/// A type of index, with how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FileIndexKind {
    /// `bloom-filter`: whether the file may hold a value.
    BloomFilter {
        /// Values that the filter is made for.
        items: u32,
        /// The share of values that are not in the file and may be taken to be.
        false_positives: f64,
    },
    /// `bitmap`: the rows of each value.
    Bitmap(BitmapVersion),
    /// `bsi`: the rows of each bit of a number.
    Bsi,
    /// `range-bitmap`: the rows of each bit of a value's place among all.
    RangeBitmap {
        /// Option `chunk-size`.
        chunk_bytes: u64,
    },
}

impl FileIndexKind {
    /// What its type is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BloomFilter { .. } => "bloom-filter",
            Self::Bitmap(_) => "bitmap",
            Self::Bsi => "bsi",
            Self::RangeBitmap { .. } => "range-bitmap",
        }
    }

    /// The type called `name`, with its options, over a column of `data_type`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] for a type of index that is not known, or one that does not have this type of column;
    /// [`crate::ErrorKind::Invalid`] for an option.
    pub fn new<'a>(name: &str, data_type: &DataType, option: impl Fn(&str) -> Option<&'a str>) -> Result<Self> {
        let kind = match name {
            "bloom-filter" => {
                let items = number(option("items"), "items", BLOOM_ITEMS)?;
                let false_positives = number(option("fpp"), "fpp", BLOOM_FALSE_POSITIVES)?;
                BloomFilter::new(items, false_positives)?;
                Self::BloomFilter { items, false_positives }
            }
            "bitmap" => Self::Bitmap(match option("version") {
                None | Some("2") => BitmapVersion::Two {
                    block_bytes: option("index-block-size").map_or(Ok(BITMAP_BLOCK_BYTES), parse_memory_bytes)?,
                },
                Some("1") => BitmapVersion::One,
                Some(other) => return Err(Error::invalid(format!("there is no version {other:?} of bitmap indexes"))),
            }),
            "bsi" => Self::Bsi,
            "range-bitmap" => Self::RangeBitmap {
                chunk_bytes: option("chunk-size").map_or(Ok(default_chunk_bytes(data_type)), parse_memory_bytes)?,
            },
            other => return Err(Error::unsupported(format!("file indexes of the type {other}"))),
        };
        match kind.form(data_type) {
            Some(_) => Ok(kind),
            None => Err(Error::unsupported(format!("a {name} index over {data_type}"))),
        }
    }

    /// The form of the values of a column; `None` for types that such indexes do not have.
    pub(super) fn form(&self, data_type: &DataType) -> Option<ValueForm> {
        let form = ValueForm::of(data_type)?;
        let has = match self {
            Self::BloomFilter { .. } => return bloom_form(data_type),
            Self::Bitmap(_) => !is_binary(data_type) && !matches!(data_type.root, TypeRoot::Decimal { .. }),
            Self::Bsi => !matches!(form, ValueForm::Boolean | ValueForm::Float | ValueForm::Double | ValueForm::Bytes),
            Self::RangeBitmap { .. } => match data_type.root {
                TypeRoot::Decimal { precision, .. } => precision <= COMPACT_PRECISION_MAX,
                TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => precision <= MICROS_PRECISION_MAX,
                _ => !is_binary(data_type),
            },
        };
        has.then_some(form)
    }
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type.root, TypeRoot::Binary(_) | TypeRoot::VarBinary(_))
}

/// Types of few values have a chunk for each.
fn default_chunk_bytes(data_type: &DataType) -> u64 {
    match data_type.root {
        TypeRoot::Boolean | TypeRoot::TinyInt | TypeRoot::SmallInt => 0,
        _ => RANGE_CHUNK_BYTES,
    }
}

fn number<T: std::str::FromStr>(text: Option<&str>, name: &str, default: T) -> Result<T> {
    let parsed =
        |text: &str| text.parse().map_err(|_| Error::invalid(format!("{name} is {text:?}; it must be a number")));
    text.map_or(Ok(default), parsed)
}
