//! Positions of streams: saved as text at every place there is, gone on from, and held against tables that changed meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;

use alluvium::{
    ColumnPath, DataType, ErrorKind, ExpiredSnapshots, FileSystemCatalog, Place, Publish, Result, SchemaChange,
    SchemaDefinition, StartupMode, StreamPosition, Table, Tail, TailEvent,
};
use alluvium_sim::ops::OrderColumn;
use alluvium_sim::{Change, Replay, SimClock, seeds};
use alluvium_store::{RandomNamer, TableIo};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch};
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::fault_checks::changes_of;
use crate::fault_world::{View, World};
use crate::read_history::{history, setting, work};
use crate::read_streams;

/// Changes and ends of snapshots as they come, each with the position behind it.
async fn events(tail: &mut Tail) -> Vec<(Vec<Change>, Option<StreamPosition>)> {
    let mut out = Vec::new();
    while let Some(event) = tail.next().await.unwrap() {
        let changes = match event {
            TailEvent::Changes(batch) => changes_of(Some(&batch.kinds), &batch.rows),
            TailEvent::SnapshotEnd(_) => Vec::new(),
            TailEvent::Expired(..) => panic!("nothing has expired"),
        };
        out.push((changes, tail.position().cloned()));
    }
    out
}

async fn rest(table: &Table, position: StreamPosition, last: i64) -> Vec<Change> {
    let mut tail = table.tail().from_position(position).to(last).execute().await.unwrap();
    events(&mut tail).await.into_iter().flat_map(|(changes, _)| changes).collect()
}

/// The positions that stand for each row of the batch that ends at `position`.
fn within(position: &StreamPosition, rows: usize) -> Vec<(usize, StreamPosition)> {
    let of_row = |left: usize| {
        let mut position = position.clone();
        let unfinished = position.unfinished.as_mut().expect("behind a batch, a snapshot is not finished");
        unfinished.offset.row -= left as u64;
        (left, position)
    };
    (0..rows).map(of_row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_from_every_row() {
    for seed in seeds(3) {
        for producer in ["none", "lookup"] {
            let _replay = Replay::new(seed, producer);
            let setting = setting(&[("changelog-producer", producer)]);
            let (world, states) = history(seed, &setting, &work(seed, OrderColumn::None, 0)).await;
            let table = world.table(View::Healthy).await.unwrap();
            let last = *states.keys().last().unwrap();
            for start in [StartupMode::Earliest, StartupMode::FromSnapshotFull(last / 2)] {
                let mut tail = table.tail().from(start).to(last).execute().await.unwrap();
                let events = events(&mut tail).await;
                let whole: Vec<Change> = events.iter().flat_map(|(changes, _)| changes.clone()).collect();
                let mut came = 0;
                for (changes, position) in &events {
                    came += changes.len();
                    let Some(position) = position else { continue };
                    assert_eq!(rest(&table, saved(position), last).await, whole[came..], "{start:?} {position:?}");
                    let inside = if changes.is_empty() { Vec::new() } else { within(position, changes.len()) };
                    for (left, position) in inside {
                        let rest = rest(&table, position.clone(), last).await;
                        assert_eq!(rest, whole[came - left..], "{start:?} {position:?}");
                    }
                }
                assert!(came > 0, "{start:?} gave nothing");
            }
        }
    }
}

/// As it comes back from where it was kept.
fn saved(position: &StreamPosition) -> StreamPosition {
    StreamPosition::from_json(&position.to_json()).unwrap()
}

async fn world() -> (World, i64) {
    let setting = setting(&[("write-only", "true")]);
    let (world, states) = history(4, &setting, &work(4, OrderColumn::None, 0)).await;
    (world, *states.keys().last().unwrap())
}

async fn forget(world: &World, snapshots: impl IntoIterator<Item = i64>) {
    let files: BTreeSet<String> = snapshots.into_iter().map(|id| format!("snapshot/snapshot-{id}")).collect();
    world.delete(&files).await;
}

async fn first_error(table: &Table, position: StreamPosition, expired: ExpiredSnapshots) -> Result<TailEvent> {
    let mut tail = table.tail().from_position(position).when_expired(expired).execute().await?;
    tail.next().await.map(|event| event.expect("it has no end"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_is_an_error_or_is_reported() {
    let (world, last) = world().await;
    let table = world.table(View::Healthy).await.unwrap();
    let mut tail = table.tail().from_earliest().execute().await.unwrap();
    while !matches!(tail.next().await.unwrap(), Some(TailEvent::SnapshotEnd(1))) {}
    let position = tail.position().unwrap().clone();
    forget(&world, 1..=3).await;

    let error = first_error(&table, position.clone(), ExpiredSnapshots::Fail).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("snapshot 2 has expired, the earliest left is 4"), "{error}");

    let mut tail =
        table.tail().from_position(position).when_expired(ExpiredSnapshots::Skip).to(last).execute().await.unwrap();
    assert!(matches!(tail.next().await.unwrap(), Some(TailEvent::Expired(2, 3))));
    assert_eq!(tail.position().unwrap().next_snapshot, 4);
    let mut ends = Vec::new();
    while let Some(event) = tail.next().await.unwrap() {
        if let TailEvent::SnapshotEnd(id) = event {
            ends.push(id);
        }
    }
    assert_eq!(ends, (4..=last).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_rolled_back_is_named() {
    let (world, last) = world().await;
    let table = world.table(View::Healthy).await.unwrap();
    let mut tail = table.tail().from_earliest().to(last).execute().await.unwrap();
    let positions: Vec<StreamPosition> =
        events(&mut tail).await.into_iter().filter_map(|(_, position)| position).collect();
    let end = positions.last().unwrap().clone();
    assert_eq!(end.next_snapshot, last + 1);
    forget(&world, last - 1..=last).await;

    let error = first_error(&table, end.clone(), ExpiredSnapshots::Skip).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("the table was rolled back under this stream"), "{error}");

    // Others commit in its place, as after a fast-forward.
    let outcome = world.run(View::Healthy, "another", &work(5, OrderColumn::None, 0)).await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(table.latest_snapshot().await.unwrap().unwrap().id > last);
    let error = first_error(&table, end, ExpiredSnapshots::Skip).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains(&format!("snapshot {last} is no longer the one")), "{error}");
    // One that was in the midst of a snapshot that is another now.
    let inside = positions.iter().rfind(|position| position.unfinished.is_some()).unwrap().clone();
    assert!(inside.next_snapshot >= last - 1, "{inside:?}");
    let error = first_error(&table, inside, ExpiredSnapshots::Fail).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

fn batch(table: &Table, ids: std::ops::Range<i64>) -> RecordBatch {
    let values: Int64Array = ids.collect();
    let columns = table.schema().fields.iter().map(|field| {
        let nullable = field.name != "id";
        (field.name.as_str(), Arc::new(values.clone()) as Arc<dyn arrow_array::Array>, nullable)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

async fn commit(table: &Table, ids: std::ops::Range<i64>) {
    let mut write = table.stream_write(&format!("writer-{}", ids.start)).await.unwrap();
    write.write(batch(table, ids), None).await.unwrap();
    write.commit(1).await.unwrap();
    write.close().await.unwrap();
}

/// The columns and the sum of each, up to a snapshot.
async fn columns(tail: &mut Tail) -> Vec<(String, Option<i64>)> {
    let mut sums: Vec<(String, Option<i64>)> =
        tail.schema().fields().iter().map(|field| (field.name().clone(), None)).collect();
    while let Some(event) = tail.next().await.unwrap() {
        let TailEvent::Changes(changes) = event else { continue };
        for (sum, column) in sums.iter_mut().zip(changes.rows.columns()) {
            let values = column.as_primitive::<Int64Type>().iter().flatten();
            sum.1 = values.fold(sum.1, |sum, value| Some(sum.unwrap_or(0) + value));
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_changes_of_the_columns() {
    let table = read_streams::table(0).await;
    commit(&table, 0..10).await;
    let open = async |table: &Table, last: i64| table.tail().from_earliest().to(last).execute().await.unwrap();
    // The old stream has not looked at anything yet when the columns change under it.
    let mut old = open(&table, 2).await;
    let mut first = open(&table, 1).await;
    while first.next().await.unwrap().is_some() {}
    let position = saved(first.position().unwrap());
    let changes = [
        SchemaChange::RenameColumn { path: ColumnPath::of_column("v"), name: "renamed".to_owned() },
        SchemaChange::AddColumn {
            path: ColumnPath::of_column("added"),
            data_type: DataType::parse("BIGINT").unwrap(),
            description: None,
            place: Some(Place::First),
        },
    ];
    let altered = table.alter(&changes).await.unwrap();
    commit(&altered, 10..20).await;

    let sum = |ids: std::ops::Range<i64>| Some(ids.sum::<i64>());
    let named = |pairs: &[(&str, Option<i64>)]| -> Vec<(String, Option<i64>)> {
        pairs.iter().map(|(name, sum)| ((*name).to_owned(), *sum)).collect()
    };
    assert_eq!(columns(&mut old).await, named(&[("id", sum(0..20)), ("v", sum(0..20))]));
    let mut on = altered.tail().from_position(position).to(2).execute().await.unwrap();
    let wanted = named(&[("added", sum(10..20)), ("id", sum(10..20)), ("renamed", sum(10..20))]);
    assert_eq!(columns(&mut on).await, wanted);
    let mut whole = open(&altered, 2).await;
    let wanted = named(&[("added", sum(10..20)), ("id", sum(0..20)), ("renamed", sum(0..20))]);
    assert_eq!(columns(&mut whole).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_there_before_the_first_read_and_moves_when_told() {
    let table = read_streams::table(0).await;
    commit(&table, 0..10).await;
    commit(&table, 10..20).await;
    let saved = async || table.consumers().await.unwrap();
    let open = async || table.tail().from(StartupMode::LatestFull).consumer_id("c").to(3).execute().await.unwrap();
    let mut tail = open().await;
    assert!(matches!(tail.next().await.unwrap(), Some(TailEvent::Changes(_))));
    assert_eq!(saved().await, [("c".to_owned(), 2)]);
    drop(tail);

    // Nothing of the full read was taken care of: the next one reads all rows again.
    let mut tail = open().await;
    let mut rows = 0;
    while let Some(TailEvent::Changes(changes)) = tail.next().await.unwrap() {
        rows += changes.rows.num_rows();
    }
    assert_eq!(rows, 20);
    commit(&table, 20..30).await;
    let behind_rows = tail.position().unwrap().clone();
    assert!(matches!(tail.next().await.unwrap(), Some(TailEvent::Changes(_))));
    assert_eq!(saved().await, [("c".to_owned(), 2)], "exactly-once: only what the caller says");
    tail.acknowledge(&behind_rows).await.unwrap();
    assert_eq!(saved().await, [("c".to_owned(), 3)]);
    drop(tail);

    let mut tail = open().await;
    let Some(TailEvent::Changes(changes)) = tail.next().await.unwrap() else { panic!("it has changes") };
    assert_eq!(changes.rows.num_rows(), 10);
    assert!(matches!(tail.next().await.unwrap(), Some(TailEvent::SnapshotEnd(3))));

    let ignoring = [("consumer.ignore-progress", "true"), ("consumer-id", "c"), ("scan.mode", "latest-full")];
    let ignoring = ignoring.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let table = table.with_options(&ignoring.into()).unwrap();
    let mut tail = table.tail().to(3).execute().await.unwrap();
    let mut rows = 0;
    while let Some(event) = tail.next().await.unwrap() {
        if let TailEvent::Changes(changes) = event {
            rows += changes.rows.num_rows();
        }
    }
    assert_eq!(rows, 30);
}

#[tokio::test]
async fn a_commit_forgets_consumers_that_do_not_move() {
    // Files of the store are of today, whatever the clock of the writer says.
    for (now_millis, left) in [(946_684_800_000, 1), (4_102_444_800_000, 0)] {
        let io = TableIo::new(Arc::new(InMemory::new()), Path::from("wh"), Publish::ConditionalPut);
        let io = io.with_clock_and_namer(Arc::new(SimClock::at(now_millis)), Arc::new(RandomNamer));
        let catalog = FileSystemCatalog::of_io(io);
        catalog.create_database("db").await.unwrap();
        let schema = r#"{"fields":[{"name":"id","type":"BIGINT NOT NULL"},{"name":"v","type":"BIGINT"}],"primaryKeys":["id"],
            "options":{"bucket":"1","consumer.expiration-time":"1 h"}}"#;
        let definition = SchemaDefinition::from_json(schema.as_bytes()).unwrap();
        let table = catalog.create_table("db.t", definition).await.unwrap();
        table.reset_consumer("c", 1).await.unwrap();
        commit(&table, 0..10).await;
        assert_eq!(table.consumers().await.unwrap().len(), left, "at {now_millis}");
    }
}
