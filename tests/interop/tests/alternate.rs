//! Random sequences of writes and compactions, each done by either side at random, on one table: both always read the same.
//!
//! `INTEROP_SEED` replays one sequence, `INTEROP_SEQUENCES` sets how many there are.

use alluvium_interop::World;
use alluvium_interop::cases;
use alluvium_interop::world::Side;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

#[test]
fn random_sequences_of_both_sides_agree() {
    if crate::skipped("random_sequences_of_both_sides_agree") {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("INTEROP_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("INTEROP_SEQUENCES").unwrap_or(40),
    };
    let count = seeds.end - seeds.start;
    for seed in seeds {
        println!("sequence with INTEROP_SEED={seed}");
        sequence(seed);
    }
    println!("{count} sequences agree");
}

fn sequence(seed: u64) {
    let mut rng = SmallRng::seed_from_u64(seed);
    let cases = cases::all();
    let case = &cases[rng.random_range(0..cases.len())];
    let world = World::new();
    let side = |rng: &mut SmallRng| if rng.random() { Side::Alluvium } else { Side::Java };
    let pool = case.random_keys(&mut rng);
    world.create(side(&mut rng), case);
    for step in 0..rng.random_range(3..9) {
        let who = side(&mut rng);
        let what = match rng.random_range(0..6) {
            0 => {
                world.compact(who, case, true);
                "compacts fully"
            }
            1 => {
                world.compact(who, case, false);
                "compacts"
            }
            _ => {
                let count = rng.random_range(1..80);
                let commits = rng.random_range(1..5usize).min(count);
                world.write(who, case, &case.random_changes(&mut rng, &pool, count), commits);
                "writes"
            }
        };
        let when = format!("with INTEROP_SEED={seed} after step {step}: {who:?} {what}");
        world.same_rows(case, &when);
        world.same_changes(case, &when);
    }
}
