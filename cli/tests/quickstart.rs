//! The quickstart: its tables against figures computed elsewhere, again after it is complete, and after kills.

use crate::shell::{Shell, kill, wait_until};

/// carrier, flights, dep_delay_total, arr_delay_total: by a Python program over the same changes.
const CARRIERS: [(&str, i64, i64, i64); 16] = [
    ("9E", 1485, 24_328, 14_185),
    ("AA", 2726, 18_372, 2_065),
    ("AS", 62, 456, 556),
    ("B6", 4389, 40_970, 19_730),
    ("DL", 3643, 13_939, -16_315),
    ("EV", 3964, 94_420, 97_408),
    ("F9", 59, 590, 1_288),
    ("FL", 322, 462, 891),
    ("HA", 31, 1_686, 852),
    ("MQ", 2195, 13_602, 16_625),
    ("OO", 1, 67, 107),
    ("UA", 4590, 38_078, 14_276),
    ("US", 1550, 2_687, 2_074),
    ("VX", 314, 320, -4_811),
    ("WN", 983, 8_560, 5_387),
    ("YV", 39, 618, 537),
];

fn wanted_carriers() -> Vec<String> {
    let line = |(carrier, flights, dep, arr): &(&str, i64, i64, i64)| {
        format!(
            "{{\"carrier\":\"{carrier}\",\"flights\":{flights},\"dep_delay_total\":{dep},\"arr_delay_total\":{arr}}}"
        )
    };
    CARRIERS.iter().map(line).collect()
}

/// Rows, sum(dep_delay) and sum(arr_delay) of `flights.delays`.
fn facts(shell: &Shell, folder: &str) -> (usize, i64, i64) {
    let rows =
        shell.ok(&format!("alluvium -w {folder} scan flights.delays --columns dep_delay,arr_delay --output ndjson"));
    let rows: Vec<serde_json::Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sum = |column: &str| rows.iter().map(|row| row[column].as_i64().unwrap_or(0)).sum();
    (rows.len(), sum("dep_delay"), sum("arr_delay"))
}

fn check(shell: &Shell, folder: &str) {
    let wanted = (26_353, CARRIERS.iter().map(|row| row.2).sum(), CARRIERS.iter().map(|row| row.3).sum());
    assert_eq!(facts(shell, folder), wanted);
    let carriers = shell.sorted(&format!("alluvium -w {folder} scan flights.carrier_delays --output ndjson"));
    assert_eq!(carriers, wanted_carriers());
}

fn snapshot_of(shell: &Shell, folder: &str, table: &str) -> serde_json::Value {
    shell.json(&format!("alluvium -w {folder} inspect {table} --json"))["snapshot"].clone()
}

#[test]
fn it_shows_the_result_and_changes_nothing_when_complete() {
    let shell = Shell::new();
    let shown = shell.ok("alluvium quickstart --dir d");
    check(&shell, "d");
    for words in ["26,353 rows", "UA", "38078", "bucket 0", "Try next:", "alluvium -w d scan flights.delays"] {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
    let tables = ["flights.delays", "flights.carrier_delays"];
    let before = tables.map(|table| snapshot_of(&shell, "d", table));
    assert_eq!(shell.ok("alluvium quickstart --dir d"), shown);
    assert_eq!(tables.map(|table| snapshot_of(&shell, "d", table)), before);
    for line in shown.lines().skip_while(|line| *line != "Try next:").skip(1) {
        shell.ok(line.trim());
    }
    check(&shell, "d");
}

/// Each round ends the process the hard way at another point.
#[test]
fn killed_and_run_again_it_ends_with_the_same_tables() {
    let shell = Shell::new();
    let points = [
        "flights-2013-01.ndjson.zst",
        "flights.db/delays/schema/schema-0",
        "flights.db/delays/snapshot/snapshot-1",
        "flights.db/carrier_delays/snapshot/snapshot-2",
        "flights.db/delays/snapshot/snapshot-11",
        "flights.db/carrier_delays/snapshot/snapshot-12",
        "flights.db/delays/snapshot/snapshot-19",
        "flights.db/carrier_delays/snapshot/snapshot-19",
    ];
    for point in points {
        let mut child = shell.start(&["quickstart", "--dir", "d"]);
        let file = shell.path("d").join(point);
        // A round that gets to its end has passed the point, too.
        wait_until(point, || file.exists() || child.try_wait().unwrap().is_some());
        kill(child);
    }
    shell.ok("alluvium quickstart --dir d");
    check(&shell, "d");
    // Every change was appended once, every snapshot with changes was aggregated once.
    let report = shell.json("alluvium -w d inspect flights.delays --json --limit 1000");
    let appended = |snapshot: &&serde_json::Value| snapshot["kind"] == "APPEND";
    let snapshots = report["snapshots"].as_array().unwrap();
    let rows: i64 =
        snapshots.iter().filter(appended).map(|snapshot| snapshot["deltaRecordCount"].as_i64().unwrap()).sum();
    assert!(rows <= 79_998, "{rows} rows in level 0 of 79,998 changes");
    assert_eq!(snapshots.iter().filter(appended).count(), 20);
    let carriers = shell.json("alluvium -w d inspect flights.carrier_delays --json --limit 1000");
    let mut covered: Vec<i64> = carriers["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .filter(appended)
        .map(|snapshot| snapshot["commitIdentifier"].as_i64().unwrap())
        .collect();
    covered.sort_unstable();
    let mut sources: Vec<i64> =
        snapshots.iter().filter(appended).map(|snapshot| snapshot["id"].as_i64().unwrap()).collect();
    sources.sort_unstable();
    assert_eq!(covered, sources);
}
