//! One request on its way: all that it needs, fixed at its beginning. It ends on the adapter that
//! it began with.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::batch::Batches;
use super::ids::{IdCache, KnownIds};
use super::intents::{Asking, Intents};
use super::locks::Locks;
use super::memory::Memory;
use super::outcome::Outcome;
use super::process::Process;
use super::recent::Recent;
use super::trace::Story;
use crate::adapter::Adapter;
use crate::adapter::keys::{ObjectKey, ScimId, TenantId};
use crate::adapter::manifest::InactiveMembers;
use crate::adapter::mapping::Mapping;
use crate::adapter::settings::Settings;
use crate::scim::{CursorKey, Request, ResourceKind, Response, ScimError, Service};
use crate::script::call::Backend;
use crate::script::fault::Failure;
use crate::script::once::TenantLookUps;

/// One request, on its way.
pub struct Operation {
    /// Whose.
    pub tenant: TenantId,
    /// The vendor.
    pub adapter: Arc<Adapter>,
    /// What the tenant serves.
    pub service: Arc<Service>,
    /// What the tenant says of the vendor.
    pub settings: Arc<Settings>,
    /// By a group's native id: smaller goes first where a user may have one group only.
    pub group_priority: Arc<BTreeMap<String, i64>>,
    /// Where the date and random ids come from.
    pub process: Process,
    /// Carries calls out.
    pub backend: Rc<dyn Backend>,
    /// What the vendor cannot remember.
    pub memory: Arc<dyn Memory>,
    /// The tenant's locks.
    pub locks: Arc<Locks>,
    /// Creates whose object the client may not have heard of.
    pub intents: Arc<Intents>,
    /// Writes of the tenant that wait to go out together.
    pub batches: Arc<Batches>,
    /// What the tenant wrote lately, where look-ups lag.
    pub recent: Arc<Recent>,
    /// What the tenant's scripts have looked up.
    pub look_ups: TenantLookUps,
    /// Issued ids, for a moment.
    pub ids: Arc<IdCache>,
    /// Users that were seen at the vendor lately.
    pub known: Arc<KnownIds>,
    /// What cursors are sealed with.
    pub cursors: CursorKey,
    /// The Tenant URL as the request named it, for `meta.location`.
    pub base_url: String,
    /// When the answer must be there.
    pub deadline: Instant,
    /// Takes note of what happens.
    pub story: Rc<Story>,
}

impl Operation {
    /// This operation, as intents know it.
    pub(super) fn asking(&self) -> Asking<'_> {
        Asking {
            memory: &*self.memory,
            tenant: &self.tenant,
            now: self.process.now(),
            known: &self.known,
        }
    }

    /// Carries a request out.
    ///
    /// # Errors
    /// By whose fault it is.
    pub async fn perform(&self, request: Request) -> Result<Response, Failure> {
        self.story.understood(&request);
        let response = self.carry(request).await?;
        self.story.answered(&response);
        Ok(response)
    }

    /// Writes are boxed: what they need is three times as large as what a read needs, and a read
    /// would carry room for it from one layer to the next.
    async fn carry(&self, request: Request) -> Result<Response, Failure> {
        match request {
            Request::List { kind, query } => self.list(&[(kind, &query)]).await,
            Request::Search { queries } => {
                let queries: Vec<_> = queries.iter().map(|(kind, query)| (*kind, query)).collect();
                self.list(&queries).await
            }
            Request::Get {
                kind,
                id,
                projection,
                conditions,
            } => self.get(kind, &id, &projection, &conditions).await,
            Request::Create {
                kind,
                body,
                projection,
            } => Box::pin(self.create(kind, body, &projection)).await,
            Request::Replace {
                kind,
                id,
                body,
                projection,
                conditions,
            } => Box::pin(self.replace(kind, &id, body, &projection, &conditions)).await,
            Request::Patch {
                kind,
                id,
                patch,
                projection,
                conditions,
            } => Box::pin(self.patch(kind, &id, patch, &projection, &conditions)).await,
            Request::Delete {
                kind,
                id,
                conditions,
            } => Box::pin(self.delete(kind, &id, &conditions)).await,
            Request::ServiceProviderConfig => Ok(Response::ok(
                self.service.service_provider_config(&self.base_url),
            )),
            Request::ResourceTypes(name) => self.resource_types(name.as_deref()),
            Request::Schemas(urn) => self.schemas(urn.as_deref()),
        }
    }

    fn resource_types(&self, name: Option<&str>) -> Result<Response, Failure> {
        let document = match name {
            None => Some(self.service.resource_types(&self.base_url)),
            Some(name) => self.service.resource_type_document(&self.base_url, name),
        };
        let document =
            document.ok_or_else(|| ScimError::not_found("There is no such resource type."))?;
        Ok(Response::ok(document))
    }

    fn schemas(&self, urn: Option<&str>) -> Result<Response, Failure> {
        let document = match urn {
            None => Some(self.service.schemas(&self.base_url)),
            Some(urn) => self.service.schema_document(&self.base_url, urn),
        };
        Ok(Response::ok(document.ok_or_else(|| {
            ScimError::not_found("There is no such schema.")
        })?))
    }

    pub(super) fn mapping(&self, kind: ResourceKind) -> Outcome<&Arc<Mapping>> {
        let mapping = self.adapter.mapping(kind);
        mapping.ok_or_else(|| {
            ScimError::not_found(format!("This vendor has no {}.", kind.endpoint())).into()
        })
    }

    pub(super) fn key(&self, kind: ResourceKind, id: &ScimId) -> ObjectKey {
        ObjectKey {
            tenant: self.tenant.clone(),
            kind,
            id: id.clone(),
        }
    }

    /// Whether whoever is switched off leaves the groups, and the gateway keeps the memberships.
    pub(super) fn suspends(&self) -> bool {
        self.adapter.manifest.groups.inactive == InactiveMembers::Leave
    }

    /// Whether the vendor removes disabled objects by itself.
    pub(super) fn expires(&self, kind: ResourceKind) -> bool {
        self.adapter.id_rule(kind).is_some_and(|rule| rule.expires)
    }

    /// Attributes that no schema has are skipped, never an error: one of them
    /// must not hold up the disabling of an account.
    pub(super) fn tell_ignored(&self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        // Names only: a bracketed path holds a value, which may be a person's.
        let names: Vec<_> = names
            .iter()
            .filter_map(|name| name.split('[').next())
            .collect();
        self.story.ignored(&names);
        tracing::info!(tenant = %self.tenant, attributes = ?names,
            action = "remove them from the attribute mapping in Entra",
            "attributes that no schema has were ignored");
    }
}
