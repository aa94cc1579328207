//! Default values of columns: what writers put in the place of null.
//!
//! Goes in: a field with the text of its default value. Comes out: the value, cast as STRING is cast to the field's type; single quotes around
//! the text do not count. Answers to `org.apache.paimon.utils.DefaultValueUtils`.

use alluvium_format::{DataField, Datum, Error, ErrorKind, Result};

use crate::data_file::reader::value_of_text;

const QUOTE: char = '\'';

/// The default value of a field; `None` when it has none, or it is null.
///
/// # Errors
/// `Unsupported` for lists, maps and rows; `Invalid` when the text is no value of the field's type.
pub fn default_value(field: &DataField) -> Result<Option<Datum>> {
    let Some(text) = &field.default_value else { return Ok(None) };
    let (name, data_type) = (&field.name, &field.data_type);
    let wrong = || Error::invalid(format!("the default value {text:?} of column {name} is no {data_type}"));
    let plain = match text.strip_prefix(QUOTE) {
        Some(rest) if text.ends_with(QUOTE) => rest.strip_suffix(QUOTE).ok_or_else(wrong)?,
        _ => text,
    };
    value_of_text(plain, data_type).map_err(|error| match error.kind() {
        ErrorKind::Unsupported => Error::unsupported(format!("the default value of column {name} of type {data_type}")),
        _ => wrong(),
    })
}

#[cfg(test)]
mod tests {
    use alluvium_format::{DataField, DataType, Datum, ErrorKind};

    use super::default_value;

    fn of(text: &str, data_type: &str) -> Result<Option<Datum>, ErrorKind> {
        let mut field = DataField::new(0, "a", DataType::parse(data_type).unwrap());
        field.default_value = Some(text.to_owned());
        default_value(&field).map_err(|error| error.kind())
    }

    #[test]
    fn texts_become_values_as_casts_of_strings_do() {
        let text = |text: &str| Ok(Some(Datum::String(text.to_owned())));
        assert_eq!(default_value(&DataField::new(0, "a", DataType::parse("INT").unwrap())).unwrap(), None);
        assert_eq!(of("7", "INT"), Ok(Some(Datum::Int(7))));
        assert_eq!(of("'7'", "BIGINT"), Ok(Some(Datum::BigInt(7))));
        assert_eq!(of("fallback", "STRING"), text("fallback"));
        assert_eq!(of("'it''s'", "STRING"), text("it''s"));
        assert_eq!(of("''", "STRING"), text(""));
        assert_eq!(of("ab", "CHAR(4)"), text("ab  "));
        assert_eq!(of("abcd", "VARCHAR(2)"), text("ab"));
        assert_eq!(of("2013-01-31", "DATE"), Ok(Some(Datum::Date(15736))));
        assert_eq!(of("'", "STRING"), Err(ErrorKind::Invalid));
        assert_eq!(of("seven", "INT"), Err(ErrorKind::Invalid));
        assert_eq!(of("[1]", "INT ARRAY"), Err(ErrorKind::Unsupported));
    }
}
