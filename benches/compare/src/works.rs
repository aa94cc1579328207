//! The pieces of work, their order, and what must be equal before a figure counts.

use std::path::Path;
use std::process::Command;

use crate::peers::{self, Who};
use crate::process::{Measured, last_checksum};
use crate::report::Figure;
use crate::worker::{Ingest, Scan};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How much of it.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Upserted rows.
    pub rows: u64,
    /// Distinct keys at most.
    pub keys: u64,
    /// Rows a commit.
    pub commit_rows: u64,
}

/// Repeats of a scan in one process.
const SCANS: u32 = 3;

/// Every piece of work through every peer that can do it.
pub fn run_all(folder: &Path, scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let everyone = [Who::Alluvium, Who::Java, Who::Crate];
    let runs = ingest(folder, scale, "write-only", r#"{"bucket":"1","write-only":"true"}"#, &everyone, &mut figures)?;
    ingest(folder, scale, "with compaction", r#"{"bucket":"1"}"#, &[Who::Alluvium, Who::Java], &mut figures)?;
    // One table for all readers: the runs Java wrote.
    scan(&runs, "ten overlapping runs", None, &mut figures)?;
    scan(&runs, "ten overlapping runs, b and x", Some("b,x"), &mut figures)?;
    compact(folder, &runs, scale, &mut figures)?;
    let compacted = folder.join("compact-java");
    scan(&compacted, "compacted by Java", None, &mut figures)?;
    scan(&compacted, "compacted by Java, b and x", Some("b,x"), &mut figures)?;
    Ok(figures)
}

/// Ingests into a table a peer, compares what they hold, and gives the warehouse that Java wrote.
fn ingest(
    folder: &Path,
    scale: Scale,
    name: &str,
    options: &str,
    everyone: &[Who],
    figures: &mut Vec<Figure>,
) -> Result<std::path::PathBuf> {
    let mut runs = Vec::new();
    for who in everyone {
        let warehouse = peers::create(folder, &format!("{name}-{who:?}").replace(' ', "-"), options)?;
        let work = Ingest {
            warehouse: peers::path(&warehouse)?.to_owned(),
            rows: scale.rows,
            keys: scale.keys,
            commit_rows: scale.commit_rows,
        };
        eprintln!("ingest, {name}: {}", who.name());
        runs.push((*who, peers::ingest(*who, &work)?, warehouse));
    }
    let read = |warehouse: &Path| -> Result<String> {
        let work = Scan { warehouse: peers::path(warehouse)?.to_owned(), columns: None, repeat: 1 };
        last_checksum(&peers::scan(Who::Java, &work)?.output).ok_or_else(|| "Java printed no checksum".into())
    };
    let expected = read(&runs[0].2)?;
    for (who, _, warehouse) in &runs[1..] {
        let got = read(warehouse)?;
        if got != expected {
            return Err(format!("ingest, {name}: {} wrote {got}, Alluvium {expected}", who.name()).into());
        }
    }
    let measured: Vec<(Who, &Measured)> = runs.iter().map(|(who, measured, _)| (*who, measured)).collect();
    figures.extend(Figure::of_rows(&format!("ingest, {name}"), scale.rows, &measured));
    let java = runs.into_iter().find(|(who, ..)| *who == Who::Java).ok_or("Java always takes part")?;
    Ok(java.2)
}

/// Reads one table through everyone.
fn scan(warehouse: &Path, name: &str, columns: Option<&str>, figures: &mut Vec<Figure>) -> Result<()> {
    let work =
        Scan { warehouse: peers::path(warehouse)?.to_owned(), columns: columns.map(str::to_owned), repeat: SCANS };
    let mut runs: Vec<(Who, Measured)> = Vec::new();
    for who in [Who::Alluvium, Who::Java, Who::Crate] {
        eprintln!("scan, {name}: {}", who.name());
        runs.push((who, peers::scan(who, &work)?));
    }
    let sums: Vec<Option<String>> = runs.iter().map(|(_, run)| last_checksum(&run.output)).collect();
    if sums[0].is_none() || sums.iter().any(|sum| *sum != sums[0]) {
        return Err(format!("scan, {name}: the peers read different rows: {sums:?}").into());
    }
    let rows = sums[0].as_deref().and_then(|sum| sum.split(' ').next()?.parse::<u64>().ok()).unwrap_or_default();
    let measured: Vec<(Who, &Measured)> = runs.iter().map(|(who, run)| (*who, run)).collect();
    figures.extend(Figure::of_rows(&format!("scan, {name}"), rows * u64::from(SCANS), &measured));
    Ok(())
}

/// Compacts a copy of the same table a peer.
fn compact(folder: &Path, runs: &Path, scale: Scale, figures: &mut Vec<Figure>) -> Result<()> {
    let mut measured = Vec::new();
    for (who, name) in [(Who::Alluvium, "compact-alluvium"), (Who::Java, "compact-java")] {
        let copy = folder.join(name);
        let done = Command::new("cp").arg("-r").arg(runs).arg(&copy).status()?;
        if !done.success() {
            return Err(format!("{} could not be copied", runs.display()).into());
        }
        eprintln!("full compaction: {}", who.name());
        measured.push((who, peers::compact(who, peers::path(&copy)?)?));
    }
    let measured: Vec<(Who, &Measured)> = measured.iter().map(|(who, run)| (*who, run)).collect();
    figures.extend(Figure::of_rows("full compaction", scale.rows, &measured));
    Ok(())
}
