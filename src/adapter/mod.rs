//! What a vendor declares: its manifest, its attribute table, its script as written.
//!
//! - [`manifest`], [`extensions`], [`settings`]: the vendor as its `.toml` tells it;
//! - [`mapping`]: its attribute table, compiled; [`remembered`]: what is kept beside it;
//! - [`login`]: keys that are asked for;
//! - `reads`: which calls change nothing;
//! - [`keys`]: names of tenants and objects;
//! - [`compile`], `crosscheck`: from files as written to an [`Adapter`], or to
//!   all that is wrong with them; `custom`: with a tenant's own rows;
//! - `lint`: what works and is probably not meant;
//! - `environment`: what its script sees of it;
//! - [`outline`]: a script's parts as their reader sees them;
//! - [`coverage`]: what a run used of all that.

pub mod compile;
pub mod coverage;
mod crosscheck;
mod custom;
pub(crate) mod environment;
pub mod extensions;
pub mod keys;
mod lint;
pub mod login;
pub mod manifest;
pub mod mapping;
pub mod outline;
mod reads;
pub mod remembered;
pub mod settings;
mod written;

use std::sync::{Arc, OnceLock};

use manifest::{IdRule, Manifest, MembershipModel};
use mapping::{Closures, Mapping};

use crate::scim::{Profile, ResourceKind, Service};
use crate::script::fault::Failure;
use crate::script::host::Fault;
use crate::script::program::Script;
use crate::script::replies::ReplyTable;

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
    services: Services,
}

/// What tenants serve, by profile: the same for all of them, and made when the first asks. A copy
/// of an adapter has its own.
#[derive(Debug, Default)]
struct Services([OnceLock<Arc<Service>>; Profile::ALL.len()]);

impl Clone for Services {
    fn clone(&self) -> Self {
        Self::default()
    }
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
    pub(crate) fn id_rule(&self, kind: ResourceKind) -> Option<&IdRule> {
        match kind {
            ResourceKind::User => Some(&self.manifest.ids.user),
            ResourceKind::Group => self.manifest.ids.group.as_ref(),
        }
    }

    /// What a tenant of this vendor serves, in the dialect of `profile`.
    pub fn service(&self, profile: Profile) -> Arc<Service> {
        let place = Profile::ALL.iter().position(|one| *one == profile);
        let made = || Arc::new(self.made_service(profile));
        match place.and_then(|place| self.services.0.get(place)) {
            Some(place) => Arc::clone(place.get_or_init(made)),
            None => made(),
        }
    }

    fn made_service(&self, profile: Profile) -> Service {
        let served = |mapping: &Arc<Mapping>| match profile.leaves_out_write_only() {
            true => mapping.resource_type.clone().readable(),
            false => mapping.resource_type.clone(),
        };
        let demands_all = !profile.makes_what_is_needed();
        let published = self
            .mappings()
            .map(|mapping| served(mapping).stating(&mapping.statements(demands_all)));
        Service {
            resource_types: self.mappings().map(served).collect(),
            published: published.collect(),
            profile,
            page_max: PAGE_MAX.min(self.manifest.paging.size.max(1)),
        }
    }

    /// What calls the closures of its tables.
    pub(crate) fn closures(&self) -> Closures<'_> {
        Closures {
            engine: self.script.engine(),
            ast: &self.script.runs,
            script: &self.script,
            title: &self.manifest.title,
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
    pub(crate) fn failure_of(&self, fault: Fault) -> Failure {
        let named = fault.naming(|field| self.attribute_in(field));
        named.into_failure(&self.manifest.title)
    }

    /// Whether accounts are switched on and off by functions of their own.
    pub(crate) fn has_switch(&self) -> bool {
        self.script.arity("activate_user").is_some()
    }

    pub(crate) fn holds_memberships(&self) -> bool {
        self.manifest.groups.membership == MembershipModel::Vendor
    }
}
