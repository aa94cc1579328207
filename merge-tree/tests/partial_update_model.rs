//! Partial update a record at a time, field after field, as Java does it.

use std::cmp::Ordering;

/// A record. Values are numbers; a table may show them as text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) key: i64,
    pub(crate) values: Vec<Option<i64>>,
    pub(crate) sequence: i64,
    pub(crate) kind: i8,
    pub(crate) level: i32,
}

const INSERT: i8 = 0;
const DELETE: i8 = 3;

/// What aggregates a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Sum,
    LastNonNullValue,
    PrimaryKey,
}

impl Function {
    fn agg(self, accumulator: Option<i64>, input: Option<i64>) -> Option<i64> {
        match self {
            Self::Sum => match (accumulator, input) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            },
            Self::LastNonNullValue => input.or(accumulator),
            Self::PrimaryKey => input,
        }
    }

    fn retract(self, accumulator: Option<i64>, input: Option<i64>) -> Option<i64> {
        match self {
            Self::Sum => match (accumulator, input) {
                (Some(a), Some(b)) => Some(a - b),
                (None, Some(b)) => Some(-b),
                (a, None) => a,
            },
            Self::LastNonNullValue => {
                if input.is_some() {
                    None
                } else {
                    accumulator
                }
            }
            Self::PrimaryKey => input,
        }
    }
}

/// The rules of a table, by the places of its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) ignore_delete: bool,
    pub(crate) remove_record_on_delete: bool,
    /// For each field the sequence fields it goes by.
    pub(crate) comparators: Vec<Option<Vec<usize>>>,
    pub(crate) aggregators: Vec<Option<Function>>,
    pub(crate) partial_delete: Vec<usize>,
}

struct State<'a> {
    rules: &'a Model,
    row: Vec<Option<i64>>,
    latest_sequence: i64,
    current_delete_row: bool,
    not_null_column_filled: bool,
    meet_insert: bool,
}

impl Model {
    /// What becomes of the records of a key; `None` where one is refused.
    pub(crate) fn merge<'a>(&self, records: impl IntoIterator<Item = &'a Record>) -> Option<Record> {
        let mut state = State {
            rules: self,
            row: vec![None; self.comparators.len()],
            latest_sequence: 0,
            current_delete_row: false,
            not_null_column_filled: false,
            meet_insert: false,
        };
        let mut key = 0;
        for record in records {
            key = record.key;
            state.add(record)?;
        }
        let deleted = state.current_delete_row || !state.meet_insert;
        let kind = if deleted { DELETE } else { INSERT };
        Some(Record { key, values: state.row, sequence: state.latest_sequence, kind, level: -1 })
    }
}

impl State<'_> {
    fn add(&mut self, record: &Record) -> Option<()> {
        self.current_delete_row = false;
        if matches!(record.kind, 1 | 3) {
            if !self.not_null_column_filled {
                self.row.clone_from(&record.values);
                self.not_null_column_filled = true;
            }
            if self.rules.ignore_delete {
                return Some(());
            }
            self.latest_sequence = record.sequence;
            if self.rules.comparators.iter().any(Option::is_some) {
                self.retract_with_sequence_group(record);
                return Some(());
            }
            if self.rules.remove_record_on_delete {
                if record.kind == DELETE {
                    self.current_delete_row = true;
                    self.row.clone_from(&record.values);
                }
                return Some(());
            }
            return None;
        }
        self.latest_sequence = record.sequence;
        if self.rules.comparators.iter().all(Option::is_none) {
            for (field, value) in self.row.iter_mut().zip(&record.values) {
                *field = value.or(*field);
            }
        } else {
            self.update_with_sequence_group(record);
        }
        self.meet_insert = true;
        self.not_null_column_filled = true;
        Some(())
    }

    fn compare(&self, record: &Record, fields: &[usize]) -> Ordering {
        let compare = |field: &usize| record.values[*field].cmp(&self.row[*field]);
        fields.iter().map(compare).fold(Ordering::Equal, Ordering::then)
    }

    fn update_with_sequence_group(&mut self, record: &Record) {
        let mut is_empty = vec![false; self.row.len()];
        for i in 0..self.row.len() {
            let aggregator = self.rules.aggregators[i];
            let (accumulator, input) = (self.row[i], record.values[i]);
            let Some(fields) = &self.rules.comparators[i] else {
                match aggregator {
                    Some(function) => self.row[i] = function.agg(accumulator, input),
                    None => self.row[i] = input.or(accumulator),
                }
                continue;
            };
            if is_empty_sequence_group(record, fields, &mut is_empty) {
                continue;
            }
            if self.compare(record, fields).is_ge() {
                if fields.contains(&i) {
                    for field in fields {
                        self.row[*field] = record.values[*field];
                    }
                    continue;
                }
                self.row[i] = aggregator.map_or(input, |function| function.agg(accumulator, input));
            } else if let Some(function) = aggregator {
                self.row[i] = function.agg(input, accumulator);
            }
        }
    }

    fn retract_with_sequence_group(&mut self, record: &Record) {
        let mut updated = Vec::new();
        let mut is_empty = vec![false; self.row.len()];
        for i in 0..self.row.len() {
            let aggregator = self.rules.aggregators[i];
            let Some(fields) = &self.rules.comparators[i] else { continue };
            if is_empty_sequence_group(record, fields, &mut is_empty) {
                continue;
            }
            if self.compare(record, fields).is_ge() {
                if fields.contains(&i) {
                    for field in fields {
                        if updated.contains(field) {
                            continue;
                        }
                        if record.kind == DELETE && self.rules.partial_delete.contains(field) {
                            self.current_delete_row = true;
                            self.row.clone_from(&record.values);
                            return;
                        }
                        self.row[*field] = record.values[*field];
                        updated.push(*field);
                    }
                } else {
                    self.row[i] = aggregator.and_then(|function| function.retract(self.row[i], record.values[i]));
                }
            } else if let Some(function) = aggregator {
                self.row[i] = function.retract(self.row[i], record.values[i]);
            }
        }
    }
}

fn is_empty_sequence_group(record: &Record, fields: &[usize], is_empty: &mut [bool]) -> bool {
    if is_empty[fields[0]] {
        return true;
    }
    if fields.iter().any(|field| record.values[*field].is_some()) {
        return false;
    }
    for field in fields {
        is_empty[*field] = true;
    }
    true
}
