//! Tenants that the store keeps instead of a file: somebody made them while the gateway ran.
//!
//! A text in the store has the form of a tenant's file ([`super::file`]). Each change has a number,
//! greater than those of all changes before it, so that every gateway on the store can ask what
//! changed since it looked last.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapter::keys::TenantId;
use crate::provisioning::memory::Recall;

/// The vendor's own name of a customer: 1 to 128 letters, digits and `. _ : @ -`, of which at
/// least one is a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Customer(Arc<str>);

impl Customer {
    /// What it may be, for whoever gave another.
    pub const FORM: &str = "a customer's id is 1 to 128 letters, digits and . _ : @ - with a letter or digit among them";

    /// Takes `text` if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
        let is_one = (1..=128).contains(&text.len())
            && text.bytes().all(fits)
            && text.bytes().any(|byte| byte.is_ascii_alphanumeric());
        is_one.then(|| Self(text.into()))
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Customer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(Self::FORM))
    }
}

/// Whether a tenant in the store is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// It is.
    On,
    /// Not now: its requests are answered 503, and it keeps its tokens.
    Off,
    /// Never again. Its tokens are revoked, and its name is not given to another.
    Deleted,
}

impl Service {
    /// All.
    pub const ALL: [Self; 3] = [Self::On, Self::Off, Self::Deleted];

    /// `on`, `off` or `deleted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Deleted => "deleted",
        }
    }
}

/// A tenant as the store keeps it.
#[derive(Clone, Debug)]
pub struct StoredTenant {
    /// Its name.
    pub id: TenantId,
    /// Its adapter's name, as in the text.
    pub adapter: String,
    /// Whose it is, where the vendor's console made it. One adapter has one tenant for a customer.
    pub customer: Option<Customer>,
    /// Whether it is served.
    pub service: Service,
    /// A tenant's file; empty once it is deleted.
    pub text: String,
    /// The number of its last change; 0 before the store has given one.
    pub revision: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was changed last.
    pub changed: Timestamp,
}

/// What became of a new tenant.
#[derive(Clone, Debug)]
pub enum Added {
    /// It is there.
    New,
    /// Its name is taken, perhaps by one that was deleted; nothing changed.
    NameTaken,
    /// The customer has this one; nothing changed.
    Has(Box<StoredTenant>),
}

/// Where tenants are kept that have no file.
pub trait TenantBook: Send + Sync {
    /// All that changed after this revision, deleted ones too, in the order of their changes.
    fn tenants_since(&self, revision: u64) -> Recall<'_, Vec<StoredTenant>>;

    /// The tenant of this name that is not deleted.
    fn stored_tenant(&self, id: &TenantId) -> Recall<'_, Option<StoredTenant>>;

    /// The tenant that an adapter has for a customer and that is not deleted.
    fn tenant_of(&self, adapter: &str, customer: &Customer) -> Recall<'_, Option<StoredTenant>>;

    /// Adds one.
    fn add_tenant(&self, tenant: StoredTenant) -> Recall<'_, Added>;

    /// Puts another text and state in place of the revision that `tenant` has; `false` if there is
    /// a later one. With [`Service::Deleted`] all that the store keeps of the tenant goes, and its
    /// tokens and client secrets are revoked.
    fn change_tenant(&self, tenant: StoredTenant) -> Recall<'_, bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_id_is_plain_and_no_path() {
        let long = "a".repeat(129);
        for (text, expect) in [
            ("70021", true),
            ("FE06-8C1F:0DDF", true),
            ("it@acme.example", true),
            ("", false),
            (".", false),
            ("..", false),
            ("a/b", false),
            ("a%2Fb", false),
            ("a b", false),
            ("a\n", false),
            ("ä", false),
            (long.as_str(), false),
        ] {
            assert_eq!(Customer::parse(text).is_some(), expect, "{text:?}");
        }
    }
}
