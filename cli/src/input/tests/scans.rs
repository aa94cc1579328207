//! The scanners beside others that are known to be right.

use alluvium::format::TypeRoot;
use alluvium::format::text_value::from_text;
use alluvium::{DataType, Datum};
use proptest::prelude::*;

use super::super::cell::{Cell, CellKind};
use super::super::json_scan::{JsonScan, unescape};
use super::super::{csv_scan, scalar_text};

/// The members of a record as `serde_json` would have them; its own parser reads what the scanner leaves.
fn scanned(text: &str) -> Option<serde_json::Value> {
    let mut members = serde_json::Map::new();
    let mut name_text = String::new();
    JsonScan::new(text)
        .members(|name: Cell, value: Cell| {
            unescape(name.text(text), &mut name_text)?;
            let value = match value.kind {
                CellKind::Text | CellKind::EscapedText => {
                    let mut inside = String::new();
                    unescape(value.text(text), &mut inside)?;
                    inside.into()
                }
                _ => serde_json::from_str(value.text(text)).map_err(|error| error.to_string())?,
            };
            members.insert(name_text.clone(), value);
            Ok::<(), String>(())
        })
        .ok()?;
    Some(members.into())
}

fn json_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\\n\"",
        "\"",
        "1",
        "-0.5e3",
        "01",
        "1.",
        "-",
        "true",
        "null",
        "nul",
        " ",
        "\\",
        "\\u0041",
        "\\ud83d\\ude00",
        "\\ud83d",
        "ü",
        "\t",
        "\u{1}",
        "\"a\":1",
        "\"c\":[1,{\"d\":\"]\"}]",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("{{{}}}", pieces.concat()))
}

proptest! {
    #[test]
    fn takes_the_json_that_serde_takes(text in json_like()) {
        let wanted = serde_json::from_str::<serde_json::Value>(&text).ok();
        prop_assert_eq!(scanned(&text), wanted);
    }

    #[test]
    fn takes_apart_what_serde_puts_together(members in prop::collection::hash_map(".*", ".*", 0..5)) {
        let value = serde_json::to_value(&members).unwrap();
        prop_assert_eq!(scanned(&value.to_string()), Some(value.clone()));
        prop_assert_eq!(scanned(&serde_json::to_string_pretty(&value).unwrap()), Some(value));
    }

    #[test]
    fn takes_apart_the_csv_that_the_csv_crate_writes(fields in prop::collection::vec("[a\",\n\r ü]{0,4}", 1..5)) {
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(&fields).unwrap();
        let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let record = written.strip_suffix('\n').unwrap();
        let mut cells = Vec::new();
        csv_scan::fields(record, &mut cells).unwrap();
        let mut text = String::new();
        let found: Vec<String> = cells.iter().map(|cell| match cell.kind {
            CellKind::QuotedField => {
                csv_scan::undouble(cell.text(record), &mut text);
                text.clone()
            }
            _ => cell.text(record).to_owned(),
        }).collect();
        prop_assert_eq!(found, fields);
    }

    /// Where the quick way answers, it gives the answer of the slow one.
    #[test]
    fn quick_texts_mean_what_text_values_mean(
        text in "(-?[0-9]{0,3}[.]?[0-9]{0,4})|([0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.][0-9]{0,10})?)?)|([0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.][0-9]{0,4})?)",
        precision in 0_u8..10,
    ) {
        let slow = |root| from_text(&text, &DataType::nullable(root)).ok();
        let bytes = text.as_bytes();
        if let Some(days) = scalar_text::date(bytes) {
            prop_assert_eq!(slow(TypeRoot::Date), Some(Datum::Date(days)));
        }
        if let Some(millis) = scalar_text::time(bytes) {
            prop_assert_eq!(slow(TypeRoot::Time(3)), Some(Datum::Time(millis)));
        }
        if let Some((millis, nanos_of_milli)) = scalar_text::timestamp(bytes, precision) {
            prop_assert_eq!(slow(TypeRoot::Timestamp(precision)), Some(Datum::Timestamp { millis, nanos_of_milli }));
        }
        let (digits, scale) = (precision.max(1), precision / 2);
        if let Some(unscaled) = scalar_text::decimal(bytes, digits, scale) {
            prop_assert_eq!(slow(TypeRoot::Decimal { precision: digits, scale }), Some(Datum::Decimal(unscaled)));
        }
    }
}

/// The quick way is taken where it should be.
#[test]
fn usual_texts_go_the_quick_way() {
    assert_eq!(scalar_text::date(b"2013-01-31"), Some(15736));
    assert_eq!(scalar_text::timestamp(b"2013-01-01 10:00:00", 3), Some((1_357_034_400_000, 0)));
    assert_eq!(scalar_text::timestamp(b"2013-01-01T10:00:00.000", 0), Some((1_357_034_400_000, 0)));
    assert_eq!(scalar_text::time(b"00:00:01.5"), Some(1500));
    assert_eq!(scalar_text::decimal(b"-9.5", 10, 2), Some(-950));
}
