//! One value that names an object.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scim::ResourceKind;

/// One value that names an object. Two are equal if their folded values are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Name {
    /// Of which resource type.
    pub kind: ResourceKind,
    /// The attribute in its canonical spelling; a reload may move its row.
    pub attribute: String,
    /// The native value, folded.
    pub value: String,
    /// The native value as the vendor is asked for it.
    pub native: Value,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.attribute, &self.value) == (other.kind, &other.attribute, &other.value)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, &self.attribute, &self.value).hash(state);
    }
}
