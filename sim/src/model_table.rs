//! What a table holds after changes, by the rules of `deduplicate`, in the simplest way there is.
//!
//! Goes in: changes in the order they were written. Comes out: the rows. Invariants: of the changes of a key the one with the
//! highest order column wins, null lowest, of equal ones the last; a key whose winner is `-U` or `-D` has no row.
//! For example `a+I a-D b+I` leaves `b`.

use std::collections::BTreeMap;

use alluvium_format::RowKind;

/// The primary key: a partition and an id in it.
pub type RowKey = (i32, i64);

/// A row with its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happens to the row.
    pub kind: RowKind,
    /// Its primary key.
    pub key: RowKey,
    /// The value of the table's sequence field; `None` (null) in tables that have none.
    pub order: Option<i64>,
    /// The rest of the row.
    pub value: Option<String>,
}

/// The rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelTable {
    winners: BTreeMap<RowKey, Change>,
}

impl ModelTable {
    /// Takes changes in.
    pub fn apply<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) {
        for change in changes {
            match self.winners.get(&change.key) {
                Some(held) if held.order > change.order => {}
                _ => drop(self.winners.insert(change.key, change.clone())),
            }
        }
    }

    /// Takes all rows out of a partition, as an overwrite of it does.
    pub fn clear_partition(&mut self, partition: i32) {
        self.winners.retain(|key, _| key.0 != partition);
    }

    /// The rows, by key.
    pub fn rows(&self) -> BTreeMap<RowKey, (Option<i64>, Option<String>)> {
        let live = self.winners.values().filter(|change| change.kind.is_add());
        live.map(|change| (change.key, (change.order, change.value.clone()))).collect()
    }

    /// The change of each key that won, by key; deletes too.
    pub fn winners(&self) -> impl Iterator<Item = &Change> {
        self.winners.values()
    }

    /// The order column of a key's winner, be it a row or a delete; a change with a lower one is lost.
    pub fn order_of(&self, key: RowKey) -> Option<i64> {
        self.winners.get(&key).and_then(|change| change.order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> String {
        let mut model = ModelTable::default();
        for word in text.split_whitespace() {
            let (kind, rest) = word.split_at(2);
            let (key, order) = rest.split_once('@').unwrap();
            let kind = [RowKind::Insert, RowKind::UpdateBefore, RowKind::UpdateAfter, RowKind::Delete]
                .into_iter()
                .find(|each| each.short_string() == kind)
                .unwrap();
            let change = Change { kind, key: (0, key.parse().unwrap()), order: order.parse().ok(), value: None };
            model.apply([&change]);
        }
        let shown = |(key, (order, _)): ((i32, i64), (Option<i64>, _))| format!("{}@{}", key.1, order.unwrap_or(-1));
        model.rows().into_iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_of_the_highest_order_wins() {
        for (changes, wanted) in [
            ("+I1@ +I2@ -D1@", "2@-1"),
            ("+I1@5 +I1@4", "1@5"),
            ("+I1@5 +I1@5 -D1@5", ""),
            ("+I1@5 +I1@", "1@5"),
            ("-D1@5 +I1@4", ""),
            ("-D1@5 +I1@6", "1@6"),
            ("+I1@1 -U1@1 +U1@2", "1@2"),
        ] {
            assert_eq!(rows(changes), wanted, "{changes}");
        }
    }

    #[test]
    fn a_cleared_partition_forgets_its_deletes_too() {
        let mut model = ModelTable::default();
        let change = |partition, kind, order| Change { kind, key: (partition, 1), order: Some(order), value: None };
        model.apply([&change(1, RowKind::Delete, 9), &change(2, RowKind::Insert, 9)]);
        model.clear_partition(1);
        model.apply([&change(1, RowKind::Insert, 1)]);
        assert_eq!(model.rows().keys().collect::<Vec<_>>(), [&(1, 1), &(2, 1)]);
        assert_eq!(model.order_of((1, 1)), Some(1));
    }
}
