#![doc = include_str!("../key_value_file.md")]

/// The id of `_KEY_<column>` is this plus the column's id.
pub const KEY_FIELD_ID_START: i32 = 1_073_741_823;
/// What names of key columns in data files begin with.
pub const KEY_FIELD_PREFIX: &str = "_KEY_";
/// The column of sequence numbers in data files.
pub const SEQUENCE_NUMBER: &str = "_SEQUENCE_NUMBER";
/// Its field id.
pub const SEQUENCE_NUMBER_ID: i32 = 2_147_483_646;
/// The column of row kinds in data files.
pub const VALUE_KIND: &str = "_VALUE_KIND";
/// Its field id.
pub const VALUE_KIND_ID: i32 = 2_147_483_645;
