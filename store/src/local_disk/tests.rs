//! Files come and go with their handles, folders with their processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::PathBuf;

use alluvium_format::ErrorKind;
use proptest::prelude::*;

use super::*;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_file_goes_with_its_handle_and_the_folder_with_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), 1000).unwrap();
    let file = disk.write(b"alluvium").unwrap();
    assert_eq!((file.read(2, 3).unwrap(), disk.used_bytes(), file.bytes()), (b"luv".to_vec(), 8, 8));
    assert_eq!(entries(disk.folder()).len(), 2, "the file and the lock");
    drop(file);
    assert_eq!((entries(disk.folder()).len(), disk.used_bytes()), (1, 0));
    let file = disk.write(b"x").unwrap();
    drop(disk);
    assert_eq!(file.read(0, 1).unwrap(), b"x", "a file keeps its disk");
    drop(file);
    assert!(entries(root.path()).is_empty());
}

#[test]
fn no_more_bytes_than_the_limit() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), 10).unwrap();
    let kept = disk.write(&[1; 6]).unwrap();
    let error = disk.write(&[2; 5]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("limit of 10: 6 are in use"), "{error}");
    let mut writer = disk.create().unwrap();
    writer.append(&[3; 4]).unwrap();
    assert_eq!(writer.append(&[3]).unwrap_err().kind(), ErrorKind::Storage);
    drop(writer);
    assert_eq!((disk.used_bytes(), entries(disk.folder()).len()), (6, 2), "what failed is gone");
    drop(kept);
    disk.write(&[4; 10]).unwrap();
}

#[test]
fn one_purpose_has_its_own_limit() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), 10).unwrap();
    let part = disk.limited(6);
    let kept = part.write(&[1; 5]).unwrap();
    assert!(part.write(&[2; 2]).unwrap_err().to_string().contains("limit of 6: 5 are in use"));
    assert_eq!((disk.used_bytes(), part.used_bytes(), part.free_bytes()), (5, 5, 1));
    let _other = disk.write(&[3; 5]).unwrap();
    assert_eq!((disk.used_bytes(), part.used_bytes(), part.free_bytes()), (10, 5, 0));
    assert!(part.write(&[2]).unwrap_err().to_string().contains("limit of 10"));
    drop(kept);
    assert_eq!((disk.used_bytes(), part.used_bytes(), part.free_bytes()), (5, 0, 5));
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let error = failed("writing", Path::new("/t/0.tmp"), io::Error::from(io::ErrorKind::StorageFull));
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().starts_with("writing /t/0.tmp failed as the disk is full: make room"), "{error}");
}

#[test]
fn reading_behind_the_end_is_an_error_and_no_allocation() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), 10).unwrap();
    let file = disk.write(&[1; 6]).unwrap();
    for (offset, length) in [(0, 7), (6, 1), (7, 0), (u64::MAX, 2), (0, usize::MAX)] {
        assert_eq!(file.read(offset, length).unwrap_err().kind(), ErrorKind::Internal, "{offset} {length}");
    }
    assert_eq!(file.read(6, 0).unwrap(), b"");
}

#[test]
fn more_files_than_are_kept_open_can_be_read() {
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), u64::MAX).unwrap();
    let files: Vec<_> = (0..OPEN_FILES_MAX + 20).map(|n| disk.write(&(n as u32).to_le_bytes()).unwrap()).collect();
    assert!(files.iter().filter(|file| file.read(0, 4).is_ok()).count() == files.len());
    assert_eq!(disk.inner.open_files.load(Ordering::Relaxed), OPEN_FILES_MAX);
    for (n, file) in files.iter().enumerate() {
        assert_eq!(file.read(0, 4).unwrap(), (n as u32).to_le_bytes());
    }
    drop(files);
    assert_eq!(disk.inner.open_files.load(Ordering::Relaxed), 0);
}

#[test]
fn folders_of_the_dead_are_taken_away_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let living = LocalDisk::open(root.path(), 10).unwrap();
    let kept = living.write(b"kept").unwrap();
    // As a process that was killed leaves them: with files, before its lock file was there, and half taken away.
    let dead: Vec<_> = ["1-0", "2-0", "3-7"].map(|name| root.path().join(format!("alluvium-local-{name}"))).into();
    dead.iter().for_each(|folder| fs::create_dir(folder).unwrap());
    for name in ["lock", "0.tmp", "17.tmp"] {
        fs::write(dead[0].join(name), b"left").unwrap();
    }
    fs::write(dead[2].join("lock"), b"").unwrap();
    // What is not ours.
    let other = root.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("0.tmp"), b"other").unwrap();
    let odd = root.path().join("alluvium-local-9-9");
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("precious"), b"no lock: in doubt").unwrap();
    let second = LocalDisk::open(root.path(), 10).unwrap();
    let mut left = vec![living.folder().to_owned(), second.folder().to_owned(), odd.clone(), other.clone()];
    left.sort();
    assert_eq!(entries(root.path()), left);
    assert_eq!(kept.read(0, 4).unwrap(), b"kept");
    assert!(other.join("0.tmp").exists() && odd.join("precious").exists());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_enter() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let disk = LocalDisk::open(root.path(), 10).unwrap();
    assert_eq!(fs::metadata(disk.folder()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn disks_opened_at_once_never_share_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let open = || -> Vec<LocalDisk> { (0..20).map(|_| LocalDisk::open(root.path(), 10).unwrap()).collect() };
    let disks: Vec<LocalDisk> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let mut folders: Vec<_> = disks.iter().map(|disk| disk.folder().to_owned()).collect();
    folders.sort();
    folders.dedup();
    assert_eq!(folders.len(), 160);
    assert!(disks.iter().all(|disk| disk.write(b"mine").unwrap().read(0, 4).unwrap() == b"mine"));
}

proptest! {
    #[test]
    fn what_was_appended_is_read(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10), at in any::<prop::sample::Index>()) {
        let root = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(root.path(), u64::MAX).unwrap();
        let mut writer = disk.create().unwrap();
        pieces.iter().for_each(|piece| writer.append(piece).unwrap());
        let whole = pieces.concat();
        let file = writer.finish();
        let start = at.index(whole.len() + 1);
        prop_assert_eq!(file.read(start as u64, whole.len() - start).unwrap(), &whole[start..]);
    }
}
