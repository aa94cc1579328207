//! Creating a file only if it is not there, with a fault at every operation: the outcome is never a wrong one.

use std::sync::Arc;

use alluvium::{ColumnPath, FileSystemCatalog, Publish, SchemaChange, SchemaDefinition};
use alluvium_sim::{Fault, FaultMode, Faults, FaultyStore, SimNamer};
use alluvium_store::{PutOutcome, SystemClock, TableIo};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::fault_world::columns;

/// More than a put makes, however often it looks.
const OPERATIONS_MAX: usize = 8;

const WAYS: [Publish; 2] = [Publish::ConditionalPut, Publish::Link];

fn io(store: &Arc<dyn ObjectStore>, publish: Publish, seed: u64) -> TableIo {
    let io = TableIo::new(store.clone(), Path::from("t"), publish);
    io.with_clock_and_namer(Arc::new(SystemClock), Arc::new(SimNamer::new(seed)))
}

fn faults() -> impl Iterator<Item = Fault> {
    let modes = |operation| FaultMode::ALL.map(|mode| Fault { operation, mode });
    (0..OPERATIONS_MAX).flat_map(modes)
}

#[tokio::test]
async fn the_outcome_of_a_put_is_what_is_there() {
    let (mut unknown, mut failed) = (0, 0);
    for publish in WAYS {
        for fault in faults() {
            for before in [None, Some("theirs")] {
                let inner = Arc::new(InMemory::new());
                let path = Path::from("t/snapshot/snapshot-1");
                if let Some(before) = before {
                    inner.put(&path, before.into()).await.unwrap();
                }
                let faulty = FaultyStore::new(inner.clone());
                faulty.arm(Faults::At(fault));
                let store: Arc<dyn ObjectStore> = Arc::new(faulty);
                let outcome = io(&store, publish, 1).put_if_absent("snapshot/snapshot-1", "ours").await;
                let there = match inner.get(&path).await {
                    Ok(result) => Some(result.bytes().await.unwrap()),
                    Err(_) => None,
                };
                let ours = there.as_deref() == Some(b"ours");
                let context = format!("{publish:?} {fault:?} {before:?}: {outcome:?}");
                match outcome {
                    Ok(PutOutcome::Created) => assert!(ours, "{context}"),
                    Ok(PutOutcome::AlreadyExists) => assert!(there.is_some() && !ours, "{context}"),
                    Ok(PutOutcome::Unknown) => unknown += 1,
                    Err(_) => {
                        failed += 1;
                        assert!(!ours, "it said that nothing was written, {context}");
                    }
                }
                assert!(before.is_none() || there.as_deref() == before.map(str::as_bytes), "overwritten, {context}");
            }
        }
    }
    assert!(unknown > 0 && failed > 0, "{unknown} unknown, {failed} failed: the faults hit nothing");
}

#[tokio::test]
async fn of_two_that_put_one_creates() {
    for publish in WAYS {
        for fault in faults().filter(|fault| fault.mode != FaultMode::Crash) {
            let faulty = FaultyStore::new(Arc::new(InMemory::new()));
            faulty.arm(Faults::At(fault));
            let store: Arc<dyn ObjectStore> = Arc::new(faulty);
            let (one, two) = (io(&store, publish, 1), io(&store, publish, 2));
            let put = |io: TableIo, bytes: &'static str| async move { io.put_if_absent("f", bytes).await };
            let outcomes = tokio::join!(put(one.clone(), "one"), put(two, "two"));
            let created =
                [&outcomes.0, &outcomes.1].iter().filter(|outcome| matches!(outcome, Ok(PutOutcome::Created))).count();
            assert!(created <= 1, "{publish:?} {fault:?}: {outcomes:?}");
            let certain = [&outcomes.0, &outcomes.1]
                .iter()
                .all(|outcome| matches!(outcome, Ok(outcome) if *outcome != PutOutcome::Unknown));
            assert!(!certain || created == 1, "{publish:?} {fault:?}: {outcomes:?}");
        }
    }
}

/// However the creation of a table ended, there is a whole table or none, and the next attempt says which.
#[tokio::test]
async fn a_table_is_created_whole_or_not_at_all() {
    for publish in WAYS {
        for fault in faults() {
            let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let healthy = FileSystemCatalog::of_io(io(&inner, publish, 1));
            healthy.create_database("db").await.unwrap();
            let faulty = FaultyStore::new(inner.clone());
            faulty.arm(Faults::At(fault));
            let store: Arc<dyn ObjectStore> = Arc::new(faulty);
            let definition = || SchemaDefinition {
                columns: columns(),
                primary_keys: vec!["id".to_owned()],
                ..SchemaDefinition::default()
            };
            let created = FileSystemCatalog::of_io(io(&store, publish, 2)).create_table("db.t", definition()).await;
            let there = healthy.table("db.t").await;
            assert!(created.is_err() || there.is_ok(), "{publish:?} {fault:?}: created, but not there");
            assert_eq!(
                healthy.create_table("db.t", definition()).await.is_ok(),
                there.is_err(),
                "{publish:?} {fault:?}"
            );
            let table = healthy.table("db.t").await.unwrap();
            assert_eq!(table.schema().fields.len(), columns().len());
            let files: Vec<String> =
                inner.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
            assert_eq!(files.iter().filter(|file| file.contains("/schema-")).count(), 1, "{files:?}");
        }
    }
}

/// However a change of the schema ended: what was said to be done is done once, what was said to be refused is not there.
#[tokio::test]
async fn a_schema_is_changed_once_or_not_at_all() {
    let (mut done, mut failed) = (0, 0);
    for publish in WAYS {
        for fault in faults() {
            let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let healthy = FileSystemCatalog::of_io(io(&inner, publish, 1));
            healthy.create_database("db").await.unwrap();
            let definition =
                SchemaDefinition { columns: columns(), primary_keys: vec!["id".to_owned()], ..Default::default() };
            healthy.create_table("db.t", definition).await.unwrap();
            let faulty = FaultyStore::new(inner.clone());
            let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
            let table = FileSystemCatalog::of_io(io(&store, publish, 2)).table("db.t").await.unwrap();
            faulty.arm(Faults::At(fault));
            let change =
                SchemaChange::RenameColumn { path: ColumnPath::of_column("value"), name: "renamed".to_owned() };
            let altered = table.alter(&[change]).await;
            faulty.arm(Faults::None);
            let latest = healthy.table("db.t").await.unwrap();
            let is_there = latest.schema().field("renamed").is_some();
            assert_eq!(latest.schema().id, i64::from(is_there), "{publish:?} {fault:?}: changed more than once");
            assert!(altered.is_err() || is_there, "{publish:?} {fault:?}: said to be done, and is not there");
            *(if altered.is_ok() { &mut done } else { &mut failed }) += 1;
        }
    }
    assert!(done > 0 && failed > 0, "{done} done, {failed} failed: the faults hit nothing");
}
