//! The columns of merged rows.
//!
//! Goes in: the events of each key and a column of the records. Comes out: its value in the row of each key. A value is picked, by the
//! last event that says anything about it, or folded. Columns of one rule share their picks.

use alluvium_format::{Error, Result};
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use super::ColumnRule;
use super::history::{Act, History, Verdict};
use crate::key_value::kernel_error;
use crate::merge_function::{FoldOp, Folds};

/// Makes columns of one history.
pub(super) struct Columns<'a> {
    history: &'a History,
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
    pub(super) fn new(history: &'a History) -> Self {
        Self { history, last: None, groups: vec![GroupPicks::default(); history.num_groups()] }
    }

    /// The values of a column.
    pub(super) fn value(&mut self, rule: &ColumnRule, input: &ArrayRef) -> Result<ArrayRef> {
        let history = self.history;
        match rule {
            ColumnRule::LastPresent if input.null_count() > 0 => gather(input, &last_present(history, input)),
            ColumnRule::Key | ColumnRule::LastPresent => gather(input, self.last.get_or_insert_with(|| last(history))),
            ColumnRule::Sequence(group) => {
                let (verdicts, picks) = (history.verdicts(*group)?, self.picks(*group)?);
                gather(input, picks.sequence.get_or_insert_with(|| sequence(history, verdicts)))
            }
            ColumnRule::Member(group) => {
                let (verdicts, picks) = (history.verdicts(*group)?, self.picks(*group)?);
                gather(input, picks.member.get_or_insert_with(|| member(history, verdicts)))
            }
            ColumnRule::Aggregated(group, function) => {
                let (verdicts, picks) = (history.verdicts(*group)?, self.picks(*group)?);
                function.fold(input, picks.folds.get_or_insert_with(|| folds(history, verdicts)))
            }
        }
    }

    fn picks(&mut self, group: usize) -> Result<&mut GroupPicks> {
        self.groups.get_mut(group).ok_or_else(|| Error::internal("a sequence group that is not bound"))
    }
}

fn gather(input: &ArrayRef, picks: &UInt32Array) -> Result<ArrayRef> {
    take(input, picks, None).map_err(kernel_error)
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
fn last_present(history: &History, input: &ArrayRef) -> UInt32Array {
    let nulls = input.nulls();
    pick(history, |_, row, act| match act {
        Act::Set => Some(Pick::Row(row)),
        Act::Update if nulls.is_none_or(|nulls| nulls.is_valid(row as usize)) => Some(Pick::Row(row)),
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
