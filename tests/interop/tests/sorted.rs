//! Append tables that we sort: Paimon reads the same rows, and goes on with them.

use alluvium_interop::World;
use alluvium_interop::cases::{self, Case};
use alluvium_interop::world::Side;
use rand::SeedableRng;
use rand::rngs::SmallRng;

const STRATEGIES: [&str; 3] = ["order", "zorder", "hilbert"];

#[test]
fn java_reads_what_alluvium_sorted() {
    if crate::skipped("java_reads_what_alluvium_sorted") {
        return;
    }
    let without_buckets = |case: &Case| {
        let bucket = case.schema["options"]["bucket"].as_str().unwrap_or("-1");
        case.is_appended() && bucket == "-1"
    };
    let cases: Vec<Case> = cases::all().into_iter().filter(without_buckets).collect();
    assert!(!cases.is_empty(), "the test compares nothing");
    for case in &cases {
        for strategy in STRATEGIES {
            relay(case, strategy);
        }
    }
}

fn relay(case: &Case, strategy: &str) {
    let world = World::new();
    let mut rng = SmallRng::seed_from_u64(11);
    let pool = case.random_keys(&mut rng);
    world.create(Side::Java, case);
    for side in [Side::Java, Side::Alluvium] {
        world.write(side, case, &case.random_changes(&mut rng, &pool, 60), 3);
    }
    let before = world.rows(Side::Java, case, None);
    let columns: Vec<String> = case.sortable_columns().into_iter().take(3).collect();
    let (table, columns) = (format!("db.{}", case.name), columns.join(","));
    world.alluvium.run(&["compact", &table, "--order-strategy", strategy, "--order-by", &columns], "");
    world.same_rows(case, &format!("after a sort by {strategy} of {columns}"));
    assert_eq!(world.rows(Side::Java, case, None), before, "{}: a sort changed the rows", case.name);
    world.same_changes(case, "after a sort");
    world.write(Side::Java, case, &case.random_changes(&mut rng, &pool, 20), 1);
    world.compact(Side::Java, case, true);
    world.same_rows(case, "after Java's full compaction of sorted files");
}
