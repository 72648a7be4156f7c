//! An item of a batch.

use std::sync::Arc;

use serde_json::Value;

/// An item of a batch as the batch's function has it: handed on unread, so that a batch may hold
/// more than a script may, and costs no more for being large.
#[derive(Clone, Debug)]
pub(crate) struct Item(Arc<Value>);

impl Item {
    pub(crate) fn new(value: Value) -> Self {
        Self(Arc::new(value))
    }

    pub(super) fn value(&self) -> &Value {
        &self.0
    }

    /// What is no object stays as it is.
    pub(super) fn plus(&self, name: &str, value: Value) -> Self {
        let mut whole = self.value().clone();
        if let Value::Object(members) = &mut whole {
            members.insert(name.to_owned(), value);
        }
        Self::new(whole)
    }
}
