//! How each peer is started for a piece of work.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Measured};
use crate::worker::{Ingest, Scan};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This project.
    Alluvium,
    /// Paimon's own library.
    Java,
    /// The crate `paimon`.
    Crate,
}

impl Who {
    /// As the report says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alluvium => "alluvium",
            Self::Java => "paimon java 1.4.2",
            Self::Crate => "crate paimon 0.4.0",
        }
    }

    fn worker(self) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["worker", if self == Self::Crate { "crate" } else { "alluvium" }]);
        Ok(command)
    }
}

/// The Java side's program, shared with the tests beside real Paimon.
fn java(args: &[&str]) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/paimon-java/run.sh");
    let mut command = Command::new("sh");
    command.arg(script).args(args).env("JAVA_OPTS", "-Xmx8g");
    command
}

/// Makes a warehouse with the empty table `db.t`, by Java, so that all peers meet the same options.
pub fn create(folder: &Path, name: &str, options: &str) -> Result<PathBuf> {
    let warehouse = folder.join(name);
    let text = |name: &str, data_type: &str| format!(r#"{{"name":"{name}","type":"{data_type}"}}"#);
    let fields = [
        text("k", "BIGINT NOT NULL"),
        text("a", "BIGINT"),
        text("b", "BIGINT"),
        text("c", "BIGINT"),
        text("d", "BIGINT"),
        text("x", "DOUBLE"),
        text("y", "DOUBLE"),
        text("s", "STRING"),
        text("t", "STRING"),
        text("u", "STRING"),
    ];
    let schema =
        format!(r#"{{"fields":[{}],"primaryKeys":["k"],"partitionKeys":[],"options":{options}}}"#, fields.join(","));
    process::run(&mut java(&["create", path(&warehouse)?, "db", "t", &schema]))?;
    Ok(warehouse)
}

/// The path as text.
pub fn path(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}

/// Upserts into the warehouse's table.
pub fn ingest(who: Who, work: &Ingest) -> Result<Measured> {
    let (rows, keys, commit) = (work.rows.to_string(), work.keys.to_string(), work.commit_rows.to_string());
    let mut command = match who {
        Who::Java => java(&[
            "bench-ingest",
            &work.warehouse,
            "db",
            "t",
            "--rows",
            &rows,
            "--keys",
            &keys,
            "--batch",
            &commit,
            "--no-wait",
        ]),
        _ => {
            let mut command = who.worker()?;
            command.args(["ingest", &work.warehouse, "--rows", &rows, "--keys", &keys, "--commit-rows", &commit]);
            command
        }
    };
    process::run(&mut command)
}

/// Compacts the warehouse's table fully.
pub fn compact(who: Who, warehouse: &str) -> Result<Measured> {
    let mut command = match who {
        Who::Java => java(&["bench-compact", warehouse, "db", "t", "--options", "write-only=false"]),
        _ => {
            let mut command = who.worker()?;
            command.args(["compact", warehouse]);
            command
        }
    };
    process::run(&mut command)
}

/// Reads every value of the asked columns.
pub fn scan(who: Who, work: &Scan) -> Result<Measured> {
    let repeat = work.repeat.to_string();
    let mut command = match who {
        Who::Java => java(&["bench-scan", &work.warehouse, "db", "t", "--repeat", &repeat]),
        _ => {
            let mut command = who.worker()?;
            command.args(["scan", &work.warehouse, "--repeat", &repeat]);
            command
        }
    };
    if let Some(columns) = &work.columns {
        command.args([if who == Who::Java { "--project" } else { "--columns" }, columns]);
    }
    process::run(&mut command)
}
