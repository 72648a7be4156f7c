//! One tenant's rows, copied into memory: a dry run reads what the gateway remembers and leaves
//! nothing behind.

use rusqlite::params;
use rusqlite::types::Value;

use super::Store;
use super::lane::Turn;
use super::sql::{Db, Result, Row};
use crate::adapter::keys::TenantId;
use crate::provisioning::memory::MemoryError;

/// How the tables of [`Memory`](crate::provisioning::memory::Memory) are read and written. Intents
/// stay behind: what is being created is known to the process that creates it.
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

impl Store {
    /// A store in memory with what this one remembers of one tenant; tokens are not among it.
    ///
    /// # Errors
    /// The rows cannot be read, or there is no memory for them.
    pub async fn rehearsal(&self, tenant: &TenantId) -> Result<Self, MemoryError> {
        let (of, tenant) = (tenant.clone(), tenant.clone());
        let tables: [Vec<Vec<Value>>; 3] = self
            .read(move |db| {
                let [one, two, three] = TABLES;
                Ok([
                    rows(db, one.0, &tenant)?,
                    rows(db, two.0, &tenant)?,
                    rows(db, three.0, &tenant)?,
                ])
            })
            .await?;
        let copy = Self {
            // Rows are put in below it.
            known: None,
            ..Self::in_memory()?
        };
        copy.write(Turn::of(&of), move |db| {
            for ((_, insert), rows) in TABLES.iter().zip(&tables) {
                db.execute_each(insert, rows)?;
            }
            Ok(())
        })
        .await?;
        Ok(copy)
    }
}

fn rows(db: &Db<'_>, select: &str, tenant: &TenantId) -> Result<Vec<Vec<Value>>> {
    let columns = |row: &Row<'_>| (0..4).map(|column| row.get(column)).collect();
    db.rows(select, params![tenant.as_str()], columns)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::adapter::keys::{NativeId, ObjectKey, ScimId};
    use crate::adapter::remembered::Remembered;
    use crate::provisioning::memory::Memory as _;
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
