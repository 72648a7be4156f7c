//! [`TokenBook`] in SQL.

use jiff::Timestamp;
use rusqlite::params;
use rusqlite::types::Value;

use super::Store;
use super::lane::Turn;
use super::sql::{Db, Error, Result, Row};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;
use crate::tenant::token::{
    BookFault, KeyId, LIVE_TOKENS, TokenBook, TokenDigest, TokenKind, TokenRecord,
};

/// Whether there is any token, a tenant's or an administrator's.
pub(super) fn any(db: &Db<'_>) -> Result<bool> {
    let any = "SELECT 1 FROM token UNION ALL SELECT 1 FROM admin_token
               UNION ALL SELECT 1 FROM onboarding_token LIMIT 1";
    Ok(db.row(any, &[], |_| Ok(()))?.is_some())
}

impl TokenBook for Store {
    fn key_ids(&self) -> Recall<'_, Vec<KeyId>> {
        self.read(|db| db.rows("SELECT key_id FROM token", &[], key_id))
    }

    fn find(&self, key_id: &KeyId) -> Recall<'_, Option<TokenRecord>> {
        let key_id = key_id.clone();
        self.read(move |db| {
            db.row(
                "SELECT tenant, key_id, digest, created, expires, revoked, kind, used, pepper
                 FROM token WHERE key_id = ?1",
                params![key_id.as_str()],
                record,
            )
        })
    }

    fn insert(&self, record: TokenRecord) -> Recall<'_, std::result::Result<(), BookFault>> {
        self.write(Turn::of(&record.tenant), move |db| {
            if live(db, &record)? >= LIVE_TOKENS {
                return Ok(Err(BookFault::TooMany(record.tenant)));
            }
            let inserted = insert(db, &record)?;
            Ok(inserted
                .then_some(())
                .ok_or(BookFault::Taken(record.key_id)))
        })
    }

    fn revoke(&self, tenant: &TenantId, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool> {
        let (of, key_id) = (tenant.clone(), key_id.clone());
        self.write(Turn::of(tenant), move |db| {
            let changed = db.execute(
                "UPDATE token SET revoked = coalesce(revoked, ?3)
                 WHERE tenant = ?1 AND key_id = ?2",
                params![of.as_str(), key_id.as_str(), at.as_millisecond()],
            )?;
            Ok(changed == 1)
        })
    }

    fn note_uses(&self, uses: Vec<(KeyId, Timestamp)>) -> Recall<'_, ()> {
        // Several gateways may note the same ones: in one order, so that none waits for another
        // that waits for it.
        let uses = std::collections::BTreeMap::from_iter(uses);
        let rows = uses.into_iter().map(|(key, at)| {
            let key = Value::from(key.as_str().to_owned());
            vec![key, Value::from(at.as_millisecond())]
        });
        let rows: Vec<_> = rows.collect();
        self.write(Turn::Any, move |db| {
            db.execute_each(
                "UPDATE token SET used = ?2 WHERE key_id = ?1 AND (used IS NULL OR used < ?2)",
                &rows,
            )
            .map(drop)
        })
    }

    fn revoked_secrets(&self, since: Timestamp) -> Recall<'_, Vec<KeyId>> {
        self.read(move |db| {
            db.rows(
                "SELECT key_id FROM token WHERE revoked >= ?1 AND kind = 'client_secret'",
                params![since.as_millisecond()],
                key_id,
            )
        })
    }

    fn list(&self, tenant: &TenantId) -> Recall<'_, Vec<TokenRecord>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            db.rows(
                "SELECT tenant, key_id, digest, created, expires, revoked, kind, used, pepper
                 FROM token WHERE tenant = ?1 ORDER BY created, key_id",
                params![tenant.as_str()],
                record,
            )
        })
    }
}

/// How many of the record's tenant and kind work when it is made.
fn live(db: &Db<'_>, record: &TokenRecord) -> Result<u32> {
    let count = db.row(
        "SELECT count(*) FROM token
         WHERE tenant = ?1 AND kind = ?2 AND revoked IS NULL AND (expires IS NULL OR expires > ?3)",
        params![
            record.tenant.as_str(),
            record.kind.as_str(),
            record.created.as_millisecond()
        ],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or_default())
}

/// Whether the key id was free.
fn insert(db: &Db<'_>, record: &TokenRecord) -> Result<bool> {
    let inserted = db.execute(
        "INSERT INTO token (tenant, key_id, digest, created, expires, revoked, kind, pepper)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        params![
            record.tenant.as_str(),
            record.key_id.as_str(),
            record.digest.as_bytes(),
            record.created.as_millisecond(),
            record.expires.map(Timestamp::as_millisecond),
            record.revoked.map(Timestamp::as_millisecond),
            record.kind.as_str(),
            record.pepper.as_deref(),
        ],
    )?;
    Ok(inserted == 1)
}

fn record(row: &Row<'_>) -> Result<TokenRecord> {
    let tenant = TenantId::parse(row.text(0)?);
    let key_id = KeyId::parse(row.text(1)?);
    let mut kinds = [TokenKind::Tenant, TokenKind::ClientSecret].into_iter();
    let written = row.text(6)?;
    let kind = kinds.find(|kind| kind.as_str() == written);
    Ok(TokenRecord {
        tenant: tenant.ok_or_else(|| damaged("tenant"))?,
        key_id: key_id.ok_or_else(|| damaged("key id"))?,
        kind: kind.ok_or_else(|| damaged("kind"))?,
        digest: TokenDigest::from_bytes(row.get(2)?),
        created: time(row, 3)?.ok_or_else(|| damaged("time"))?,
        expires: time(row, 4)?,
        revoked: time(row, 5)?,
        used: time(row, 7)?,
        pepper: row.get(8)?,
    })
}

fn key_id(row: &Row<'_>) -> Result<KeyId> {
    KeyId::parse(row.text(0)?).ok_or_else(|| damaged("key id"))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    let millisecond: Option<i64> = row.get(column)?;
    millisecond
        .map(|at| Timestamp::from_millisecond(at).map_err(|_| damaged("time")))
        .transpose()
}

pub(super) fn damaged(what: &str) -> Error {
    Error::Damaged(what.to_owned())
}
