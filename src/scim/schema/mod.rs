//! Attribute definitions as data (RFC 7643 §7): read from JSON once, published from the same.

mod resource_type;
mod stated;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use resource_type::{Extension, ResourceType};
pub use stated::Statement;

use super::compare::same_text;

/// URN of the core User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise User extension.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// One schema: a URN and its attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The URN.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// What it describes.
    #[serde(default)]
    pub description: String,
    /// In the order of publication.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of this name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

/// One attribute or sub-attribute and its characteristics. Defaults are those of RFC 7643 §2.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attribute {
    /// Canonical spelling.
    pub name: String,
    /// Data type.
    #[serde(rename = "type", default)]
    pub kind: Kind,
    /// Whether the value is a list.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it is, for administrators.
    #[serde(default)]
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Suggested values; others are taken as well (RFC 7643 §7).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether comparison regards case.
    #[serde(default)]
    pub case_exact: bool,
    /// Whether and when it may be written.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is answered.
    #[serde(default)]
    pub returned: Returned,
    /// Within which bounds its value is unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// What a reference points to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// Parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Self>,
}

impl Attribute {
    /// The sub-attribute of this name, in any case.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        find(&self.sub_attributes, name)
    }

    /// Whether it is set and never shown.
    pub fn is_write_only(&self) -> bool {
        self.mutability == Mutability::WriteOnly
    }

    /// Whether the value has parts.
    pub fn is_complex(&self) -> bool {
        self.kind == Kind::Complex
    }

    /// Whether an element is told from its neighbours by an exact `value` alone (`members`).
    pub fn is_keyed(&self) -> bool {
        let exact = self.sub("value").is_some_and(|value| value.case_exact);
        self.multi_valued && exact && !self.has_slots()
    }

    /// Whether an element is told from its neighbours by `type`, so that a second one of the
    /// same type takes the place of the first. Entra keeps types unique in e-mails, telephone
    /// numbers and addresses; roles share one type (Entra, "provisioning a role").
    pub fn has_slots(&self) -> bool {
        self.multi_valued
            && self.sub("type").is_some_and(|kind| {
                !kind.canonical_values.is_empty() && kind.mutability == Mutability::ReadWrite
            })
    }
}

/// Data types of RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Text.
    #[default]
    String,
    /// JSON `true` or `false`.
    Boolean,
    /// Number with fraction.
    Decimal,
    /// Whole number.
    Integer,
    /// `xsd:dateTime` as a string.
    DateTime,
    /// Base64 as a string.
    Binary,
    /// URI, as a string.
    Reference,
    /// Sub-attributes.
    Complex,
}

/// RFC 7643 §7, `mutability`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Set by the service only.
    ReadOnly,
    /// Set and changed at will.
    #[default]
    ReadWrite,
    /// Set once.
    Immutable,
    /// Set, never shown.
    WriteOnly,
}

/// RFC 7643 §7, `returned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// Whatever the request names or excludes.
    Always,
    /// Not in any answer.
    Never,
    /// Unless excluded, or others are named.
    #[default]
    Default,
    /// When named.
    Request,
}

/// RFC 7643 §7, `uniqueness`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Values may repeat.
    #[default]
    None,
    /// Unique within the tenant.
    Server,
    /// Unique in the world.
    Global,
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    // Names are ASCII, and nearly always arrive in canonical spelling.
    attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .or_else(|| {
            attributes
                .iter()
                .find(|attribute| same_text(&attribute.name, name))
        })
}
