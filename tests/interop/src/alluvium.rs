//! The `alluvium` binary under test: `ALLUVIUM_BIN`, or the debug build of the workspace.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// What Alluvium may refuse as unsupported: of a table that both sides take, anything else is a difference.
pub const REFUSED: [&str; 3] =
    ["data files of format avro", "writing tables without a primary key", "file.format = avro"];

/// Runs the binary against one warehouse.
pub struct Alluvium {
    binary: PathBuf,
    warehouse: PathBuf,
}

impl Alluvium {
    /// The binary over `warehouse`; panics with what to do when it is not built.
    pub fn new(warehouse: &Path) -> Self {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/alluvium");
        let binary = std::env::var_os("ALLUVIUM_BIN").map_or(built, PathBuf::from);
        assert!(binary.exists(), "{} is missing: run `cargo build -p alluvium-cli` first", binary.display());
        Self { binary, warehouse: warehouse.to_owned() }
    }

    /// Runs a command, feeding it `input`, and gives whatever came of it.
    pub fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut child = Command::new(&self.binary)
            .arg("-w")
            .arg(&self.warehouse)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // What is refused is not read to its end.
        let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
        child.wait_with_output().expect("the binary ends")
    }

    /// Starts a command whose lines are read as they come.
    pub fn start(&self, args: &[&str]) -> Child {
        let mut command = Command::new(&self.binary);
        command.arg("-w").arg(&self.warehouse).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
    }

    /// Runs a command that must succeed and gives its standard output.
    pub fn run(&self, args: &[&str], input: &str) -> String {
        let output = self.run_with_input(args, input);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "alluvium {} failed: {stderr}", args.join(" "));
        String::from_utf8(output.stdout).expect("standard output is UTF-8")
    }

    /// Runs a command that may be refused as unsupported, and gives its standard output, or what is unsupported.
    pub fn attempt(&self, args: &[&str], input: &str) -> Result<String, String> {
        let output = self.run_with_input(args, input);
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout).expect("standard output is UTF-8"));
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let refused = stderr.find("unsupported: ").and_then(|at| stderr.get(at..)?.lines().next());
        Err(refused.unwrap_or_else(|| panic!("alluvium {} failed: {stderr}", args.join(" "))).to_owned())
    }

    /// Runs a command that prints rows, unless it is refused as unsupported.
    pub fn attempt_rows(&self, args: &[&str]) -> Result<Vec<Value>, String> {
        let lines = self.attempt(&[args, &["--output", "ndjson"]].concat(), "")?;
        Ok(lines.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect())
    }

    /// Runs a command that prints rows.
    pub fn rows(&self, args: &[&str]) -> Vec<Value> {
        let args = [args, &["--output", "ndjson"]].concat();
        self.run(&args, "").lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
    }

    /// Commits `rows` in `commits` commits of about the same size.
    pub fn ingest(&self, table: &str, rows: &[Value], commits: usize, options: &[&str]) {
        self.attempt_ingest(table, rows, commits, options).unwrap_or_else(|why| panic!("ingest into {table}: {why}"));
    }

    /// The same, unless it is refused as unsupported.
    pub fn attempt_ingest(&self, table: &str, rows: &[Value], commits: usize, options: &[&str]) -> Result<(), String> {
        let per_commit = rows.len().div_ceil(commits).max(1).to_string();
        let args =
            [options, &["ingest", table, "-", "--input-format", "ndjson", "--commit-rows", &per_commit]].concat();
        self.attempt(&args, &crate::rows::lines(rows)).map(drop)
    }
}
