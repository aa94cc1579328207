//! Bells ring for their table and store, for files that come, and go with their listeners.

use std::sync::Arc;

use futures::FutureExt;
use object_store::memory::InMemory;
use object_store::path::Path;

use super::{Announcements, SnapshotBell};
use crate::table_io::{Publish, TableIo};

fn io() -> TableIo {
    TableIo::new(Arc::new(InMemory::new()), Path::from("wh"), Publish::ConditionalPut)
}

fn bell(io: &TableIo) -> SnapshotBell {
    SnapshotBell::of(io, io.below("snapshot").unwrap())
}

fn has_rung(bell: &mut SnapshotBell) -> bool {
    let rung = bell.rung().now_or_never().is_some();
    bell.silence();
    rung
}

#[test]
fn a_bell_rings_for_its_folder_and_store_only() {
    let (one, other) = (io(), io());
    let (t, u, branch) = (one.below("t").unwrap(), one.below("u").unwrap(), one.below("t/branch/b").unwrap());
    let mut bells = [&t, &t, &u, &branch, &other.below("t").unwrap()].map(bell);
    for (rings, who) in [(&t, [true, true, false, false, false]), (&branch, [false, false, false, true, false])] {
        rings.announcements().ring(rings.base().as_ref());
        assert_eq!(bells.each_mut().map(has_rung), who);
    }
}

#[test]
fn what_rings_after_the_silence_is_not_missed() {
    let io = io();
    let mut bell = bell(&io);
    let ring = || io.announcements().ring(io.base().as_ref());
    ring();
    bell.silence();
    assert!(!has_rung(&mut bell), "it rang before");
    bell.silence();
    ring();
    ring();
    assert!(has_rung(&mut bell));
    assert!(!has_rung(&mut bell), "twice is once");
}

#[test]
fn stores_of_one_name_share_their_bells() {
    let of = |name: &str| io().with_announcements(Announcements::of_process(name));
    let mut listening = bell(&of("s3://one"));
    let io = of("s3://two");
    io.announcements().ring(io.base().as_ref());
    assert!(!has_rung(&mut listening));
    let io = of("s3://one");
    io.announcements().ring(io.base().as_ref());
    assert!(has_rung(&mut listening));
}

#[test]
fn bells_that_nobody_listens_to_are_gone() {
    let io = io();
    for number in 0..100 {
        drop(bell(&io.below(&format!("t{number}")).unwrap()));
    }
    let bells = io.announcements().bells.lock().unwrap().len();
    assert!(bells <= 1, "{bells} are left");
}

/// The file system tells of what others put into the folder, once there is one.
#[cfg(feature = "watch")]
#[tokio::test]
async fn a_bell_rings_when_a_file_comes_into_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let local = Arc::new(object_store::local::LocalFileSystem::new());
    let base = Path::parse(folder.path().to_str().unwrap().trim_matches('/')).unwrap();
    let io = TableIo::new(local, base, Publish::Link).with_local_root("/".into());
    let snapshots = folder.path().join("snapshot");
    let mut bells = [bell(&io), bell(&io.clone().with_announcements(Announcements::default()))];
    bells.iter_mut().for_each(SnapshotBell::silence);
    std::fs::create_dir(&snapshots).unwrap();
    bells.iter_mut().for_each(SnapshotBell::silence);
    std::fs::write(snapshots.join("LATEST"), "1").unwrap();
    std::fs::write(snapshots.join(".snapshot-1.tmp"), "{}").unwrap();
    std::fs::hard_link(snapshots.join(".snapshot-1.tmp"), snapshots.join("snapshot-1")).unwrap();
    for bell in &mut bells {
        bell.rung().await;
    }
    // One that is gone takes nothing from the other.
    let [gone, mut left] = bells;
    drop(gone);
    left.silence();
    std::fs::rename(snapshots.join(".snapshot-1.tmp"), snapshots.join("snapshot-2")).unwrap();
    left.rung().await;
}
