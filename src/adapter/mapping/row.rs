//! One row of a table.

use rhai::FnPtr;
use serde_json::Value;

use super::converter::Converter;
use super::field::Field;
use crate::scim::schema::Kind;
use crate::scim::{Leaf, Object};

/// One attribute.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) leaf: Leaf,
    /// The leaf's canonical spelling: key of what is remembered.
    pub(crate) spelling: String,
    /// Where the attribute stands in the script: start and length in bytes.
    pub(super) place: (usize, usize),
    pub(super) kind: Kind,
    pub(super) multi_valued: bool,
    pub(super) fields: Vec<Field>,
    pub(super) converter: Converter,
    pub(crate) required: bool,
    pub(super) read_only: bool,
    /// It is set and never shown: nothing of it is read, noted or kept.
    pub(crate) write_only: bool,
    pub(crate) lookup: Option<String>,
    pub(crate) unique: bool,
    pub(crate) ambiguous: bool,
    pub(super) primary: bool,
    pub(super) lenient: bool,
    pub(super) at_most: Option<usize>,
    pub(super) cut: Option<usize>,
    pub(super) otherwise: Option<FnPtr>,
    /// It always makes a value, of what is demanded anyway.
    pub(super) always_made: bool,
    /// What a new object has whose creator does not say.
    pub(super) initially: Option<Value>,
    pub(super) pending: Vec<String>,
    pub(super) echo: Option<Field>,
}

impl Row {
    /// Whether it stands for native fields, and writes them.
    pub(super) fn is_written(&self) -> bool {
        !self.fields.is_empty() && !self.read_only
    }

    /// Whether an object without a value of the client's is refused.
    pub(super) fn is_demanded(&self) -> bool {
        self.required && self.otherwise.is_none() && self.initially.is_none()
    }

    /// Whether an object is refused without it only where it cannot be made of other attributes.
    pub(super) fn is_made_or_demanded(&self) -> bool {
        self.required && self.otherwise.is_some()
    }

    /// The same, and there are objects of which it cannot be made.
    pub(crate) fn may_be_missing(&self) -> bool {
        self.is_made_or_demanded() && !self.always_made
    }

    /// The values of a closed list, as a client writes them.
    pub(super) fn listed_values(&self) -> Vec<String> {
        match &self.converter {
            Converter::Values { pairs, .. } if self.kind != Kind::Boolean => {
                pairs.iter().map(|(scim, _)| scim.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Says of an element that the table makes the primary one whether it is.
    pub(super) fn mark_primary(&self, resource: &mut Object, is_primary: Value) {
        if self.primary {
            self.primary_leaf().set(resource, is_primary);
        }
    }

    pub(super) fn primary_leaf(&self) -> Leaf {
        Leaf {
            sub: Some("primary".into()),
            ..self.leaf.clone()
        }
    }
}
