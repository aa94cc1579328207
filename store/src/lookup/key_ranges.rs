//! The key ranges of data files, in the form that the keys of a lookup are compared in.
//!
//! Goes in: files of one run, and ascending keys. Comes out: for each file the keys that it can hold. Pure. Answers to
//! `org.apache.paimon.mergetree.LookupUtils`.

use std::ops::Range;

use alluvium_format::arrow::array_from_datums;
use alluvium_format::{BinaryRow, DataFileMeta, DataType, Datum, Error, ErrorKind, Result, ResultExt};
use alluvium_merge_tree::{EncodedKeys, KeyEncoder};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

/// The first and last keys of some files.
#[derive(Debug)]
pub(super) struct KeyRanges {
    min: EncodedKeys,
    max: EncodedKeys,
}

impl KeyRanges {
    /// Of these files, whose keys have `types`; `schema` is that of the keys of the lookup, which `encoder` encodes.
    ///
    /// # Errors
    /// `Corrupt` when a first or last key is none of the table.
    pub(super) fn of(
        files: &[DataFileMeta],
        types: &[DataType],
        schema: &SchemaRef,
        encoder: &KeyEncoder,
    ) -> Result<Self> {
        let encoded = |key: fn(&DataFileMeta) -> &BinaryRow| -> Result<EncodedKeys> {
            let mut columns: Vec<Vec<Option<Datum>>> = vec![Vec::with_capacity(files.len()); types.len()];
            for file in files {
                let values = key(file)
                    .decode(types)
                    .context(|| format!("decoding the key range of data file {}", file.file_name))?;
                columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
            }
            let columns = types.iter().zip(&columns).map(|(data_type, values)| array_from_datums(data_type, values));
            let batch = RecordBatch::try_new(schema.clone(), columns.collect::<Result<_>>()?).map_err(|error| {
                Error::new(ErrorKind::Corrupt, "the key ranges of data files are no keys of the table")
                    .with_source(error)
            })?;
            encoder.encode_batch(&batch)
        };
        Ok(Self { min: encoded(|file| &file.min_key)?, max: encoded(|file| &file.max_key)? })
    }

    /// Which of the `wanted` rows of `keys`, which ascend, a file can hold.
    pub(super) fn wanted_of(&self, file: usize, keys: &EncodedKeys, wanted: &[u32]) -> Range<usize> {
        let start = wanted.partition_point(|key| keys.compare(*key as usize, &self.min, file).is_lt());
        let end = wanted.partition_point(|key| keys.compare(*key as usize, &self.max, file).is_le());
        start..end.max(start)
    }
}
