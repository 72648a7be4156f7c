//! [`Memory`] in SQL. Every statement names the tenant. What is [`known`](super::known) to have no
//! row is neither asked for nor removed.

use std::future::ready;
use std::sync::Arc;

use rusqlite::params;
use rusqlite::types::Value;
use uuid::Uuid;

use super::Store;
use super::known::{Coming, ISSUED_ID, Key, Known, MEMBERSHIP, Mark, REMEMBERED};
use super::lane::Turn;
use super::sql::{Db, Error, Result, Row};
use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::remembered::Remembered;
use crate::provisioning::intent::Intent;
use crate::provisioning::lease::Lease;
use crate::provisioning::memory::{Completion, Membership, Memory, MemoryError, Recall};
use crate::provisioning::recent::RecentWrite;
use crate::scim::ResourceKind;

const RECALL: &str = "SELECT document FROM remembered WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
const ISSUED: &str = "SELECT id FROM issued_id WHERE tenant = ?1 AND kind = ?2 AND native = ?3";

impl Memory for Store {
    fn lease(&self) -> Lease {
        self.lease.clone()
    }

    fn recall(&self, key: &ObjectKey) -> Recall<'_, Option<Remembered>> {
        if self.lacks(of(REMEMBERED, key)) {
            return at_once(None);
        }
        let key = key.clone();
        self.read(move |db| recall(db, &key))
    }

    fn recall_page(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        ids: Vec<ScimId>,
    ) -> Recall<'_, Vec<Option<Remembered>>> {
        let lacks = |id| self.lacks(row(REMEMBERED, tenant, kind, id));
        if ids.iter().all(lacks) {
            return at_once(vec![None; ids.len()]);
        }
        let tenant = tenant.clone();
        self.read(move |db| {
            let asked = each(&tenant, text(kind), ids.iter().map(ScimId::as_str));
            db.row_each(RECALL, &asked, document)
        })
    }

    fn remember(&self, key: &ObjectKey, remembered: Remembered) -> Recall<'_, ()> {
        let (row, is_empty) = (of(REMEMBERED, key), remembered.is_empty());
        if is_empty && self.lacks(row) {
            return at_once(());
        }
        let owned = key.clone();
        let work = move |db: &Db<'_>| remember(db, &owned, &remembered);
        match is_empty {
            true => self.removing(&key.tenant, &[row], work),
            false => self.adding(&key.tenant, &[row], work),
        }
    }

    fn forget(&self, key: &ObjectKey) -> Recall<'_, ()> {
        let rows = [of(REMEMBERED, key), of(ISSUED_ID, key), of(MEMBERSHIP, key)];
        if rows.iter().all(|row| self.lacks(*row)) {
            return at_once(());
        }
        let owned = key.clone();
        self.removing(&key.tenant, &rows, move |db| forget(db, &owned))
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
                None => self.issue(tenant, kind, natives).await,
            }
        })
    }

    fn native_id(&self, key: &ObjectKey) -> Recall<'_, Option<NativeId>> {
        if self.lacks(of(ISSUED_ID, key)) {
            return at_once(None);
        }
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
        if self.lacks(of(ISSUED_ID, key)) {
            return at_once(());
        }
        let key = key.clone();
        self.write(Turn::of(&key.tenant), move |db| rebind(db, &key, &native))
    }

    fn settle(&self, key: &ObjectKey, becoming: NativeId) -> Recall<'_, ()> {
        if self.lacks(of(REMEMBERED, key)) {
            return at_once(());
        }
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
        if self.lacks(of(MEMBERSHIP, group)) {
            return at_once(Vec::new());
        }
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
        if self.lacks(row(MEMBERSHIP, tenant, ResourceKind::User, member)) {
            return at_once(Vec::new());
        }
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
        let user = |member| row(MEMBERSHIP, &group.tenant, ResourceKind::User, member);
        let mut rows: Vec<Key<'_>> = members.iter().map(user).collect();
        rows.push(of(MEMBERSHIP, group));
        let values = members_of(group, &members);
        self.adding(&group.tenant, &rows, move |db| {
            db.execute_each(
                "INSERT INTO membership (tenant, group_id, member, joined)
                 VALUES (?1, ?2, ?3, 1 + coalesce(
                     (SELECT max(joined) FROM membership WHERE tenant = ?1), 0))
                 ON CONFLICT (tenant, group_id, member) DO NOTHING",
                &values,
            )
            .map(drop)
        })
    }

    fn remove_members(&self, group: &ObjectKey, members: Vec<ScimId>) -> Recall<'_, ()> {
        if self.lacks(of(MEMBERSHIP, group)) {
            return at_once(());
        }
        let values = members_of(group, &members);
        self.write(Turn::of(&group.tenant), move |db| {
            db.execute_each(
                "DELETE FROM membership WHERE tenant = ?1 AND group_id = ?2 AND member = ?3",
                &values,
            )
            .map(drop)
        })
    }

    fn issued_id(
        &self,
        tenant: &TenantId,
        kind: ResourceKind,
        native: &NativeId,
    ) -> Recall<'_, Option<ScimId>> {
        let (tenant, native) = (tenant.clone(), native.clone());
        self.read(move |db| issued(db, &tenant, kind, &native))
    }

    fn complete(&self, tenant: &TenantId, completion: Completion) -> Recall<'_, ScimId> {
        let owner = tenant.clone();
        if !completion.issued && completion.remembered.is_empty() {
            // Nothing to keep: what was kept of an earlier object of this key went before.
            return Box::pin(async move { Ok(ScimId::new(completion.native.as_str())) });
        }
        let known = self.known.clone();
        let work = move |db: &Db<'_>| {
            let key = complete(db, owner, &completion)?;
            // Nobody can ask for a new id before it is committed.
            let rows = [of(REMEMBERED, &key), of(ISSUED_ID, &key)];
            let coming = known.map(|known| known.coming(rows.into_iter()));
            Ok((key.id, coming))
        };
        let then = |(_, coming): &(_, Option<Coming>)| coming.iter().for_each(Coming::arrived);
        let completed = self.write_then(Turn::of(tenant), work, then);
        Box::pin(async move { completed.await.map(|(id, _)| id) })
    }

    fn ready_to_write(&self) -> Recall<'_, ()> {
        Box::pin(self.writable())
    }

    fn intents(&self, tenant: &TenantId) -> Recall<'_, Vec<Intent>> {
        self.read_intents(tenant)
    }

    fn begin_intent(
        &self,
        tenant: &TenantId,
        intent: Intent,
        ended: Vec<String>,
    ) -> Recall<'_, ()> {
        self.write_intent(tenant, intent, ended)
    }

    fn change_intent(&self, tenant: &TenantId, intent: Intent) -> Recall<'_, ()> {
        self.rewrite_intent(tenant, intent)
    }

    fn end_intents(&self, tenant: &TenantId, ended: Vec<String>) -> Recall<'_, ()> {
        self.delete_intents(tenant, ended)
    }

    fn recent(&self, tenant: &TenantId, since: u64) -> Recall<'_, Vec<RecentWrite>> {
        self.read_recent(tenant, since)
    }

    fn keep_recent(&self, tenant: &TenantId, write: RecentWrite) -> Recall<'_, ()> {
        self.write_recent(tenant, write)
    }
}

impl Store {
    /// Whether nothing needs to be asked.
    fn lacks(&self, row: Key<'_>) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|known| !known.may_have(row))
    }

    /// A write after which `rows` are there.
    fn adding<F>(&self, tenant: &TenantId, rows: &[Key<'_>], work: F) -> Recall<'_, ()>
    where
        F: FnOnce(&Db<'_>) -> Result<()> + Send + 'static,
    {
        let known = self.known.as_ref();
        let coming = known.map(|known| known.coming(rows.iter().copied()));
        self.write_then(Turn::of(tenant), work, move |()| {
            coming.iter().for_each(Coming::arrived);
        })
    }

    /// A write after which `rows` are not there.
    fn removing<F>(&self, tenant: &TenantId, rows: &[Key<'_>], work: F) -> Recall<'_, ()>
    where
        F: FnOnce(&Db<'_>) -> Result<()> + Send + 'static,
    {
        let known = self.known.clone();
        let mark = |known: &Arc<Known>| rows.iter().map(|row| known.mark(*row)).collect();
        let marks: Vec<Mark> = known.as_ref().map(mark).unwrap_or_default();
        self.write_then(Turn::of(tenant), work, move |()| {
            known.iter().for_each(|known| known.gone(&marks));
        })
    }

    async fn issue(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        natives: Vec<NativeId>,
    ) -> Result<Vec<ScimId>, MemoryError> {
        let (known, turn) = (self.known.clone(), Turn::of(&tenant));
        let work = move |db: &Db<'_>| {
            let issued = natives
                .iter()
                .map(|native| issue(db, &tenant, kind, native, None));
            let ids = issued.collect::<Result<Vec<_>>>()?;
            // Nobody can ask for an id before it is committed.
            let rows = ids.iter().map(|id| row(ISSUED_ID, &tenant, kind, id));
            let coming = known.map(|known| known.coming(rows));
            Ok((ids, coming))
        };
        let then = |(_, coming): &(_, Option<Coming>)| coming.iter().for_each(Coming::arrived);
        let (ids, _) = self.write_then(turn, work, then).await?;
        Ok(ids)
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
    let document = document_of(remembered)?;
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

fn issued(
    db: &Db<'_>,
    tenant: &TenantId,
    kind: ResourceKind,
    native: &NativeId,
) -> Result<Option<ScimId>> {
    let asked = params![tenant.as_str(), text(kind), native.as_str()];
    db.row(ISSUED, asked, |row| id(row, 0))
}

/// The id of a native key; where it has none, `new` or a random one.
fn issue(
    db: &Db<'_>,
    tenant: &TenantId,
    kind: ResourceKind,
    native: &NativeId,
    new: Option<&ScimId>,
) -> Result<ScimId> {
    if let Some(id) = issued(db, tenant, kind, native)? {
        return Ok(id);
    }
    let random = || ScimId::new(&Uuid::new_v4().to_string());
    let id = new.cloned().unwrap_or_else(random);
    db.execute(
        "INSERT INTO issued_id (tenant, kind, id, native) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.as_str(), text(kind), id.as_str(), native.as_str()],
    )?;
    Ok(id)
}

fn complete(db: &Db<'_>, tenant: TenantId, completion: &Completion) -> Result<ObjectKey> {
    let Completion {
        kind,
        native,
        reserved,
        ..
    } = completion;
    let id = match (completion.issued, completion.rebinds, reserved) {
        (false, ..) => ScimId::new(native.as_str()),
        (true, true, Some(id)) => id.clone(),
        (true, ..) => issue(db, &tenant, *kind, native, reserved.as_ref())?,
    };
    let key = ObjectKey {
        tenant,
        kind: *kind,
        id,
    };
    if completion.rebinds {
        rebind(db, &key, native)?;
    }
    remember(db, &key, &completion.remembered)?;
    Ok(key)
}

/// A document as the tables hold it.
pub(super) fn document_of(document: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(document).map_err(|error| Error::Unwritable(error.to_string()))
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

/// `members` as the values of one statement each.
fn members_of(group: &ObjectKey, members: &[ScimId]) -> Vec<Vec<Value>> {
    let members = members.iter().map(ScimId::as_str);
    each(&group.tenant, group.id.as_str(), members)
}

/// What a table has of an object, as [`known`](super::known) has it.
fn of<'a>(table: &'static str, key: &'a ObjectKey) -> Key<'a> {
    row(table, &key.tenant, key.kind, &key.id)
}

fn row<'a>(
    table: &'static str,
    tenant: &'a TenantId,
    kind: ResourceKind,
    id: &'a ScimId,
) -> Key<'a> {
    [table, tenant.as_str(), text(kind), id.as_str()]
}

/// An answer that is there already.
fn at_once<'a, T: Send + 'a>(answer: T) -> Recall<'a, T> {
    Box::pin(ready(Ok(answer)))
}

/// How the tables write a kind.
pub(super) fn text(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "user",
        ResourceKind::Group => "group",
    }
}
