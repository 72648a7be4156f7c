//! [`TokenBook`] in SQL.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Row, params};

use super::{Store, fault};
use crate::adapter::keys::TenantId;
use crate::adapter::memory::{MemoryError, Recall};
use crate::tenant::token::{BookFault, KeyId, LIVE_TOKENS, TokenBook, TokenDigest, TokenRecord};

/// Whether there is any token, a tenant's or an administrator's.
pub(super) fn any(db: &Connection) -> Result<bool, MemoryError> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM token UNION ALL SELECT 1 FROM admin_token)",
        [],
        |row| row.get(0),
    )
    .map_err(fault::unavailable)
}

impl TokenBook for Store {
    fn find(&self, key_id: &KeyId) -> Recall<'_, Option<TokenRecord>> {
        let key_id = key_id.clone();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT tenant, key_id, digest, created, expires, revoked
                 FROM token WHERE key_id = ?1",
            )?
            .query_row([key_id.as_str()], record)
            .optional()
        })
    }

    fn insert(&self, record: TokenRecord) -> Recall<'_, Result<(), BookFault>> {
        self.write(move |db| {
            if live(db, &record.tenant, record.created)? >= LIVE_TOKENS {
                return Ok(Err(BookFault::TooMany(record.tenant)));
            }
            let inserted = insert(db, &record)?;
            Ok(inserted
                .then_some(())
                .ok_or(BookFault::Taken(record.key_id)))
        })
    }

    fn revoke(&self, tenant: &TenantId, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool> {
        let (tenant, key_id) = (tenant.clone(), key_id.clone());
        self.write(move |db| {
            db.prepare_cached(
                "UPDATE token SET revoked = coalesce(revoked, ?3)
                 WHERE tenant = ?1 AND key_id = ?2",
            )?
            .execute(params![
                tenant.as_str(),
                key_id.as_str(),
                at.as_millisecond()
            ])
            .map(|changed| changed == 1)
        })
    }

    fn list(&self, tenant: &TenantId) -> Recall<'_, Vec<TokenRecord>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT tenant, key_id, digest, created, expires, revoked
                 FROM token WHERE tenant = ?1 ORDER BY created, key_id",
            )?
            .query_map([tenant.as_str()], record)?
            .collect()
        })
    }
}

fn live(db: &Connection, tenant: &TenantId, now: Timestamp) -> rusqlite::Result<u32> {
    db.prepare_cached(
        "SELECT count(*) FROM token
         WHERE tenant = ?1 AND revoked IS NULL AND (expires IS NULL OR expires > ?2)",
    )?
    .query_row(params![tenant.as_str(), now.as_millisecond()], |row| {
        row.get(0)
    })
}

/// Whether the key id was free.
fn insert(db: &Connection, record: &TokenRecord) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "INSERT INTO token (tenant, key_id, digest, created, expires, revoked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        record.tenant.as_str(),
        record.key_id.as_str(),
        record.digest.as_bytes(),
        record.created.as_millisecond(),
        record.expires.map(Timestamp::as_millisecond),
        record.revoked.map(Timestamp::as_millisecond),
    ])
    .map(|inserted| inserted == 1)
}

fn record(row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    let tenant = TenantId::parse(row.get_ref(0)?.as_str()?);
    let key_id = KeyId::parse(row.get_ref(1)?.as_str()?);
    Ok(TokenRecord {
        tenant: tenant.ok_or_else(|| damaged(0, "tenant"))?,
        key_id: key_id.ok_or_else(|| damaged(1, "key id"))?,
        digest: TokenDigest::from_bytes(row.get(2)?),
        created: time(row, 3)?.ok_or_else(|| damaged(3, "time"))?,
        expires: time(row, 4)?,
        revoked: time(row, 5)?,
    })
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let millisecond: Option<i64> = row.get(column)?;
    millisecond
        .map(|at| Timestamp::from_millisecond(at).map_err(|_| damaged(column, "time")))
        .transpose()
}

pub(super) fn damaged(column: usize, what: &str) -> Error {
    let text = format!("a stored {what} is not one; the row was edited by hand");
    Error::FromSqlConversionFailure(column, Type::Text, text.into())
}
