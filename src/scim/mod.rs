//! SCIM 2.0 (RFC 7643, RFC 7644) as pure functions: no async, no clock, no I/O, no scripts.
//!
//! | file | subject |
//! |---|---|
//! | [`json`] | bytes to [`Value`](serde_json::Value), bounded |
//! | [`request`] | method, path, query and body to a [`Request`] |
//! | [`bulk`] | many requests in one, which may refer to each other |
//! | [`resource`] | a received resource in canonical form |
//! | [`immutable`] | what a PUT may not change |
//! | [`patch`] | PATCH bodies in every dialect; their application |
//! | [`filter`] | the filter language: parse, print, evaluate, push down |
//! | [`path`], [`leaf`] | addresses: of attributes, and of one value in a resource |
//! | [`schema`] | attribute definitions as data |
//! | [`profile`] | where the RFCs and their clients part |
//! | [`sort`], [`cursor`] | the order of a list, and where it goes on |
//! | [`projection`] | `attributes` and `excludedAttributes` |
//! | [`discovery`] | ServiceProviderConfig, ResourceTypes, Schemas |
//! | [`response`], [`error`], [`version`] | what is answered |
//! | [`compare`], [`work`] | the one place that ignores case; how much comparing a request may ask for |
//!
//! A resource inside the gateway is an [`Object`] in *canonical form*: names spelt as in the
//! schema, extension attributes under their URN, no nulls, no empty lists, booleans as JSON
//! booleans. [`resource::canonicalise`] is the only door to it.

pub mod bulk;
pub mod compare;
pub mod cursor;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod immutable;
pub mod json;
pub mod leaf;
pub mod patch;
pub mod path;
pub mod profile;
pub mod projection;
pub mod request;
pub mod resource;
pub mod response;
pub mod schema;
pub mod sort;
mod value;
pub mod version;
pub mod work;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use bulk::{Bulk, Message};
pub use cursor::{Cursor, CursorKey};
pub use discovery::Service;
pub use error::{Note, ScimError, ScimType};
pub use filter::Filter;
pub use leaf::{Leaf, Selector};
pub use patch::{MemberChanges, PatchRequest, Stop, UNKNOWN};
pub use path::{AttrPath, Path};
pub use profile::Profile;
pub use projection::Projection;
pub use request::{Query, Request};
pub use resource::Incoming;
pub use response::{Body, Response};
pub use schema::ResourceType;
pub use sort::{Sort, SortOrder};
pub use version::Preconditions;
pub use work::Work;

/// A JSON object whose keys keep their order.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// The two kinds of resource the gateway serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// RFC 7643 §4.1.
    User,
    /// RFC 7643 §4.2.
    Group,
}

impl ResourceKind {
    /// The resource type's name: `User` or `Group`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The name as scripts and metrics spell it: `user` or `group`.
    pub fn snake(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// The attribute by which people name such a resource.
    pub fn primary_name(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }

    /// The endpoint without slash: `Users` or `Groups`.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }
}
