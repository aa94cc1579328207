//! Runs a process and measures all of it: wall and CPU seconds, peak memory, bytes the kernel was asked to write.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one process cost and said.
#[derive(Clone, Debug)]
pub struct Measured {
    /// From start to end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Peak resident memory, bytes.
    pub memory_bytes: u64,
    /// Standard output.
    pub output: String,
}

/// Runs `command` to its end; an exit status other than 0 is an error with what it said.
pub fn run(command: &mut Command) -> Result<Measured, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut output)?;
    }
    let end = child.wait4()?;
    if !end.status.success() {
        return Err(format!("{command:?} failed: {output}").into());
    }
    Ok(Measured {
        wall: start.elapsed(),
        cpu: end.rusage.utime + end.rusage.stime,
        memory_bytes: end.rusage.maxrss,
        output,
    })
}

/// `rows` and `checksum` of a worker's last line.
pub fn last_checksum(output: &str) -> Option<String> {
    let line = output.lines().rfind(|line| line.contains("checksum="))?;
    let rows = line.split_whitespace().nth(1)?;
    let sum = line.split("checksum=").nth(1)?.split_whitespace().next()?;
    Some(format!("{rows} rows, checksum {sum}"))
}
