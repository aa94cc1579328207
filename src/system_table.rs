//! The system tables of a table, by name: `database.table$audit_log`.

use alluvium_reader::ChangeLog;

/// A system table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemTable {
    /// `$audit_log` or `$binlog`: the changes of the table as rows ([`crate::Read::shown_as`], [`crate::TableTail::shown_as`]).
    ChangeLog(ChangeLog),
    /// `$consumers`: who streams the table ([`crate::Table::consumers_table`]).
    Consumers,
}

impl SystemTable {
    /// Every one, by what stands behind the `$`.
    const NAMES: [(&str, Self); 3] = [
        ("audit_log", Self::ChangeLog(ChangeLog::AuditLog)),
        ("binlog", Self::ChangeLog(ChangeLog::Binlog)),
        ("consumers", Self::Consumers),
    ];

    /// The name of the table, or of its branch, and which of its system tables `name` is, if it is one.
    pub fn of_name(name: &str) -> (&str, Option<Self>) {
        let of_suffix = |suffix: &str| Self::NAMES.iter().find(|(known, _)| *known == suffix).map(|(_, table)| *table);
        let found = name.rsplit_once('$').and_then(|(table, suffix)| Some((table, of_suffix(suffix)?)));
        found.map_or((name, None), |(table, system)| (table, Some(system)))
    }
}

#[cfg(test)]
mod tests {
    use alluvium_reader::ChangeLog;

    use super::SystemTable;

    #[test]
    fn names_of_system_tables_are_those_of_their_table_and_a_suffix() {
        let audit_log = Some(SystemTable::ChangeLog(ChangeLog::AuditLog));
        assert_eq!(SystemTable::of_name("db.t$audit_log"), ("db.t", audit_log));
        assert_eq!(SystemTable::of_name("db.t$branch_b$audit_log"), ("db.t$branch_b", audit_log));
        assert_eq!(SystemTable::of_name("db.t$consumers"), ("db.t", Some(SystemTable::Consumers)));
        for other in ["db.t", "db.t$branch_b", "db.t$branch_binlog", "db.t$files", "db.audit_log"] {
            assert_eq!(SystemTable::of_name(other), (other, None));
        }
    }
}
