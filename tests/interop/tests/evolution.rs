//! Schemas changed by either side in the midst of writes and compactions of both.
//!
//! There are two tables of one schema: `twin` is altered by Java alone, `mixed` by either side at random, and both sides say of every change
//! whether they take it. After every step the schemas of both are the same and both sides read the same of `mixed`: rows, changes in order
//! per key, and at the end the rows of every snapshot. `INTEROP_SEED` replays one sequence, `INTEROP_EVOLUTIONS` sets how many there are.

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::evolution::{TYPES, agree_on, alter, may_break_values, planned, random_change, schema};
use alluvium_interop::world::Side;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

const SEQUENCES: u64 = 12;
const STEPS: usize = 10;

fn first_schema(rng: &mut SmallRng) -> Value {
    let options = [
        json!({"bucket": "2"}),
        json!({"bucket": "1", "changelog-producer": "input"}),
        json!({"bucket": "1", "changelog-producer": "lookup"}),
        json!({"bucket": "1", "deletion-vectors.enabled": "true"}),
        json!({"bucket": "2", "sequence.field": "s", "bucket-key": "k"}),
        json!({"bucket": "1", "merge-engine": "partial-update", "fields.s.sequence-group": "a,b"}),
        json!({"bucket": "1", "merge-engine": "aggregation", "fields.a.aggregate-function": "max", "fields.b.aggregate-function": "last_value"}),
    ];
    json!({
        "fields": [
            {"name": "k", "type": "INT NOT NULL"},
            {"name": "a", "type": "INT"},
            {"name": "b", "type": "STRING"},
            {"name": "s", "type": "BIGINT"},
            {"name": "r", "type": {"type": "ROW", "fields": [{"name": "x", "type": "INT"}, {"name": "y", "type": "STRING"}]}},
            {"name": "l", "type": {"type": "ARRAY", "element": {"type": "ROW", "fields": [{"name": "z", "type": "SMALLINT"}, {"name": "w", "type": "INT"}]}}},
            {"name": "m", "type": {"type": "MAP", "key": "STRING NOT NULL", "value": "INT"}}
        ],
        "primaryKeys": ["k"], "partitionKeys": [],
        "options": options[rng.random_range(0..options.len())].clone()
    })
}

#[test]
fn random_changes_of_both_sides_agree() {
    if crate::skipped("random_changes_of_both_sides_agree") {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("INTEROP_SEED"), number("INTEROP_EVOLUTIONS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEQUENCES),
    };
    let mut failed = Vec::new();
    let run = seeds.end - seeds.start;
    for seed in seeds {
        // A difference ends its sequence, not the others.
        if std::panic::catch_unwind(|| sequence(seed)).is_err() {
            failed.push(seed);
        }
    }
    assert!(failed.is_empty(), "of {run} sequences these differ, as said above: {failed:?}");
}

fn sequence(seed: u64) {
    println!("sequence with INTEROP_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let first = first_schema(&mut rng);
    let case = |name: &'static str| Case { name, schema: first.clone(), key_pool: 12, unordered: Vec::new() };
    let (mut mixed, twin) = (case("mixed"), case("twin"));
    let world = World::new();
    world.create(Side::Java, &mixed);
    world.create(Side::Java, &twin);
    let pool: Vec<Vec<Value>> = (0..12).map(|key| vec![json!(key)]).collect();
    // Some options stay as they are once there is a snapshot: both tables have one.
    world.write(Side::Java, &twin, &inserts(&twin, &mut rng, &pool), 1);
    world.write(Side::Java, &mixed, &inserts(&mixed, &mut rng, &pool), 2);
    for number in 0..STEPS {
        let side = if rng.random() { Side::Alluvium } else { Side::Java };
        let when = match rng.random_range(0..5) {
            0 => {
                let full = rng.random();
                world.compact(side, &mixed, full);
                format!("{side:?} compacts (full: {full})")
            }
            1 | 2 => {
                let rows = inserts(&mixed, &mut rng, &pool);
                world.write(side, &mixed, &rows, 1);
                format!("{side:?} writes {}", json!(rows))
            }
            _ => {
                let fields = mixed.schema["fields"].as_array().cloned().unwrap_or_default();
                let change = random_change(&mut rng, &fields, number);
                if may_break_values(&change, &fields) {
                    continue;
                }
                agree_on(&world, side, &json!([change]), seed);
                mixed.schema = schema(&world, "mixed");
                format!("{side:?} alters {change}")
            }
        };
        println!("step {number}: {when}");
        let when = format!("INTEROP_SEED={seed} after step {number}, {when}");
        let (ours, theirs) = (world.rows(Side::Alluvium, &mixed, None), world.rows(Side::Java, &mixed, None));
        assert_eq!(ours, theirs, "rows (left: Alluvium, right: Java) with {when}");
        let (ours, theirs) = (world.changes(Side::Alluvium, &mixed), world.changes(Side::Java, &mixed));
        assert_eq!(ours, theirs, "changes (left: Alluvium, right: Java) with {when}");
    }
}

/// Rows to insert: what merges make of deletes is asked elsewhere.
fn inserts(case: &Case, rng: &mut SmallRng, pool: &[Vec<Value>]) -> Vec<Value> {
    let mut rows = case.random_changes(rng, pool, 6);
    for row in &mut rows {
        row["rowkind"] = json!("+I");
    }
    rows
}

#[test]
fn each_side_changes_the_same_types() {
    if crate::skipped("each_side_changes_the_same_types") {
        return;
    }
    let column = |from: usize, to: usize| format!("c{from}_{to}");
    let pairs = (0..TYPES.len()).flat_map(|from| (0..TYPES.len()).map(move |to| (from, to)));
    let mut fields = vec![json!({"name": "k", "type": "INT NOT NULL"})];
    fields.extend(pairs.clone().map(|(from, to)| json!({"name": column(from, to), "type": TYPES[from]})));
    let schema = json!({"fields": fields, "primaryKeys": ["k"], "partitionKeys": [], "options": {"bucket": "1"}});
    let world = World::new();
    let case = Case { name: "types", schema, key_pool: 1, unordered: Vec::new() };
    world.create(Side::Java, &case);
    let mut differ = Vec::new();
    for (from, to) in pairs {
        let change = json!([{"retype": column(from, to), "to": TYPES[to].trim_end_matches(" NOT NULL")}]);
        let plan = planned(&world, "types", &change);
        let of_java = alter(&world, Side::Java, "types", &change);
        if plan.is_ok() != of_java.is_ok() {
            differ.push(format!("{} to {}: Alluvium {plan:?}, Java {of_java:?}", TYPES[from], TYPES[to]));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn each_side_refuses_the_same_changes() {
    if crate::skipped("each_side_refuses_the_same_changes") {
        return;
    }
    let world = World::new();
    let schema = json!({
        "fields": [{"name": "p", "type": "INT NOT NULL"}, {"name": "k", "type": "INT NOT NULL"}, {"name": "v", "type": "INT"},
                   {"name": "n", "type": "INT NOT NULL"}, {"name": "s", "type": "BIGINT"}],
        "primaryKeys": ["p", "k"], "partitionKeys": ["p"],
        "options": {"bucket": "2", "sequence.field": "s", "ignore-delete": "true"}
    });
    let case = Case { name: "rules", schema, key_pool: 1, unordered: Vec::new() };
    world.create(Side::Java, &case);
    world.write(Side::Java, &case, &[json!({"p": 1, "k": 1, "v": 1, "n": 1, "s": 1})], 1);
    for change in [
        json!({"drop": "p"}),
        json!({"drop": "k"}),
        json!({"drop": "s"}),
        json!({"drop": "absent"}),
        json!({"rename": "p", "to": "q"}),
        json!({"rename": "v", "to": "k"}),
        json!({"rename": "v", "to": "_KEY_v"}),
        json!({"rename": "k", "to": "key"}),
        json!({"rename": "s", "to": "sequence"}),
        json!({"retype": "key", "to": "BIGINT"}),
        json!({"nullable": "key"}),
        json!({"nullable": "n"}),
        json!({"add": "v", "type": "INT"}),
        json!({"add": "b", "type": "INT NOT NULL"}),
        json!({"add": "c", "type": "INT", "after": "absent"}),
        json!({"move": "v", "after": "v"}),
        json!({"move": "p", "first": true}),
        json!({"move": "v", "first": true}),
        json!({"default": "v", "to": "seven"}),
        json!({"default": "v", "to": "'7'"}),
        json!({"set": "bucket", "to": "-1"}),
        json!({"set": "bucket", "to": "4"}),
        json!({"set": "merge-engine", "to": "deduplicate"}),
        json!({"set": "bucket-key", "to": "key"}),
        json!({"set": "deletion-vectors.enabled", "to": "true"}),
        json!({"set": "deletion-vectors.enabled", "to": "false"}),
        json!({"set": "ignore-delete", "to": "false"}),
        json!({"set": "changelog-producer", "to": "lookup"}),
        json!({"set": "snapshot.num-retained.min", "to": "0"}),
        json!({"set": "fields.absent.aggregate-function", "to": "sum"}),
        json!({"reset": "bucket"}),
        json!({"reset": "merge-engine"}),
        json!({"reset": "changelog-producer"}),
    ] {
        let changes = json!([change]);
        let plan = planned(&world, "rules", &changes);
        let of_java = alter(&world, Side::Java, "rules", &changes);
        assert_eq!(plan.is_ok(), of_java.is_ok(), "{change}: Alluvium {plan:?}, Java {of_java:?}");
    }
}
