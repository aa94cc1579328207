//! Full compactions that come with commits: `full-compaction.delta-commits` and `changelog-producer.compaction-interval`.

use alluvium_format::CommitKind;
use alluvium_writer::CommitExtras;
use serde_json::json;

use crate::world::{World, pairs, replay};

/// The identifiers of COMPACT snapshots.
async fn compacted(world: &World) -> Vec<i64> {
    let snapshots = world.snapshots().await.into_iter();
    let compact = snapshots.filter(|snapshot| snapshot.commit_kind == CommitKind::Compact);
    compact.map(|snapshot| snapshot.commit_identifier).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_with_every_so_many_commits_and_make_the_changelog() {
    let options = json!({
        "bucket": "2", "changelog-producer": "full-compaction", "full-compaction.delta-commits": "3",
        "num-sorted-run.compaction-trigger": "10",
    });
    let world = World::simple(options).await;
    let mut writer = world.writer_with("w", &[]).await;
    for identifier in 1..=7 {
        world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    assert_eq!(compacted(&world).await, [3, 6]);
    let told = replay(world.table.schema(), &world.changelog().await);
    assert_eq!(told.len(), 30);
    assert!(told.values().all(|row| row["v"] == "6"), "the changes up to the last full compaction");
    writer.close().await.unwrap();

    // What was written before a restart is due after it, though no row comes any more.
    let mut writer = world.writer_with("w", &[]).await;
    for identifier in 8..=12 {
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    assert_eq!(compacted(&world).await, [3, 6, 9]);
    assert_eq!(replay(world.table.schema(), &world.changelog().await), world.read().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_rests_stays_until_they_come() {
    let options = json!({
        "bucket": "1", "full-compaction.delta-commits": "20", "num-sorted-run.compaction-trigger": "10",
    });
    let world = World::simple(options).await;
    let mut writer = world.writer_with("w", &[]).await;
    for identifier in 1..=20 {
        if identifier < 3 {
            world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
        }
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    assert_eq!(compacted(&world).await, [20]);
    assert_eq!(world.live().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_commits_once_compacts_fully() {
    let world = World::simple(json!({"bucket": "1", "changelog-producer": "full-compaction"})).await;
    for round in ["a", "b"] {
        let mut writer = world.writer_with(round, &[("full-compaction.delta-commits", "1000")]).await;
        world.write(&mut writer, &pairs(0..30, round)).await;
        writer.commit(i64::MAX, CommitExtras::default()).await.unwrap();
    }
    assert_eq!(compacted(&world).await, [i64::MAX, i64::MAX]);
    assert_eq!(replay(world.table.schema(), &world.changelog().await), world.read().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_come_when_their_time_has_passed() {
    let options = json!({
        "bucket": "1", "changelog-producer": "full-compaction", "changelog-producer.compaction-interval": "1 h",
        "num-sorted-run.compaction-trigger": "10",
    });
    let world = World::simple(options).await;
    let mut writer = world.writer_with("w", &[]).await;
    for identifier in 1..=4 {
        world.write(&mut writer, &pairs(0..30, &identifier.to_string())).await;
        writer.commit(identifier, CommitExtras::default()).await.unwrap();
    }
    // The clock of this world stands still: the first come at once, the next never.
    assert_eq!(compacted(&world).await, [1]);
}
