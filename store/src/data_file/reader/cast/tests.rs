//! Casts by text: what Paimon 1.4.2 makes of each value.

use alluvium_format::arrow::array_from_datums;
use alluvium_format::text_value::{from_text, to_text};

use super::*;

/// The text of the value that `text`, of type `from`, becomes as `to`; `null`, or the kind of the error.
fn cast(from: &str, text: &str, to: &str) -> String {
    let (from, to) = (DataType::parse(from).unwrap(), DataType::parse(to).unwrap());
    let array = array_from_datums(&from, &[Some(from_text(text, &from).unwrap()), None]).unwrap();
    let cast = match Cast::plan(&from, &to) {
        Ok(cast) => cast,
        Err(error) => return format!("{:?}", error.kind()),
    };
    let array = match cast.map_or(Ok(array.clone()), |cast| cast.apply(&array)) {
        Ok(array) => array,
        Err(error) => return format!("{:?}", error.kind()),
    };
    assert_eq!(*array.data_type(), to_arrow_type(&to).unwrap());
    assert!(array.is_null(1));
    match datum_at(&array, &to, 0).unwrap() {
        Some(value) => to_text(&value, &to).unwrap(),
        None => "null".to_owned(),
    }
}

#[test]
fn casts() {
    let table = include_str!("table.txt");
    let mut checked = 0;
    for line in table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let mut parts = line.split('|').map(|part| part.strip_prefix(' ').unwrap_or(part));
        let mut part = || parts.next().unwrap().to_owned();
        let (from, value, to, wanted) = (part(), part(), part(), part());
        let trim = |text: &str| text.strip_suffix(' ').unwrap_or(text).to_owned();
        assert_eq!(cast(from.trim(), &trim(&value), to.trim()), wanted, "{line}");
        checked += 1;
    }
    assert!(checked > 50);
}
