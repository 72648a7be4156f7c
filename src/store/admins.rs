//! [`GrantBook`] of administrators and [`AuditBook`] in SQL.

use jiff::Timestamp;
use rusqlite::params;

use super::Store;
use super::lane::Turn;
use super::sql::{Result, Row};
use super::tokens::{damaged, time};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;
use crate::tenant::audit::{AuditBook, Deed};
use crate::tenant::token::admin::{Actor, AdminName};
use crate::tenant::token::grants::{GrantBook, GrantRecord};
use crate::tenant::token::{KeyId, TokenDigest};

impl GrantBook<Actor> for Store {
    fn find_grant(&self, key_id: &KeyId) -> Recall<'_, Option<GrantRecord<Actor>>> {
        let key_id = key_id.clone();
        self.read(move |db| {
            db.row(
                "SELECT key_id, name, role, digest, created, revoked
                 FROM admin_token WHERE key_id = ?1",
                params![key_id.as_str()],
                record,
            )
        })
    }

    fn insert_grant(&self, record: GrantRecord<Actor>) -> Recall<'_, bool> {
        self.write(Turn::Any, move |db| {
            db.execute(
                "INSERT INTO admin_token (key_id, name, role, digest, created, revoked)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                params![
                    record.key_id.as_str(),
                    record.grant.name.as_str(),
                    record.grant.role.as_str(),
                    record.digest.as_bytes(),
                    record.created.as_millisecond(),
                    record.revoked.map(Timestamp::as_millisecond),
                ],
            )
            .map(|inserted| inserted == 1)
        })
    }

    fn revoke_grant(&self, key_id: &KeyId, at: Timestamp) -> Recall<'_, bool> {
        let key_id = key_id.clone();
        self.write(Turn::Any, move |db| {
            db.execute(
                "UPDATE admin_token SET revoked = coalesce(revoked, ?2) WHERE key_id = ?1",
                params![key_id.as_str(), at.as_millisecond()],
            )
            .map(|changed| changed == 1)
        })
    }

    fn list_grants(&self) -> Recall<'_, Vec<GrantRecord<Actor>>> {
        self.read(|db| {
            db.rows(
                "SELECT key_id, name, role, digest, created, revoked
                 FROM admin_token ORDER BY created, key_id",
                &[],
                record,
            )
        })
    }
}

impl AuditBook for Store {
    fn record(&self, deed: Deed) -> Recall<'_, ()> {
        self.write(Turn::Any, move |db| {
            db.execute(
                "INSERT INTO deed
                 (at, actor, what, tenant, subject, outcome, before, after, request_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    deed.at.as_millisecond(),
                    deed.actor,
                    deed.what,
                    deed.tenant.as_ref().map(TenantId::as_str),
                    deed.subject,
                    deed.outcome,
                    deed.before,
                    deed.after,
                    deed.request_id,
                ],
            )
            .map(|_| ())
        })
    }

    fn deeds(&self, most: u32) -> Recall<'_, Vec<Deed>> {
        self.read(move |db| {
            db.rows(
                "SELECT at, actor, what, tenant, subject, outcome, before, after, request_id
                 FROM deed ORDER BY number DESC LIMIT ?1",
                params![most],
                deed,
            )
        })
    }
}

fn record(row: &Row<'_>) -> Result<GrantRecord<Actor>> {
    let key_id = KeyId::parse(row.text(0)?);
    let name = AdminName::parse(row.text(1)?);
    let role = row.text(2)?.parse();
    Ok(GrantRecord {
        key_id: key_id.ok_or_else(|| damaged("key id"))?,
        grant: Actor {
            name: name.ok_or_else(|| damaged("name"))?,
            role: role.map_err(|_| damaged("role"))?,
        },
        digest: TokenDigest::from_bytes(row.get(3)?),
        created: time(row, 4)?.ok_or_else(|| damaged("time"))?,
        revoked: time(row, 5)?,
    })
}

fn deed(row: &Row<'_>) -> Result<Deed> {
    let tenant: Option<String> = row.get(3)?;
    Ok(Deed {
        at: time(row, 0)?.ok_or_else(|| damaged("time"))?,
        actor: row.get(1)?,
        what: row.get(2)?,
        tenant: tenant.and_then(|name| TenantId::parse(&name)),
        subject: row.get(4)?,
        outcome: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
        request_id: row.get(8)?,
    })
}
