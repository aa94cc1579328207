//! Which types a column may be changed to.
//!
//! Goes in: two types. Comes out: whether Paimon takes the change, which it does where it allows the cast and has an executor for it.
//! Answers to `org.apache.paimon.types.DataTypeCasts` and to the predicates of the rules in `CastExecutors`.

use super::{DataType, TypeRoot};

/// Which casts are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastRules {
    /// Those that lose nothing, by and large: to wider types.
    Implicit,
    /// Those of SQL's CAST too.
    Explicit,
}

impl DataType {
    /// Whether a column of this type may become one of the type `to`.
    pub fn can_become(&self, to: &Self, rules: CastRules) -> bool {
        let nulls_allowed = !self.nullable || to.nullable || rules == CastRules::Explicit;
        nulls_allowed && (self.root == to.root || is_allowed(&self.root, &to.root, rules)) && has_executor(self, to)
    }
}

fn is_text(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::Char(_) | TypeRoot::VarChar(_))
}

fn is_binary(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::Binary(_) | TypeRoot::VarBinary(_))
}

fn is_integer(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::TinyInt | TypeRoot::SmallInt | TypeRoot::Int | TypeRoot::BigInt)
}

/// Of a whole number or a fraction, decimals aside.
fn is_primitive_number(root: &TypeRoot) -> bool {
    is_integer(root) || matches!(root, TypeRoot::Float | TypeRoot::Double)
}

fn is_number(root: &TypeRoot) -> bool {
    is_primitive_number(root) || matches!(root, TypeRoot::Decimal { .. })
}

fn is_timestamp(root: &TypeRoot) -> bool {
    matches!(root, TypeRoot::Timestamp(_) | TypeRoot::TimestampLtz(_))
}

fn is_moment(root: &TypeRoot) -> bool {
    is_timestamp(root) || matches!(root, TypeRoot::Date | TypeRoot::Time(_))
}

fn is_allowed(from: &TypeRoot, to: &TypeRoot, rules: CastRules) -> bool {
    let of_one_kind = std::mem::discriminant(from) == std::mem::discriminant(to);
    of_one_kind || is_implicit(from, to) || (rules == CastRules::Explicit && is_explicit(from, to))
}

fn is_implicit(from: &TypeRoot, to: &TypeRoot) -> bool {
    use TypeRoot as T;
    match to {
        T::VarChar(_) => is_text(from),
        T::VarBinary(_) => is_binary(from),
        T::Decimal { .. } | T::Double => is_number(from),
        T::SmallInt => matches!(from, T::TinyInt),
        T::Int => matches!(from, T::TinyInt | T::SmallInt),
        T::BigInt => matches!(from, T::TinyInt | T::SmallInt | T::Int),
        T::Float => is_integer(from) || matches!(from, T::Decimal { .. }),
        T::Date | T::Time(_) => matches!(from, T::Timestamp(_)),
        T::Timestamp(_) | T::TimestampLtz(_) => is_timestamp(from),
        _ => false,
    }
}

fn is_explicit(from: &TypeRoot, to: &TypeRoot) -> bool {
    use TypeRoot as T;
    match to {
        T::Char(_) | T::VarChar(_) => true,
        T::Boolean => is_text(from) || is_integer(from),
        T::Binary(_) | T::VarBinary(_) => is_text(from) || is_binary(from),
        to if is_number(to) => is_number(from) || is_text(from) || is_timestamp(from) || matches!(from, T::Boolean),
        T::Date | T::Time(_) => is_timestamp(from) || is_text(from),
        T::Timestamp(_) | T::TimestampLtz(_) => is_moment(from) || is_text(from) || is_number(from),
        _ => false,
    }
}

/// Whether there is code that casts. Moments become a nullable STRING only, as Java looks for that very type.
fn has_executor(from: &DataType, to: &DataType) -> bool {
    use TypeRoot as T;
    let is_nullable_string = to.nullable && to.root == T::VarChar(T::STRING_LENGTH);
    match (&from.root, &to.root) {
        (from, T::Char(_) | T::VarChar(_)) if is_moment(from) => is_nullable_string,
        (T::Array(_) | T::Map { .. } | T::Row(_) | T::Boolean, to) if is_text(to) => true,
        (from, to) if is_text(to) => is_number(from) || is_text(from) || is_binary(from),
        (from, to) if is_text(from) => is_number(to) || is_binary(to) || is_moment(to) || matches!(to, T::Boolean),
        (from, to) if is_number(from) && is_number(to) => true,
        (T::Boolean, to) => is_number(to),
        (from, T::Boolean) => is_integer(from),
        (from, to) if is_binary(from) => is_binary(to),
        (T::Int | T::BigInt | T::Date | T::Time(_), to) if is_timestamp(to) => true,
        (from, T::Int | T::BigInt | T::Date | T::Time(_)) => is_timestamp(from),
        (from, to) => is_timestamp(from) && is_timestamp(to),
    }
}

#[cfg(test)]
mod tests {
    use super::CastRules;
    use crate::data_type::DataType;

    fn becomes(from: &str, to: &str) -> &'static str {
        let (from, to) = (DataType::parse(from).unwrap(), DataType::parse(to).unwrap());
        match (from.can_become(&to, CastRules::Implicit), from.can_become(&to, CastRules::Explicit)) {
            (true, true) => "implicit",
            (false, true) => "explicit",
            (false, false) => "never",
            (true, false) => "implicit only",
        }
    }

    #[test]
    fn types_that_columns_may_be_changed_to() {
        for (from, to, wanted) in [
            ("INT", "BIGINT", "implicit"),
            ("BIGINT", "INT", "explicit"),
            ("INT", "INT", "implicit"),
            ("INT", "FLOAT", "implicit"),
            ("DOUBLE", "FLOAT", "explicit"),
            ("DECIMAL(10, 2)", "DECIMAL(5, 1)", "implicit"),
            ("DECIMAL(10, 2)", "TIMESTAMP(3)", "never"),
            ("BOOLEAN", "BOOLEAN", "never"),
            ("BOOLEAN", "DECIMAL(3, 1)", "explicit"),
            ("DOUBLE", "BOOLEAN", "never"),
            ("DATE", "DATE", "never"),
            ("DATE", "INT", "never"),
            ("DATE", "TIMESTAMP(6)", "explicit"),
            ("DATE", "STRING", "explicit"),
            ("DATE NOT NULL", "STRING NOT NULL", "never"),
            ("DATE", "VARCHAR(20)", "never"),
            ("TIMESTAMP(6)", "DATE", "implicit"),
            ("TIMESTAMP(6) WITH LOCAL TIME ZONE", "DATE", "explicit"),
            ("TIMESTAMP(6)", "TIMESTAMP(3) WITH LOCAL TIME ZONE", "implicit"),
            ("TIMESTAMP(6)", "BIGINT", "explicit"),
            ("TIMESTAMP(6)", "SMALLINT", "never"),
            ("SMALLINT", "TIMESTAMP(6)", "never"),
            ("STRING", "VARCHAR(3)", "implicit"),
            ("CHAR(3)", "STRING", "implicit"),
            ("STRING", "CHAR(3)", "explicit"),
            ("STRING", "DATE", "explicit"),
            ("STRING", "BYTES", "explicit"),
            ("BYTES", "STRING", "explicit"),
            ("BYTES", "INT", "never"),
            ("INT", "BYTES", "never"),
            ("INT ARRAY", "STRING", "explicit"),
            ("INT MULTISET", "STRING", "never"),
            ("STRING", "INT ARRAY", "never"),
            ("INT ARRAY", "BIGINT ARRAY", "never"),
            ("INT", "BIGINT NOT NULL", "explicit"),
        ] {
            assert_eq!(becomes(from, to), wanted, "{from} to {to}");
        }
    }
}
