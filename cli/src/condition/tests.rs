//! Conditions: what they become, what is refused, and their answers beside those of exact arithmetic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::cmp::Ordering;

use alluvium::format::CompareOp;
use alluvium::format::datum;
use alluvium::{DataField, DataType, Datum, ErrorKind, Predicate, TableSchema};
use proptest::prelude::*;

use super::parse_condition;

const COLUMNS: [(&str, &str); 14] = [
    ("t", "TINYINT"),
    ("i", "INT"),
    ("l", "BIGINT"),
    ("d", "DECIMAL(5, 2)"),
    ("f", "FLOAT"),
    ("x", "DOUBLE"),
    ("s", "STRING"),
    ("v", "VARCHAR(2)"),
    ("b", "BOOLEAN"),
    ("bytes", "BYTES"),
    ("day", "DATE"),
    ("clock", "TIME(3)"),
    ("at", "TIMESTAMP(3)"),
    ("z", "TIMESTAMP(3) WITH LOCAL TIME ZONE"),
];

fn schema() -> TableSchema {
    let field = |(id, (name, data_type)): (usize, &(&str, &str))| {
        DataField::new(id as i32, *name, DataType::parse(data_type).unwrap())
    };
    TableSchema {
        version: 3,
        id: 0,
        fields: COLUMNS.iter().enumerate().map(field).collect(),
        highest_field_id: 20,
        partition_keys: Vec::new(),
        primary_keys: Vec::new(),
        options: Default::default(),
        comment: None,
        time_millis: 0,
    }
}

/// A predicate as a person would write it.
fn shown(predicate: &Predicate) -> String {
    let joined =
        |parts: &[Predicate], word: &str| format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word));
    match predicate {
        Predicate::True => "true".to_owned(),
        Predicate::False => "false".to_owned(),
        Predicate::Compare { column, op, literal } => {
            let op = match op {
                CompareOp::Eq => "=",
                CompareOp::NotEq => "<>",
                CompareOp::Lt => "<",
                CompareOp::LtEq => "<=",
                CompareOp::Gt => ">",
                CompareOp::GtEq => ">=",
            };
            format!("{column} {op} {literal:?}")
        }
        Predicate::In { column, literals, has_null } => {
            format!("{column} in {literals:?}{}", if *has_null { " or null" } else { "" })
        }
        Predicate::Like { column, pattern, escape } => format!("{column} like {pattern:?} {escape:?}"),
        Predicate::IsNull(column) => format!("{column} is null"),
        Predicate::IsNotNull(column) => format!("{column} is not null"),
        Predicate::And(parts) => joined(parts, " and "),
        Predicate::Or(parts) => joined(parts, " or "),
        Predicate::Not(inner) => format!("not {}", shown(inner)),
    }
}

#[test]
fn what_conditions_become() {
    let cases = [
        ("i = 5", "i = Int(5)"),
        ("5 < i", "i > Int(5)"),
        ("(i) >= (-5)", "i >= Int(-5)"),
        ("i <> 5 AND i != 6", "(i <> Int(5) and i <> Int(6))"),
        ("i = 1 OR i = 2 OR i = 3", "(i = Int(1) or i = Int(2) or i = Int(3))"),
        ("i = 1 OR i = 2 AND NOT i = 3", "(i = Int(1) or (i = Int(2) and not i = Int(3)))"),
        ("NOT NOT i = 1", "i = Int(1)"),
        ("i > 1.5", "i > Int(1)"),
        ("i >= 1.5", "i > Int(1)"),
        ("i < 1.5", "i <= Int(1)"),
        ("i < -1.5", "i <= Int(-2)"),
        ("i = 1.5", "i in []"),
        ("i <> 1.5", "not i in []"),
        ("i = 1.0", "i = Int(1)"),
        ("i = 1e2", "i = Int(100)"),
        ("t = 1000", "t in []"),
        ("t < 1000", "not t in []"),
        ("t > -129", "not t in []"),
        ("t <= 127.5", "not t in []"),
        ("t >= 127", "t >= TinyInt(127)"),
        ("l = 1e100", "l in []"),
        ("l > -1e-100", "l > BigInt(-1)"),
        ("d = 1.5", "d = Decimal(150)"),
        ("d = 1.555", "d in []"),
        ("d > 1.555", "d > Decimal(155)"),
        ("d < 1000", "not d in []"),
        ("f = 0.1", "f = Float(0.1)"),
        ("f < 1e39", "f <= Float(3.4028235e38)"),
        ("x > 1e999", "x > Double(1.7976931348623157e308)"),
        ("x = 'NaN'", "x = Double(NaN)"),
        ("x = 1", "x = Double(1.0)"),
        ("i = '5'", "i = Int(5)"),
        ("s = 'it''s'", "s = String(\"it's\")"),
        ("v = 'long'", "v = String(\"long\")"),
        ("b", "b = Boolean(true)"),
        ("NOT b", "not b = Boolean(true)"),
        ("b = FALSE", "b = Boolean(false)"),
        ("b IS TRUE", "(b is not null and b = Boolean(true))"),
        ("b IS NOT FALSE", "not (b is not null and b = Boolean(false))"),
        ("bytes = X'00fF'", "bytes = Bytes([0, 255])"),
        ("bytes = '00ff'", "bytes = Bytes([0, 255])"),
        ("day = DATE '1970-01-02'", "day = Date(1)"),
        ("day > '1970-01-02'", "day > Date(1)"),
        ("day < TIMESTAMP '1970-01-02 10:00:00'", "day <= Date(1)"),
        ("day = TIMESTAMP '1970-01-02 00:00:00'", "day = Date(1)"),
        ("clock = TIME '00:00:01'", "clock = Time(1000)"),
        ("at = TIMESTAMP '1970-01-01 00:00:01'", "at = Timestamp { millis: 1000, nanos_of_milli: 0 }"),
        ("at > '1970-01-01T00:00:00.0005'", "at > Timestamp { millis: 0, nanos_of_milli: 500000 }"),
        ("at >= DATE '1970-01-02'", "at >= Timestamp { millis: 86400000, nanos_of_milli: 0 }"),
        ("z = '1970-01-01T01:00:00+01:00'", "z = Timestamp { millis: 0, nanos_of_milli: 0 }"),
        ("i IN (1, 2.5, 3, 1e10)", "i in [Int(1), Int(3)]"),
        ("i NOT IN (1, NULL)", "not i in [Int(1)] or null"),
        ("i BETWEEN 1 AND 2.5", "(i >= Int(1) and i <= Int(2))"),
        ("i NOT BETWEEN 1 AND 2", "not (i >= Int(1) and i <= Int(2))"),
        ("i = NULL", "i in [] or null"),
        ("s LIKE 'a%'", "s like \"a%\" None"),
        ("s NOT LIKE 'a!%' ESCAPE '!'", "not s like \"a!%\" Some('!')"),
        ("s IS NULL", "s is null"),
        ("s IS NOT NULL", "s is not null"),
        ("TRUE OR FALSE", "(true or false)"),
        ("\"i\" = 1 AND `i` = 1", "(i = Int(1) and i = Int(1))"),
    ];
    for (text, wanted) in cases {
        let predicate = parse_condition(text, &schema()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(shown(&predicate), wanted, "{text}");
    }
}

#[test]
fn what_is_refused() {
    use ErrorKind::{Invalid, Unsupported};
    let cases = [
        ("", Invalid, "in the condition \"\""),
        ("i =", Invalid, "in the condition"),
        ("i = 1 i", Invalid, "at character 7: i is left over after the condition"),
        ("nothing = 1", Invalid, "at character 1: there is no column nothing; the columns are t, i, l"),
        ("i = 1 AND\nj = 1", Invalid, "at line 2 character 1: there is no column j"),
        ("s = abc", Invalid, "at character 5: there is no column abc; a text is written in single quotes: 'abc'"),
        ("s = \"abc\"", Invalid, "a text is written in single quotes"),
        ("s = 5", Invalid, "s is STRING, which does not compare with the number 5: write '5'"),
        ("i = 'x'", Invalid, "\"x\" is no number"),
        ("i = TRUE", Invalid, "i is INT, which does not compare with true"),
        ("i = DATE '1970-01-01'", Invalid, "i is INT, which does not compare with the date or time"),
        ("day = '1970-02-30'", Invalid, "\"1970-02-30\" is no"),
        ("i", Invalid, "at character 1: i is INT, which is no condition"),
        ("5", Invalid, "5 is no condition"),
        ("i = -'a'", Invalid, "a minus stands before what is no number"),
        ("i LIKE 'a'", Invalid, "LIKE needs a column of text"),
        ("s LIKE 'a' ESCAPE 'ab'", Invalid, "is not one character"),
        ("s LIKE 5", Invalid, "a pattern of LIKE is a text in quotes"),
        ("i = l", Unsupported, "comparing two columns, at character 1"),
        ("1 = 1", Unsupported, "comparing what is no column"),
        ("i + 1 = 2", Unsupported, "comparing what is no column"),
        ("i = 1 + 1", Unsupported, "the operator + where a literal must stand"),
        ("lower(s) = 'a'", Unsupported, "comparing what is no column"),
        ("i IN (SELECT 1)", Unsupported, "a subquery"),
        ("s ILIKE 'a'", Unsupported, "ILIKE"),
        ("i IS DISTINCT FROM 1", Unsupported, "IS DISTINCT FROM"),
        ("a.i = 1", Unsupported, "a name with dots"),
        ("s || 'a' = 'b'", Unsupported, "comparing what is no column"),
        ("i = CAST('1' AS INT)", Unsupported, "CAST"),
        ("i XOR 1", Unsupported, "the operator XOR"),
    ];
    for (text, kind, wanted) in cases {
        let error = parse_condition(text, &schema()).err().unwrap_or_else(|| panic!("{text} was taken"));
        assert!(error.to_string().contains(wanted), "{text}: {error}");
        assert_eq!(error.kind(), kind, "{text}: {error}");
    }
}

#[test]
fn deep_and_long_conditions_do_not_overflow_the_stack() {
    let chain = |count: usize| vec!["b"; count].join(" OR ");
    assert!(parse_condition(&chain(1000), &schema()).is_ok());
    assert!(parse_condition(&chain(100_000), &schema()).is_err());
    let list: Vec<String> = (0..20_000).map(|value| value.to_string()).collect();
    assert!(parse_condition(&format!("i IN ({})", list.join(",")), &schema()).is_ok());
    for deep in ["(".repeat(50_000), "NOT ".repeat(50_000), "-".repeat(50_000)] {
        assert!(parse_condition(&format!("{deep}b"), &schema()).is_err());
    }
    assert!(parse_condition(&format!("{}b{}", "(".repeat(20), ")".repeat(20)), &schema()).is_ok());
}

/// The answer of a predicate for a value of its one column.
fn answer(predicate: &Predicate, value: Option<&Datum>) -> Option<bool> {
    match predicate {
        Predicate::Compare { op, literal, .. } => {
            let order = datum::compare(value?, literal);
            Some(holds(*op, order))
        }
        Predicate::In { literals, has_null, .. } => {
            let value = value?;
            if literals.iter().any(|literal| datum::compare(value, literal).is_eq()) {
                return Some(true);
            }
            (!has_null).then_some(false)
        }
        Predicate::Not(inner) => answer(inner, value).map(|answer| !answer),
        other => panic!("{other:?}"),
    }
}

fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::LtEq => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::GtEq => order.is_ge(),
    }
}

const OPS: [(&str, CompareOp); 6] = [
    ("=", CompareOp::Eq),
    ("<>", CompareOp::NotEq),
    ("<", CompareOp::Lt),
    ("<=", CompareOp::LtEq),
    (">", CompareOp::Gt),
    (">=", CompareOp::GtEq),
];

proptest! {
    /// Literals in thousandths beside values in hundredths and in whole numbers: compared as integers.
    #[test]
    fn numbers_compare_exactly(value in -10_100_i64..10_100, literal in -13_000_000_i64..13_000_000, op in 0_usize..6, near in any::<bool>()) {
        let (text, op) = OPS[op];
        let tiny = (value % 128) as i8;
        let literal = if near { i64::from(tiny) * 1000 + literal % 3 } else { literal };
        let number = format!("{}{}.{:03}", if literal < 0 { "-" } else { "" }, literal.abs() / 1000, literal.abs() % 1000);
        let parse = |column: &str| parse_condition(&format!("{column} {text} {number}"), &schema()).unwrap();
        let wanted = holds(op, (i64::from(tiny) * 1000).cmp(&literal));
        prop_assert_eq!(answer(&parse("t"), Some(&Datum::TinyInt(tiny))), Some(wanted));
        let wanted = holds(op, (value * 10).cmp(&literal));
        prop_assert_eq!(answer(&parse("d"), Some(&Datum::Decimal(value.into()))), Some(wanted));
        prop_assert_eq!(answer(&parse("d"), None), None);
        prop_assert_eq!(answer(&parse("t"), None), None);
        let listed = parse_condition(&format!("t IN ({number}, 1)"), &schema()).unwrap();
        prop_assert_eq!(answer(&listed, Some(&Datum::TinyInt(tiny))), Some(i64::from(tiny) * 1000 == literal || tiny == 1));
    }

    #[test]
    fn no_text_makes_it_panic(text in "([a-z]{1,5}|[0-9.]{1,4}|[ =<>()',.+-]|NOT|AND|OR|IN|LIKE|BETWEEN|IS NULL|i|s|b|DATE|X){0,12}") {
        let _ = parse_condition(&text, &schema());
    }
}
