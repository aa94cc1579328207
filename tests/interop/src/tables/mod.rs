//! Random tables of every kind: bucket modes, file formats, codecs, statistics, file indexes, column types, over the random engines.
//!
//! Goes in: a random number generator. Comes out: an [`AnyTable`]: its schema, the rows it takes, and labels that say of what kinds it
//! is. Values come from small domains with edge values among them, so that rows meet and indexes have something to say.

mod buckets;
mod columns;
mod indexes;
mod layouts;
mod rows;

use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Map, Value, json};

use crate::cases::Case;
use crate::engines::EngineTable;

/// A random table of any kind.
#[derive(Clone, Debug)]
pub struct AnyTable {
    /// As the rest of the harness takes it.
    pub case: Case,
    /// What kinds it is of, as `format: orc`.
    pub labels: Vec<String>,
    /// Whether its rows are the same whatever was compacted when.
    pub same_rows: bool,
    /// Whether its changes are.
    pub same_changes: bool,
    /// Columns whose values have to agree for two changes to have an order.
    pub ordered_by: OrderedBy,
    /// Row kinds that its engine takes.
    kinds: Vec<&'static str>,
    /// The values of keys and partitions, and of all other columns by type.
    domains: rows::Domains,
}

/// What changes have an order among themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderedBy {
    /// Those of a primary key, and a partition.
    Key,
    /// Those of a bucket key, and a partition.
    BucketKey,
    /// None.
    Nothing,
}

/// What a table is made of, on its way.
struct Draft<'a> {
    rng: &'a mut SmallRng,
    fields: Vec<(String, Value)>,
    keys: Vec<&'static str>,
    partitions: Vec<&'static str>,
    options: Map<String, Value>,
    labels: Vec<String>,
}

impl Draft<'_> {
    fn chance(&mut self, of: u32) -> bool {
        self.rng.random_ratio(1, of)
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.rng.random_range(0..choices.len())].clone()
    }

    fn set(&mut self, option: &str, value: impl ToString) {
        self.options.insert(option.to_owned(), json!(value.to_string()));
    }

    fn is(&self, option: &str, value: &str) -> bool {
        self.options.get(option).is_some_and(|is| is == value)
    }

    fn label(&mut self, label: impl Into<String>) {
        self.labels.push(label.into());
    }
}

impl AnyTable {
    /// A random table.
    pub fn random(rng: &mut SmallRng) -> Self {
        if rng.random_ratio(3, 10) { Self::append(rng) } else { Self::keyed(rng) }
    }

    fn keyed(rng: &mut SmallRng) -> Self {
        let engine = EngineTable::random(rng);
        let mut draft = Draft {
            rng,
            fields: fields_of(&engine),
            keys: vec!["k"],
            partitions: Vec::new(),
            options: engine.case.schema["options"].as_object().cloned().unwrap_or_default(),
            labels: Vec::new(),
        };
        if engine.case.keys().contains(&"p".to_owned()) {
            draft.keys.push("p");
            draft.partitions.push("p");
        }
        for option in ["merge-engine", "changelog-producer"] {
            let value = draft.options.get(option).and_then(Value::as_str).unwrap_or_default().to_owned();
            draft.label(format!("{option}: {value}"));
        }
        for (option, label) in [("deletion-vectors.enabled", "deletion vectors"), ("data-file.thin-mode", "thin mode")]
        {
            if draft.is(option, "true") {
                draft.label(label);
            }
        }
        buckets::key_type(&mut draft);
        buckets::of_keys(&mut draft);
        let (same_rows, same_changes) = (engine.same_rows, engine.same_changes);
        let mut kinds = engine.kinds.clone();
        let moves = draft.labels.iter().any(|label| label == "buckets: across partitions");
        if moves && !draft.is("merge-engine", "deduplicate") {
            // Paimon takes a row that goes to the partition of its key for an insert, also where it takes something back; and for
            // `first-row` it loses the first row of a key, if a delete that is to be ignored went to another partition before.
            kinds.retain(|kind| ["+I", "+U"].contains(kind));
        }
        Self::finish(draft, kinds, (same_rows, same_changes), OrderedBy::Key, engine.case.unordered)
    }

    fn append(rng: &mut SmallRng) -> Self {
        let mut draft = Draft {
            rng,
            fields: vec![("k".to_owned(), json!("INT")), ("a".to_owned(), json!("BIGINT"))],
            keys: Vec::new(),
            partitions: Vec::new(),
            options: Map::new(),
            labels: Vec::new(),
        };
        draft.fields.push(("b".to_owned(), json!("STRING")));
        if draft.chance(3) {
            draft.fields.push(("p".to_owned(), json!("STRING")));
            draft.partitions.push("p");
        }
        buckets::key_type(&mut draft);
        let (ordered_by, same) = buckets::of_append(&mut draft);
        Self::finish(draft, vec!["+I"], (same, same), ordered_by, Vec::new())
    }

    fn finish(
        mut draft: Draft<'_>,
        kinds: Vec<&'static str>,
        (same_rows, same_changes): (bool, bool),
        ordered_by: OrderedBy,
        unordered: Vec<String>,
    ) -> Self {
        if !draft.partitions.is_empty() {
            draft.label("partitioned");
            buckets::partition_type(&mut draft);
        }
        layouts::formats(&mut draft);
        columns::add(&mut draft);
        layouts::statistics(&mut draft);
        indexes::add(&mut draft);
        let nullable_partition = !draft.keys.contains(&"p");
        let domains = rows::Domains::random(draft.rng, &draft.fields, nullable_partition);
        let Draft { fields, keys, partitions, options, labels, .. } = draft;
        let fields: Vec<Value> =
            fields.iter().map(|(name, data_type)| json!({ "name": name, "type": data_type })).collect();
        let schema = json!({ "fields": fields, "primaryKeys": keys, "partitionKeys": partitions, "options": options });
        let case = Case { name: "t", schema, key_pool: 10, unordered };
        Self { case, labels, same_rows, same_changes, ordered_by, kinds, domains }
    }

    /// An option of the table.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.case.schema["options"][name].as_str()
    }

    /// Whether it is of a kind.
    pub fn is(&self, label: &str) -> bool {
        self.labels.iter().any(|is| is == label)
    }

    /// Whether some of its files are Avro.
    pub fn writes_avro(&self) -> bool {
        self.case.schema["options"].as_object().is_some_and(columns::writes_avro)
    }

    /// The columns whose values have to agree for two changes to have an order.
    pub fn order_columns(&self, schema: &Value) -> Vec<String> {
        let named = |list: &Value| -> Vec<String> {
            let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        let mut columns = match self.ordered_by {
            OrderedBy::Key => named(&schema["primaryKeys"]),
            OrderedBy::BucketKey => {
                let key = schema["options"]["bucket-key"].as_str().unwrap_or_default();
                key.split(',').map(str::to_owned).collect()
            }
            OrderedBy::Nothing => {
                let fields = schema["fields"].as_array().into_iter().flatten();
                return fields.filter_map(|field| Some(field["name"].as_str()?.to_owned())).collect();
            }
        };
        columns.extend(named(&schema["partitionKeys"]));
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

fn fields_of(engine: &EngineTable) -> Vec<(String, Value)> {
    let fields = engine.case.schema["fields"].as_array().into_iter().flatten();
    fields.map(|field| (field["name"].as_str().unwrap_or_default().to_owned(), field["type"].clone())).collect()
}
