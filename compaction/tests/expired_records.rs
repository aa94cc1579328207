//! Rows that are too old are left out by compactions, and by nothing before.

use alluvium_compaction::Picking;
use alluvium_format::RowKind;

use crate::keyed_bucket::{KeyedBucket, Write};

/// A time in seconds that is far from over.
const FRESH: i32 = i32::MAX;
const EXPIRE: [(&str, &str); 2] = [("record-level.expire-time", "1 d"), ("record-level.time-field", "b")];

fn row(key: i32, time: Option<i32>) -> Write {
    (key, RowKind::Insert, (Some(key), time))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compaction_leaves_out_rows_that_are_too_old() {
    let lookup = [&EXPIRE[..], &[("changelog-producer", "lookup"), ("target-file-size", "100 b")]].concat();
    for options in [&EXPIRE[..], &lookup] {
        let mut bucket = KeyedBucket::new(options).await;
        bucket.flush(&[row(1, Some(1000)), row(2, Some(FRESH)), row(3, None)]).await;
        assert_eq!(bucket.read().await.len(), 3, "nothing was compacted yet");
        bucket.compact(Picking::Full).await.unwrap();
        assert_eq!(bucket.read().await.into_keys().collect::<Vec<_>>(), [2, 3]);
        // A file that would only move up is rewritten when it has such a row.
        bucket.flush(&[row(3, Some(1000)), row(4, Some(1000)), row(5, Some(FRESH))]).await;
        bucket.compact(Picking::Full).await.unwrap();
        assert_eq!(bucket.read().await.into_keys().collect::<Vec<_>>(), [2, 3, 5]);
        assert!(!bucket.compact(Picking::Full).await.unwrap(), "nothing is left to do");
    }
}
