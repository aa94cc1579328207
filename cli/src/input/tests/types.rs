//! What each type takes from JSON and from CSV.

use super::super::InputFormat::{Csv, Ndjson};
use super::{read_text, schema};

/// The value of the one column of a row, or why there is none.
fn read(data_type: &str, text: &str, format: super::InputFormat) -> Result<String, String> {
    let schema = schema(&[("c", data_type), ("pad", "INT")]);
    let text = match format {
        Ndjson => format!("{{\"c\":{text}}}\n"),
        _ => format!("c,pad\n{text},\n"),
    };
    match read_text(&text, &schema, format) {
        (rows, None) => Ok(rows[0].trim_start_matches("+I [").trim_end_matches(",null]").to_owned()),
        (_, Some(error)) => Err(error),
    }
}

#[test]
fn json_values() {
    let cases = [
        ("BOOLEAN", "true", "true"),
        ("TINYINT", "-128", "-128"),
        ("SMALLINT", "32767", "32767"),
        ("INT", "-2147483648", "-2147483648"),
        ("BIGINT", "9223372036854775807", "9223372036854775807"),
        ("FLOAT", "0.1", "0.1"),
        ("FLOAT", "\"NaN\"", "\"NaN\""),
        ("DOUBLE", "1e300", "1e+300"),
        ("DOUBLE", "5", "5.0"),
        ("DOUBLE", "\"-Infinity\"", "\"-Infinity\""),
        ("DECIMAL(10, 2)", "\"1.5\"", "\"1.50\""),
        ("DECIMAL(10, 2)", "-1.50", "\"-1.50\""),
        ("DECIMAL(10, 2)", "1e2", "\"100.00\""),
        ("DECIMAL(38, 2)", "123456789012345678901234567890123456.78", "\"123456789012345678901234567890123456.78\""),
        ("DECIMAL(18, 0)", "999999999999999999", "\"999999999999999999\""),
        ("STRING", "\"a\\u00fc\\n\\ud83d\\ude00\\\"\"", "\"aü\\n😀\\\"\""),
        ("STRING", "\"\"", "\"\""),
        ("VARCHAR(2)", "\"üü\"", "\"üü\""),
        ("BYTES", "\"00fF\"", "\"00ff\""),
        ("DATE", "\"2013-01-31\"", "\"2013-01-31\""),
        ("TIME(3)", "\"10:00:00.123\"", "\"10:00:00.123\""),
        ("TIMESTAMP(0)", "\"2013-01-31 10:00:00\"", "\"2013-01-31T10:00:00\""),
        ("TIMESTAMP(3)", "\"1969-12-31T23:59:59.999\"", "\"1969-12-31T23:59:59.999\""),
        ("TIMESTAMP(6)", "\"2013-01-31T10:00:00.1\"", "\"2013-01-31T10:00:00.100000\""),
        ("TIMESTAMP(9)", "\"2013-01-31T10:00:00.123456789\"", "\"2013-01-31T10:00:00.123456789\""),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "\"2013-01-31T10:00:00Z\"", "\"2013-01-31T10:00:00.000Z\""),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "\"2013-01-31T10:00:00+01:00\"", "\"2013-01-31T09:00:00.000Z\""),
        ("STRING", "null", "null"),
        ("INT", " 7 ", "7"),
    ];
    for (data_type, text, wanted) in cases {
        assert_eq!(read(data_type, text, Ndjson).as_deref(), Ok(wanted), "{text} as {data_type}");
    }
}

#[test]
fn json_values_that_are_none() {
    let cases = [
        ("BOOLEAN", "\"true\"", "\"true\" is no BOOLEAN: write true or false"),
        ("TINYINT", "128", "\"128\" is no TINYINT: write it like a whole number from -128 to 127"),
        ("INT", "1.0", "\"1.0\" is no INT: write it like a whole number of 32 bits"),
        ("INT", "\"1\"", "\"1\" is no INT: write it as a whole number"),
        ("BIGINT", "9223372036854775808", "is no BIGINT"),
        ("BIGINT", "true", "true is no BIGINT"),
        ("FLOAT", "1e39", "1e39 is no FLOAT: it is too large"),
        ("DOUBLE", "1e999", "1e999 is no DOUBLE: it is too large"),
        ("DOUBLE", "\"1.5\"", "\"1.5\" is no DOUBLE"),
        ("DECIMAL(10, 2)", "\"x\"", "\"x\" is no DECIMAL(10, 2)"),
        ("DECIMAL(10, 2)", "1.505", "it has too many digits after the point"),
        ("DECIMAL(4, 2)", "100", "it has too many digits"),
        ("STRING", "5", "5 is no STRING: write it as text in quotes"),
        ("STRING", "[1]", "[1] is no STRING"),
        ("VARCHAR(2)", "\"abc\"", "too long for VARCHAR(2)"),
        ("BYTES", "\"0\"", "is no BYTES"),
        ("DATE", "\"2013-02-29\"", "\"2013-02-29\" is no DATE: write it like 2013-01-31"),
        ("DATE", "15000", "15000 is no DATE"),
        ("TIMESTAMP(0)", "\"2013-01-31T10:00:00.5\"", "is no TIMESTAMP(0)"),
        ("TIMESTAMP(3)", "\"2013-01-31T24:00:00\"", "is no TIMESTAMP(3)"),
        ("INT NOT NULL", "null", "null, and the column is INT NOT NULL"),
        ("STRING", "\"\\ud800\"", "is no escape"),
        ("STRING", "\"\\x\"", "is no escape"),
    ];
    for (data_type, text, wanted) in cases {
        let error = read(data_type, text, Ndjson).expect_err(&format!("{text} as {data_type}"));
        assert!(error.starts_with("in line 1, column c: ") && error.contains(wanted), "{text} as {data_type}: {error}");
    }
}

#[test]
fn csv_values() {
    let cases = [
        ("BOOLEAN", "True", "true"),
        ("INT", "+5", "5"),
        ("INT", "\"5\"", "5"),
        ("FLOAT", "0.1", "0.1"),
        ("DOUBLE", "NaN", "\"NaN\""),
        ("DECIMAL(10, 2)", "1.5", "\"1.50\""),
        ("STRING", "\"\"", "\"\""),
        ("STRING", "", "null"),
        ("STRING", "\"a,\"\"b\"\"\"", "\"a,\\\"b\\\"\""),
        ("STRING", "\"two\nlines\"", "\"two\\nlines\""),
        ("STRING", "5\" pipe", "\"5\\\" pipe\""),
        ("STRING", "null", "\"null\""),
        ("TIMESTAMP(3)", "2013-01-31 10:00:00", "\"2013-01-31T10:00:00.000\""),
    ];
    for (data_type, text, wanted) in cases {
        assert_eq!(read(data_type, text, Csv).as_deref(), Ok(wanted), "{text} as {data_type}");
    }
    for (data_type, text) in [("INT", "\"\""), ("INT", "1.5"), ("DOUBLE", "1e999"), ("BOOLEAN", "1"), ("DATE", "x")] {
        let error = read(data_type, text, Csv).unwrap_err();
        assert!(error.starts_with("in line 2, column c: "), "{text} as {data_type}: {error}");
    }
}

/// Nested types cannot be written as text in a type, so they are put together here.
#[test]
fn nested_values() {
    use alluvium::format::{DataField, DataType, TypeRoot};
    let int = DataType::nullable(TypeRoot::Int);
    let text = DataType::nullable(TypeRoot::VarChar(TypeRoot::STRING_LENGTH));
    let decimal = DataType::nullable(TypeRoot::Decimal { precision: 38, scale: 2 });
    let map =
        |key: &DataType, value: &DataType| TypeRoot::Map { key: Box::new(key.clone()), value: Box::new(value.clone()) };
    let row = TypeRoot::Row(vec![
        DataField::new(1, "a", DataType::not_null(TypeRoot::Int)),
        DataField::new(2, "b", DataType::nullable(TypeRoot::Array(Box::new(text.clone())))),
    ]);
    let taken = [
        (TypeRoot::Array(Box::new(int.clone())), "[1, null,3]", "[1,null,3]"),
        (TypeRoot::Array(Box::new(decimal.clone())), "[123456789012345678.25]", "[\"123456789012345678.25\"]"),
        (map(&text, &int), "{\"a\":1,\"b\":null}", "{\"a\":1,\"b\":null}"),
        (map(&text, &int), "[[\"a\",1]]", "{\"a\":1}"),
        (map(&int, &text), "[[1,\"a\"],[2,null]]", "[[1,\"a\"],[2,null]]"),
        (map(&int, &text), "{\"1\":\"a\"}", "[[1,\"a\"]]"),
        (TypeRoot::Multiset(Box::new(text.clone())), "{\"a\":2}", "{\"a\":2}"),
        (row.clone(), "{\"b\":[\"x\\n\"],\"a\":1}", "{\"a\":1,\"b\":[\"x\\n\"]}"),
        (row.clone(), "{\"a\":1}", "{\"a\":1,\"b\":null}"),
    ];
    let read = |root: &TypeRoot, text: &str| {
        let field = DataField::new(0, "c", DataType::nullable(root.clone()));
        let schema = super::schema_of(vec![field]);
        let json = read_text(&format!("{{\"c\":{text}}}"), &schema, Ndjson);
        let quoted = format!("c\n\"{}\"\n", text.replace('"', "\"\""));
        let csv = read_text(&quoted, &schema, Csv);
        assert_eq!(json.0, csv.0, "{text}");
        (json.0.first().map(|row| row[4..row.len() - 1].to_owned()), json.1)
    };
    for (root, text, wanted) in &taken {
        assert_eq!(read(root, text), (Some((*wanted).to_owned()), None), "{text}");
    }
    let refused = [
        (TypeRoot::Array(Box::new(int.clone())), "[1,\"x\"]", "item 1: \"x\" is no INT"),
        (TypeRoot::Array(Box::new(int.clone())), "{}", "instead of a list"),
        (TypeRoot::Array(Box::new(int.clone())), "[1 2]", "instead of a comma or ]"),
        (map(&text, &int), "[[\"a\"]]", "is no pair"),
        (map(&text, &int), "{\"a\":1,\"a\":2}", "the key \"a\" is there twice"),
        (row.clone(), "{\"b\":[]}", "field a: null for INT NOT NULL"),
        (row.clone(), "{\"a\":1,\"z\":1}", "there is no field z"),
        (row, "5", "5 is no ROW"),
    ];
    for (root, text, wanted) in &refused {
        let (row, error) = read(root, text);
        assert!(row.is_none() && error.as_ref().is_some_and(|error| error.contains(wanted)), "{text}: {error:?}");
    }
}
