//! What the manifest says of the columns of a data file: ranges by the column names of the schema that is read.
//!
//! Goes in: a manifest entry's file, the schema that is read and the one the file was written with. Comes out: [`ColumnRanges`]. Pure.
//! Statistics only prune: a column whose type has changed since, and bytes that are no statistics, are a column of which nothing is
//! known. Answers to `SimpleStatsEvolution`.

use alluvium_format::{ColumnRange, DataField, DataFileMeta, DataType, Datum, SimpleStats, TableSchema};

/// Columns of which something is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnRanges {
    ranges: Vec<(String, ColumnRange)>,
}

impl ColumnRanges {
    /// The range of a column.
    pub(crate) fn of(&self, name: &str) -> ColumnRange {
        self.ranges.iter().find(|(known, _)| known == name).map(|(_, range)| range.clone()).unwrap_or_default()
    }

    /// The values of the partition columns: known exactly.
    pub(crate) fn of_partition(fields: &[DataField], values: &[Option<Datum>]) -> Self {
        let ranges =
            fields.iter().zip(values).map(|(field, value)| (field.name.clone(), ColumnRange::of_value(value.clone())));
        Self { ranges: ranges.collect() }
    }

    /// The key columns of a file, by its key statistics, besides what is known already.
    #[must_use]
    pub(crate) fn with_keys(self, file: &DataFileMeta, asked: &TableSchema, written: &TableSchema) -> Self {
        self.with_stats(&file.key_stats, file, asked, &written.key_fields())
    }

    /// The columns of a file, by its value statistics, besides what is known already. A column that came after the file is null.
    #[must_use]
    pub(crate) fn with_values(self, file: &DataFileMeta, asked: &TableSchema, written: &TableSchema) -> Self {
        let names = file.value_stats_cols.as_ref().or(file.write_cols.as_ref());
        let fields = match names {
            None => written.fields.clone(),
            Some(names) => written.fields_of(names).unwrap_or_default(),
        };
        let mut out = self.with_stats(&file.value_stats, file, asked, &fields);
        for field in asked.fields.iter().filter(|field| !written.fields.iter().any(|old| old.id == field.id)) {
            let rows = Some(file.row_count);
            let range = ColumnRange { min: None, max: None, null_count: rows, row_count: rows };
            out.add(field.name.clone(), range);
        }
        out
    }

    fn with_stats(
        mut self,
        stats: &SimpleStats,
        file: &DataFileMeta,
        asked: &TableSchema,
        fields: &[DataField],
    ) -> Self {
        let types: Vec<DataType> = fields.iter().map(|field| field.data_type.clone()).collect();
        let decoded = (stats.min_values.decode(&types), stats.max_values.decode(&types));
        let (Ok(mins), Ok(maxs)) = decoded else { return self };
        if mins.len() != fields.len() || maxs.len() != fields.len() {
            return self;
        }
        for (at, (field, (min, max))) in fields.iter().zip(mins.into_iter().zip(maxs)).enumerate() {
            let null_count = stats.null_counts.get(at).copied().flatten();
            let same = |now: &&DataField| now.id == field.id && now.data_type.root == field.data_type.root;
            if let Some(now) = asked.fields.iter().find(same) {
                let range = ColumnRange { min, max, null_count, row_count: Some(file.row_count) };
                self.add(now.name.clone(), range);
            }
        }
        self
    }

    /// What is known first is known best: partition values before statistics.
    fn add(&mut self, name: String, range: ColumnRange) {
        if !self.ranges.iter().any(|(known, _)| *known == name) {
            self.ranges.push((name, range));
        }
    }
}
