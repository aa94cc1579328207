//! The local folder of a process that is killed is taken away by the next one.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use alluvium_store::LocalDisk;

/// Where the process that is killed has its folder.
const ROOT: &str = "ALLUVIUM_TEST_LOCAL_ROOT";

fn folders(root: &Path) -> usize {
    std::fs::read_dir(root).unwrap().count()
}

/// Not a test by itself: the process that is killed. It has a file, and waits for its end.
#[test]
fn holds_a_folder_until_it_is_killed() {
    let Some(root) = std::env::var_os(ROOT) else { return };
    let disk = LocalDisk::open(Path::new(&root), u64::MAX).unwrap();
    let _file = disk.write(b"left behind").unwrap();
    std::fs::write(Path::new(&root).join("ready"), b"").unwrap();
    loop {
        std::thread::park();
    }
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Killed {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn the_next_process_takes_away_what_a_killed_one_left() {
    let root = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "local_disks::holds_a_folder_until_it_is_killed"])
        .env(ROOT, root.path())
        .stdout(Stdio::null())
        .spawn();
    let mut child = Killed(child.unwrap());
    while !root.path().join("ready").exists() {
        assert!(child.0.try_wait().unwrap().is_none(), "the process ended by itself");
        std::thread::yield_now();
    }
    let while_it_lives = LocalDisk::open(root.path(), u64::MAX).unwrap();
    assert_eq!(folders(root.path()), 3, "its folder, ours and the sign that it is ready");
    child.kill();
    drop(while_it_lives);
    assert_eq!(folders(root.path()), 2, "killed, it could not take its folder away");
    let next = LocalDisk::open(root.path(), u64::MAX).unwrap();
    assert_eq!(folders(root.path()), 2);
    assert!(next.folder().exists());
}
