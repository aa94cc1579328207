//! One JVM with Apache Paimon's own library, fed a command at a time (`paimon-java/run.sh script`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running JVM; it ends when this is dropped.
pub struct PaimonJava {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl PaimonJava {
    /// Whether there is a JDK; where not, the tests say so and skip.
    pub fn available() -> bool {
        Command::new("javac").arg("-version").output().is_ok_and(|output| output.status.success())
    }

    /// Starts the JVM, building the Java side on first use.
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("paimon-java/run.sh");
        let mut child = Command::new("sh")
            .arg(script)
            .arg("script")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Java side starts");
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, input, output }
    }

    /// One command with its output lines, or the exception's text.
    pub fn call(&mut self, args: &[&str]) -> Result<Vec<String>, String> {
        let line = serde_json::to_string(args).expect("arguments are JSON");
        writeln!(self.input, "{line}").and_then(|()| self.input.flush()).expect("the JVM reads its input");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("the JVM answers in UTF-8");
            assert!(read > 0, "the JVM ended while answering {args:?}");
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
        self.call(args).unwrap_or_else(|error| panic!("Paimon Java: {}: {error}", args.join(" ")))
    }

    /// One command that prints rows.
    pub fn rows(&mut self, args: &[&str]) -> Vec<Value> {
        self.run(args).iter().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect()
    }
}

impl Drop for PaimonJava {
    fn drop(&mut self) {
        // The JVM would end by itself at the end of its input, but not before its threads time out.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
