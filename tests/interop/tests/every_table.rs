//! The same random operations through both sides, over tables of every kind: bucket modes, file formats, codecs, statistics, file
//! indexes, all column types, columns that change, deletion vectors, partitions.
//!
//! As in `differential`, `twin` is written, altered and compacted by Java alone, `mixed` by either side at random, and after every step both
//! sides read the same of `mixed`, and, where compactions do not matter, the same as Java reads of `twin`; besides, for random
//! predicates, exactly the rows that hold. What Alluvium refuses by name Java does instead, and the table is counted as one that Java
//! wrote alone: nothing that was left out is called green. `INTEROP_SEED` replays one sequence, `INTEROP_TABLES` sets how many there are.

mod checks;
mod tally;

use std::time::{Duration, Instant};

use alluvium_interop::World;
use alluvium_interop::cases::Case;
use alluvium_interop::evolution::{agree_on, may_break_values, random_change, schema};
use alluvium_interop::rows::lines;
use alluvium_interop::tables::AnyTable;
use alluvium_interop::world::{Side, java};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use checks::Checks;
use tally::{Outcome, Tally};

/// How long the sequences of an ordinary run may take: those that do not fit are left to the long run.
const ORDINARY: Duration = Duration::from_secs(180);
const SEQUENCES: u64 = 200;

#[test]
#[expect(clippy::disallowed_methods, reason = "how many sequences an ordinary run has time for is asked of the clock")]
fn random_tables_of_every_kind_agree() {
    if crate::skipped("random_tables_of_every_kind_agree") {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("INTEROP_FIRST").unwrap_or(0);
    let seeds = match (number("INTEROP_SEED"), number("INTEROP_TABLES")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(count)) => first..first + count,
        (None, None) => 0..SEQUENCES,
    };
    let (started, bounded) = (Instant::now(), number("INTEROP_TABLES").is_none());
    let mut tally = Tally::default();
    for seed in seeds {
        if bounded && started.elapsed() > ORDINARY {
            break;
        }
        // A difference ends its sequence, not the others.
        match std::panic::catch_unwind(|| sequence(seed)) {
            Ok(outcome) => tally.count(&outcome),
            Err(_) => tally.failed(seed),
        }
    }
    println!("{tally}");
    tally.assert();
}

/// What is done to both tables.
enum Step {
    Write(Vec<Value>, usize),
    Compact {
        full: bool,
    },
    Alter(Value),
    /// The first row of the first file, by Java: a deletion vector of an append table.
    Delete,
}

struct Sequence {
    seed: u64,
    rng: SmallRng,
    world: World,
    table: AnyTable,
    mixed: Case,
    twin: Case,
    outcome: Outcome,
}

fn sequence(seed: u64) -> Outcome {
    println!("sequence with INTEROP_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let table = AnyTable::random(&mut rng);
    let case = |name: &'static str| Case { name, ..table.case.clone() };
    let (mixed, twin) = (case("mixed"), case("twin"));
    println!("{}", table.case.schema);
    let outcome = Outcome::new(&table.labels);
    let mut run = Sequence { seed, rng, world: World::new(), table, mixed, twin, outcome };
    if !run.create() {
        return run.outcome;
    }
    for number in 0..run.rng.random_range(3..9) {
        let Some(step) = run.step(number) else { continue };
        // The first step is Alluvium's: it says whether it writes such tables.
        let side = if number == 0 || run.rng.random() { Side::Alluvium } else { Side::Java };
        let what = match &step {
            Step::Write(rows, commits) => format!("{side:?} writes {} rows in {commits} commits", rows.len()),
            Step::Compact { full } => format!("{side:?} compacts (full: {full})"),
            Step::Alter(change) => format!("{side:?} alters {change}"),
            Step::Delete => "Java deletes a row".to_owned(),
        };
        println!("{what}");
        if let Step::Write(rows, _) = &step {
            print!("{}", lines(rows));
        }
        run.perform(side, &step);
        let options = &run.table.case.schema["options"];
        let when = format!("INTEROP_SEED={seed} after step {number}, {what}; {options}");
        run.check(&when);
    }
    run.check_snapshots();
    run.outcome
}

impl Sequence {
    /// Creates both tables; whether there can be such tables.
    fn create(&mut self) -> bool {
        let creator = if self.rng.random() { Side::Alluvium } else { Side::Java };
        let of_java = self.world.try_create(Side::Java, &self.twin);
        let of_creator = self.world.try_create(creator, &self.mixed);
        let (seed, table) = (self.seed, &self.table.case.schema);
        match (of_java, of_creator) {
            (Ok(()), Ok(())) => self.outcome.created = true,
            (Err(why), Err(_)) => println!("there is no such table: {why}"),
            (Ok(()), Err(why)) => panic!("INTEROP_SEED={seed}: {creator:?} refuses {table}, Java does not: {why}"),
            (Err(why), Ok(())) => panic!("INTEROP_SEED={seed}: Java refuses {table}, {creator:?} does not: {why}"),
        }
        self.outcome.created
    }

    fn step(&mut self, number: usize) -> Option<Step> {
        let deletes = self.table.is("append: deletion vectors");
        let rng = &mut self.rng;
        match rng.random_range(0..8) {
            0 if number > 0 => Some(Step::Compact { full: true }),
            1 if number > 0 => Some(Step::Compact { full: false }),
            2 if number > 0 => alteration(rng, &self.table, &self.mixed.schema, number).map(Step::Alter),
            3 if number > 0 && deletes => Some(Step::Delete),
            _ => {
                let commits = rng.random_range(1..4usize);
                // Paimon's write buffer sorts by sequence fields upwards, also where the option asks for downwards.
                let downwards = self.table.option("sequence.field.sort-order").is_some();
                let rows = if downwards { commits } else { commits * rng.random_range(1..8usize) };
                Some(Step::Write(self.table.changes(rng, &self.mixed.schema, rows), commits))
            }
        }
    }

    fn perform(&mut self, side: Side, step: &Step) {
        let world = &self.world;
        match step {
            Step::Alter(change) => {
                agree_on(world, side, &json!([change]), self.seed);
                self.mixed.schema = schema(world, "mixed");
                self.twin.schema = self.mixed.schema.clone();
                self.outcome.label("columns change");
            }
            Step::Delete => {
                for case in [&self.mixed, &self.twin] {
                    // There may be no file left to delete from.
                    let _ = java().call(&["delete-rows", world.warehouse(), "db", case.name, "0"]);
                }
            }
            step => {
                if side == Side::Java || !self.by_alluvium(step) {
                    self.by_java(&self.mixed, step);
                }
                self.by_java(&self.twin, step);
            }
        }
    }

    /// Whether Alluvium does it; what it refuses leaves nothing behind.
    fn by_alluvium(&mut self, step: &Step) -> bool {
        let (alluvium, table) = (&self.world.alluvium, format!("db.{}", self.mixed.name));
        let before = self.world.snapshots(&self.mixed);
        let result = match step {
            Step::Write(rows, commits) => alluvium.attempt_ingest(&table, rows, *commits, &[]),
            Step::Compact { full: true } => alluvium.attempt(&["compact", &table, "--full"], "").map(drop),
            _ => alluvium.attempt(&["compact", &table], "").map(drop),
        };
        if let Err(why) = &result {
            assert_eq!(before, self.world.snapshots(&self.mixed), "there is a snapshot of what is refused: {why}");
        }
        self.outcome.noted(result)
    }

    fn by_java(&self, case: &Case, step: &Step) {
        match step {
            Step::Write(rows, commits) => self.world.write(Side::Java, case, rows, *commits),
            Step::Compact { full } => self.world.compact(Side::Java, case, *full),
            _ => {}
        }
    }

    fn check(&mut self, when: &str) {
        let checks = Checks { world: &self.world, table: &self.table, mixed: &self.mixed, twin: &self.twin };
        match checks.rows(&mut self.rng, when).and_then(|()| checks.changes(when)) {
            Ok(()) => self.outcome.read = true,
            Err(why) => self.outcome.refused(why),
        }
    }

    fn check_snapshots(&mut self) {
        let checks = Checks { world: &self.world, table: &self.table, mixed: &self.mixed, twin: &self.twin };
        if let Err(why) = checks.snapshots(&format!("INTEROP_SEED={}", self.seed)) {
            self.outcome.refused(why);
        }
    }
}

/// A change of the columns whose rows can still be read; of an aggregation one that leaves values alone.
fn alteration(rng: &mut SmallRng, table: &AnyTable, schema: &Value, number: usize) -> Option<Value> {
    let fields = schema["fields"].as_array().cloned().unwrap_or_default();
    let change = random_change(rng, &fields, number);
    let aggregates = table.is("merge-engine: aggregation") || table.is("merge-engine: partial-update");
    let path = change["add"].as_str().or(change["rename"].as_str()).unwrap_or(".");
    let harmless = !path.contains('.') || change["move"].is_string();
    let taken = !may_break_values(&change, &fields) && !unsettles(table, schema, &change);
    (taken && (!aggregates || harmless)).then_some(change)
}

/// Whether both sides take the change, but not what comes after it.
fn unsettles(table: &AnyTable, schema: &Value, change: &Value) -> bool {
    // Neither writes what an index is to be over that is not there: options of indexes do not follow columns.
    let gone = change["drop"].as_str().or(change["rename"].as_str());
    let options = schema["options"].as_object().into_iter().flatten();
    let indexed = |option: &str| option.starts_with("file-index.") && option.ends_with(".columns");
    let mut over = options.filter(|(option, _)| indexed(option)).filter_map(|(_, columns)| columns.as_str());
    // Java prunes by the bucket of the new type, and misses rows that went by the old one.
    let bucket_key = table.case.is_appended() && change["retype"].is_string();
    // Paimon's Avro takes every multiset for one of texts.
    let avro = table.writes_avro() && change["type"] == "INT MULTISET";
    over.any(|columns| columns.split(',').any(|column| Some(column) == gone))
        || avro
        || bucket_key && schema["options"]["bucket-key"] == change["retype"]
}
