//! Random tables over merge engines, changelog producers, deletion vectors and the options that go with them.
//!
//! Goes in: a random number generator. Comes out: an [`EngineTable`]: its schema, and rows that its engine takes. Values come from small
//! domains, so that records of a key meet; sums are exact in every order.

mod aggregates;
pub(crate) mod changes;
mod partial_updates;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Map, Value, json};

use crate::cases::Case;

/// A random table.
#[derive(Clone, Debug)]
pub struct EngineTable {
    /// As the rest of the harness takes it.
    pub case: Case,
    /// Row kinds that its engine takes.
    pub kinds: Vec<&'static str>,
    /// Whether its rows are the same whatever was compacted when.
    pub same_rows: bool,
    /// Whether its changes are.
    pub same_changes: bool,
}

/// So many runs never come together: nothing is compacted but what is asked for.
const NEVER: i32 = 900;

/// The engines by name.
const ENGINES: [&str; 4] = ["deduplicate", "partial-update", "aggregation", "first-row"];

/// All kinds there are, `+I` the most frequent.
const ALL_KINDS: [&str; 5] = ["+I", "+I", "+U", "-U", "-D"];
/// The kinds that add.
const ADDS: [&str; 2] = ["+I", "+U"];

/// What a table is made of, on its way.
struct Draft<'a> {
    rng: &'a mut SmallRng,
    fields: Vec<(String, Value)>,
    options: Map<String, Value>,
    /// Columns whose lists have no order.
    unordered: Vec<String>,
    kinds: Vec<&'static str>,
}

impl Draft<'_> {
    fn chance(&mut self, of: u32) -> bool {
        self.rng.random_ratio(1, of)
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())].clone()
    }

    fn field(&mut self, name: &str, data_type: Value) {
        self.fields.push((name.to_owned(), data_type));
    }

    fn set(&mut self, option: &str, value: impl ToString) {
        self.options.insert(option.to_owned(), json!(value.to_string()));
    }
}

impl EngineTable {
    /// A random table.
    pub fn random(rng: &mut SmallRng) -> Self {
        let partitioned = rng.random_ratio(1, 4);
        let mut draft =
            Draft { rng, fields: Vec::new(), options: Map::new(), unordered: Vec::new(), kinds: ALL_KINDS.to_vec() };
        draft.field("k", json!("INT"));
        let mut keys = vec!["k"];
        if partitioned {
            draft.field("p", json!("STRING"));
            keys.push("p");
        }
        let engine = draft.one_of(&ENGINES);
        draft.set("merge-engine", engine);
        match engine {
            "deduplicate" => deduplicate(&mut draft),
            "partial-update" => partial_updates::add(&mut draft),
            "aggregation" => aggregates::add(&mut draft),
            _ => first_row(&mut draft),
        }
        let by_commits = producer(&mut draft, engine);
        let on_request = layout(&mut draft);
        let associates = associates(&draft, engine);
        let Draft { fields, options, unordered, kinds, .. } = draft;
        let fields: Vec<Value> =
            fields.iter().map(|(name, data_type)| json!({ "name": name, "type": data_type })).collect();
        let partitions = if partitioned { vec!["p"] } else { Vec::new() };
        let schema = json!({ "fields": fields, "primaryKeys": keys, "partitionKeys": partitions, "options": options });
        let case = Case { name: "t", schema, key_pool: 10, unordered };
        let same_rows = associates || on_request;
        // A writer of Paimon's that goes on finds rows again that vectors deleted, and tells of their end once more.
        let tells_again = case.schema["options"]["deletion-vectors.enabled"] == "true"
            && case.schema["options"]["changelog-producer"] == "lookup"
            && kinds != ADDS;
        let same_changes = same_rows && !tells_again && (by_commits || on_request);
        Self { case, kinds, same_rows, same_changes }
    }

    /// An option of the table.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.case.schema["options"][name].as_str()
    }
}

fn deduplicate(draft: &mut Draft<'_>) {
    draft.field("a", json!("BIGINT"));
    draft.field("b", json!("STRING"));
    draft.field("c", json!("DOUBLE"));
    sequence_field(draft, &["a", "c", "a,c"]);
    if draft.chance(6) {
        draft.set("ignore-delete", true);
    }
    if draft.chance(6) {
        draft.set("ignore-update-before", true);
    }
}

fn first_row(draft: &mut Draft<'_>) {
    draft.field("a", json!("BIGINT"));
    draft.field("b", json!("STRING"));
    if draft.chance(2) {
        draft.set("ignore-delete", true);
    } else {
        draft.kinds = ADDS.to_vec();
    }
}

fn sequence_field(draft: &mut Draft<'_>, choices: &[&str]) {
    if draft.chance(3) {
        let columns = draft.one_of(choices);
        draft.set("sequence.field", columns);
        if draft.chance(3) {
            draft.set("sequence.field.sort-order", "descending");
        }
    }
}

/// Whether records of a key merge to the same in whatever order their neighbours merged before, and a tombstone that a compaction
/// dropped is never missed: Paimon's engines promise it for additions, and `deduplicate` for all that comes in order.
fn associates(draft: &Draft<'_>, engine: &str) -> bool {
    let adds_only = draft.kinds == ADDS || draft.options.contains_key("ignore-delete");
    match engine {
        "first-row" => true,
        "deduplicate" => adds_only || !draft.options.contains_key("sequence.field"),
        // A lone record keeps what its group's null sequence would not have set.
        "partial-update" => adds_only && !draft.options.contains_key("fields.g.sequence-group"),
        // What a compaction merged has the highest sequence of it, though its first values came before others.
        _ => adds_only && !draft.options.contains_key("sequence.field"),
    }
}

/// Changelog producer and deletion vectors; whether changes come at commits.
fn producer(draft: &mut Draft<'_>, engine: &str) -> bool {
    let producers: &[&str] = match engine {
        "first-row" => &["none", "lookup"],
        _ => &["none", "input", "full-compaction", "lookup", "lookup"],
    };
    let producer = draft.one_of(producers);
    draft.set("changelog-producer", producer);
    let vectors = engine != "first-row" && producer != "full-compaction" && draft.chance(3);
    if vectors {
        draft.set("deletion-vectors.enabled", true);
        if draft.chance(2) {
            draft.set("deletion-vectors.bitmap64", true);
        }
    }
    if matches!(producer, "lookup" | "full-compaction") && draft.chance(3) {
        draft.set("changelog-producer.row-deduplicate", true);
        if draft.chance(3) {
            draft.set("changelog-producer.row-deduplicate-ignore-fields", "a");
        }
    }
    if producer == "none" && !vectors && engine != "first-row" && draft.chance(8) {
        draft.set("force-lookup", true);
    }
    if producer == "full-compaction" {
        return false;
    }
    true
}

/// Buckets, levels and files; whether nothing is compacted but on request.
fn layout(draft: &mut Draft<'_>) -> bool {
    let buckets = draft.one_of(&[1, 1, 2, 3]);
    draft.set("bucket", buckets);
    let looks_up = draft.options.get("changelog-producer") == Some(&json!("lookup"))
        || draft.options.get("merge-engine") == Some(&json!("first-row"))
        || draft.options.contains_key("deletion-vectors.enabled")
        || draft.options.contains_key("force-lookup");
    let on_request = !looks_up && draft.chance(2);
    if on_request {
        draft.set("num-sorted-run.compaction-trigger", NEVER);
        // Else a writer of full-compaction compacts fully at each commit, as in Flink; Paimon's own library leaves it to Flink.
        draft.set("full-compaction.delta-commits", NEVER);
    } else if draft.chance(2) {
        let trigger = draft.one_of(&[1, 2, 3]);
        draft.set("num-sorted-run.compaction-trigger", trigger);
    }
    if draft.chance(4) {
        let levels = draft.one_of(&[2, 3, 4]);
        draft.set("num-levels", levels);
    }
    if draft.chance(6) {
        draft.set("write-only", true);
    }
    if draft.chance(6) {
        draft.set("data-file.thin-mode", true);
    }
    if draft.chance(8) {
        let ratio = draft.one_of(&[0, 50]);
        draft.set("compaction.size-ratio", ratio);
    }
    if !on_request && draft.chance(10) {
        draft.set("compaction.force-up-level-0", true);
    }
    if draft.chance(12) {
        draft.set("compaction.force-rewrite-all-files", true);
    }
    on_request
}
