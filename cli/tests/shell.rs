//! A folder of its own and a shell in it, with the binary on its path.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a command said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The command must have failed with this status, and say all of this.
    pub(crate) fn fails(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not in the message:\n{}", self.err);
        }
        for trace in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
            assert!(!self.err.contains(trace), "{}", self.err);
        }
    }
}

/// The folder and its shell.
pub(crate) struct Shell {
    folder: TempDir,
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// With a database `shop` and a table `shop.orders` in the warehouse `wh`.
    pub(crate) fn with_orders() -> Self {
        let shell = Self::new();
        shell.write("orders.json", ORDERS);
        shell.ok("alluvium -w wh db create shop");
        shell.ok("alluvium -w wh table create shop.orders --schema orders.json");
        shell
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn command(&self, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_alluvium")).parent().expect("a folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.folder.path()).env("PATH", path);
        command.env_remove("ALLUVIUM_WAREHOUSE").env("TZ", "UTC").stdin(Stdio::null());
        command
    }

    /// Runs a line.
    pub(crate) fn run(&self, line: &str) -> Run {
        Run::of(self.command(line).output().expect("a shell"))
    }

    /// Runs a line that must succeed, and gives its standard output.
    pub(crate) fn ok(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.status, Some(0), "{line}\n{run:?}");
        run.out
    }

    /// Runs a line that must succeed with a JSON document.
    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).expect("one JSON document")
    }

    /// Starts the binary itself, so that it can be killed, with its standard input and output piped.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alluvium"));
        command.args(args).current_dir(self.folder.path()).env_remove("ALLUVIUM_WAREHOUSE").env("TZ", "UTC");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary")
    }

    /// Lines of a command, sorted: rows come in no order.
    pub(crate) fn sorted(&self, line: &str) -> Vec<String> {
        let mut lines: Vec<String> = self.ok(line).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

/// The schema of `shop.orders`.
pub(crate) const ORDERS: &str = r#"{"fields":[{"name":"id","type":"BIGINT NOT NULL"},{"name":"total","type":"DECIMAL(10, 2)"}],
"primaryKeys":["id"],"options":{"bucket":"1"}}"#;

/// Ends a child the hard way, as a power cut would.
pub(crate) fn kill(mut child: Child) {
    child.kill().expect("a running child");
    child.wait().expect("an end");
}

/// Waits until `done`, for so long that only a defect takes longer.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("waited for {what} in vain");
}
