//! Schemas against those of files that Paimon wrote.

use std::fs;
use std::path::{Path, PathBuf};

use alluvium_format::TableSchema;
use parquet::basic::Type as PhysicalType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::printer::print_schema;
use parquet::schema::types::{SchemaDescriptor, Type};

use super::{decimal_bytes, message_type, with_fixed_int96};
use crate::data_file::record_columns::{KeyColumnsMode, file_fields};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden")
}

fn files_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            out.push(path);
        }
    }
}

fn printed(schema: &Type) -> String {
    let mut out = Vec::new();
    print_schema(&mut out, schema);
    String::from_utf8(out).unwrap()
}

/// Every data file of every keyed table that never changed its schema.
#[test]
fn schemas_equal_those_of_paimon_column_for_column() {
    let mut compared = 0;
    for case in fs::read_dir(golden()).unwrap() {
        let table = case.unwrap().path().join("table");
        let Ok(schema) = fs::read(table.join("schema/schema-0")) else { continue };
        if table.join("schema/schema-1").exists() {
            continue;
        }
        let schema = TableSchema::from_json(&schema, "schema-0").unwrap();
        if schema.primary_keys.is_empty() {
            continue;
        }
        let thin = schema.core_options().data_file_thin_mode().unwrap();
        let mode = if thin { KeyColumnsMode::Thin } else { KeyColumnsMode::Thick };
        let ours = message_type(&file_fields(&schema, mode)).unwrap();
        let mut files = Vec::new();
        files_below(&table, &mut files);
        for path in files {
            let reader = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
            let theirs = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
            assert_eq!(printed(&ours), printed(&theirs), "{}", path.display());
            assert_eq!(ours, theirs, "{}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} files compared");
}

#[test]
fn int96_becomes_fixed_and_all_else_stays() {
    let schema = fs::read(golden().join("types-parquet/table/schema/schema-0")).unwrap();
    let columns = file_fields(&TableSchema::from_json(&schema, "schema-0").unwrap(), KeyColumnsMode::Thick);
    let message = message_type(&columns).unwrap();
    let fixed = with_fixed_int96(&message).unwrap();
    let (message, fixed) = (SchemaDescriptor::new(message), SchemaDescriptor::new(fixed));
    assert_eq!(message.num_columns(), fixed.num_columns());
    let mut replaced = 0;
    for (before, after) in message.columns().iter().zip(fixed.columns()) {
        if before.physical_type() == PhysicalType::INT96 {
            assert_eq!((after.physical_type(), after.type_length()), (PhysicalType::FIXED_LEN_BYTE_ARRAY, 12));
            assert_eq!(before.self_type().get_basic_info().id(), after.self_type().get_basic_info().id());
            assert_eq!(
                (before.path(), before.max_def_level(), before.max_rep_level()),
                (after.path(), after.max_def_level(), after.max_rep_level())
            );
            replaced += 1;
        } else {
            assert_eq!(before, after);
        }
    }
    assert!(replaced >= 2, "{replaced} columns of INT96");
}

#[test]
fn decimals_take_as_few_bytes_as_their_digits_need() {
    let table = [(1, 1), (2, 1), (3, 2), (9, 4), (10, 5), (18, 8), (19, 9), (20, 9), (21, 9), (22, 10), (38, 16)];
    for (precision, bytes) in table {
        assert_eq!(decimal_bytes(precision), bytes, "{precision} digits");
    }
}
