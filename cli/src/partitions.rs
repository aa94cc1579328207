//! Partitions of the command line, `k=v,k2=v2`, as conditions and as rows.

use alluvium::format::partition::{parse_spec, spec_values};
use alluvium::format::{CompareOp, Datum};
use alluvium::{BinaryRow, Error, Predicate, Result, TableSchema};

/// Rows of any of these partitions; each may name some of the partition columns only. No specification: all rows.
pub(crate) fn condition_of(specs: &[String], schema: &TableSchema) -> Result<Predicate> {
    if specs.is_empty() {
        return Ok(Predicate::True);
    }
    let fields = schema.partition_fields();
    let mut any = Vec::with_capacity(specs.len());
    for spec in specs {
        let parts = fields.iter().zip(values_of(spec, schema)?).filter_map(|(field, value)| {
            let column = field.name.clone();
            Some(match value? {
                None => Predicate::IsNull(column),
                Some(literal) => Predicate::Compare { column, op: CompareOp::Eq, literal },
            })
        });
        any.push(Predicate::and(parts));
    }
    Ok(if any.len() == 1 { any.swap_remove(0) } else { Predicate::Or(any) })
}

/// The partition row of a specification, which names all partition columns.
pub(crate) fn row_of(spec: &str, schema: &TableSchema) -> Result<BinaryRow> {
    let fields = schema.partition_fields();
    let values: Option<Vec<Option<Datum>>> = values_of(spec, schema)?.into_iter().collect();
    let Some(values) = values else {
        return Err(Error::unsupported(format!(
            "overwriting by some of the partition columns ({spec}): name all of {}",
            schema.partition_keys.join(", ")
        )));
    };
    let types: Vec<_> = fields.into_iter().map(|field| field.data_type).collect();
    BinaryRow::encode(&types, &values)
}

fn values_of(spec: &str, schema: &TableSchema) -> Result<Vec<Option<Option<Datum>>>> {
    if schema.partition_keys.is_empty() {
        return Err(Error::invalid(format!("--partition {spec}: the table has no partition columns")));
    }
    let options = schema.core_options();
    spec_values(&schema.partition_fields(), &parse_spec(spec)?, options.partition_default_name())
}

#[cfg(test)]
mod tests {
    use alluvium::{SchemaDefinition, TableSchema};

    use super::{condition_of, row_of};

    fn schema() -> TableSchema {
        let json = br#"{"fields":[{"name":"dt","type":"DATE"},{"name":"h","type":"INT"},{"name":"id","type":"INT"}],
            "partitionKeys":["dt","h"],"primaryKeys":["dt","h","id"],"options":{"bucket":"1"}}"#;
        SchemaDefinition::from_json(json).unwrap().into_schema(0).unwrap()
    }

    #[test]
    fn specifications_are_conditions() {
        let shown = |specs: &[&str]| {
            let specs: Vec<String> = specs.iter().map(|spec| (*spec).to_owned()).collect();
            condition_of(&specs, &schema()).map(|condition| condition.columns().join(" "))
        };
        assert_eq!(shown(&[]).unwrap(), "");
        assert_eq!(shown(&["h=1"]).unwrap(), "h");
        assert_eq!(shown(&["dt=2013-01-31", "h=1,dt=__DEFAULT_PARTITION__"]).unwrap(), "dt h");
        assert!(shown(&["id=1"]).unwrap_err().to_string().contains("id is no partition column; they are: dt, h"));
        assert!(shown(&["h=x"]).is_err());
    }

    #[test]
    fn a_row_needs_all_columns() {
        let types = schema().partition_types();
        let row = row_of("h=1,dt=2013-01-31", &schema()).unwrap().decode(&types).unwrap();
        assert_eq!(format!("{row:?}"), "[Some(Date(15736)), Some(Int(1))]");
        assert!(row_of("h=1", &schema()).unwrap_err().to_string().contains("name all of dt, h"));
    }
}
