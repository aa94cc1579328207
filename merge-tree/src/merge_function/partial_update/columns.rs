//! The columns of merged rows.
//!
//! Goes in: the events of each key and a column of the records. Comes out: its value in the row of each key. A value is picked, by the
//! last event that says anything about it, or folded. Columns of one rule share their picks.

use alluvium_format::{Error, Result};
use arrow_array::{ArrayRef, UInt32Array};
use arrow_schema::DataType;

use super::ColumnRule;
use super::history::{Act, History, Verdict};
use crate::merge_function::records::Validity;
use crate::merge_function::{FoldOp, Folds, Records};

/// Makes columns of one history.
pub(super) struct Columns<'a> {
    history: &'a History,
    records: &'a Records<'a>,
    last: Option<UInt32Array>,
    groups: Vec<GroupPicks>,
}

/// What columns of a group share.
#[derive(Clone, Default)]
struct GroupPicks {
    sequence: Option<UInt32Array>,
    member: Option<UInt32Array>,
    folds: Option<Folds>,
}

impl<'a> Columns<'a> {
    pub(super) fn new(history: &'a History, records: &'a Records<'a>) -> Self {
        Self { history, records, last: None, groups: vec![GroupPicks::default(); history.num_groups()] }
    }

    /// The values of the column at `column`.
    pub(super) fn value(&mut self, rule: &ColumnRule, column: usize, data_type: &DataType) -> Result<ArrayRef> {
        let (history, records) = (self.history, self.records);
        let picks = match rule {
            ColumnRule::Key => self.last.get_or_insert_with(|| last(history)),
            ColumnRule::LastPresent => {
                let validity = records.validity(column);
                if !validity.is_everywhere() {
                    return records.pick(column, data_type, &last_present(history, &validity));
                }
                self.last.get_or_insert_with(|| last(history))
            }
            ColumnRule::Sequence(group) => {
                let (verdicts, picks) = (history.verdicts(*group)?, self.picks(*group)?);
                picks.sequence.get_or_insert_with(|| sequence(history, verdicts))
            }
            ColumnRule::Member(group) => {
                let (verdicts, picks) = (history.verdicts(*group)?, self.picks(*group)?);
                picks.member.get_or_insert_with(|| member(history, verdicts))
            }
            ColumnRule::Aggregated(group, function) => {
                let (verdicts, picks) = (history.verdicts(*group)?, self.picks(*group)?);
                let folds = picks.folds.get_or_insert_with(|| folds(history, verdicts));
                return function.fold(&records.column(column)?, folds);
            }
        };
        records.pick(column, data_type, picks)
    }

    fn picks(&mut self, group: usize) -> Result<&mut GroupPicks> {
        self.groups.get_mut(group).ok_or_else(|| Error::internal("a sequence group that is not bound"))
    }
}

/// For each key what `decide` says of its events from the last one on; null where it says nothing of any.
fn pick(history: &History, decide: impl Fn(usize, u32, Act) -> Option<Pick>) -> UInt32Array {
    let of_key = |events: std::ops::Range<usize>| {
        let decided = events.rev().find_map(|at| {
            let (row, act) = history.event(at);
            decide(at, row, act)
        });
        match decided {
            Some(Pick::Row(row)) => Some(row),
            Some(Pick::Null) | None => None,
        }
    };
    history.keys().map(of_key).collect()
}

/// What an event leaves in a column.
enum Pick {
    Row(u32),
    Null,
}

/// The last record that is no retraction.
fn last(history: &History) -> UInt32Array {
    pick(history, |_, row, act| (act != Act::Retract).then_some(Pick::Row(row)))
}

/// The last record with a value; a record that becomes the row hides those before it, null or not.
fn last_present(history: &History, validity: &Validity<'_>) -> UInt32Array {
    pick(history, |_, row, act| match act {
        Act::Set => Some(Pick::Row(row)),
        Act::Update if validity.has(row) => Some(Pick::Row(row)),
        Act::Update | Act::Retract => None,
    })
}

/// The record whose sequence is in force: a retraction moves it on too.
fn sequence(history: &History, verdicts: &[Verdict]) -> UInt32Array {
    pick(history, |at, row, _| (verdicts[at] == Verdict::Current).then_some(Pick::Row(row)))
}

/// The record of that sequence, or nothing where that was retracted.
fn member(history: &History, verdicts: &[Verdict]) -> UInt32Array {
    pick(history, |at, row, act| match (verdicts[at], act) {
        (Verdict::Current, Act::Retract) => Some(Pick::Null),
        (Verdict::Current, Act::Set | Act::Update) => Some(Pick::Row(row)),
        (Verdict::Late | Verdict::Skipped, _) => None,
    })
}

fn folds(history: &History, verdicts: &[Verdict]) -> Folds {
    let mut folds = Folds::default();
    for events in history.keys() {
        for at in events {
            let (row, act) = history.event(at);
            match (act, verdicts[at]) {
                (Act::Set, _) => folds.push(row, FoldOp::Set),
                (_, Verdict::Skipped) => {}
                (Act::Update, Verdict::Current) => folds.push(row, FoldOp::Aggregate),
                (Act::Update, Verdict::Late) => folds.push(row, FoldOp::AggregateReversed),
                (Act::Retract, Verdict::Current | Verdict::Late) => folds.push(row, FoldOp::Retract),
            }
        }
        folds.end();
    }
    folds
}
