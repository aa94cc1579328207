//! Makes the indexes of a data file while it is written.
//!
//! Goes in: the table's columns and options; then the columns of each batch. Comes out: the container of the file's indexes. Indexes
//! stand in the order of Java's hash maps, so that one is byte for byte what Java makes of the same rows. Answers to
//! `DataFileIndexWriter`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, MapArray};

use super::bitmap;
use super::bloom::BloomFilter;
use super::bsi::BsiWriter;
use super::hash::for_each_hash;
use super::kind::FileIndexKind;
use super::range_bitmap;
use super::value::{ValueForm, Values};
use super::value_rows::ValueRows;
use super::{FileIndex, encode};
use crate::data_type::{DataField, DataType, TypeRoot};
use crate::error::{Error, Result, ResultExt};
use crate::java_map::{JavaMap, JavaString};
use crate::options::{CoreOptions, IndexedColumn};

/// The indexes that each file of a table gets.
#[derive(Debug)]
pub struct FileIndexPlan {
    /// In the order in which they are in a file.
    indexes: Arc<[PlannedIndex]>,
    in_manifest_bytes: u64,
}

/// One index of one column.
#[derive(Clone, Debug)]
struct PlannedIndex {
    /// Of the column, or of the key of a map column.
    name: String,
    /// Of the column among all.
    position: usize,
    map_key: Option<String>,
    /// Of what is indexed.
    data_type: DataType,
    kind: FileIndexKind,
    form: ValueForm,
}

impl FileIndexPlan {
    /// The indexes of a table with the columns `fields`; `None` when it has none.
    ///
    /// # Errors
    /// `Invalid` when an option is wrong; `Unsupported` for a type of index, or of column, that there is no index of.
    pub fn of(fields: &[DataField], options: &CoreOptions) -> Result<Option<Self>> {
        let indexed = options.indexed_columns()?;
        if indexed.is_empty() {
            return Ok(None);
        }
        let in_manifest_bytes = options.file_index_in_manifest_bytes()?;
        Ok(Some(Self { indexes: indexes_in_order(&indexed, fields)?, in_manifest_bytes }))
    }

    /// The indexes of a file that was written with the columns `written`, by the options of a table that has the columns `fields` now; and
    /// the columns of the file that they are over, which are to be written. A column that the file lacks has no index.
    ///
    /// # Errors
    /// As [`FileIndexPlan::of`].
    pub fn of_file(
        fields: &[DataField],
        written: &[DataField],
        options: &CoreOptions,
    ) -> Result<Option<(Vec<DataField>, Self)>> {
        let Some(named) = Self::of(fields, options)? else { return Ok(None) };
        let (mut over, mut indexed) = (Vec::new(), Vec::new());
        for column in options.indexed_columns()? {
            let id = fields.iter().find(|field| field.name == column.column).map(|field| field.id);
            let Some(field) = written.iter().find(|field| Some(field.id) == id) else { continue };
            indexed.push(IndexedColumn { column: field.name.clone(), ..column });
            if !over.contains(field) {
                over.push(field.clone());
            }
        }
        let indexes = indexes_in_order(&indexed, &over)?;
        Ok((!indexes.is_empty()).then_some((over, Self { indexes, in_manifest_bytes: named.in_manifest_bytes })))
    }

    /// Whether a container of so many bytes goes into the manifest.
    pub fn is_embedded(&self, container_bytes: usize) -> bool {
        container_bytes as u64 <= self.in_manifest_bytes
    }

    /// The indexes of a file without rows.
    ///
    /// # Errors
    /// `Invalid` for a filter that is too large.
    pub fn begin(&self) -> Result<FileIndexWriter> {
        let bodies = self.indexes.iter().map(IndexBody::begin).collect::<Result<_>>()?;
        Ok(FileIndexWriter { indexes: Arc::clone(&self.indexes), bodies, rows: 0 })
    }
}

impl PlannedIndex {
    fn of(indexed: &IndexedColumn, fields: &[DataField]) -> Result<Self> {
        let option = format!("file-index.{}.columns", indexed.index_type);
        let found = fields.iter().enumerate().find(|(_, field)| field.name == indexed.column);
        let Some((position, field)) = found else {
            let why = format!("the option {option} names {:?}, which is no column", indexed.column);
            return Err(Error::invalid(format!("{why}: set it to columns there are, or reset it")));
        };
        let data_type = match (&indexed.map_key, &field.data_type.root) {
            (None, _) => &field.data_type,
            (Some(_), TypeRoot::Map { key, value }) if matches!(key.root, TypeRoot::Char(_) | TypeRoot::VarChar(_)) => {
                value
            }
            (Some(_), _) => {
                let why = format!("the option {option} names {}, of which a key is indexed", indexed.full_name());
                return Err(Error::invalid(format!("{why}: {} is no map from text", field.name)));
            }
        };
        let kind = FileIndexKind::new(&indexed.index_type, data_type, |name| indexed.option(name))
            .context(|| format!("the option {option}, column {}", indexed.full_name()))?;
        let form = kind.form(data_type).ok_or_else(|| Error::internal("an index without a form"))?;
        let (name, map_key) = (indexed.full_name(), indexed.map_key.clone());
        Ok(Self { name, position, map_key, data_type: data_type.clone(), kind, form })
    }

    /// The values that the index is over.
    fn values(&self, columns: &[ArrayRef]) -> Result<Values> {
        let column = columns.get(self.position).ok_or_else(|| Error::internal("a batch lacks an indexed column"))?;
        match &self.map_key {
            None => Values::of(column, &self.data_type),
            Some(map_key) => {
                let map = column.as_map_opt().ok_or_else(|| Error::internal("an indexed map is none"))?;
                Ok(Values::of(map.values(), &self.data_type)?.at(&places_of_key(map, map_key)?))
            }
        }
    }
}

/// The indexes over `fields`, in the order of a file.
fn indexes_in_order(indexed: &[IndexedColumn], fields: &[DataField]) -> Result<Arc<[PlannedIndex]>> {
    let planned: Vec<PlannedIndex> =
        indexed.iter().map(|column| PlannedIndex::of(column, fields)).collect::<Result<_>>()?;
    Ok(order_in_file(indexed).into_iter().filter_map(|at| planned.get(at).cloned()).collect())
}

/// Where the value of `key` is among the values of a map column, row by row.
fn places_of_key(map: &MapArray, key: &str) -> Result<Vec<Option<usize>>> {
    let keys =
        map.keys().as_string_opt::<i32>().ok_or_else(|| Error::internal("keys of an indexed map are no text"))?;
    let place = |(row, ends): (usize, &[i32])| {
        let [start, end] = [ends.first(), ends.get(1)].map(|end| end.map_or(0, |end| end.cast_unsigned() as usize));
        if map.is_null(row) { None } else { (start..end).find(|at| keys.value(*at) == key) }
    };
    Ok(map.value_offsets().windows(2).enumerate().map(place).collect())
}

/// The order in which Java's maps have the indexes in the end.
fn order_in_file(indexed: &[IndexedColumn]) -> Vec<usize> {
    let text = |text: &str| JavaString(text.to_owned());
    let mut maintainers: JavaMap<JavaString, JavaMap<JavaString, Vec<usize>>> = JavaMap::new();
    for (at, index) in indexed.iter().enumerate() {
        let of_type = maintainers.compute_if_absent(text(&index.index_type));
        let mut of_column = of_type.get(&text(&index.column)).cloned().unwrap_or_default();
        of_column.push(at);
        of_type.put(text(&index.column), of_column);
    }
    let mut in_file: JavaMap<JavaString, JavaMap<JavaString, usize>> = JavaMap::new();
    for of_column in maintainers.into_entries().flat_map(|(_, of_type)| of_type.into_entries()).map(|(_, at)| at) {
        let mut by_key = JavaMap::new();
        for index in of_column.iter().filter_map(|at| Some((*at, indexed.get(*at)?))) {
            by_key.put(text(index.1.map_key.as_deref().unwrap_or_default()), index);
        }
        let mut by_name = JavaMap::new();
        for (_, (at, index)) in by_key.into_entries() {
            by_name.put(JavaString(index.full_name()), (at, index));
        }
        for (name, (at, index)) in by_name.into_entries() {
            in_file.compute_if_absent(name).put(text(&index.index_type), at);
        }
    }
    in_file.into_entries().flat_map(|(_, types)| types.into_entries()).map(|(_, at)| at).collect()
}

/// The indexes of a file on its way.
#[derive(Debug)]
pub struct FileIndexWriter {
    indexes: Arc<[PlannedIndex]>,
    bodies: Vec<IndexBody>,
    rows: usize,
}

/// What an index knows so far.
#[derive(Debug)]
enum IndexBody {
    Bloom(BloomFilter),
    Rows(ValueRows),
    Bsi(BsiWriter),
}

impl FileIndexWriter {
    /// Appends rows: all columns of the table, in their in-memory form.
    ///
    /// # Errors
    /// `Invalid` for a value that an index does not hold; `Internal` when the columns are not those of the table.
    pub fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for (index, body) in self.indexes.iter().zip(&mut self.bodies) {
            let values = index.values(columns)?;
            let written = match body {
                IndexBody::Bloom(filter) => {
                    for_each_hash(&values, index.form, |hash| filter.add(hash));
                    Ok(())
                }
                IndexBody::Rows(rows) => rows.push(&values),
                IndexBody::Bsi(bsi) => bsi.push(&values),
            };
            written.context(|| format!("the {} index over {}", index.kind.name(), index.name))?;
        }
        self.rows += columns.first().map_or(0, |column| column.len());
        Ok(())
    }

    /// The container of the indexes.
    ///
    /// # Errors
    /// `Invalid` for a value that an index does not hold, and for one of over 2 GiB.
    pub fn finish(self) -> Result<Vec<u8>> {
        let rows = self.rows;
        let indexes = self.indexes.iter().zip(self.bodies).map(|(index, body)| {
            let body = if rows == 0 && index.map_key.is_some() { None } else { Some(body.encode(index)?) };
            Ok(FileIndex {
                column: index.name.clone(),
                index_type: index.kind.name().to_owned(),
                body: body.map(bytes::Bytes::from),
            })
        });
        encode(&indexes.collect::<Result<Vec<_>>>()?)
    }
}

impl IndexBody {
    fn begin(index: &PlannedIndex) -> Result<Self> {
        Ok(match index.kind {
            FileIndexKind::BloomFilter { items, false_positives } => {
                Self::Bloom(BloomFilter::new(items, false_positives)?)
            }
            FileIndexKind::Bitmap(_) | FileIndexKind::RangeBitmap { .. } => Self::Rows(ValueRows::default()),
            FileIndexKind::Bsi => Self::Bsi(BsiWriter::default()),
        })
    }

    fn encode(self, index: &PlannedIndex) -> Result<Vec<u8>> {
        let encoded = match (self, index.kind) {
            (Self::Bloom(filter), _) => Ok(filter.encode()),
            (Self::Bsi(bsi), _) => bsi.encode(),
            (Self::Rows(rows), FileIndexKind::RangeBitmap { chunk_bytes }) => {
                range_bitmap::encode(rows, index.form, chunk_bytes)
            }
            (Self::Rows(rows), FileIndexKind::Bitmap(version)) => bitmap::encode(rows, index.form, version),
            (Self::Rows(_), _) => Err(Error::internal("rows by value are no index of this type")),
        };
        encoded.context(|| format!("the {} index over {}", index.kind.name(), index.name))
    }
}
