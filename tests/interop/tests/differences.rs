//! What became of the rows between two snapshots: put on the rows of the first, as Paimon reads them, it gives those of the second.
//!
//! So also where Paimon's own difference of two snapshots lacks rows. As there a difference is an upsert by key: what a row was is not said
//! before what it is, and a delete may have values of its own. `INTEROP_SEED` replays one history.

use std::collections::BTreeMap;

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::rows::multiset;
use alluvium_interop::streams::{Options, our_rows};
use alluvium_interop::world::Side;
use serde_json::Value;

use crate::streams::{cases, history, seeds};

/// Rows by their keys.
type Rows = BTreeMap<String, String>;

#[test]
fn a_difference_takes_the_rows_of_one_snapshot_to_those_of_another() {
    if crate::skipped("a_difference_takes_the_rows_of_one_snapshot_to_those_of_another") {
        return;
    }
    let (mut differences, mut changes) = (0, 0);
    for seed in seeds() {
        // A table without a key has no difference, and what changed its columns has rows of other columns before.
        for case in cases().into_iter().filter(|case| case.name != "appended" && !case.name.starts_with("evolving")) {
            let (world, case) = history(seed, case);
            let ids = world.snapshots(&case);
            for from in ids.iter().step_by(3) {
                for to in ids.iter().filter(|to| *to > from).step_by(2) {
                    changes += check(&world, &case, (*from, *to), seed);
                    differences += 1;
                }
            }
        }
    }
    println!("{differences} differences of {changes} changes take one snapshot to another");
    assert!(changes > 0, "nothing was compared");
}

/// How many changes lead from one snapshot to the other.
fn check(world: &World, case: &Case, (from, to): (i64, i64), seed: u64) -> usize {
    let options: Options =
        vec![("incremental-between-scan-mode", "diff".to_owned()), ("incremental-between", format!("{from},{to}"))];
    let difference = our_rows(world, (&format!("db.{}", case.name), &["scan"]), &options);
    let when = format!("{} from {from} to {to} seed {seed}", case.name);
    let difference = difference.unwrap_or_else(|why| panic!("{when}: {why}"));
    let mut rows = state(world, case, from);
    let types = case.compared_types();
    // A key that an overwrite moved to another bucket may come there before it goes here.
    let (goes, comes): (Vec<&Value>, Vec<&Value>) =
        difference.iter().partition(|change| matches!(change["rowkind"].as_str(), Some("-U" | "-D")));
    for row in goes.into_iter().flat_map(|change| multiset(std::slice::from_ref(change), &types)) {
        rows.remove(&key(case, &row));
    }
    for row in comes.into_iter().flat_map(|change| multiset(std::slice::from_ref(change), &types)) {
        rows.insert(key(case, &row), row);
    }
    assert_eq!(
        rows,
        state(world, case, to),
        "{when}: rows of the first and the difference (left), of the second (right)"
    );
    difference.len()
}

/// The rows of a snapshot, as Paimon reads them.
fn state(world: &World, case: &Case, snapshot: i64) -> Rows {
    world.rows(Side::Java, case, Some(snapshot)).into_iter().map(|row| (key(case, &row), row)).collect()
}

fn key(case: &Case, row: &str) -> String {
    let row: Value = serde_json::from_str(row).expect("a row is JSON");
    let key: Vec<&Value> = case.keys().iter().map(|column| &row[column]).collect();
    serde_json::to_string(&key).expect("a key is JSON")
}
