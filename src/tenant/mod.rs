//! Tenants: whose requests these are, and how each shows itself.
//!
//! A [`Tenant`] is one customer's job in Entra: one adapter, its settings and
//! its vendor credential. It is made from a file ([`mod@file`]), or from a text of the same form in
//! the store ([`stored`]), that was checked against the adapter's manifest, so that nothing
//! downstream can meet a tenant without a base URL or a secret.

pub mod audit;
pub mod file;
pub mod oauth;
mod outline;
mod redact;
pub mod seal;
pub mod secret;
pub mod stored;
pub mod token;

pub use outline::Outline;
pub use redact::redacted;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::adapter::Adapter;
use crate::adapter::keys::TenantId;
use crate::adapter::manifest::{CredentialKind, Limits};
use crate::adapter::settings::Settings;
use crate::scim::Service;
use oauth::Federation;

/// One tenant of one generation.
#[derive(Debug)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// Its vendor.
    pub adapter: Arc<Adapter>,
    /// What it serves, and in which dialect.
    pub service: Arc<Service>,
    /// What its scripts may read.
    pub settings: Arc<Settings>,
    /// By a group's native id: smaller goes first where a user may have one group only.
    pub group_priority: Arc<BTreeMap<String, i64>>,
    /// Whose assertions its OAuth client may show.
    pub federation: Option<Arc<Federation>>,
    /// Which tokens that Entra makes itself are good for it.
    pub entra_tokens: Option<Arc<Federation>>,
    /// Where its calls go.
    pub upstream: Upstream,
}

/// The vendor's side of a tenant.
#[derive(Debug)]
pub struct Upstream {
    /// `https://…`, without a slash at the end.
    pub base_url: Url,
    /// Fixed headers of every call, settings filled in.
    pub headers: Vec<(String, String)>,
    /// Where the vendor gives tokens, if its credential kind is of that sort.
    pub token_url: Option<Url>,
    /// How calls are authenticated: the manifest's usual way, or the one that the tenant chose.
    pub credential: CredentialKind,
    /// By the names the credential kind asks for.
    pub secrets: BTreeMap<String, SecretString>,
    /// The tenant's limits, the manifest's where it sets none.
    pub limits: Limits,
}
