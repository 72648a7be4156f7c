//! The tables, as numbered SQL files that are applied once each, in order.

use rusqlite::{Connection, TransactionBehavior};

use super::fault;
use crate::provisioning::memory::MemoryError;

/// The file at index `n` leads from version `n` to `n + 1`. A released file is
/// never edited: a change is a new file.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/sqlite/0001_what_a_vendor_cannot_hold.sql"),
    include_str!("../migrations/sqlite/0002_provisioning_log.sql"),
    include_str!("../migrations/sqlite/0003_administration.sql"),
    include_str!("../migrations/sqlite/0004_intents.sql"),
    include_str!("../migrations/sqlite/0005_log_indexes.sql"),
    include_str!("../migrations/sqlite/0006_client_secrets.sql"),
    include_str!("../migrations/sqlite/0007_tenants.sql"),
    include_str!("../migrations/sqlite/0008_peppers.sql"),
    include_str!("../migrations/sqlite/0009_log_indexes.sql"),
    include_str!("../migrations/sqlite/0010_batches.sql"),
];

/// Brings the database to this program's version, all steps or none.
///
/// # Errors
/// The database is newer than this program, or cannot be written.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), MemoryError> {
    migrate_with(connection, MIGRATIONS)
}

fn migrate_with(connection: &mut Connection, files: &[&str]) -> Result<(), MemoryError> {
    // The version is read inside the write lock: two processes may start at once.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault::unavailable)?;
    let found = transaction
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map(isize::cast_unsigned)
        .map_err(fault::unavailable)?;
    let Some(missing) = files.get(found..) else {
        return Err(newer(found, files.len()));
    };
    if missing.is_empty() {
        return Ok(());
    }
    missing
        .iter()
        .try_for_each(|file| transaction.execute_batch(file))
        .and_then(|()| transaction.pragma_update(None, "user_version", files.len().cast_signed()))
        .and_then(|()| transaction.commit())
        .map_err(fault::unavailable)
}

fn newer(found: usize, known: usize) -> MemoryError {
    MemoryError(format!(
        "the database has schema version {found}, this program knows {known}; \
         start the newer program again, or restore the backup from before the upgrade"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> isize {
        connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn applies_only_what_is_missing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x) STRICT, WITHOUT ROWID";
        let files = ["CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER)"];
        assert!(migrate_with(&mut connection, &[first]).is_err());
        assert_eq!(version(&connection), 0);
        migrate_with(&mut connection, &files[..1]).unwrap();
        assert_eq!(version(&connection), 1);
        migrate_with(&mut connection, &files).unwrap();
        migrate_with(&mut connection, &files).unwrap();
        assert_eq!(version(&connection), 2);
    }

    #[test]
    fn a_broken_step_undoes_the_steps_before_it() {
        let mut connection = Connection::open_in_memory().unwrap();
        let files = ["CREATE TABLE a (x INTEGER)", "CREATE TABLE a (x INTEGER)"];
        assert!(migrate_with(&mut connection, &files).is_err());
        assert_eq!(version(&connection), 0);
        assert!(connection.execute("INSERT INTO a VALUES (1)", []).is_err());
    }

    #[test]
    fn a_newer_database_is_refused_with_the_way_out() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .pragma_update(None, "user_version", MIGRATIONS.len().cast_signed() + 1)
            .unwrap();
        let error = migrate(&mut connection).unwrap_err().to_string();
        assert!(error.contains("start the newer program again"), "{error}");
    }

    /// Each costs every row of the log a page, and the two by tenant and by time grow at their ends.
    #[test]
    fn the_log_has_three_indexes() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let sql = "SELECT count(*) FROM pragma_index_list('event')";
        let indexes: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(indexes, 3);
    }

    /// Administration belongs to no tenant; an event's place is its turn among those of all.
    const OF_NO_TENANT: [&str; 5] = [
        "admin_token",
        "deed",
        "event",
        "heartbeat",
        "onboarding_token",
    ];

    #[test]
    fn every_primary_key_begins_with_the_tenant() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let mut others: Vec<String> = connection
            .prepare(
                "SELECT t.name FROM pragma_table_list AS t
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND NOT EXISTS (
                     SELECT 1 FROM pragma_table_info(t.name) AS c
                     WHERE c.pk = 1 AND c.name = 'tenant')",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        others.sort();
        assert_eq!(others, OF_NO_TENANT);
    }
}
