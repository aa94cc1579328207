//! The questions that both sides must answer alike. An error is what Alluvium refuses to read.

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::predicate::Predicate;
use alluvium_interop::rows::{by_key, multiset};
use alluvium_interop::tables::AnyTable;
use alluvium_interop::world::{Side, java};
use rand::rngs::SmallRng;
use serde_json::Value;

const PREDICATES: usize = 2;

pub(super) struct Checks<'a> {
    pub(super) world: &'a World,
    pub(super) table: &'a AnyTable,
    pub(super) mixed: &'a Case,
    pub(super) twin: &'a Case,
}

impl Checks<'_> {
    fn java(&self, more: &[&str]) -> Vec<Value> {
        java().rows(&[&["read", self.world.warehouse(), "db", self.mixed.name], more].concat())
    }

    fn ours(&self, more: &[&str]) -> Result<Vec<Value>, String> {
        let table = format!("db.{}", self.mixed.name);
        self.world.alluvium.attempt_rows(&[&["scan", table.as_str()], more].concat())
    }

    /// The latest rows: all, and those for which predicates hold.
    pub(super) fn rows(&self, rng: &mut SmallRng, when: &str) -> Result<(), String> {
        let types = self.mixed.compared_types();
        let rows = self.ours(&[])?;
        let ours = multiset(&rows, &types);
        assert_eq!(ours, multiset(&self.java(&[]), &types), "rows of mixed (left: Alluvium, right: Java) with {when}");
        if self.table.same_rows {
            let twins = self.world.rows(Side::Java, self.twin, None);
            assert_eq!(ours, twins, "rows of mixed (left) and twin (right) with {when}");
        }
        let fields = self.mixed.schema["fields"].as_array().expect("a schema has fields");
        for _ in 0..PREDICATES {
            let predicate = Predicate::random(rng, fields, &rows);
            let (sql, filter) = (predicate.sql(), predicate.json().to_string());
            let hold: Vec<Value> = rows.iter().filter(|row| predicate.holds(row)).cloned().collect();
            let hold = multiset(&hold, &types);
            let ours = multiset(&self.ours(&["--where", &sql])?, &types);
            assert_eq!(ours, hold, "rows where {sql} (left: Alluvium, right: those that hold) with {when}");
            let theirs = multiset(&self.java(&["--filter", &filter]), &types);
            assert_eq!(theirs, hold, "rows where {sql} (left: Java, right: those that hold) with {when}");
        }
        Ok(())
    }

    /// All changes, in the order that they have.
    pub(super) fn changes(&self, when: &str) -> Result<(), String> {
        let (types, order) = (self.mixed.compared_types(), self.table.order_columns(&self.mixed.schema));
        let group = |rows: &[Value]| by_key(rows, &order, &types);
        let tail = |case: &Case| {
            let table = format!("db.{}", case.name);
            self.world.alluvium.attempt_rows(&["tail", &table, "--from", "earliest", "--to", "latest"])
        };
        let changelog =
            |case: &Case| java().rows(&["changelog", self.world.warehouse(), "db", case.name, "--no-snapshot"]);
        let ours = group(&tail(self.mixed)?);
        let theirs = group(&changelog(self.mixed));
        assert_eq!(ours, theirs, "changes of mixed (left: Alluvium, right: Java) with {when}");
        if self.table.same_changes {
            let twins = group(&changelog(self.twin));
            assert_eq!(ours, twins, "changes of mixed (left) and twin (right) with {when}");
        }
        Ok(())
    }

    /// The rows of every snapshot, under the schema of each.
    pub(super) fn snapshots(&self, when: &str) -> Result<(), String> {
        for id in self.world.snapshots(self.mixed) {
            let schema = self.world.schema_of(self.mixed, id);
            let types = Case { schema, ..self.mixed.clone() }.compared_types();
            let id = id.to_string();
            let ours = multiset(&self.ours(&["--snapshot", &id])?, &types);
            let read = ["read", self.world.warehouse(), "db", self.mixed.name, "--snapshot", &id];
            let theirs = match java().try_rows(&read) {
                Ok(rows) => multiset(&rows, &types),
                // Java seeks columns that were renamed since under their new names.
                Err(why) if why.contains("can not be found in table schema") => continue,
                Err(why) => panic!("Java does not read snapshot {id}: {why}, with {when}"),
            };
            let options = &self.mixed.schema["options"];
            assert_eq!(ours, theirs, "rows of snapshot {id} (left: Alluvium, right: Java) with {when}; {options}");
        }
        Ok(())
    }
}
