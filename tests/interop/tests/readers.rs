//! A table of each kind, written by Alluvium, is read by pypaimon and by Flink SQL as Alluvium and Paimon's Java library read it.
//!
//! Where a peer reads other rows or none, it is shown the same table written by Java: only what it makes of neither may differ.
//! Prints the matrix of the README. `INTEROP_KIND` asks for the kinds whose names hold it (`ORC|Avro`). What the peers need is installed on first use.

use std::collections::BTreeMap;

use alluvium_interop::alluvium::REFUSED;
use alluvium_interop::cases::Case;
use alluvium_interop::kinds::{self, Kind};
use alluvium_interop::rows::multiset;
use alluvium_interop::world::Side;
use alluvium_interop::{Peer, World, evolution, readers};
use serde_json::Value;

#[test]
#[ignore = "installs pypaimon and Flink: just interop-readers"]
fn peers_read_every_kind_of_table() {
    if crate::skipped("peers_read_every_kind_of_table") {
        return;
    }
    let mut peers = [readers::pypaimon(), readers::flink()];
    let names: Vec<&str> = peers.iter().map(Peer::name).collect();
    let mut lines = vec![format!("| kind of table | Paimon Java | {} |", names.join(" | "))];
    let mut wrong = Vec::new();
    let wanted = std::env::var("INTEROP_KIND").unwrap_or_default();
    for kind in kinds::all().into_iter().filter(|kind| wanted.split('|').any(|part| kind.name.contains(part))) {
        let world = World::new();
        let Some(expected) = written(&world, &kind) else {
            lines.push(format!("| {} | not written by Alluvium |", kind.name));
            continue;
        };
        let cells: Vec<String> =
            peers.iter_mut().map(|peer| cell(&world, &kind, peer, &expected, &mut wrong)).collect();
        lines.push(format!("| {} | same rows | {} |", kind.name, cells.join(" | ")));
    }
    println!("{}", lines.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rows as they can be compared, with their types.
type Rows = (Vec<String>, BTreeMap<String, Value>);

/// Writes the table, which Java reads alike; nothing where Alluvium refuses to.
fn written(world: &World, kind: &Kind) -> Option<Rows> {
    let case = Case { name: "ours", ..kind.case.clone() };
    let rows = world
        .try_create(Side::Alluvium, &case)
        .and_then(|()| fill(world, kind, &case, Side::Alluvium))
        .map_err(|why| assert!(REFUSED.iter().any(|known| why.contains(known)), "{}: {why}", kind.name))
        .ok()?;
    let theirs = world.rows(Side::Java, &rows, None);
    assert_eq!(world.rows(Side::Alluvium, &rows, None), theirs, "{} (left: Alluvium, right: Java)", kind.name);
    assert!(!theirs.is_empty(), "{}: there is nothing to compare", kind.name);
    Some((theirs, rows.compared_types()))
}

/// Fills a table by one side; gives it as its columns are at the end.
fn fill(world: &World, kind: &Kind, case: &Case, side: Side) -> Result<Case, String> {
    let table = format!("db.{}", case.name);
    let write = |rows: &[Value], commits: usize| match side {
        Side::Alluvium => world.alluvium.attempt_ingest(&table, rows, commits, &[]),
        Side::Java => {
            world.write(Side::Java, case, rows, commits);
            Ok(())
        }
    };
    write(&kind.rows(&case.schema, 1, 60), 3)?;
    let mut case = case.clone();
    if let Some(changes) = &kind.alter {
        evolution::alter(world, side, case.name, changes)?;
        case.schema = evolution::schema(world, case.name);
    }
    write(&kind.rows(&case.schema, 2, 41), 2)?;
    world.compact(side, &case, false);
    write(&kind.rows(&case.schema, 3, 12), 1)?;
    if case.schema["options"]["bucket"] == "-2" {
        world.compact(side, &case, true);
    }
    Ok(case)
}

/// What is the first difference.
fn same(rows: &[String], expected: &[String]) -> Result<(), String> {
    let only = |a: &[String], b: &[String]| a.iter().find(|row| !b.contains(row)).cloned().unwrap_or_default();
    if rows == expected {
        return Ok(());
    }
    let counts = format!("{} rows for {}", rows.len(), expected.len());
    Err(format!("{counts}: {} for {}", only(rows, expected), only(expected, rows)))
}

/// What the peer makes of the table, and of Java's when that is not what it should be.
fn cell(world: &World, kind: &Kind, peer: &mut Peer, expected: &Rows, wrong: &mut Vec<String>) -> String {
    let mut read =
        |table: &str, (expected, types): &Rows| match peer.try_rows(&["read", world.warehouse(), "db", table]) {
            Ok(rows) => same(&multiset(&rows, types), expected),
            Err(why) => Err(why.chars().take(400).collect()),
        };
    let Err(why) = read("ours", expected) else { return "same rows".to_owned() };
    let twin = Case { name: "javas", ..kind.case.clone() };
    world.create(Side::Java, &twin);
    let twin = fill(world, kind, &twin, Side::Java).expect("Java refuses nothing");
    let of_java = (world.rows(Side::Java, &twin, None), twin.compared_types());
    let Err(same) = read("javas", &of_java) else {
        wrong.push(format!("{}: {} reads what Java wrote, but not Alluvium's: {why}", kind.name, peer.name()));
        return "differs".to_owned();
    };
    println!("{}: {} reads it otherwise, whoever wrote it: {same}", kind.name, peer.name());
    "otherwise, as Java's".to_owned()
}
