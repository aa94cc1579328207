//! Watermarks come behind what was sent before them, and say what is true of all senders.

use alluvium_runtime::{Element, JobOptions, StreamEnvironment};
use tokio::runtime::Runtime;

use crate::rows::{Came, Keep, Row, Scripted, Seen, batch, schema};

/// What comes to a sink behind an exchange, by subtask.
fn seen_of(parallelism: usize, script: fn(usize) -> Vec<Element>) -> Vec<(usize, Came)> {
    let environment = StreamEnvironment::new();
    let source = environment.source("script", schema(), move |subtask| Ok(Scripted(script(subtask.index).into_iter())));
    let (seen, keyed) = (Seen::default(), source.unwrap().key_by(&["k"]).unwrap());
    let kept = seen.clone();
    keyed.process("keep", schema(), move |s| Ok(Keep { subtask: s.index, seen: kept.clone() })).unwrap();
    let options = JobOptions { parallelism, ..JobOptions::default() };
    Runtime::new().unwrap().block_on(environment.execute("watermarks", &options).unwrap().wait()).unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}

fn of(seen: &[(usize, Came)], subtask: usize) -> Vec<Came> {
    seen.iter().filter(|(of, _)| *of == subtask).map(|(_, came)| came.clone()).collect()
}

#[test]
fn a_watermark_stays_behind_its_rows() {
    let script = |_| -> Vec<Element> {
        let events = (0i64..20).flat_map(|time| {
            let rows: Vec<Row> = (0..8).map(|key| (key, time)).collect();
            [Element::Changes(batch(&rows)), Element::Watermark(time)]
        });
        events.collect()
    };
    for parallelism in 1..4 {
        let seen = seen_of(parallelism, script);
        for subtask in 0..parallelism {
            let mut rows_of = [0; 20];
            for came in of(&seen, subtask) {
                match came {
                    Came::Rows(rows) => rows.iter().for_each(|(_, time)| rows_of[usize::try_from(*time).unwrap()] += 1),
                    Came::Watermark(watermark) => {
                        let until = usize::try_from(watermark.min(19)).unwrap();
                        // Every sender's rows up to the watermark are here, those of this subtask's keys.
                        assert!(rows_of[..=until].iter().all(|rows| *rows == rows_of[0] && rows % parallelism == 0));
                    }
                    Came::Idle | Came::End => {}
                }
            }
        }
    }
}

#[test]
fn the_slowest_sender_counts() {
    let script = |subtask: usize| match subtask {
        0 => vec![Element::Watermark(5), Element::Watermark(9)],
        _ => vec![Element::Watermark(7)],
    };
    let seen = seen_of(2, script);
    for subtask in 0..2 {
        let told = of(&seen, subtask);
        let watermarks: Vec<i64> = told
            .iter()
            .filter_map(|came| match came {
                Came::Watermark(watermark) => Some(*watermark),
                _ => None,
            })
            .collect();
        assert!(watermarks.is_sorted() && watermarks.last() == Some(&i64::MAX), "{watermarks:?}");
        // 9 of the first is more than 7 of the second says; only its end takes the 7 away.
        assert!(watermarks.iter().all(|watermark| [5, 7, 9, i64::MAX].contains(watermark)), "{watermarks:?}");
    }
}

#[test]
fn idle_comes_through_when_all_are() {
    let seen = seen_of(1, |_| vec![Element::Watermark(3), Element::Idle, Element::Changes(batch(&[(1, 1)]))]);
    let end = [Came::Watermark(3), Came::Idle, Came::Rows(vec![(1, 1)]), Came::Watermark(i64::MAX), Came::End];
    assert_eq!(of(&seen, 0), end);
}
