//! For every table: one side creates and writes, the other reads, streams, writes on and compacts, and both see the same.

use alluvium_interop::World;
use alluvium_interop::cases::{self, Case};
use alluvium_interop::world::Side;
use rand::SeedableRng;
use rand::rngs::SmallRng;

#[test]
fn java_reads_and_compacts_what_alluvium_wrote() {
    if crate::skipped("java_reads_and_compacts_what_alluvium_wrote") {
        return;
    }
    for case in cases::all() {
        relay(&case, Side::Alluvium, Side::Java);
    }
}

#[test]
fn alluvium_reads_and_compacts_what_java_wrote() {
    if crate::skipped("alluvium_reads_and_compacts_what_java_wrote") {
        return;
    }
    for case in cases::all() {
        relay(&case, Side::Java, Side::Alluvium);
    }
}

fn relay(case: &Case, first: Side, second: Side) {
    let world = World::new();
    let mut rng = SmallRng::seed_from_u64(7);
    let pool = case.random_keys(&mut rng);
    world.create(first, case);
    world.write(first, case, &case.random_changes(&mut rng, &pool, 60), 3);
    let rows = world.same_rows(case, "after the first side wrote");
    assert!(!rows.is_empty(), "{}: the test compares nothing", case.name);
    world.same_changes(case, "after the first side wrote");
    world.write(second, case, &case.random_changes(&mut rng, &pool, 61), 3);
    world.same_rows(case, "after the second side wrote");
    world.same_changes(case, "after the second side wrote");
    let before = world.same_rows(case, "before the full compaction");
    world.compact(second, case, true);
    let after = world.same_rows(case, "after the second side's full compaction");
    assert_eq!(before.len(), after.len(), "{}: a compaction changed the rows", case.name);
    world.write(first, case, &case.random_changes(&mut rng, &pool, 62), 2);
    world.compact(first, case, false);
    world.same_rows(case, "after the first side's compaction");
    world.same_changes(case, "at the end");
}
