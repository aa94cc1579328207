//! Values at their limits and beyond, alone and nested.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use alluvium_format::arrow::array_from_datums;

use super::*;

fn check(data_type: &str, values: &[Option<Datum>]) -> Option<(usize, String)> {
    let data_type = DataType::parse(data_type).unwrap();
    check_type(&data_type, values)
}

fn check_type(data_type: &DataType, values: &[Option<Datum>]) -> Option<(usize, String)> {
    let column = array_from_datums(data_type, values).unwrap();
    first_misfit(&column, data_type).unwrap()
}

fn text(text: &str) -> Option<Datum> {
    Some(Datum::String(text.to_owned()))
}

fn bytes(count: usize) -> Option<Datum> {
    Some(Datum::Bytes(vec![7; count]))
}

#[test]
fn texts_are_counted_in_characters_and_binaries_in_bytes() {
    assert_eq!(check("VARCHAR(3)", &[text("abc"), None, text("äöü"), text("")]), None);
    assert_eq!(check("CHAR(3)", &[text("äöü")]), None);
    let (row, why) = check("VARCHAR(3)", &[text("äöü"), None, text("abcd")]).unwrap();
    assert_eq!((row, why.as_str()), (2, "4 characters are too many for VARCHAR(3)"));
    assert_eq!(check("BINARY(2)", &[bytes(2), bytes(0)]), None);
    let (row, why) = check("VARBINARY(2)", &[None, bytes(3)]).unwrap();
    assert_eq!((row, why.as_str()), (1, "3 bytes are too many for VARBINARY(2)"));
    assert_eq!(check("STRING", &[text(&"x".repeat(100_000))]), None);
}

#[test]
fn decimals_keep_to_their_digits() {
    let decimal = |unscaled: i128| Some(Datum::Decimal(unscaled));
    assert_eq!(check("DECIMAL(4, 2)", &[decimal(9999), decimal(-9999), None]), None);
    assert_eq!(check("DECIMAL(4, 2)", &[decimal(1), decimal(-10_000)]).unwrap().0, 1);
    let largest = 10i128.pow(38) - 1;
    assert_eq!(check("DECIMAL(38, 0)", &[decimal(largest), decimal(-largest)]), None);
    assert_eq!(check("DECIMAL(38, 0)", &[decimal(i128::MIN)]).unwrap().0, 0);
}

#[test]
fn times_and_nanoseconds_keep_to_their_ranges() {
    let last = 86_399_999;
    assert_eq!(check("TIME(3)", &[Some(Datum::Time(0)), Some(Datum::Time(last)), None]), None);
    assert_eq!(check("TIME(3)", &[Some(Datum::Time(last + 1))]).unwrap().0, 0);
    assert_eq!(check("TIME(0)", &[None, Some(Datum::Time(-1))]).unwrap().0, 1);
    let moment = |nanos_of_milli| Some(Datum::Timestamp { millis: -5, nanos_of_milli });
    assert_eq!(check("TIMESTAMP(9)", &[moment(0), None, moment(999_999)]), None);
    assert_eq!(check("TIMESTAMP(9)", &[moment(0), moment(1_000_000)]).unwrap().0, 1);
}

#[test]
fn nested_values_are_looked_at() {
    let list = DataType::nullable(TypeRoot::Array(Box::new(DataType::parse("VARCHAR(2)").unwrap())));
    let item = |value: &str| Some(Datum::Array(vec![None, text(value)]));
    assert_eq!(check_type(&list, &[item("ab"), None]), None);
    assert_eq!(check_type(&list, &[None, item("abc")]).unwrap().0, 1);
    let (key, value) = (Box::new(DataType::parse("CHAR(1)").unwrap()), Box::new(list));
    let map = DataType::nullable(TypeRoot::Map { key, value });
    let pair = |key: &str, value: &str| Some(Datum::Map(vec![(text(key), item(value))]));
    assert_eq!(check_type(&map, &[pair("a", "ab")]), None);
    assert_eq!(check_type(&map, &[pair("a", "ab"), pair("ab", "ab")]).unwrap().0, 1);
    assert_eq!(check_type(&map, &[pair("a", "abc")]).unwrap().0, 0);
}
