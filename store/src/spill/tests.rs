//! Records come back as they went.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use arrow_array::{Int8Array, Int32Array, Int64Array, StringArray};
use proptest::prelude::*;

use super::*;

fn batch(rows: &[(Option<i32>, Option<String>, i64, i8)]) -> KeyValueBatch {
    let numbers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int32Array>());
    let texts: ArrayRef = Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringArray>());
    let values = RecordBatch::try_from_iter_with_nullable([("k", numbers, true), ("v", texts, true)]).unwrap();
    let sequences = Int64Array::from_iter_values(rows.iter().map(|row| row.2));
    let kinds = Int8Array::from_iter_values(rows.iter().map(|row| row.3));
    KeyValueBatch::try_new(sequences, kinds, values).unwrap()
}

#[test]
fn a_file_goes_with_its_last_batch() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), u64::MAX).unwrap();
    let mut writer = SpillWriter::new(&disk, LookupCompression::Lz4).unwrap();
    for _ in 0..3 {
        writer.write(&batch(&[(Some(1), Some("one".into()), 7, 0)])).unwrap();
    }
    let mut batches = writer.finish();
    while let Some(last) = batches.pop() {
        assert!(disk.used_bytes() > 0);
        assert_eq!(last.read().unwrap().num_rows(), last.num_rows());
    }
    assert_eq!(disk.used_bytes(), 0);
}

#[test]
fn without_room_it_is_an_error_that_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), 100).unwrap();
    let mut writer = SpillWriter::new(&disk, LookupCompression::None).unwrap();
    let error = writer.write(&batch(&[(Some(1), Some("x".repeat(200)), 7, 0)])).unwrap_err();
    assert_eq!(error.kind(), alluvium_format::ErrorKind::Storage);
    drop(writer);
    assert_eq!(disk.used_bytes(), 0);
}

#[test]
fn batches_of_other_columns_do_not_share_a_file() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), u64::MAX).unwrap();
    let mut writer = SpillWriter::new(&disk, LookupCompression::Lz4).unwrap();
    let records = batch(&[(Some(1), None, 7, 0)]);
    writer.write(&records).unwrap();
    let fewer = KeyValueBatch { values: records.values.project(&[0]).unwrap(), ..records };
    assert_eq!(writer.write(&fewer).unwrap_err().kind(), alluvium_format::ErrorKind::Internal);
}

proptest! {
    #[test]
    fn any_slices_come_back(
        rows in prop::collection::vec((any::<Option<i32>>(), any::<Option<String>>(), any::<i64>(), 0..4i8), 1..50),
        cuts in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..5),
        codec in 0..3u8,
    ) {
        let root = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(root.path(), u64::MAX).unwrap();
        let codec = [LookupCompression::None, LookupCompression::Lz4, LookupCompression::Zstd(1)][codec as usize];
        let mut writer = SpillWriter::new(&disk, codec).unwrap();
        let whole = batch(&rows);
        let mut written = vec![whole.clone()];
        for (start, length) in cuts {
            let start = start.index(rows.len());
            written.push(whole.slice(start, length.index(rows.len() - start + 1)));
        }
        written.iter().for_each(|batch| writer.write(batch).unwrap());
        let spilled = writer.finish();
        prop_assert_eq!(spilled.len(), written.len());
        for (spilled, written) in spilled.iter().zip(&written).rev() {
            prop_assert_eq!(&spilled.read().unwrap(), written);
        }
    }
}
