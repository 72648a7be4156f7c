//! [`Memory`] in SQL. Every statement names the tenant.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::Store;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::memory::{Membership, Memory, Recall, Remembered};
use crate::scim::ResourceKind;

impl Memory for Store {
    fn recall(&self, key: &ObjectKey) -> Recall<'_, Option<Remembered>> {
        let key = key.clone();
        self.read(move |db| recall(db, &key.tenant, key.kind, &key.id))
    }

    fn recall_page(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        ids: Vec<ScimId>,
    ) -> Recall<'_, Vec<Option<Remembered>>> {
        let tenant = tenant.clone();
        self.read(move |db| ids.iter().map(|id| recall(db, &tenant, kind, id)).collect())
    }

    fn remember(&self, key: &ObjectKey, remembered: Remembered) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(move |db| remember(db, &key, &remembered))
    }

    fn forget(&self, key: &ObjectKey) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(move |db| forget(db, &key))
    }

    /// Ids that are all there already cost a read; only a new one waits for a commit.
    fn issue_ids(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        natives: Vec<NativeId>,
    ) -> Recall<'_, Vec<ScimId>> {
        let tenant = tenant.clone();
        Box::pin(async move {
            let (of, asked) = (tenant.clone(), natives.clone());
            let known: Option<Vec<ScimId>> = self
                .read(move |db| asked.iter().map(|n| issued(db, &of, kind, n)).collect())
                .await?;
            match known {
                Some(ids) => Ok(ids),
                None => {
                    self.write(move |db| {
                        natives
                            .iter()
                            .map(|n| issue(db, &tenant, kind, n))
                            .collect()
                    })
                    .await
                }
            }
        })
    }

    fn native_id(&self, key: &ObjectKey) -> Recall<'_, Option<NativeId>> {
        let key = key.clone();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT native FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
            )?
            .query_row(
                params![key.tenant.as_str(), text(key.kind), key.id.as_str()],
                |row| Ok(NativeId::new(row.get_ref(0)?.as_str()?)),
            )
            .optional()
        })
    }

    /// An id that was never issued stays unknown. A native key that already
    /// had another id (the renamed object was listed before we learnt of its
    /// renaming) leaves that id without an object.
    fn rebind(&self, key: &ObjectKey, native: NativeId) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(move |db| rebind(db, &key, &native))
    }

    fn settle(&self, key: &ObjectKey, becoming: NativeId) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(move |db| {
            let held = recall(db, &key.tenant, key.kind, &key.id)?.unwrap_or_default();
            if held.becoming.as_deref() != Some(becoming.as_str()) {
                return Ok(());
            }
            rebind(db, &key, &becoming)?;
            let settled = Remembered {
                becoming: None,
                ..held
            };
            remember(db, &key, &settled)
        })
    }

    fn members(&self, group: &ObjectKey) -> Recall<'_, Vec<ScimId>> {
        let group = group.clone();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT member FROM membership
                 WHERE tenant = ?1 AND group_id = ?2 ORDER BY joined",
            )?
            .query_map(params![group.tenant.as_str(), group.id.as_str()], |row| {
                Ok(ScimId::new(row.get_ref(0)?.as_str()?))
            })?
            .collect()
        })
    }

    fn memberships(&self, tenant: &TenantId, member: &ScimId) -> Recall<'_, Vec<Membership>> {
        let (tenant, member) = (tenant.clone(), member.clone());
        self.read(move |db| {
            db.prepare_cached(
                "SELECT group_id, joined FROM membership
                 WHERE tenant = ?1 AND member = ?2 ORDER BY joined",
            )?
            .query_map(params![tenant.as_str(), member.as_str()], |row| {
                Ok(Membership {
                    group: ScimId::new(row.get_ref(0)?.as_str()?),
                    order: row.get(1)?,
                })
            })?
            .collect()
        })
    }

    fn add_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        let group = group.clone();
        self.write(move |db| {
            each_member(
                db,
                &group,
                &members,
                "INSERT INTO membership (tenant, group_id, member, joined)
                 VALUES (?1, ?2, ?3, 1 + coalesce(
                     (SELECT max(joined) FROM membership WHERE tenant = ?1), 0))
                 ON CONFLICT (tenant, group_id, member) DO NOTHING",
            )
        })
    }

    fn remove_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        let group = group.clone();
        self.write(move |db| {
            each_member(
                db,
                &group,
                &members,
                "DELETE FROM membership WHERE tenant = ?1 AND group_id = ?2 AND member = ?3",
            )
        })
    }
}

fn recall(
    db: &Connection,
    tenant: &TenantId,
    kind: ResourceKind,
    id: &ScimId,
) -> rusqlite::Result<Option<Remembered>> {
    db.prepare_cached(
        "SELECT document FROM remembered WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
    )?
    .query_row(params![tenant.as_str(), text(kind), id.as_str()], |row| {
        serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
        })
    })
    .optional()
}

fn remember(db: &Connection, key: &ObjectKey, remembered: &Remembered) -> rusqlite::Result<()> {
    if remembered.is_empty() {
        return delete(
            db,
            "DELETE FROM remembered WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
            key,
        );
    }
    let document = serde_json::to_string(remembered)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    db.prepare_cached(
        "INSERT INTO remembered (tenant, kind, id, document) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, kind, id) DO UPDATE SET document = excluded.document",
    )?
    .execute(params![
        key.tenant.as_str(),
        text(key.kind),
        key.id.as_str(),
        document
    ])
    .map(drop)
}

fn rebind(db: &Connection, key: &ObjectKey, native: &NativeId) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE OR REPLACE issued_id SET native = ?4
         WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
    )?
    .execute(params![
        key.tenant.as_str(),
        text(key.kind),
        key.id.as_str(),
        native.as_str()
    ])
    .map(drop)
}

/// A user's memberships are those it has, a group's those it gives: vendors
/// number users and groups apart, so that the user `7` may sit in a group
/// while the group `7` goes.
fn forget(db: &Connection, key: &ObjectKey) -> rusqlite::Result<()> {
    delete(
        db,
        "DELETE FROM remembered WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
        key,
    )?;
    delete(
        db,
        "DELETE FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
        key,
    )?;
    let side = match key.kind {
        ResourceKind::User => "DELETE FROM membership WHERE tenant = ?1 AND member = ?2",
        ResourceKind::Group => "DELETE FROM membership WHERE tenant = ?1 AND group_id = ?2",
    };
    db.prepare_cached(side)?
        .execute(params![key.tenant.as_str(), key.id.as_str()])
        .map(drop)
}

fn delete(db: &Connection, sql: &str, key: &ObjectKey) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?
        .execute(params![
            key.tenant.as_str(),
            text(key.kind),
            key.id.as_str()
        ])
        .map(drop)
}

fn issued(
    db: &Connection,
    tenant: &TenantId,
    kind: ResourceKind,
    native: &NativeId,
) -> rusqlite::Result<Option<ScimId>> {
    db.prepare_cached("SELECT id FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND native = ?3")?
        .query_row(
            params![tenant.as_str(), text(kind), native.as_str()],
            |row| Ok(ScimId::new(row.get_ref(0)?.as_str()?)),
        )
        .optional()
}

fn issue(
    db: &Connection,
    tenant: &TenantId,
    kind: ResourceKind,
    native: &NativeId,
) -> rusqlite::Result<ScimId> {
    if let Some(id) = issued(db, tenant, kind, native)? {
        return Ok(id);
    }
    let id = ScimId::new(&Uuid::new_v4().to_string());
    db.prepare_cached("INSERT INTO issued_id (tenant, kind, id, native) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            tenant.as_str(),
            text(kind),
            id.as_str(),
            native.as_str()
        ])?;
    Ok(id)
}

fn each_member(
    db: &Connection,
    group: &ObjectKey,
    members: &[ScimId],
    sql: &str,
) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(sql)?;
    members.iter().try_for_each(|member| {
        statement
            .execute(params![
                group.tenant.as_str(),
                group.id.as_str(),
                member.as_str()
            ])
            .map(drop)
    })
}

/// How the tables write a kind.
fn text(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    }
}
