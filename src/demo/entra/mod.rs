//! Microsoft Entra ID's provisioning service, as far as a SCIM server can tell.
//!
//! It knows SCIM as Entra speaks it and nothing of any vendor or of the gateway's code. [`Entra`]
//! sends single operations; [`Job`] decides which, cycle by cycle. What the real service sends was
//! taken from Microsoft's documentation, its reference code and recorded traffic.

mod job;
mod patch;
mod query;
mod resource;
#[cfg(test)]
mod tests;
mod watch;
mod wire;

pub use job::Job;
pub use patch::{Change, Dialect};
pub use resource::{changes, manager_change, read};
pub use watch::{Operation, Record, Watch};
pub use wire::Fault;

use crate::demo::wanted::{WantedGroup, WantedUser};
use hyper::Method;
use serde_json::Value;
use std::sync::Arc;
use wire::{Reply, Wire};

/// A SCIM id, as the server gave it.
pub type ScimId = String;

/// One provisioning job's way of talking: Tenant URL, secret token, dialect.
///
/// Cheap to clone; clones share connections and the watcher. No operation is ever repeated.
#[derive(Clone)]
pub struct Entra {
    wire: Arc<Wire>,
    dialect: Dialect,
}

impl Entra {
    /// For what an administrator pastes into the portal. A Tenant URL that ends in
    /// `?aadOptscim062020` asks for [`Dialect::Compliant`], as it does there.
    /// `watch` hears of every operation once it has ended.
    ///
    /// Fails when the Tenant URL is not `http://host…`: this Entra speaks no TLS.
    pub fn new(tenant_url: &str, token: &str, watch: Arc<dyn Watch>) -> Result<Self, Fault> {
        let (base, query) = tenant_url.split_once('?').unwrap_or((tenant_url, ""));
        let compliant = query.split('&').any(|flag| flag == "aadOptscim062020");
        let wire = Arc::new(Wire::new(base.trim_end_matches('/'), token, watch)?);
        let dialect = if compliant {
            Dialect::Compliant
        } else {
            Dialect::Legacy
        };
        Ok(Self { wire, dialect })
    }

    /// The same job in another PATCH dialect. Provisioning on demand ignores the flag, so that
    /// one tenant sends both.
    #[must_use]
    pub fn speaking(&self, dialect: Dialect) -> Self {
        Self {
            dialect,
            ..self.clone()
        }
    }

    /// The administrator's "Test Connection": a user and, if groups are mapped, a group that do
    /// not exist.
    pub async fn test_connection(&self, has_groups: bool) -> Result<(), Fault> {
        const NOBODY: &str = "f1f0c9b0-3c1e-4b53-9d7e-0d4b86d3a001";
        let user = query::users("userName", NOBODY);
        let group = has_groups.then(|| query::groups(NOBODY));
        for path in [Some(user), group].into_iter().flatten() {
            let reply = self.get(Operation::TestConnection, &path, &[200]).await?;
            if reply.resources()?.next().is_some() {
                return Err(reply.unreadable("nobody was asked for, somebody was found"));
            }
        }
        Ok(())
    }

    /// The matching query: the user with this `userName`, if there is exactly one.
    pub async fn match_user(&self, user_name: &str) -> Result<Option<Value>, Fault> {
        let path = query::users("userName", user_name);
        self.get(Operation::MatchUser, &path, &[200])
            .await?
            .only_one()
    }

    /// The matching query: the group of this name, without its members.
    pub async fn match_group(&self, display_name: &str) -> Result<Option<Value>, Fault> {
        let path = query::groups(display_name);
        self.get(Operation::MatchGroup, &path, &[200])
            .await?
            .only_one()
    }

    /// Creates a user; its manager comes later ([`Change::Manager`]).
    pub async fn create_user(&self, user: &WantedUser) -> Result<ScimId, Fault> {
        let body = resource::user(user);
        self.post(Operation::CreateUser, "/Users", &body).await
    }

    /// Creates a group, empty; its members come later.
    pub async fn create_group(&self, group: &WantedGroup) -> Result<ScimId, Fault> {
        let body = resource::group(group);
        self.post(Operation::CreateGroup, "/Groups", &body).await
    }

    /// Reads a linked user; `None` if it is gone.
    pub async fn user(&self, id: &str) -> Result<Option<Value>, Fault> {
        self.read(Operation::ReadUser, &format!("/Users/{id}"))
            .await
    }

    /// Reads a linked group without its members; `None` if it is gone.
    pub async fn group(&self, id: &str) -> Result<Option<Value>, Fault> {
        let path = format!("/Groups/{id}?excludedAttributes=members");
        self.read(Operation::ReadGroup, &path).await
    }

    /// The SCIM ids of a group's members. Entra itself never reads them; the demo does, to see
    /// what it would be told.
    pub async fn members(&self, id: &str) -> Result<Vec<ScimId>, Fault> {
        let reply = self
            .get(Operation::ReadMembers, &format!("/Groups/{id}"), &[200])
            .await?;
        let members = reply.body.get("members").and_then(Value::as_array);
        let id = |member: &Value| Some(member.get("value")?.as_str()?.to_owned());
        Ok(members.into_iter().flatten().filter_map(id).collect())
    }

    /// Changes a user with one PATCH. No changes, no request.
    pub async fn update_user(&self, id: &str, changes: &[Change]) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        let body = patch::user(changes, self.dialect);
        self.patch(Operation::of(changes), &format!("/Users/{id}"), &body)
            .await
    }

    /// Renames a group.
    pub async fn rename_group(&self, id: &str, display_name: &str) -> Result<(), Fault> {
        let body = patch::rename(display_name, self.dialect);
        self.patch(Operation::RenameGroup, &format!("/Groups/{id}"), &body)
            .await
    }

    /// Adds members, all of them in one PATCH.
    pub async fn add_members(&self, id: &str, members: &[ScimId]) -> Result<(), Fault> {
        let body = patch::add_members(members, self.dialect);
        self.patch(Operation::AddMembers, &format!("/Groups/{id}"), &body)
            .await
    }

    /// Removes members, all of them in one PATCH.
    pub async fn remove_members(&self, id: &str, members: &[ScimId]) -> Result<(), Fault> {
        let body = patch::remove_members(members, self.dialect);
        self.patch(Operation::RemoveMembers, &format!("/Groups/{id}"), &body)
            .await
    }

    /// Deletes a user. One that is gone already is a fault, as Entra logs it.
    pub async fn delete_user(&self, id: &str) -> Result<(), Fault> {
        self.delete(Operation::DeleteUser, &format!("/Users/{id}"))
            .await
    }

    /// Deletes a group.
    pub async fn delete_group(&self, id: &str) -> Result<(), Fault> {
        self.delete(Operation::DeleteGroup, &format!("/Groups/{id}"))
            .await
    }

    async fn get(&self, operation: Operation, path: &str, fine: &[u16]) -> Result<Reply, Fault> {
        self.wire
            .send(operation, Method::GET, path, None, fine)
            .await
    }

    async fn read(&self, operation: Operation, path: &str) -> Result<Option<Value>, Fault> {
        let reply = self.get(operation, path, &[200, 404]).await?;
        Ok((reply.status == 200).then_some(reply.body))
    }

    async fn post(&self, operation: Operation, path: &str, body: &Value) -> Result<ScimId, Fault> {
        let reply = self
            .wire
            .send(operation, Method::POST, path, Some(body), &[201])
            .await?;
        reply.id()
    }

    async fn patch(&self, operation: Operation, path: &str, body: &Value) -> Result<(), Fault> {
        let sent = self
            .wire
            .send(operation, Method::PATCH, path, Some(body), &[200, 204]);
        sent.await.map(drop)
    }

    async fn delete(&self, operation: Operation, path: &str) -> Result<(), Fault> {
        let sent = self
            .wire
            .send(operation, Method::DELETE, path, None, &[204]);
        sent.await.map(drop)
    }
}

impl std::fmt::Debug for Entra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entra")
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}
