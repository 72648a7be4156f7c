//! The tables, as numbered SQL files that are applied once each, in order.

use super::{Fault, Session, number};
use crate::provisioning::memory::MemoryError;
use rusqlite::types::Value;
use std::time::Duration;

/// The file at index `n` leads from version `n` to `n + 1`. A released file is never edited: a
/// change is a new file, beside one of the same number for SQLite. The release before must be able
/// to work on the new tables: it does, while replicas are replaced one by one.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/postgres/0001_what_a_vendor_cannot_hold.sql"),
    include_str!("../migrations/postgres/0002_provisioning_log.sql"),
    include_str!("../migrations/postgres/0003_administration.sql"),
    include_str!("../migrations/postgres/0004_intents.sql"),
    include_str!("../migrations/postgres/0005_leases.sql"),
    include_str!("../migrations/postgres/0006_client_secrets.sql"),
    include_str!("../migrations/postgres/0007_tenants.sql"),
    include_str!("../migrations/postgres/0008_peppers.sql"),
    include_str!("../migrations/postgres/0009_log_indexes.sql"),
    include_str!("../migrations/postgres/0010_batches.sql"),
];

/// How long each step of [`migrate`] may take, and the wait for another replica that migrates: an index over
/// a log of many gigabytes takes minutes.
pub(super) const PATIENCE: Duration = Duration::from_secs(3600);

/// Begins what [`migrate`] is to do. Replicas that start together come one after another.
pub(super) fn opening() -> String {
    let lock = number(&["migration"]);
    format!(
        "BEGIN; SET LOCAL lock_timeout TO 0; SET LOCAL statement_timeout TO 0; \
         SELECT pg_advisory_xact_lock({lock})"
    )
}

/// Brings the database to this program's version.
///
/// # Errors
/// The role may not create the schema, or the database is newer than this program and says that
/// this one cannot work on it.
pub(super) fn migrate(session: &Session) -> Result<(), MemoryError> {
    // The right to create schemas is needed only where there is none yet.
    let there = "SELECT 1::bigint FROM pg_namespace WHERE nspname = 'scimgate'";
    if one(session, there)?.is_none() {
        session.batch("CREATE SCHEMA scimgate")?;
    }
    session.batch("CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)")?;
    let found = one(session, "SELECT max(version) FROM schema_version")?.unwrap_or_default();
    let known = MIGRATIONS.len();
    let missing = usize::try_from(found)
        .ok()
        .and_then(|found| MIGRATIONS.get(found..));
    let Some(missing) = missing else {
        return Err(newer(found, known));
    };
    for file in missing {
        session.batch(file)?;
    }
    if !missing.is_empty() {
        session.batch(&format!("INSERT INTO schema_version VALUES ({known})"))?;
    }
    Ok(())
}

fn one(session: &Session, sql: &str) -> Result<Option<i64>, Fault> {
    let found = session.query(sql, &[Vec::new()])?;
    Ok(match found.into_iter().flatten().flatten().next() {
        Some(Value::Integer(number)) => Some(number),
        _ => None,
    })
}

fn newer(found: i64, known: usize) -> MemoryError {
    MemoryError(format!(
        "the database has schema version {found}, this program knows {known}; \
         start the newer program again, or restore the backup from before the upgrade"
    ))
}
