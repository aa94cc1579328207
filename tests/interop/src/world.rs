//! One scratch warehouse that both sides work on, and the questions both must answer alike.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock};

use serde_json::Value;
use tempfile::TempDir;

use crate::cases::Case;
use crate::rows;
use crate::{Alluvium, PaimonJava, Peer};

/// A scratch warehouse with the database `db`.
pub struct World {
    folder: TempDir,
    /// Our side.
    pub alluvium: Alluvium,
}

/// The one JVM of this process.
pub fn java() -> MutexGuard<'static, Peer> {
    static JAVA: OnceLock<Mutex<Peer>> = OnceLock::new();
    let java = JAVA.get_or_init(|| Mutex::new(PaimonJava::start()));
    java.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Who does a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This project.
    Alluvium,
    /// Apache Paimon.
    Java,
}

impl World {
    /// An empty warehouse.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a scratch folder");
        let alluvium = Alluvium::new(folder.path());
        alluvium.run(&["db", "create", "db"], "");
        Self { folder, alluvium }
    }

    /// The warehouse's path.
    pub fn warehouse(&self) -> &str {
        self.folder.path().to_str().expect("scratch folders have UTF-8 names")
    }

    /// Creates the case's table.
    pub fn create(&self, side: Side, case: &Case) {
        let schema = case.schema.to_string();
        match side {
            Side::Alluvium => {
                let file = self.folder.path().join(format!("{}.json", case.name));
                std::fs::write(&file, schema).expect("the schema file is written");
                let file = file.to_str().expect("scratch folders have UTF-8 names").to_owned();
                self.alluvium.run(&["table", "create", &table(case), "--schema", &file], "");
            }
            Side::Java => {
                java().run(&["create", self.warehouse(), "db", case.name, &schema]);
            }
        }
    }

    /// Writes `rows` in `commits` commits, each waiting for the compaction it started.
    pub fn write(&self, side: Side, case: &Case, rows: &[Value], commits: usize) {
        match side {
            Side::Alluvium => self.alluvium.ingest(&table(case), rows, commits, &[]),
            Side::Java => {
                let file = self.folder.path().join("rows.ndjson");
                std::fs::write(&file, rows::lines(rows)).expect("the rows are written");
                let file = file.to_str().expect("scratch folders have UTF-8 names").to_owned();
                let user = format!("java-{}", rows.len());
                let commits = commits.to_string();
                java().run(&[
                    "write",
                    self.warehouse(),
                    "db",
                    case.name,
                    &file,
                    "--commits",
                    &commits,
                    "--user",
                    &user,
                ]);
            }
        }
    }

    /// Compacts the table: what the rules pick, or everything.
    pub fn compact(&self, side: Side, case: &Case, full: bool) {
        match (side, full) {
            (Side::Alluvium, true) => drop(self.alluvium.run(&["compact", &table(case), "--full"], "")),
            (Side::Alluvium, false) => drop(self.alluvium.run(&["compact", &table(case)], "")),
            // A write-only table is compacted by a job that sets the option back for itself.
            (Side::Java, true) => {
                drop(java().run(&["compact", self.warehouse(), "db", case.name, "--options", "write-only=false"]));
            }
            (Side::Java, false) => {
                let args = ["compact", self.warehouse(), "db", case.name, "--minor", "--options", "write-only=false"];
                drop(java().run(&args));
            }
        }
    }

    /// Both read the same rows; gives them.
    pub fn same_rows(&self, case: &Case, when: &str) -> Vec<Value> {
        let ours = self.alluvium.rows(&["scan", &table(case)]);
        let theirs = java().rows(&["read", self.warehouse(), "db", case.name]);
        let types = case.compared_types();
        let (a, b) = (rows::multiset(&ours, &types), rows::multiset(&theirs, &types));
        assert_eq!(a, b, "{}: rows differ {when} (left: Alluvium, right: Java)", case.name);
        ours
    }

    /// The rows that one side reads, comparable, at a snapshot or the latest.
    pub fn rows(&self, side: Side, case: &Case, snapshot: Option<i64>) -> Vec<String> {
        let id = snapshot.map(|id| id.to_string());
        let rows = match (side, &id) {
            (Side::Alluvium, None) => self.alluvium.rows(&["scan", &table(case)]),
            (Side::Alluvium, Some(id)) => self.alluvium.rows(&["scan", &table(case), "--snapshot", id]),
            (Side::Java, None) => java().rows(&["read", self.warehouse(), "db", case.name]),
            (Side::Java, Some(id)) => java().rows(&["read", self.warehouse(), "db", case.name, "--snapshot", id]),
        };
        rows::multiset(&rows, &case.compared_types())
    }

    /// The changes that one side streams, by key.
    pub fn changes(&self, side: Side, case: &Case) -> BTreeMap<String, Vec<String>> {
        let rows = match side {
            Side::Alluvium => self.alluvium.rows(&["tail", &table(case), "--from", "earliest", "--to", "latest"]),
            Side::Java => java().rows(&["changelog", self.warehouse(), "db", case.name, "--no-snapshot"]),
        };
        rows::by_key(&rows, &case.keys(), &case.compared_types())
    }

    /// The schema of a snapshot.
    pub fn schema_of(&self, case: &Case, snapshot: i64) -> Value {
        let id = self.snapshot(case, snapshot)["schemaId"].clone();
        self.json_of(case, &format!("schema/schema-{id}"))
    }

    /// The JSON of a snapshot.
    pub fn snapshot(&self, case: &Case, id: i64) -> Value {
        self.json_of(case, &format!("snapshot/snapshot-{id}"))
    }

    fn json_of(&self, case: &Case, name: &str) -> Value {
        let text = std::fs::read(self.table_folder(case).join(name)).expect("the file is read");
        serde_json::from_slice(&text).expect("the file is JSON")
    }

    /// The folder of the case's table.
    pub fn table_folder(&self, case: &Case) -> PathBuf {
        self.folder.path().join("db.db").join(case.name)
    }

    /// The ids of the snapshots there are.
    pub fn snapshots(&self, case: &Case) -> Vec<i64> {
        let folder = self.table_folder(case).join("snapshot");
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let ids = names.filter_map(|name| name.file_name().to_str()?.strip_prefix("snapshot-")?.parse().ok());
        let mut ids: Vec<i64> = ids.collect();
        ids.sort_unstable();
        ids
    }

    /// Whether a side can create the case's table, or why not.
    pub fn try_create(&self, side: Side, case: &Case) -> Result<(), String> {
        let schema = case.schema.to_string();
        match side {
            Side::Java => java().call(&["create", self.warehouse(), "db", case.name, &schema]).map(drop),
            Side::Alluvium => {
                let file = self.folder.path().join(format!("{}.json", case.name));
                std::fs::write(&file, schema).expect("the schema file is written");
                let file = file.to_str().expect("scratch folders have UTF-8 names").to_owned();
                let output = self.alluvium.run_with_input(&["table", "create", &table(case), "--schema", &file], "");
                if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
            }
        }
    }

    /// Both stream the same changes, in order per key.
    pub fn same_changes(&self, case: &Case, when: &str) {
        let ours = self.alluvium.rows(&["tail", &table(case), "--from", "earliest", "--to", "latest"]);
        let theirs = java().rows(&["changelog", self.warehouse(), "db", case.name, "--no-snapshot"]);
        let (keys, types) = (case.keys(), case.compared_types());
        let group = |rows: &[Value]| -> BTreeMap<String, Vec<String>> { rows::by_key(rows, &keys, &types) };
        assert_eq!(group(&ours), group(&theirs), "{}: changes differ {when} (left: Alluvium, right: Java)", case.name);
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn table(case: &Case) -> String {
    format!("db.{}", case.name)
}
