//! Typed names of things: whose, which, and in which of the two worlds.
//!
//! A SCIM id and a vendor's id are different types on purpose: the one is what
//! Entra caches for ever, the other is what the vendor's API takes, and using
//! a client-chosen string as a vendor id is how accounts get taken over.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scim::ResourceKind;

/// The name of a tenant: 1 to 63 of `a-z`, `0-9`, `-`, not starting or ending with `-`.
///
/// Every key of every cache, lock, limiter and table contains one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// What a tenant's name may be, for whoever gave another.
    pub const FORM: &str =
        "a tenant name is 1 to 63 of a-z, 0-9 and '-', and neither begins nor ends with '-'";

    /// Takes `name` if it is a tenant name; `None` otherwise.
    pub fn parse(name: &str) -> Option<Self> {
        let fits = (1..=63).contains(&name.len())
            && !name.starts_with('-')
            && !name.ends_with('-')
            && name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        fits.then(|| Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom(Self::FORM))
    }
}

/// The `id` of a resource as Entra sees it (RFC 7643 §3.1): stable, exact case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScimId(Arc<str>);

/// What the vendor's own API calls the same object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NativeId(Arc<str>);

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// Wraps the text as it came.
            pub fn new(text: &str) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_id!(ScimId);
text_id!(NativeId);

impl NativeId {
    /// Whether the id can stand in a URL path without quoting (RFC 3986 unreserved),
    /// so that a script may write `/users/${id}`.
    pub fn is_path_safe(&self) -> bool {
        let text = self.as_str();
        (1..=128).contains(&text.len())
            && !text.starts_with('.')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'))
    }
}

/// One resource of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// Whose.
    pub tenant: TenantId,
    /// Of which type.
    pub kind: ResourceKind,
    /// Which.
    pub id: ScimId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_names_are_what_a_file_stem_and_a_url_segment_can_hold() {
        for good in ["a", "acme", "acme-2", &"a".repeat(63)] {
            assert!(TenantId::parse(good).is_some(), "{good}");
        }
        for bad in ["", "Acme", "a_b", "-a", "a-", "a.b", "ä", &"a".repeat(64)] {
            assert!(TenantId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_unreserved_characters_are_path_safe() {
        for good in ["18231", "a-B_9.~"] {
            assert!(NativeId::new(good).is_path_safe(), "{good}");
        }
        for bad in ["", "..", "1/2", "1?x", "a b", "é", "a%2f"] {
            assert!(!NativeId::new(bad).is_path_safe(), "{bad}");
        }
    }
}
