//! A program with another's library, fed a command at a time: a JSON array of arguments a line in, lines and `#ok` or `#error` out.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running program; it ends when this is dropped.
pub struct Peer {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the program of a shell script of this crate, which builds or installs what it needs on first use.
    pub(crate) fn start(name: &'static str, script: &str, args: &[&str]) -> Self {
        let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
        let mut child = Command::new("sh")
            .arg(script)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { name, child, input, output }
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One command with its output lines, or the exception's text.
    pub fn call(&mut self, args: &[&str]) -> Result<Vec<String>, String> {
        let line = serde_json::to_string(args).expect("arguments are JSON");
        writeln!(self.input, "{line}").and_then(|()| self.input.flush()).expect("the peer reads its input");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("the peer answers in UTF-8");
            assert!(read > 0, "{} ended while answering {args:?}", self.name);
            match line.trim_end_matches('\n') {
                "#ok" => return Ok(lines),
                other => match other.strip_prefix("#error ") {
                    Some(error) => return Err(error.to_owned()),
                    None => lines.push(other.to_owned()),
                },
            }
        }
    }

    /// One command that must succeed.
    pub fn run(&mut self, args: &[&str]) -> Vec<String> {
        self.call(args).unwrap_or_else(|error| panic!("{}: {}: {error}", self.name, args.join(" ")))
    }

    /// One command that prints rows.
    pub fn rows(&mut self, args: &[&str]) -> Vec<Value> {
        parsed(&self.run(args))
    }

    /// One command that prints rows, or the exception's text.
    pub fn try_rows(&mut self, args: &[&str]) -> Result<Vec<Value>, String> {
        self.call(args).map(|lines| parsed(&lines))
    }
}

fn parsed(lines: &[String]) -> Vec<Value> {
    let row = |line: &String| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the row {line}"));
    lines.iter().map(row).collect()
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It would end by itself at the end of its input, but not before its threads time out.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
