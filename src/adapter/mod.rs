//! What the gateway knows of a vendor, and what it does with it.
//!
//! - [`manifest`], [`extensions`], [`replies`], [`settings`]: the vendor as its `.toml` tells it;
//! - [`script`], [`lint`], [`engine`], [`fiber`], [`host`]: its script, checked,
//!   and run on a coroutine that suspends at each vendor call;
//! - [`xml`]: replies and bodies of vendors that speak XML;
//! - [`mapping`]: its attribute table, compiled;
//! - [`outline`]: a script's parts as their reader sees them;
//! - `reads`: which calls change nothing;
//! - [`operations`]: one SCIM operation, one short function;
//! - [`batch`]: writes that go to the vendor by the job; [`recent`]: what its look-ups do not see yet;
//! - [`backend`], [`memory`]: the traits `vendor` and `store` implement;
//! - [`compile`], [`crosscheck`]: from files as written to an [`Adapter`], or to
//!   all that is wrong with them;
//! - [`coverage`]: what a run used of all that;
//! - [`outcome`]: what went wrong, by whose fault;
//! - [`story`]: what one request did.

pub mod backend;
pub mod batch;
pub mod compile;
pub mod coverage;
mod crosscheck;
mod custom;
pub mod engine;
pub mod extensions;
mod fiber;
pub mod host;
pub mod ids;
pub mod keys;
mod lint;
pub mod locks;
pub mod manifest;
pub mod mapping;
pub mod memory;
pub mod operations;
pub mod outcome;
pub mod outline;
mod reads;
pub mod recent;
pub mod replies;
pub mod script;
pub mod settings;
pub mod story;
pub mod xml;

use std::sync::Arc;

pub use backend::{
    Backend, CallBody, CallFault, LocalBoxFuture, RequestToken, VendorCall, VendorReply, Verb,
};
pub use batch::Batches;
use host::Fault;
pub use keys::{NativeId, ObjectKey, ScimId, TenantId};
use manifest::{IdRule, Manifest, MembershipModel};
use mapping::Mapping;
pub use memory::{Memory, MemoryError, Remembered};
pub use outcome::{Failure, GatewayFault, ScriptFault, VendorFault};
pub use reads::ReadingPost;
pub use recent::Recent;
use replies::ReplyTable;
use script::Script;

use crate::scim::{Profile, ResourceKind, Service};

/// Target of the spans that only traces show: a log line stays in its request's span.
pub const TRACE_ONLY: &str = "trace_only";

/// Most resources of one page of a list.
const PAGE_MAX: u32 = 200;

/// A vendor, ready to serve: every promise of its manifest and script was
/// checked when it was compiled.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The file stem of manifest and script.
    pub name: String,
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest as written, for showing how two versions differ.
    pub manifest_text: String,
    /// The script.
    pub script: Script,
    /// The reply table, shared with the vendor's side.
    pub replies: Arc<ReplyTable>,
    user: Arc<Mapping>,
    group: Option<Arc<Mapping>>,
}

impl Adapter {
    /// What an adapter's name may be, for whoever gave another.
    pub const NAME_FORM: &str =
        "an adapter's name is 1 to 63 of a-z, 0-9, '-' and '_', beginning with a letter";

    /// Whether an adapter may have this name: it is part of file names.
    pub fn is_name(name: &str) -> bool {
        let fits = |letter: u8| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        name.len() <= 63
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(fits)
    }

    /// The table of a resource type, if the vendor has such resources.
    pub fn mapping(&self, kind: ResourceKind) -> Option<&Arc<Mapping>> {
        match kind {
            ResourceKind::User => Some(&self.user),
            ResourceKind::Group => self.group.as_ref(),
        }
    }

    /// How resources of a type are named.
    fn id_rule(&self, kind: ResourceKind) -> Option<&IdRule> {
        match kind {
            ResourceKind::User => Some(&self.manifest.ids.user),
            ResourceKind::Group => self.manifest.ids.group.as_ref(),
        }
    }

    /// What a tenant of this vendor serves, in the dialect of `profile`.
    pub fn service(&self, profile: Profile) -> Service {
        let types = self.mappings().map(|mapping| &mapping.resource_type);
        let published = self.mappings().map(|mapping| {
            let narrowed = mapping.resource_type.narrowed(&mapping.leaves());
            narrowed.stating(&mapping.statements())
        });
        Service {
            resource_types: types.cloned().collect(),
            published: published.collect(),
            profile,
            page_max: PAGE_MAX.min(self.manifest.paging.size.max(1)),
        }
    }

    fn mappings(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        std::iter::once(&self.user).chain(&self.group)
    }

    /// The attribute that stands in a native field of any resource.
    fn attribute_in(&self, native: &str) -> Option<String> {
        let found = self
            .mappings()
            .find_map(|mapping| mapping.attribute_in(native));
        found.map(str::to_owned)
    }

    /// A fault of the script as the operation's failure.
    fn told(&self, fault: Fault) -> Failure {
        let named = fault.naming(|field| self.attribute_in(field));
        named.into_failure(&self.manifest.title)
    }

    /// Whether accounts are switched on and off by functions of their own.
    fn has_switch(&self) -> bool {
        self.script.arity("activate_user").is_some()
    }

    fn holds_memberships(&self) -> bool {
        self.manifest.groups.membership == MembershipModel::Vendor
    }
}
