//! Keys on curves, byte for byte those of Paimon's `ZIndexer` and `HilbertIndexer`.

use alluvium_compaction::Curve;
use alluvium_format::arrow::array_from_datums;
use alluvium_format::{DataField, DataType, json_value};
use arrow_array::ArrayRef;
use serde_json::Value;

/// The key of one row.
fn key(curve: Curve, fields: &[DataField], columns: &[ArrayRef]) -> Option<String> {
    let keys = curve.keys(fields, columns).ok()?;
    Some(keys.value(0).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn keys_are_those_of_java() {
    let mut rows = 0;
    for line in include_str!("golden/curves.ndjson").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let types =
            row["types"].as_array().unwrap().iter().map(|text| DataType::parse(text.as_str().unwrap()).unwrap());
        let fields: Vec<DataField> =
            types.zip(0..).map(|(data_type, id)| DataField::new(id, format!("c{id}"), data_type)).collect();
        let columns = fields.iter().zip(row["values"].as_array().unwrap()).map(|(field, value)| {
            let value = json_value::from_json(value, &field.data_type).unwrap();
            array_from_datums(&field.data_type, &[value]).unwrap()
        });
        let columns: Vec<ArrayRef> = columns.collect();
        let var_length = usize::try_from(row["varLength"].as_u64().unwrap()).unwrap();
        assert_eq!(key(Curve::ZOrder { var_length }, &fields, &columns).as_deref(), row["zorder"].as_str(), "{line}");
        assert_eq!(key(Curve::Hilbert, &fields, &columns).as_deref(), row["hilbert"].as_str(), "{line}");
        rows += 1;
    }
    assert_eq!(rows, 240);
}
