//! Which tables of a catalog.
//!
//! Goes in: names, or databases with patterns over the names of their tables. Comes out: the tables that are there now. A pattern has
//! `*` for any characters; a table is in when an including pattern has it, or there is none, and no excluding one has it.

use alluvium_format::Result;
use alluvium_store::FileSystemCatalog;

/// Which tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetScope {
    /// These, `database.table` each.
    Tables(Vec<String>),
    /// Those of databases, at any time.
    Databases {
        /// The databases; none stands for all there are.
        databases: Vec<String>,
        /// Patterns of which a name must fit one, when there are any.
        including: Vec<String>,
        /// Patterns of which a name must fit none.
        excluding: Vec<String>,
    },
}

impl FleetScope {
    /// The names of the tables that are there.
    pub(super) async fn tables(&self, catalog: &FileSystemCatalog) -> Result<Vec<String>> {
        let (databases, including, excluding) = match self {
            Self::Tables(tables) => return Ok(tables.clone()),
            Self::Databases { databases, including, excluding } => (databases, including, excluding),
        };
        let databases = if databases.is_empty() { catalog.list_databases().await? } else { databases.clone() };
        let mut tables = Vec::new();
        for database in databases {
            let names = catalog.list_tables(&database).await?.into_iter();
            let names =
                names.filter(|name| including.is_empty() || including.iter().any(|pattern| fits(pattern, name)));
            let names = names.filter(|name| !excluding.iter().any(|pattern| fits(pattern, name)));
            tables.extend(names.map(|name| format!("{database}.{name}")));
        }
        Ok(tables)
    }
}

/// Whether a name fits a pattern.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    let mut rest = rest;
    for part in middle {
        // The first place leaves the most for the parts that follow.
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("orders", "orders", true),
            ("orders", "orders_2", false),
            ("orders*", "orders_2", true),
            ("*", "", true),
            ("*_2", "orders_2", true),
            ("*_2", "orders_23", false),
            ("o*r*s", "orders", true),
            ("o*x*s", "orders", false),
            ("a*a", "a", false),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "ab", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern:?} {name:?}");
        }
    }
}
