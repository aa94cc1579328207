//! The files of a plan, bucket by bucket.
//!
//! Goes in: manifest entries. Comes out: [`BucketFiles`], by ascending partition and bucket, each with its files in the order of the
//! manifest. Pure. The order is that of values, so that a plan is the same whatever manifests its entries came from.

use std::collections::{BTreeMap, HashMap};

use alluvium_format::{BinaryRow, DataFileMeta, DataType, Datum, ManifestEntry, Result, datum};
use alluvium_store::PartitionBucket;

/// Files of one bucket.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BucketFiles {
    /// Which.
    pub(crate) bucket: PartitionBucket,
    /// The values of its partition.
    pub(crate) values: Vec<Option<Datum>>,
    /// In the order of the manifest.
    pub(crate) files: Vec<DataFileMeta>,
}

/// The entries by partition and bucket; `types` are those of the partition columns.
///
/// # Errors
/// `Corrupt` when a partition is none of the table.
pub(crate) fn by_bucket(entries: Vec<ManifestEntry>, types: &[DataType]) -> Result<Vec<BucketFiles>> {
    let mut partitions: HashMap<BinaryRow, BTreeMap<i32, Vec<DataFileMeta>>> = HashMap::new();
    for entry in entries {
        partitions.entry(entry.partition).or_default().entry(entry.bucket).or_default().push(entry.file);
    }
    let mut decoded = partitions
        .into_iter()
        .map(|(partition, buckets)| Ok((partition.decode(types)?, partition, buckets)))
        .collect::<Result<Vec<_>>>()?;
    decoded.sort_by(|(a, ..), (b, ..)| datum::compare_values(a, b));
    let mut out = Vec::new();
    for (values, partition, buckets) in decoded {
        for (bucket, files) in buckets {
            let bucket = PartitionBucket { partition: partition.clone(), bucket };
            out.push(BucketFiles { bucket, values: values.clone(), files });
        }
    }
    Ok(out)
}
