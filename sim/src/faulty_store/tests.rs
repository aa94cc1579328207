//! Without faults the store inside, with faults as told.

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::{GetRange, ObjectStoreExt, PutMode, UpdateVersion};

use super::*;

/// What an operation came to, without what differs from store to store.
fn shown<T: fmt::Debug>(result: Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(Error::NotFound { .. }) => "not found".to_owned(),
        Err(Error::AlreadyExists { .. }) => "already exists".to_owned(),
        Err(Error::Precondition { .. }) => "precondition".to_owned(),
        Err(Error::NotModified { .. }) => "not modified".to_owned(),
        Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => "not implemented".to_owned(),
        Err(Error::Generic { .. }) => "error".to_owned(),
        Err(other) => format!("other: {other:?}"),
    }
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

async fn listed_names(entries: BoxStream<'static, Result<ObjectMeta>>) -> Vec<String> {
    let mut names: Vec<String> =
        entries.map_ok(|meta| format!("{}:{}", meta.location, meta.size)).try_collect().await.unwrap();
    names.sort();
    names
}

async fn puts(store: &dyn ObjectStore, log: &mut Vec<String>) {
    let a = path("t/a");
    let mode = |mode| PutOptions { mode, ..PutOptions::default() };
    log.push(shown(store.put_opts(&a, "one".into(), mode(PutMode::Create)).await.map(drop)));
    log.push(shown(store.put_opts(&a, "two".into(), mode(PutMode::Create)).await.map(drop)));
    log.push(shown(store.get(&a).await.unwrap().bytes().await));
    log.push(shown(store.put(&a, "three".into()).await.map(drop)));
    let version = UpdateVersion { e_tag: store.head(&a).await.unwrap().e_tag, version: None };
    log.push(shown(store.put_opts(&a, "four".into(), mode(PutMode::Update(version.clone()))).await.map(drop)));
    log.push(shown(store.put_opts(&a, "five".into(), mode(PutMode::Update(version))).await.map(drop)));
    log.push(shown(store.get(&a).await.unwrap().bytes().await));
    let mut upload = store.put_multipart(&path("t/b/large")).await.unwrap();
    let parts = [upload.put_part("large ".into()), upload.put_part("object".into())];
    for part in parts {
        log.push(shown(part.await));
    }
    log.push(shown(upload.complete().await.map(drop)));
    let mut upload = store.put_multipart(&path("t/b/aborted")).await.unwrap();
    upload.put_part("gone".into()).await.unwrap();
    log.push(shown(upload.abort().await));
    log.push(shown(store.head(&path("t/b/aborted")).await.map(drop)));
}

async fn reads(store: &dyn ObjectStore, log: &mut Vec<String>) {
    let large = path("t/b/large");
    log.push(shown(store.get_range(&large, 2..8).await));
    log.push(shown(store.get_ranges(&large, &[0..2, 3..5, 11..12]).await));
    for range in [GetRange::Suffix(3), GetRange::Offset(9), GetRange::Bounded(5..100), GetRange::Offset(12)] {
        let options = GetOptions::new().with_range(Some(range));
        log.push(match store.get_opts(&large, options).await {
            Ok(result) => format!("{:?} {}", result.range.clone(), shown(result.bytes().await)),
            Err(_) => "no such range".to_owned(),
        });
    }
    log.push(shown(store.get(&path("t/none")).await.map(drop)));
    log.push(shown(store.head(&path("t/none")).await.map(drop)));
    let meta = store.head(&large).await.unwrap();
    log.push(format!("{} {}", meta.location, meta.size));
    let options = GetOptions::new().with_if_none_match(meta.e_tag.clone());
    log.push(shown(store.get_opts(&large, options).await.map(drop)));
    let options = GetOptions::new().with_if_match(Some("other"));
    log.push(shown(store.get_opts(&large, options).await.map(drop)));
}

async fn moves(store: &dyn ObjectStore, log: &mut Vec<String>) {
    let (a, c, d) = (path("t/a"), path("t/c/d/e"), path("t/d"));
    log.push(shown(store.copy_if_not_exists(&a, &c).await));
    log.push(shown(store.copy_if_not_exists(&a, &c).await));
    log.push(shown(store.copy(&path("t/b/large"), &c).await));
    log.push(shown(store.get(&c).await.unwrap().bytes().await));
    log.push(shown(store.copy(&path("t/none"), &d).await));
    log.push(shown(store.rename(&c, &d).await));
    log.push(shown(store.rename_if_not_exists(&a, &d).await));
    log.push(format!("{:?}", listed_names(store.list(Some(&path("t")))).await));
    log.push(format!("{:?}", listed_names(store.list(Some(&path("t/b")))).await));
    log.push(format!("{:?}", listed_names(store.list(None)).await));
    log.push(format!("{:?}", listed_names(store.list_with_offset(Some(&path("t")), &path("t/b"))).await));
    let listing = store.list_with_delimiter(Some(&path("t"))).await.unwrap();
    let mut objects: Vec<Path> = listing.objects.into_iter().map(|meta| meta.location).collect();
    objects.sort();
    log.push(format!("{objects:?} {:?}", listing.common_prefixes));
    let doomed = stream::iter([Ok(a.clone()), Ok(d.clone())]).boxed();
    log.push(shown(store.delete_stream(doomed).try_collect::<Vec<Path>>().await));
    log.push(shown(store.head(&a).await.map(drop)));
    log.push(shown(store.delete(&path("t/b/large")).await));
    log.push(format!("{:?}", listed_names(store.list(None)).await));
}

async fn script(store: &dyn ObjectStore) -> Vec<String> {
    let mut log = Vec::new();
    puts(store, &mut log).await;
    reads(store, &mut log).await;
    moves(store, &mut log).await;
    log
}

#[tokio::test]
async fn without_faults_it_is_the_memory_store_inside() {
    let plain = script(&InMemory::new()).await;
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    assert_eq!(script(&faulty).await, plain);
    assert_eq!(plain[..3], ["()", "already exists", "b\"one\""]);
    assert!(plain.contains(&"precondition".to_owned()) && plain.contains(&"not modified".to_owned()));
    assert!(faulty.failures().is_empty());
}

#[tokio::test]
async fn without_faults_it_is_the_local_store_inside() {
    let folder = || tempfile::tempdir().unwrap();
    let (one, two) = (folder(), folder());
    // A local store cannot update on a condition, so only what it can do is compared.
    let mut plain = Vec::new();
    let mut wrapped = Vec::new();
    let local = LocalFileSystem::new_with_prefix(one.path()).unwrap();
    let faulty = FaultyStore::new(Arc::new(LocalFileSystem::new_with_prefix(two.path()).unwrap()));
    for (store, log) in [(&local as &dyn ObjectStore, &mut plain), (&faulty as &dyn ObjectStore, &mut wrapped)] {
        store.put(&path("t/a"), "one".into()).await.unwrap();
        store.put(&path("t/b/large"), "large object".into()).await.unwrap();
        reads(store, log).await;
        moves(store, log).await;
    }
    assert_eq!(wrapped, plain);
}

/// Each kind of operation once, by number.
async fn each_kind(store: &dyn ObjectStore) -> Vec<Result<()>> {
    let (a, b, large) = (path("a"), path("b"), path("large"));
    let mut results = vec![store.put(&a, "bytes".into()).await.map(drop)];
    match store.put_multipart(&large).await {
        Ok(mut upload) => {
            results.push(Ok(()));
            results.push(upload.put_part("part".into()).await);
            results.push(upload.complete().await.map(drop));
        }
        Err(error) => results.push(Err(error)),
    }
    results.push(match store.get(&a).await {
        Ok(result) => result.bytes().await.map(drop),
        Err(error) => Err(error),
    });
    results.push(store.head(&a).await.map(drop));
    results.push(store.list(None).try_collect::<Vec<_>>().await.map(drop));
    results.push(store.list_with_delimiter(None).await.map(drop));
    results.push(store.copy(&a, &b).await);
    results.push(store.rename(&b, &path("c")).await);
    results.push(store.delete(&a).await);
    results
}

const KINDS: [OperationKind; 11] = [
    OperationKind::Put,
    OperationKind::PutMultipart,
    OperationKind::PutPart,
    OperationKind::CompleteMultipart,
    OperationKind::Get,
    OperationKind::Head,
    OperationKind::List,
    OperationKind::List,
    OperationKind::Copy,
    OperationKind::Rename,
    OperationKind::Delete,
];

#[tokio::test]
async fn every_operation_is_counted_and_can_fail_alone() {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    assert!(each_kind(&faulty).await.iter().all(Result::is_ok));
    assert_eq!(faulty.operations().iter().map(|operation| operation.kind).collect::<Vec<_>>(), KINDS);
    for mode in [FaultMode::BeforeEffect, FaultMode::AfterEffect] {
        for (number, kind) in KINDS.into_iter().enumerate() {
            let faulty = FaultyStore::new(Arc::new(InMemory::new()));
            faulty.arm(Faults::At(Fault { operation: number, mode }));
            let results = each_kind(&faulty).await;
            assert!(results[number].is_err(), "{mode:?} {kind:?}");
            let (operation, failed) = faulty.failures().into_iter().next().unwrap();
            assert_eq!((operation.kind, failed), (kind, mode));
            assert_eq!(faulty.failures().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_lost_acknowledgement_leaves_the_effect_and_a_failure_does_not() {
    for (mode, there) in [(FaultMode::BeforeEffect, false), (FaultMode::AfterEffect, true), (FaultMode::Crash, false)] {
        for number in [0, 3, 8, 9, 10] {
            let inner = Arc::new(InMemory::new());
            let faulty = FaultyStore::new(inner.clone());
            faulty.arm(Faults::At(Fault { operation: number, mode }));
            each_kind(&faulty).await;
            let (name, wanted) = match number {
                0 if mode == FaultMode::AfterEffect => ("c", true),
                0 => ("c", false),
                3 => ("large", there),
                8 => ("c", there),
                9 => ("c", there),
                _ => ("a", !there),
            };
            assert_eq!(inner.head(&path(name)).await.is_ok(), wanted, "{mode:?} {number}");
        }
    }
}

#[tokio::test]
async fn after_a_crash_nothing_happens_until_it_is_mended() {
    let inner = Arc::new(InMemory::new());
    let faulty = FaultyStore::new(inner.clone());
    let mut upload = faulty.put_multipart(&path("large")).await.unwrap();
    faulty.arm(Faults::At(Fault { operation: 0, mode: FaultMode::Crash }));
    assert!(each_kind(&faulty).await.iter().all(Result::is_err));
    assert!(upload.put_part("part".into()).await.is_err());
    assert!(upload.complete().await.is_err());
    assert!(upload.abort().await.is_err());
    assert!(listed_names(inner.list(None)).await.is_empty());
    faulty.arm(Faults::None);
    assert!(each_kind(&faulty).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_torn_read_breaks_off_half_way() {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    faulty.put(&path("a"), "0123456789".into()).await.unwrap();
    faulty.arm(Faults::At(Fault { operation: 0, mode: FaultMode::AfterEffect }));
    let mut stream = faulty.get(&path("a")).await.unwrap().into_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "01234");
    assert!(stream.next().await.unwrap().is_err());
    assert_eq!(faulty.get(&path("a")).await.unwrap().bytes().await.unwrap(), "0123456789");
}

#[tokio::test]
async fn uploads_are_unfinished_until_they_are_completed_or_aborted() {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()));
    let mut one = faulty.put_multipart(&path("one")).await.unwrap();
    let mut two = faulty.put_multipart(&path("two")).await.unwrap();
    one.put_part("part".into()).await.unwrap();
    assert_eq!(faulty.unfinished_uploads(), ["one", "two"]);
    one.complete().await.unwrap();
    assert_eq!(faulty.unfinished_uploads(), ["two"]);
    two.abort().await.unwrap();
    assert!(faulty.unfinished_uploads().is_empty());
    faulty.arm(Faults::At(Fault { operation: 1, mode: FaultMode::BeforeEffect }));
    let mut three = faulty.put_multipart(&path("three")).await.unwrap();
    assert!(three.complete().await.is_err());
    assert_eq!(faulty.unfinished_uploads(), ["three"]);
}

#[tokio::test]
async fn random_faults_follow_their_seed() {
    let run = async |seed| {
        let faulty = FaultyStore::new(Arc::new(InMemory::new()));
        faulty.arm(Faults::Random { seed, one_in: 4 });
        for number in 0..200 {
            let _ = faulty.put(&path(&format!("f{number}")), "bytes".into()).await;
        }
        faulty.failures()
    };
    let failures = run(1).await;
    assert_eq!(run(1).await, failures);
    assert_ne!(run(2).await, failures);
    assert!((20..100).contains(&failures.len()), "{}", failures.len());
    for mode in [FaultMode::BeforeEffect, FaultMode::AfterEffect] {
        assert!(failures.iter().any(|failure| failure.1 == mode), "{mode:?}");
    }
}
