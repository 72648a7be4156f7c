//! What is remembered of one resource, by the attributes of its table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scim::Object;

/// What is remembered of one resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// By canonical leaf (`addresses[type eq "work"].country`): the client's own value.
    #[serde(default, rename = "said", skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, ValueOverride>,
    /// Attributes the adapter's table does not have, in SCIM shape.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub extra: Object,
    /// The native key that a change asked for and whose outcome is not known:
    /// the object is under this one or still under the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becoming: Option<String>,
    /// A disabled resource as it was, in SCIM shape, where the vendor removes
    /// disabled objects by itself.
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub kept: Object,
    /// Memberships that the gateway keeps are to be told the vendor: it is switched off, or was
    /// just created again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
}

impl Remembered {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.overrides.is_empty()
            && self.extra.is_empty()
            && self.becoming.is_none()
            && self.kept.is_empty()
            && !self.suspended
    }
}

/// The client's own value, answered in place of the translated one for as long as
/// the vendor still holds what it was translated to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueOverride {
    /// The client's value; `None` when it sent none and the vendor needed one.
    pub value: Option<Value>,
    /// The native value it became.
    pub native: Value,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Rows of the store have these names, whatever the fields are called.
    #[test]
    fn what_was_stored_is_read_again() {
        let stored = r#"{"said":{"title":{"value":"Boss","native":"boss"}},"extra":{"nickName":"Ada"},"becoming":"7","kept":{"userName":"ada"},"suspended":true}"#;
        let read: Remembered = serde_json::from_str(stored).unwrap();
        assert_eq!(read.overrides["title"].native, "boss");
        assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    }
}
