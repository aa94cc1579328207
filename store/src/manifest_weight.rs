//! How much memory decoded manifests take.
//!
//! Goes in: what a manifest, a list or an index manifest holds. Comes out: about how many bytes, with all that is behind pointers.

use alluvium_format::{BinaryRow, DataFileMeta, IndexManifestEntry, ManifestEntry, ManifestFileMeta, SimpleStats};

/// Of a manifest's entries.
pub(crate) fn of_entries(entries: &[ManifestEntry]) -> usize {
    let behind = entries.iter().map(|entry| row(&entry.partition) + data_file(&entry.file));
    size_of_val(entries) + behind.sum::<usize>()
}

/// Of a manifest list.
pub(crate) fn of_list(manifests: &[ManifestFileMeta]) -> usize {
    let behind = manifests.iter().map(|meta| meta.file_name.len() + stats(&meta.partition_stats));
    size_of_val(manifests) + behind.sum::<usize>()
}

/// Of an index manifest: an entry has a range for each data file in which rows are deleted.
pub(crate) fn of_indexes(entries: &[IndexManifestEntry]) -> usize {
    let behind = entries.iter().map(|entry| {
        let file = &entry.index_file;
        let ranges = file.dv_ranges.iter().flatten().map(|range| size_of_val(range) + range.data_file_name.len());
        let path = file.external_path.as_ref().map_or(0, String::len);
        row(&entry.partition) + file.index_type.len() + file.file_name.len() + path + ranges.sum::<usize>()
    });
    size_of_val(entries) + behind.sum::<usize>()
}

fn data_file(file: &DataFileMeta) -> usize {
    let texts = |texts: &[String]| size_of_val(texts) + texts.iter().map(String::len).sum::<usize>();
    let named = file.value_stats_cols.iter().chain(&file.write_cols).map(|columns| texts(columns)).sum::<usize>();
    let index = file.embedded_index.as_ref().map_or(0, |index| index.len());
    let path = file.external_path.as_ref().map_or(0, String::len);
    let keys = row(&file.min_key) + row(&file.max_key);
    let statistics = stats(&file.key_stats) + stats(&file.value_stats);
    file.file_name.len() + texts(&file.extra_files) + named + index + path + keys + statistics
}

fn stats(stats: &SimpleStats) -> usize {
    row(&stats.min_values) + row(&stats.max_values) + stats.null_counts.capacity() * size_of::<Option<i64>>()
}

fn row(row: &BinaryRow) -> usize {
    row.as_bytes().len()
}

#[cfg(test)]
mod tests {
    use alluvium_format::index_file::DeletionVectorMeta;
    use alluvium_format::{FileKind, IndexFileMeta};

    use super::*;

    #[test]
    fn statistics_weigh_what_their_values_do() {
        let of = |bytes: usize| {
            let values = BinaryRow::from_serialized(&vec![0; 4 + bytes]).unwrap();
            stats(&SimpleStats { min_values: values.clone(), max_values: values, null_counts: vec![None] })
        };
        assert_eq!(of(1 << 20) - of(1 << 10), 2 * ((1 << 20) - (1 << 10)));
    }

    #[test]
    fn an_index_manifest_weighs_what_its_vectors_do() {
        let range = DeletionVectorMeta { data_file_name: "f".to_owned(), offset: 1, length: 1, cardinality: None };
        let entry = |ranges: usize| IndexManifestEntry {
            kind: FileKind::Add,
            partition: BinaryRow::empty(),
            bucket: 0,
            index_file: IndexFileMeta {
                index_type: "DELETION_VECTORS".to_owned(),
                file_name: "i".to_owned(),
                file_size: 1,
                row_count: 1,
                dv_ranges: Some(vec![range.clone(); ranges]),
                external_path: None,
                global_index: None,
            },
        };
        let bytes = |ranges| of_indexes(&[entry(ranges)]);
        assert_eq!(bytes(1001) - bytes(1), 1000 * (bytes(1) - bytes(0)));
        assert!(bytes(1) > bytes(0));
    }
}
