//! [`Memory`] in SQL. Every statement names the tenant.

use rusqlite::params;
use rusqlite::types::Value;
use uuid::Uuid;

use super::Store;
use super::lane::Turn;
use super::sql::{Db, Error, Result, Row};
use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::remembered::Remembered;
use crate::provisioning::memory::{Membership, Memory, Recall};
use crate::scim::ResourceKind;

const RECALL: &str = "SELECT document FROM remembered WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
const ISSUED: &str = "SELECT id FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND native = ?3";

impl Memory for Store {
    fn recall(&self, key: &ObjectKey) -> Recall<'_, Option<Remembered>> {
        let key = key.clone();
        self.read(move |db| recall(db, &key))
    }

    fn recall_page(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        ids: Vec<ScimId>,
    ) -> Recall<'_, Vec<Option<Remembered>>> {
        let tenant = tenant.clone();
        self.read(move |db| {
            let asked = each(&tenant, text(kind), ids.iter().map(ScimId::as_str));
            db.row_each(RECALL, &asked, document)
        })
    }

    fn remember(&self, key: &ObjectKey, remembered: Remembered) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(Turn::of(&key.tenant), move |db| {
            remember(db, &key, &remembered)
        })
    }

    fn forget(&self, key: &ObjectKey) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(Turn::of(&key.tenant), move |db| forget(db, &key))
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
            let asked = each(&tenant, text(kind), natives.iter().map(NativeId::as_str));
            let known = self.read(move |db| db.row_each(ISSUED, &asked, |row| id(row, 0)));
            match known.await?.into_iter().collect() {
                Some(ids) => Ok(ids),
                None => {
                    self.write(Turn::of(&tenant), move |db| {
                        let issued = natives
                            .iter()
                            .map(|native| issue(db, &tenant, kind, native));
                        issued.collect()
                    })
                    .await
                }
            }
        })
    }

    fn native_id(&self, key: &ObjectKey) -> Recall<'_, Option<NativeId>> {
        let key = key.clone();
        self.read(move |db| {
            db.row(
                "SELECT native FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
                params![key.tenant.as_str(), text(key.kind), key.id.as_str()],
                |row| Ok(NativeId::new(row.text(0)?)),
            )
        })
    }

    /// An id that was never issued stays unknown. A native key that already
    /// had another id (the renamed object was listed before we learnt of its
    /// renaming) leaves that id without an object.
    fn rebind(&self, key: &ObjectKey, native: NativeId) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(Turn::of(&key.tenant), move |db| rebind(db, &key, &native))
    }

    fn settle(&self, key: &ObjectKey, becoming: NativeId) -> Recall<'_, ()> {
        let key = key.clone();
        self.write(Turn::of(&key.tenant), move |db| {
            let held = recall(db, &key)?.unwrap_or_default();
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
            db.rows(
                "SELECT member FROM membership
                 WHERE tenant = ?1 AND group_id = ?2 ORDER BY joined",
                params![group.tenant.as_str(), group.id.as_str()],
                |row| id(row, 0),
            )
        })
    }

    fn memberships(&self, tenant: &TenantId, member: &ScimId) -> Recall<'_, Vec<Membership>> {
        let (tenant, member) = (tenant.clone(), member.clone());
        self.read(move |db| {
            db.rows(
                "SELECT group_id, joined FROM membership
                 WHERE tenant = ?1 AND member = ?2 ORDER BY joined",
                params![tenant.as_str(), member.as_str()],
                |row| {
                    Ok(Membership {
                        group: id(row, 0)?,
                        order: row.get(1)?,
                    })
                },
            )
        })
    }

    fn add_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        self.each_member(
            group,
            &members,
            "INSERT INTO membership (tenant, group_id, member, joined)
             VALUES (?1, ?2, ?3, 1 + coalesce(
                 (SELECT max(joined) FROM membership WHERE tenant = ?1), 0))
             ON CONFLICT (tenant, group_id, member) DO NOTHING",
        )
    }

    fn remove_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        self.each_member(
            group,
            &members,
            "DELETE FROM membership WHERE tenant = ?1 AND group_id = ?2 AND member = ?3",
        )
    }
}

impl Store {
    fn each_member(
        &self,
        group: &ObjectKey,
        members: &[ScimId],
        sql: &'static str,
    ) -> Recall<'_, ()> {
        let members = members.iter().map(ScimId::as_str);
        let rows = each(&group.tenant, group.id.as_str(), members);
        self.write(Turn::of(&group.tenant), move |db| {
            db.execute_each(sql, &rows).map(drop)
        })
    }
}

fn recall(db: &Db<'_>, key: &ObjectKey) -> Result<Option<Remembered>> {
    db.row(
        RECALL,
        params![key.tenant.as_str(), text(key.kind), key.id.as_str()],
        document,
    )
}

fn document(row: &Row<'_>) -> Result<Remembered> {
    serde_json::from_str(row.text(0)?).map_err(|_| Error::Damaged("document".to_owned()))
}

fn id(row: &Row<'_>, column: usize) -> Result<ScimId> {
    Ok(ScimId::new(row.text(column)?))
}

fn remember(db: &Db<'_>, key: &ObjectKey, remembered: &Remembered) -> Result<()> {
    if remembered.is_empty() {
        return delete(
            db,
            "DELETE FROM remembered WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
            key,
        );
    }
    let document =
        serde_json::to_string(remembered).map_err(|error| Error::Unwritable(error.to_string()))?;
    db.execute(
        "INSERT INTO remembered (tenant, kind, id, document) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant, kind, id) DO UPDATE SET document = excluded.document",
        params![
            key.tenant.as_str(),
            text(key.kind),
            key.id.as_str(),
            document
        ],
    )
    .map(drop)
}

fn rebind(db: &Db<'_>, key: &ObjectKey, native: &NativeId) -> Result<()> {
    let values = params![
        key.tenant.as_str(),
        text(key.kind),
        key.id.as_str(),
        native.as_str()
    ];
    db.execute(
        "DELETE FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND id <> ?3 AND native = ?4
         AND EXISTS (SELECT 1 FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND id = ?3)",
        values,
    )?;
    db.execute(
        "UPDATE issued_id SET native = ?4 WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
        values,
    )
    .map(drop)
}

/// A user's memberships are those it has, a group's those it gives: vendors
/// number users and groups apart, so that the user `7` may sit in a group
/// while the group `7` goes.
fn forget(db: &Db<'_>, key: &ObjectKey) -> Result<()> {
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
    db.execute(side, params![key.tenant.as_str(), key.id.as_str()])
        .map(drop)
}

fn delete(db: &Db<'_>, sql: &str, key: &ObjectKey) -> Result<()> {
    let values = params![key.tenant.as_str(), text(key.kind), key.id.as_str()];
    db.execute(sql, values).map(drop)
}

fn issue(db: &Db<'_>, tenant: &TenantId, kind: ResourceKind, native: &NativeId) -> Result<ScimId> {
    let asked = params![tenant.as_str(), text(kind), native.as_str()];
    if let Some(id) = db.row(ISSUED, asked, |row| id(row, 0))? {
        return Ok(id);
    }
    let id = ScimId::new(&Uuid::new_v4().to_string());
    db.execute(
        "INSERT INTO issued_id (tenant, kind, id, native) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.as_str(), text(kind), id.as_str(), native.as_str()],
    )?;
    Ok(id)
}

/// `tenant`, `second` and each of `thirds`: the values of one statement for many.
fn each<'a>(
    tenant: &TenantId,
    second: &str,
    thirds: impl Iterator<Item = &'a str>,
) -> Vec<Vec<Value>> {
    let row = |third: &str| {
        [tenant.as_str(), second, third]
            .map(|it| it.to_owned().into())
            .to_vec()
    };
    thirds.map(row).collect()
}

/// How the tables write a kind.
fn text(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    }
}
