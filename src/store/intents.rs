//! Intents, recent writes, and whether anything can be written at all.

use rusqlite::params;

use super::Store;
use super::lane::Turn;
use super::memory::{document_of, text};
use super::sql::{Db, Error, Result, Row};
use crate::adapter::keys::TenantId;
use crate::provisioning::intent::Intent;
use crate::provisioning::memory::{MemoryError, Recall};
use crate::provisioning::recent::RecentWrite;

impl Store {
    pub(super) fn read_intents(&self, tenant: &TenantId) -> Recall<'_, Vec<Intent>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            let mut intents: Vec<Intent> = db.rows(
                "SELECT document FROM intent WHERE tenant = ?1",
                params![tenant.as_str()],
                parsed,
            )?;
            intents.sort_by_key(|intent| intent.at);
            Ok(intents)
        })
    }

    /// The tenants that have any.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn tenants_with_intents(&self) -> Recall<'_, Vec<TenantId>> {
        self.read(|db| {
            let sql = "SELECT DISTINCT tenant FROM intent";
            let found = db.rows(sql, &[], |row| Ok(TenantId::parse(row.text(0)?)))?;
            Ok(found.into_iter().flatten().collect())
        })
    }

    pub(super) fn write_intent(
        &self,
        tenant: &TenantId,
        intent: Intent,
        ended: Vec<String>,
    ) -> Recall<'_, ()> {
        let of = tenant.clone();
        self.write(Turn::of(tenant), move |db| {
            end(db, &of, &ended)?;
            db.execute(
                "INSERT INTO intent (tenant, kind, id, document) VALUES (?1, ?2, ?3, ?4)",
                params![
                    of.as_str(),
                    text(intent.kind),
                    intent.id,
                    document_of(&intent)?
                ],
            )
            .map(drop)
        })
    }

    pub(super) fn rewrite_intent(&self, tenant: &TenantId, intent: Intent) -> Recall<'_, ()> {
        let of = tenant.clone();
        self.write(Turn::of(tenant), move |db| {
            db.execute(
                "UPDATE intent SET document = ?3 WHERE tenant = ?1 AND id = ?2",
                params![of.as_str(), intent.id, document_of(&intent)?],
            )
            .map(drop)
        })
    }

    pub(super) fn delete_intents(&self, tenant: &TenantId, ended: Vec<String>) -> Recall<'_, ()> {
        let of = tenant.clone();
        self.write(Turn::of(tenant), move |db| end(db, &of, &ended))
    }

    pub(super) fn read_recent(
        &self,
        tenant: &TenantId,
        since: u64,
    ) -> Recall<'_, Vec<RecentWrite>> {
        let tenant = tenant.clone();
        let since = i64::try_from(since).unwrap_or(i64::MAX);
        self.read(move |db| {
            let mut writes: Vec<RecentWrite> = db.rows(
                "SELECT document FROM recent_write WHERE tenant = ?1 AND until >= ?2",
                params![tenant.as_str(), since],
                parsed,
            )?;
            writes.sort_by_key(|write| write.until);
            Ok(writes)
        })
    }

    pub(super) fn write_recent(&self, tenant: &TenantId, write: RecentWrite) -> Recall<'_, ()> {
        let of = tenant.clone();
        self.write(Turn::of(tenant), move |db| {
            let now = i64::try_from(crate::provisioning::process::now()).unwrap_or(i64::MAX);
            let until = i64::try_from(write.until).unwrap_or(i64::MAX);
            db.execute(
                "DELETE FROM recent_write WHERE tenant = ?1 AND until < ?2",
                params![of.as_str(), now],
            )?;
            db.execute(
                "INSERT INTO recent_write (tenant, kind, native, document, until)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (tenant, kind, native)
                 DO UPDATE SET document = excluded.document, until = excluded.until",
                params![
                    of.as_str(),
                    text(write.kind),
                    write.native.as_str(),
                    document_of(&write)?,
                    until
                ],
            )
            .map(drop)
        })
    }

    /// Whether the last attempt to write succeeded.
    pub fn is_writable(&self) -> bool {
        self.commits.is_good()
    }

    /// Proves that writes can be committed: by one of the last second, or by one now.
    ///
    /// # Errors
    /// What keeps the store from being written.
    pub async fn writable(&self) -> std::result::Result<(), MemoryError> {
        if self.commits.is_fresh() && self.lease.is_valid() {
            return Ok(());
        }
        self.write(Turn::Any, |db| {
            db.execute(
                "INSERT INTO heartbeat (one, beats) VALUES (1, 1)
                 ON CONFLICT (one) DO UPDATE SET beats = heartbeat.beats + 1",
                &[],
            )
            .map(drop)
        })
        .await
    }
}

fn end(db: &Db<'_>, tenant: &TenantId, ended: &[String]) -> Result<()> {
    for id in ended {
        db.execute(
            "DELETE FROM intent WHERE tenant = ?1 AND id = ?2",
            params![tenant.as_str(), id],
        )?;
    }
    Ok(())
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row<'_>) -> Result<T> {
    serde_json::from_str(row.text(0)?).map_err(|_| Error::Damaged("document".to_owned()))
}
