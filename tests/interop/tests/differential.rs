//! The same random operations through both sides, over random merge engines, changelog producers, deletion vectors and options.
//!
//! There are two tables of one schema: `twin` is written and compacted by Java alone, `mixed` by either side at random. After every
//! step both sides read the same of `mixed`, and, where it does not matter what was compacted when, the same as Java reads of `twin`: rows,
//! and changes in order per key; at the end also the rows of every snapshot. `INTEROP_SEED` replays one sequence, `INTEROP_ENGINES` sets how many there are.

use std::time::{Duration, Instant};

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::engines::EngineTable;
use alluvium_interop::rows::lines;
use alluvium_interop::world::Side;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

/// How long the sequences of an ordinary run may take: those that do not fit are left to the long run.
const ORDINARY: Duration = Duration::from_secs(180);
const SEQUENCES: u64 = 150;

#[test]
#[expect(clippy::disallowed_methods, reason = "how many sequences an ordinary run has time for is asked of the clock")]
fn random_engines_of_both_sides_agree() {
    if crate::skipped("random_engines_of_both_sides_agree") {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("INTEROP_SEED"), number("INTEROP_ENGINES")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(count)) => number("INTEROP_FIRST").unwrap_or(0)..number("INTEROP_FIRST").unwrap_or(0) + count,
        (None, None) => 0..SEQUENCES,
    };
    let (started, bounded) = (Instant::now(), number("INTEROP_ENGINES").is_none());
    let (mut run, mut created, mut failed) = (0, 0, Vec::new());
    for seed in seeds {
        if bounded && started.elapsed() > ORDINARY {
            break;
        }
        // A difference ends its sequence, not the others.
        match std::panic::catch_unwind(|| sequence(seed)) {
            Ok(was_created) => created += usize::from(was_created),
            Err(_) => failed.push(seed),
        }
        run += 1;
    }
    assert!(failed.is_empty(), "of {run} sequences these differ, as said above: {failed:?}");
    println!("{run} sequences agree, {created} of them over tables that can be");
    assert!(created > 0, "no sequence had a table");
}

/// What is done to both tables.
enum Step {
    Write(Vec<Value>, usize),
    Compact { full: bool },
}

fn step(rng: &mut SmallRng, table: &EngineTable) -> Step {
    match rng.random_range(0..6) {
        0 => Step::Compact { full: true },
        1 => Step::Compact { full: false },
        _ => {
            let commits = rng.random_range(1..4usize);
            // Paimon's write buffer sorts by sequence fields upwards, also where the option asks for downwards.
            let downwards = table.option("sequence.field.sort-order").is_some();
            let rows = if downwards { commits } else { commits * rng.random_range(1..8usize) };
            Step::Write(table.changes(rng, rows), commits)
        }
    }
}

/// Runs a sequence; whether its table could be created.
fn sequence(seed: u64) -> bool {
    println!("sequence with INTEROP_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let table = EngineTable::random(&mut rng);
    let world = World::new();
    let mixed = Case { name: "mixed", ..table.case.clone() };
    let twin = Case { name: "twin", ..table.case.clone() };
    let creator = if rng.random() { Side::Alluvium } else { Side::Java };
    let made = world.try_create(Side::Java, &twin);
    let options = &table.case.schema["options"];
    match (made, world.try_create(creator, &mixed)) {
        (Ok(()), Ok(())) => {}
        (Err(_), Err(_)) => return false,
        (Ok(()), Err(why)) => panic!("INTEROP_SEED={seed}: {creator:?} refuses {options}, Java does not: {why}"),
        (Err(why), Ok(())) => panic!("INTEROP_SEED={seed}: Java refuses {options}, {creator:?} does not: {why}"),
    }
    for number in 0..rng.random_range(3..9) {
        let step = step(&mut rng, &table);
        let side = if rng.random() { Side::Alluvium } else { Side::Java };
        let what = match &step {
            Step::Write(rows, commits) => format!("{side:?} writes {} rows in {commits} commits", rows.len()),
            Step::Compact { full } => format!("{side:?} compacts (full: {full})"),
        };
        println!("{what}");
        if let Step::Write(rows, _) = &step {
            print!("{}", lines(rows));
        }
        perform(&world, side, &mixed, &step);
        perform(&world, Side::Java, &twin, &step);
        check(&world, &table, (&mixed, &twin), &format!("INTEROP_SEED={seed} after step {number}, {what}; {options}"));
    }
    for id in world.snapshots(&mixed) {
        let (ours, theirs) = (world.rows(Side::Alluvium, &mixed, Some(id)), world.rows(Side::Java, &mixed, Some(id)));
        assert_eq!(ours, theirs, "INTEROP_SEED={seed}: rows of snapshot {id} (left: Alluvium, right: Java); {options}");
    }
    true
}

fn perform(world: &World, side: Side, case: &Case, step: &Step) {
    match step {
        Step::Write(rows, commits) => world.write(side, case, rows, *commits),
        Step::Compact { full } => world.compact(side, case, *full),
    }
}

fn check(world: &World, table: &EngineTable, (mixed, twin): (&Case, &Case), when: &str) {
    let ours = world.rows(Side::Alluvium, mixed, None);
    assert_eq!(ours, world.rows(Side::Java, mixed, None), "rows of mixed (left: Alluvium, right: Java) with {when}");
    if table.same_rows {
        assert_eq!(ours, world.rows(Side::Java, twin, None), "rows of mixed (left) and twin (right) with {when}");
    }
    let ours = world.changes(Side::Alluvium, mixed);
    let theirs = world.changes(Side::Java, mixed);
    assert_eq!(ours, theirs, "changes of mixed (left: Alluvium, right: Java) with {when}");
    if table.same_changes {
        let twins = world.changes(Side::Java, twin);
        assert_eq!(ours, twins, "changes of mixed (left) and twin (right) with {when}");
    }
}
