//! What `scan.mode` and the options beside it make of reads and streams.

use alluvium::{ErrorKind, Predicate, Result, Table, TailEvent, TimeTravel};
use alluvium_sim::ops::OrderColumn;
use arrow_array::RecordBatch;
use futures::TryStreamExt;

use crate::fault_checks::Rows;
use crate::fault_world::View;
use crate::read_history::{drain, history, read, setting, work};

fn with(table: &Table, options: &[(&str, &str)]) -> Result<Table> {
    table.with_options(&options.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

/// The rows that a read gives whose state the options alone say.
async fn rows(table: &Table, options: &[(&str, &str)]) -> Result<usize> {
    let batches: Vec<RecordBatch> = with(table, options)?.read().execute().await?.try_collect().await?;
    Ok(batches.iter().map(RecordBatch::num_rows).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn options_say_which_state_a_read_shows() {
    let (world, states) = history(6, &setting(&[]), &work(6, OrderColumn::None, 0)).await;
    let table = world.table(View::Healthy).await.unwrap();
    let snapshots = world.snapshots().await;
    let (early, last) = (&snapshots[1], snapshots.last().unwrap());
    let count = |id: i64| states[&id].len();
    assert_ne!(count(early.id), count(last.id), "the work tells states apart");
    let (id, time) = (early.id.to_string(), early.time_millis.to_string());
    for options in [
        &[("scan.snapshot-id", id.as_str())][..],
        &[("scan.version", &id)],
        &[("scan.timestamp-millis", &time)],
        &[("scan.mode", "from-snapshot-full"), ("scan.snapshot-id", &id)],
    ] {
        assert_eq!(rows(&table, options).await.unwrap(), count(early.id), "{options:?}");
    }
    for options in
        [&[("scan.mode", "latest")][..], &[("scan.mode", "compacted-full")], &[("scan.creation-time-millis", "1")]]
    {
        assert_eq!(rows(&table, options).await.unwrap(), count(last.id), "{options:?}");
    }
    // What is asked for in words goes before the options.
    let sent_back = with(&table, &[("scan.snapshot-id", &id)]).unwrap();
    let latest: Rows = read(&sent_back, TimeTravel::Latest, Predicate::True).await;
    assert_eq!(latest, states[&last.id]);
    for (options, kind) in [
        (&[("scan.version", "nothing")][..], ErrorKind::NotFound),
        (&[("scan.watermark", "9")], ErrorKind::NotFound),
        (&[("incremental-between", "1,2")], ErrorKind::Invalid),
        (&[("incremental-to-auto-tag", "2013-01-31")], ErrorKind::Invalid),
        (&[("stream-scan-mode", "compact-bucket-table")], ErrorKind::Invalid),
    ] {
        assert_eq!(rows(&table, options).await.unwrap_err().kind(), kind, "{options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_say_where_a_stream_starts_and_ends() {
    let (world, states) = history(6, &setting(&[]), &work(6, OrderColumn::None, 0)).await;
    let table = world.table(View::Healthy).await.unwrap();
    let last = *states.keys().last().unwrap();
    let snapshots = world.snapshots().await;
    let second = (snapshots[1].id.to_string(), snapshots[1].time_millis.to_string());
    let ends = async |options: &[(&str, &str)]| -> Vec<i64> {
        let mut tail = with(&table, options).unwrap().tail().to(last).execute().await.unwrap();
        drain(&mut tail).await.into_iter().map(|(id, _)| id).collect()
    };
    let from = |first: i64| (first..=last).collect::<Vec<_>>();
    assert!(ends(&[]).await.is_empty());
    assert_eq!(ends(&[("scan.mode", "latest-full")]).await, [last]);
    assert_eq!(ends(&[("scan.snapshot-id", &second.0)]).await, from(2));
    assert_eq!(ends(&[("scan.version", &second.0)]).await, from(2));
    assert_eq!(ends(&[("scan.timestamp-millis", &second.1)]).await, from(2));
    assert_eq!(ends(&[("scan.creation-time-millis", &second.1)]).await, from(2));
    assert_eq!(ends(&[("scan.file-creation-time-millis", "1")]).await, [last]);
    let compacted = snapshots.iter().rfind(|snapshot| snapshot.commit_kind == alluvium::format::CommitKind::Compact);
    assert_eq!(ends(&[("stream-scan-mode", "compact-bucket-table")]).await, from(compacted.unwrap().id + 1));

    // Rows, and then what each commit took away and brought: the rows of every later state.
    let monitored = with(&table, &[("stream-scan-mode", "file-monitor")]).unwrap();
    let mut tail = monitored.tail().to(last).execute().await.unwrap();
    assert!(matches!(tail.next().await.unwrap(), Some(TailEvent::Changes(_))));

    for options in [
        &[("scan.tag-name", "t")][..],
        &[("scan.watermark", "3")],
        &[("incremental-between", "1,2")],
        &[("incremental-to-auto-tag", "2013-01-31")],
        &[("scan.version", "watermark-3")],
    ] {
        let error = with(&table, options).unwrap().tail().execute().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{options:?}");
        assert!(error.to_string().contains("a stream cannot start"), "{error}");
    }
}
