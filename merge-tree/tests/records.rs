//! Records of tables of many shapes, drawn at random, and what a merge must make of them.
//!
//! The model groups records by key with the order of single values ([`datum::compare_keys`]), which `key_order` checks by hand;
//! the code under test orders normalised keys.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use alluvium_format::arrow::{array_from_datums, datum_at, to_arrow_schema};
use alluvium_format::{DataField, DataType, Datum, TypeRoot, datum};
use alluvium_merge_tree::{Deduplicate, Deletes, KeyValueBatch, MergeFunction, MergeOptions, SequenceOrder};
use arrow_array::{ArrayRef, Int8Array, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;
use proptest::prelude::*;

/// So many cases, or as many times more as `PROPTEST_CASES` is above the usual.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    const USUAL: u32 = 256;
    let config = ProptestConfig::default();
    ProptestConfig { cases: (u64::from(config.cases) * u64::from(count) / u64::from(USUAL)).max(1) as u32, ..config }
}

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) key: Vec<Option<Datum>>,
    /// The values of the sequence columns.
    pub(crate) order: Vec<Option<Datum>>,
    pub(crate) sequence: i64,
    pub(crate) kind: i8,
    pub(crate) value: Option<String>,
}

/// A key in the order of single values.
#[derive(Clone, Debug)]
pub(crate) struct ModelKey(pub(crate) Vec<Option<Datum>>);

impl Ord for ModelKey {
    fn cmp(&self, other: &Self) -> Ordering {
        datum::compare_keys(&self.0, &other.0)
    }
}

impl PartialOrd for ModelKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ModelKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ModelKey {}

/// The columns and rules of a table: key columns `k0 …`, sequence columns `s0 …`, and a `value`.
#[derive(Clone)]
pub(crate) struct Shape {
    pub(crate) key: Vec<DataType>,
    pub(crate) order: Vec<DataType>,
    pub(crate) direction: SequenceOrder,
    pub(crate) deletes: Deletes,
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = |types: &[DataType]| types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (key, order) = (types(&self.key), types(&self.order));
        write!(formatter, "key ({key}) order ({order}) {:?} deletes {:?}", self.direction, self.deletes)
    }
}

impl Shape {
    /// Of these key types, with nothing else of note.
    pub(crate) fn of_key(key: &[&str]) -> Self {
        let key = key.iter().map(|text| DataType::parse(text).unwrap().with_nullable(false)).collect();
        Self { key, order: Vec::new(), direction: SequenceOrder::Ascending, deletes: Deletes::Count }
    }

    fn names(prefix: &str, types: &[DataType]) -> Vec<String> {
        (0..types.len()).map(|at| format!("{prefix}{at}")).collect()
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        let keys = Self::names("k", &self.key).into_iter().zip(self.key.clone());
        let orders = Self::names("s", &self.order).into_iter().zip(self.order.clone());
        let value = ("value".to_owned(), DataType::parse("STRING").unwrap());
        let columns = (0..).zip(keys.chain(orders).chain([value]));
        let columns: Vec<_> = columns.map(|(id, (name, data_type))| DataField::new(id, name, data_type)).collect();
        to_arrow_schema(&columns).unwrap()
    }

    pub(crate) fn options(&self) -> MergeOptions {
        let mut options = MergeOptions::deduplicate(Self::names("k", &self.key));
        options.sequence_columns = Self::names("s", &self.order);
        options.sequence_order = self.direction;
        options.function = MergeFunction::Deduplicate(Deduplicate { deletes: self.deletes });
        options
    }

    pub(crate) fn batch(&self, records: &[Record]) -> KeyValueBatch {
        let column = |data_type: &DataType, of: &dyn Fn(&Record) -> Option<Datum>| -> ArrayRef {
            array_from_datums(data_type, &records.iter().map(of).collect::<Vec<_>>()).unwrap()
        };
        let mut columns = Vec::new();
        for (at, data_type) in self.key.iter().enumerate() {
            columns.push(column(data_type, &|record| record.key[at].clone()));
        }
        for (at, data_type) in self.order.iter().enumerate() {
            columns.push(column(data_type, &|record| record.order[at].clone()));
        }
        let value = DataType::parse("STRING").unwrap();
        columns.push(column(&value, &|record| record.value.clone().map(Datum::String)));
        let sequences: Int64Array = records.iter().map(|record| record.sequence).collect();
        let kinds: Int8Array = records.iter().map(|record| record.kind).collect();
        KeyValueBatch::try_new(sequences, kinds, RecordBatch::try_new(self.schema(), columns).unwrap()).unwrap()
    }

    pub(crate) fn records(&self, batch: &KeyValueBatch) -> Vec<Record> {
        assert_eq!(batch.values.schema_ref(), &self.schema());
        let value = DataType::parse("STRING").unwrap();
        let types: Vec<&DataType> = self.key.iter().chain(&self.order).chain([&value]).collect();
        let record = |row| {
            let columns = batch.values.columns().iter().zip(&types);
            let mut cells: Vec<_> =
                columns.map(|(array, data_type)| datum_at(array, data_type, row).unwrap()).collect();
            let value = match cells.pop().unwrap() {
                Some(Datum::String(text)) => Some(text),
                _ => None,
            };
            let order = cells.split_off(self.key.len());
            Record { key: cells, order, sequence: batch.sequences.value(row), kind: batch.kinds.value(row), value }
        };
        (0..batch.num_rows()).map(record).collect()
    }

    /// Which of two records of one key is the later.
    fn later(&self, a: &Record, b: &Record) -> Ordering {
        let one = |value: &Datum| [Some(value.clone())];
        let fields = a.order.iter().zip(&b.order).map(|fields| match (fields, self.direction) {
            ((Some(a), Some(b)), SequenceOrder::Ascending) => datum::compare_keys(&one(a), &one(b)),
            ((Some(a), Some(b)), SequenceOrder::Descending) => datum::compare_keys(&one(b), &one(a)),
            ((a, b), _) => a.is_some().cmp(&b.is_some()),
        });
        fields.fold(Ordering::Equal, Ordering::then).then(a.sequence.cmp(&b.sequence))
    }

    /// All records by key, those of a key from the earliest to the latest.
    pub(crate) fn sorted(&self, records: impl IntoIterator<Item = Record>) -> Vec<Vec<Record>> {
        let mut keys: BTreeMap<ModelKey, Vec<Record>> = BTreeMap::new();
        for record in records {
            keys.entry(ModelKey(record.key.clone())).or_default().push(record);
        }
        let mut groups: Vec<Vec<Record>> = keys.into_values().collect();
        for group in &mut groups {
            group.sort_by(|a, b| self.later(a, b));
        }
        groups
    }

    /// What a merge of the records leaves.
    pub(crate) fn merged(&self, records: impl IntoIterator<Item = Record>) -> Vec<Record> {
        let groups = self.sorted(records).into_iter();
        groups
            .filter_map(|mut group| match self.deletes {
                Deletes::Ignored if group.len() > 1 => group.into_iter().rfind(|record| matches!(record.kind, 0 | 2)),
                _ => group.pop(),
            })
            .collect()
    }
}

/// Records as text, which holds all NaNs equal, and −0.0 and 0.0 apart (which of the two is left tells which record won).
pub(crate) fn shown(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| format!("{record:?}")).collect()
}

/// Shapes of all key forms, with and without sequence columns.
pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let keys: Vec<Vec<&'static str>> = vec![
        vec!["INT"],
        vec!["BIGINT"],
        vec!["BOOLEAN", "TINYINT", "SMALLINT"],
        vec!["DATE", "TIME(3)"],
        vec!["FLOAT"],
        vec!["DOUBLE"],
        vec!["DECIMAL(5, 2)"],
        vec!["TIMESTAMP(3)"],
        vec!["TIMESTAMP(6)"],
        vec!["TIMESTAMP_LTZ(6)"],
        // 128 bits.
        vec!["DECIMAL(38, 4)"],
        vec!["TIMESTAMP(9)"],
        vec!["BIGINT", "INT"],
        vec!["DOUBLE", "BIGINT"],
        vec!["TIMESTAMP_LTZ(9)", "INT"],
        // Bytes.
        vec!["STRING"],
        vec!["BYTES"],
        vec!["STRING", "INT"],
        vec!["FLOAT", "STRING", "DOUBLE"],
        vec!["DECIMAL(38, 0)", "BIGINT"],
        vec!["TIMESTAMP(9)", "TIMESTAMP(9)"],
        vec!["CHAR(3)", "VARCHAR(30)"],
    ];
    let orders: Vec<Vec<&'static str>> = vec![
        vec![],
        vec![],
        vec!["INT"],
        vec!["BIGINT NOT NULL"],
        vec!["DOUBLE"],
        vec!["STRING"],
        vec!["TIMESTAMP(9)"],
        vec!["DECIMAL(20, 2)", "INT"],
        vec!["INT", "STRING"],
    ];
    let directions = prop_oneof![Just(SequenceOrder::Ascending), Just(SequenceOrder::Descending)];
    let deletes = prop_oneof![Just(Deletes::Count), Just(Deletes::Ignored)];
    let (keys, orders) = (prop::sample::select(keys), prop::sample::select(orders));
    (keys, orders, directions, deletes).prop_map(|(key, order, direction, deletes)| {
        let order = order.iter().map(|text| DataType::parse(text).unwrap()).collect();
        Shape { order, direction, deletes, ..Shape::of_key(&key) }
    })
}

/// Values that often meet, and those at the edges.
fn present(root: &TypeRoot) -> BoxedStrategy<Datum> {
    let long = |edges: [i64; 2]| prop_oneof![6 => -9..9_i64, 1 => prop::sample::select(edges.to_vec())];
    match root {
        TypeRoot::Boolean => any::<bool>().prop_map(Datum::Boolean).boxed(),
        TypeRoot::TinyInt => prop_oneof![-3..3_i8, any::<i8>()].prop_map(Datum::TinyInt).boxed(),
        TypeRoot::SmallInt => prop_oneof![-3..3_i16, any::<i16>()].prop_map(Datum::SmallInt).boxed(),
        TypeRoot::Int => long([i32::MIN.into(), i32::MAX.into()]).prop_map(|v| Datum::Int(v as i32)).boxed(),
        TypeRoot::Date => long([-719_162, 2_932_896]).prop_map(|v| Datum::Date(v as i32)).boxed(),
        TypeRoot::Time(_) => long([0, 86_399_999]).prop_map(|v| Datum::Time(v.unsigned_abs() as i32)).boxed(),
        TypeRoot::BigInt => long([i64::MIN, i64::MAX]).prop_map(Datum::BigInt).boxed(),
        TypeRoot::Float => {
            let odd = vec![f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), 0.0, -0.0, f32::MIN, f32::INFINITY];
            let odd = prop::sample::select(odd);
            prop_oneof![(-9..9_i32).prop_map(|v| v as f32 / 4.0), odd].prop_map(Datum::Float).boxed()
        }
        TypeRoot::Double => {
            let odd = vec![f64::NAN, -f64::NAN, f64::from_bits(0xfff0_0000_0000_0001), 0.0, -0.0, f64::MAX, -f64::MAX];
            let odd = prop::sample::select(odd);
            prop_oneof![(-9..9_i32).prop_map(|v| f64::from(v) / 4.0), odd].prop_map(Datum::Double).boxed()
        }
        TypeRoot::Decimal { precision, .. } => {
            let limit = 10_i128.pow(u32::from(*precision)) - 1;
            prop_oneof![4 => -9..9_i128, 1 => prop::sample::select(vec![limit, -limit])]
                .prop_map(Datum::Decimal)
                .boxed()
        }
        TypeRoot::Char(_) => "[aé]{3}".prop_map(Datum::String).boxed(),
        TypeRoot::VarChar(_) => {
            // Equal in their first 16 bytes, or prefixes of each other, or beyond the basic plane.
            prop_oneof!["[ab]{0,2}", "same-beginning-of-[ab]{0,3}", "[a\u{ffff}\u{10000}\0]{0,2}"]
                .prop_map(Datum::String)
                .boxed()
        }
        TypeRoot::Binary(_) | TypeRoot::VarBinary(_) => {
            prop::collection::vec(prop::sample::select(vec![0_u8, 1, 0x7f, 0x80, 0xff]), 0..4)
                .prop_map(Datum::Bytes)
                .boxed()
        }
        TypeRoot::Timestamp(precision) | TypeRoot::TimestampLtz(precision) => {
            let step = [1_000_000, 1000, 1][usize::from(*precision).saturating_sub(1) / 3];
            (long([-62_135_596_800_000, 253_402_300_799_999]), 0..4_i32)
                .prop_map(move |(millis, n)| Datum::Timestamp { millis, nanos_of_milli: n * step % 1_000_000 })
                .boxed()
        }
        other => panic!("no values of {other} are drawn"),
    }
}

fn cell(data_type: &DataType) -> BoxedStrategy<Option<Datum>> {
    let present = present(&data_type.root).prop_map(Some);
    if data_type.nullable { prop_oneof![4 => present, 1 => Just(None)].boxed() } else { present.boxed() }
}

/// A record; its sequence number is to be set.
pub(crate) fn record(shape: &Shape) -> BoxedStrategy<Record> {
    let key: Vec<_> = shape.key.iter().map(cell).collect();
    let order: Vec<_> = shape.order.iter().map(cell).collect();
    (key, order, 0..4_i8, prop::option::weighted(0.9, 0..1000_u32))
        .prop_map(|(key, order, kind, value)| Record {
            key,
            order,
            sequence: 0,
            kind,
            value: value.map(|value| value.to_string()),
        })
        .boxed()
}

/// A record of a BIGINT key.
pub(crate) fn long_record(key: i64, sequence: i64) -> Record {
    let key = vec![Some(Datum::BigInt(key))];
    Record { key, order: Vec::new(), sequence, kind: 0, value: Some(format!("v{sequence}")) }
}

/// The records with sequence numbers by their places.
pub(crate) fn numbered(mut records: Vec<Record>) -> Vec<Record> {
    for (sequence, record) in (0..).zip(&mut records) {
        record.sequence = sequence;
    }
    records
}

/// The records cut into batches of the given sizes, again and again; a size of 0 is an empty batch.
pub(crate) fn cut(shape: &Shape, records: &[Record], sizes: &[usize]) -> Vec<KeyValueBatch> {
    let mut batches = Vec::new();
    let mut rest = records;
    let mut sizes = sizes.iter().copied().cycle();
    let whole = Arc::new(shape.batch(records));
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(1).min(rest.len());
        // Every other batch is a slice of a larger one, as readers give them.
        batches.push(if batches.len() % 2 == 0 {
            shape.batch(&rest[..size])
        } else {
            whole.slice(records.len() - rest.len(), size)
        });
        rest = &rest[size..];
    }
    batches
}
