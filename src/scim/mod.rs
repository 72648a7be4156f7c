//! RFC 7643 and RFC 7644, pure.

/// A JSON object in SCIM shape.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// The resource types the gateway serves.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ResourceKind {
    /// RFC 7643 §4.1.
    User,
    /// RFC 7643 §4.2.
    Group,
}

/// RFC 7644 §3.12, Table 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// A unique value is taken.
    Uniqueness,
}

/// RFC 7644 §3.12.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// HTTP status.
    pub status: u16,
    /// The detail error keyword.
    pub scim_type: Option<ScimType>,
    /// For Entra's administrator.
    pub detail: String,
}
