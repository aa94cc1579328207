//! How rows are put aside: in files of the postpone bucket, in the order in which they came, neither sorted nor merged.
//!
//! Goes in: the user who commits. Comes out: what their files are called: a compaction reads those of one writer in the order in which they were
//! made. Answers to `org.apache.paimon.postpone.PostponeBucketFileStoreWrite` and `PostponeBucketWriter`.

use alluvium_format::avro::data_file_schema;
use alluvium_format::options::key;
use alluvium_format::{Error, Result, RowKind};
use alluvium_merge_tree::{KeyValueBatch, MergeOptions, sort_buffer};
use alluvium_store::TableStore;
use arrow_array::Int64Array;

/// The sequence number of a row that has none: its place in the file counts.
pub(crate) const UNKNOWN_SEQUENCE: i64 = -1;

/// What stands before the number of the writer in the name of a file, by which a compaction finds it.
const NUMBER_MARK: &str = "-s-";

/// The table as it is for the files of a writer: `data--u-<user>-s-<number of the writer>-w-…`, in Avro and without statistics, unless Avro
/// cannot hold its types.
///
/// # Errors
/// `Invalid` when an option is wrong, or the user cannot be part of a file's name; `Unsupported` for what such files cannot be.
pub(crate) fn table_of_waiting_files(table: &TableStore, user: &str) -> Result<TableStore> {
    let number = writer_number(&table.io().namer().uuid());
    let prefix = format!("{}-u-{user}", table.options().data_file_prefix());
    check_prefix(&prefix)?;
    let prefix = format!("{prefix}{NUMBER_MARK}{number}-w-");
    let mut options = vec![(key::DATA_FILE_PREFIX, prefix.as_str())];
    if data_file_schema(&table.schema().fields).is_ok() {
        options.extend([(key::FILE_FORMAT, "avro"), (key::STATS_MODE, "none")]);
    }
    let options: Vec<_> = options.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let table = table.with_options(options.iter().map(|(name, value)| (name, value)))?;
    table.options().check_write_supported(table.schema())?;
    Ok(table)
}

/// Checks that a file can be called so, and that its writer is found by its name.
fn check_prefix(prefix: &str) -> Result<()> {
    let is_of_names = |letter: char| letter.is_alphanumeric() || "-_.+=@ ".contains(letter);
    match prefix.chars().find(|letter| !is_of_names(*letter)) {
        Some(letter) => Err(Error::invalid(format!(
            "{letter:?} in {prefix:?}: files of bucket = -2 are named by data-file.prefix and the commit user; choose another one"
        ))),
        None if prefix.contains(NUMBER_MARK) => Err(Error::invalid(format!(
            "{NUMBER_MARK:?} in {prefix:?}: files of bucket = -2 are named by data-file.prefix and the commit user, and the number of their \
             writer stands behind {NUMBER_MARK:?}; choose another one"
        ))),
        None => Ok(()),
    }
}

/// A number of 31 bits, of what makes the name of a writer unique.
fn writer_number(name: &str) -> u32 {
    let digits = name.chars().filter_map(|digit| digit.to_digit(16)).take(8);
    digits.fold(0, |number: u32, digit| (number << 4) | digit) >> 1
}

/// The sequence numbers of rows that wait.
pub(crate) fn sequences(rows: usize) -> Int64Array {
    Int64Array::from_value(UNKNOWN_SEQUENCE, rows)
}

/// Checks that the merge function takes the rows of a batch that retract, which would otherwise come up when it is too late.
///
/// # Errors
/// That of the merge function.
pub(crate) fn check_retractions(merge: &MergeOptions, batch: &KeyValueBatch) -> Result<()> {
    let retracts =
        |kind: i8| [RowKind::UpdateBefore, RowKind::Delete].iter().any(|retracts| retracts.to_byte() == kind);
    match batch.kinds.values().iter().position(|kind| retracts(*kind)) {
        None => Ok(()),
        Some(first) => {
            // Twice, as a record by itself is not merged.
            let row = batch.slice(first, 1);
            sort_buffer(&[row.clone(), row], merge).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_files_can_have() {
        for fine in ["data--u-1e2a-4b", "data--u-job 7_b", "data--u-größe"] {
            assert!(check_prefix(fine).is_ok(), "{fine}");
        }
        for wrong in ["data--u-a/b", "data--u-jobs-s-1", "data--u-a\n", "data-s--u-a", "data--u-a%2F"] {
            let error = check_prefix(wrong).map_err(|error| error.to_string());
            assert!(error.is_err_and(|text| text.contains("bucket = -2")), "{wrong}");
        }
    }

    #[test]
    fn numbers_of_writers_have_31_bits() {
        assert_eq!(writer_number("ffffffff-ffff-4fff-8fff-ffffffffffff"), 0x7fff_ffff);
        assert_eq!(writer_number("00000002-0000-4000-8000-000000000000"), 1);
        assert_eq!(writer_number(""), 0);
    }
}
