//! One tenant's rows, copied into memory: a dry run reads what the gateway remembers and leaves
//! nothing behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::lane::Lane;
use super::{Store, open};
use crate::adapter::TenantId;
use crate::adapter::memory::MemoryError;

/// How the tables of [`Memory`](crate::adapter::Memory) are read and written.
const TABLES: [(&str, &str); 3] = [
    (
        "SELECT tenant, kind, id, document FROM remembered WHERE tenant = ?1",
        "INSERT INTO remembered (tenant, kind, id, document) VALUES (?1, ?2, ?3, ?4)",
    ),
    (
        "SELECT tenant, kind, id, native FROM issued_id WHERE tenant = ?1",
        "INSERT INTO issued_id (tenant, kind, id, native) VALUES (?1, ?2, ?3, ?4)",
    ),
    (
        "SELECT tenant, group_id, member, joined FROM membership WHERE tenant = ?1",
        "INSERT INTO membership (tenant, group_id, member, joined) VALUES (?1, ?2, ?3, ?4)",
    ),
];

type Row = [Value; 4];

impl Store {
    /// Opens a database that is there, to read from it only: also beside a running gateway.
    ///
    /// # Errors
    /// There is none at `path`, or it cannot be read. Every write fails.
    pub fn open_to_read(path: &Path) -> Result<Self, MemoryError> {
        if !path.exists() {
            return Err(MemoryError(format!(
                "{} is not there: no gateway has run with this configuration",
                path.display()
            )));
        }
        let faults = Arc::<AtomicU64>::default();
        let lane = Lane::start(
            "store-read",
            open::onlooker(path)?,
            TransactionBehavior::Deferred,
            Arc::clone(&faults),
        )?;
        Ok(Self {
            writes: lane.clone(),
            reads: lane,
            held_tokens: false,
            faults,
        })
    }

    /// A store in memory with what this one remembers of one tenant; tokens are not among it.
    ///
    /// # Errors
    /// The rows cannot be read, or there is no memory for them.
    pub async fn rehearsal(&self, tenant: &TenantId) -> Result<Self, MemoryError> {
        let tenant = tenant.clone();
        let tables: [Vec<Row>; 3] = self
            .read(move |db| {
                let [one, two, three] = TABLES;
                Ok([
                    rows(db, one.0, &tenant)?,
                    rows(db, two.0, &tenant)?,
                    rows(db, three.0, &tenant)?,
                ])
            })
            .await?;
        let copy = Self::in_memory()?;
        copy.write(move |db| {
            for ((_, insert), rows) in TABLES.iter().zip(&tables) {
                let mut insert = db.prepare(insert)?;
                for row in rows {
                    insert.execute(params_from_iter(row))?;
                }
            }
            Ok(())
        })
        .await?;
        Ok(copy)
    }
}

fn rows(db: &Connection, select: &str, tenant: &TenantId) -> rusqlite::Result<Vec<Row>> {
    let mut select = db.prepare(select)?;
    let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    select.query_map([tenant.as_str()], row)?.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::adapter::{Memory as _, NativeId, ObjectKey, Remembered, ScimId};
    use crate::scim::ResourceKind::{Group, User};

    fn key(tenant: &TenantId, kind: crate::scim::ResourceKind, id: &ScimId) -> ObjectKey {
        ObjectKey {
            tenant: tenant.clone(),
            kind,
            id: id.clone(),
        }
    }

    #[tokio::test]
    async fn a_rehearsal_knows_its_tenant_and_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scimgate.db");
        assert!(Store::open_to_read(&path).is_err(), "there is none yet");
        let store = Store::open(&path).unwrap();
        let [acme, globex] = ["acme", "globex"].map(|name| TenantId::parse(name).unwrap());
        let natives = vec![NativeId::new("Finance")];
        let issued = store
            .issue_ids(&acme, Group, natives.clone())
            .await
            .unwrap();
        let group = key(&acme, Group, &issued[0]);
        let ada = ScimId::new("1");
        store.add_members(&group, vec![ada.clone()]).await.unwrap();
        let said = Remembered {
            suspended: true,
            ..Remembered::default()
        };
        let user = key(&acme, User, &ada);
        store.remember(&user, said.clone()).await.unwrap();

        let onlooker = Store::open_to_read(&path).unwrap();
        let copy = onlooker.rehearsal(&acme).await.unwrap();
        assert_eq!(copy.recall(&user).await.unwrap(), Some(said.clone()));
        assert_eq!(copy.members(&group).await.unwrap(), [ada]);
        let again = copy.issue_ids(&acme, Group, natives.clone()).await.unwrap();
        assert_eq!(again, issued);
        let other = onlooker.rehearsal(&globex).await.unwrap();
        assert_ne!(
            other.issue_ids(&globex, Group, natives).await.unwrap(),
            issued
        );

        copy.forget(&user).await.unwrap();
        assert_eq!(store.recall(&user).await.unwrap(), Some(said));
        assert!(onlooker.forget(&user).await.is_err(), "it only looks");
    }
}
