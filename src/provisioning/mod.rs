//! What a request does: one SCIM operation, one short function.
//!
//! An [`Operation`] is everything one request needs, fixed at its beginning; it
//! ends on the adapter it began with. Reads: [`query`], [`search`], both of the vendor's [`pages`]. Writes, each under the
//! lock of what it writes: [`create`], [`change`] (PATCH and PUT), [`delete`],
//! [`members`]. [`bulk()`] carries many of them out. [`doubt`] keeps in mind what
//! a lost reply leaves open, [`lagging`] what look-ups do not see yet, [`anew`] what a vendor removes by itself. [`references`] follows
//! names of other resources. [`scripted`] runs the vendor's functions on a fiber, [`noting`] takes notes of it all, and
//! [`view`] makes of what they give what Entra sees.
//!
//! Beside them: [`batch`], writes that go to the vendor by the job; [`memory`], the trait that
//! `store` implements; [`ids`], [`locks`], [`recent`]: what is known of a tenant's objects,
//! who writes them, and what look-ups do not see yet; [`trace`]: what one request did.

mod anew;
pub mod batch;
mod bulk;
mod change;
mod create;
mod delete;
mod doubt;
pub mod ids;
mod lagging;
pub mod locks;
mod members;
pub mod memory;
mod noting;
mod pages;
mod query;
pub mod recent;
mod references;
mod scripted;
mod search;
mod suspend;
mod switch;
pub mod trace;
mod view;

pub use bulk::bulk;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use crate::adapter::Adapter;
use crate::adapter::keys::{NativeId, ObjectKey, ScimId, TenantId};
use crate::adapter::manifest::IdRule;
use crate::adapter::mapping::Mapping;
use crate::adapter::settings::Settings;
use crate::scim::{CursorKey, Request, ResourceKind, Response, ScimError, Service};
use crate::script::call::Backend;
use crate::script::fault::Failure;
use batch::Batches;
use ids::IdCache;
use locks::Locks;
use memory::Memory;
use recent::Recent;
use trace::{Step, Story};

/// Target of the spans that only traces show: a log line stays in its request's span.
pub const TRACE_ONLY: &str = "trace_only";

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
    /// Carries calls out.
    pub backend: Rc<dyn Backend>,
    /// What the vendor cannot remember.
    pub memory: Arc<dyn Memory>,
    /// The tenant's locks.
    pub locks: Arc<Locks>,
    /// Writes of the tenant that wait to go out together.
    pub batches: Arc<Batches>,
    /// What the tenant wrote lately, where look-ups lag.
    pub recent: Arc<Recent>,
    /// Issued ids, for a moment.
    pub ids: Arc<IdCache>,
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
            } => self.create(kind, body, &projection).await,
            Request::Replace {
                kind,
                id,
                body,
                projection,
                conditions,
            } => {
                self.replace(kind, &id, body, &projection, &conditions)
                    .await
            }
            Request::Patch {
                kind,
                id,
                patch,
                projection,
                conditions,
            } => self.patch(kind, &id, patch, &projection, &conditions).await,
            Request::Delete {
                kind,
                id,
                conditions,
            } => self.delete(kind, &id, &conditions).await,
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

    fn mapping(&self, kind: ResourceKind) -> Result<&Arc<Mapping>, Failure> {
        let mapping = self.adapter.mapping(kind);
        mapping.ok_or_else(|| {
            ScimError::not_found(format!("This vendor has no {}.", kind.endpoint())).into()
        })
    }

    fn key(&self, kind: ResourceKind, id: &ScimId) -> ObjectKey {
        ObjectKey {
            tenant: self.tenant.clone(),
            kind,
            id: id.clone(),
        }
    }

    fn is_issued(&self, kind: ResourceKind) -> bool {
        self.adapter
            .id_rule(kind)
            .is_some_and(|rule: &IdRule| rule.issued)
    }

    /// What the vendor calls the resource.
    ///
    /// # Errors
    /// 404 for an id that cannot be one of the tenant's.
    async fn native_id(&self, kind: ResourceKind, id: &ScimId) -> Result<NativeId, Failure> {
        if !self.is_issued(kind) {
            let native = NativeId::new(id.as_str());
            let form = self
                .adapter
                .id_rule(kind)
                .map(|rule| rule.form)
                .unwrap_or_default();
            let possible = native.is_path_safe() && form.fits(native.as_str());
            return if possible {
                Ok(native)
            } else {
                Err(no_such(kind))
            };
        }
        let key = self.key(kind, id);
        let known = self.ids.get(&key);
        let cached = known.is_some();
        self.story.note(Step::Id { cached });
        if let Some(native) = known {
            return Ok(native);
        }
        let epoch = self.ids.epoch(&self.tenant, kind);
        let native = self
            .memory
            .native_id(&key)
            .await?
            .ok_or_else(|| no_such(kind))?;
        if let Some(native) = self.settled_key(&key, &native).await? {
            return Ok(native);
        }
        self.ids.insert_if(&key, native.clone(), epoch);
        Ok(native)
    }

    /// Attributes that no schema has are skipped, never an error: one of them
    /// must not hold up the disabling of an account.
    fn tell_ignored(&self, names: &[String]) {
        if !names.is_empty() {
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

    /// What Entra calls native objects, ids issued where they are new.
    async fn scim_ids(
        &self,
        kind: ResourceKind,
        natives: Vec<NativeId>,
    ) -> Result<Vec<ScimId>, Failure> {
        if self.is_issued(kind) {
            return Ok(self.memory.issue_ids(&self.tenant, kind, natives).await?);
        }
        Ok(natives
            .iter()
            .map(|native| ScimId::new(native.as_str()))
            .collect())
    }
}

fn no_such(kind: ResourceKind) -> Failure {
    ScimError::not_found(format!("There is no {} with this id.", kind.as_str())).into()
}

/// A condition was not met: 412.
fn changed_since(kind: ResourceKind) -> Failure {
    ScimError::precondition_failed(format!(
        "The {} is not of the version this request is for. Read it again.",
        kind.as_str()
    ))
    .into()
}
