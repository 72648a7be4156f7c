//! What an adapter's table says of its attributes beyond the RFC's definitions.

use std::sync::Arc;

use super::{Attribute, ResourceType, Schema, Uniqueness};
use crate::scim::Leaf;
use crate::scim::schema::Extension;

/// What the vendor demands of the value at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The place.
    pub leaf: Leaf,
    /// A resource without a value there is refused.
    pub required: bool,
    /// No two resources have the same value there.
    pub unique: bool,
}

impl ResourceType {
    /// Publishes also what the vendor demands, so that `/Schemas` promises no more than is done
    /// (RFC 7643 §7, R123). A list is required if one of its places is; a part of it is unique only
    /// if it is at every place.
    #[must_use]
    pub fn stating(mut self, statements: &[Statement]) -> Self {
        self.schema = Arc::new(stated(&self.schema, None, statements));
        for Extension { schema, .. } in &mut self.extensions {
            let urn = schema.id.clone();
            *schema = Arc::new(stated(schema, Some(&urn), statements));
        }
        self
    }
}

fn stated(schema: &Schema, urn: Option<&str>, statements: &[Statement]) -> Schema {
    let mut schema = schema.clone();
    for attribute in &mut schema.attributes {
        let about: Vec<&Statement> = statements
            .iter()
            .filter(|it| it.leaf.schema.as_deref() == urn && it.leaf.attribute == attribute.name)
            .collect();
        state(attribute, about.iter().filter(|it| it.leaf.sub.is_none()));
        attribute.required |= about.iter().any(|it| it.required);
        for sub in &mut attribute.sub_attributes {
            let name = Some(sub.name.clone());
            state(sub, about.iter().filter(|it| it.leaf.sub == name));
        }
    }
    schema
}

fn state<'s>(attribute: &mut Attribute, about: impl Iterator<Item = &'s &'s Statement> + Clone) {
    attribute.required |= about.clone().any(|it| it.required);
    let unique = about.clone().next().is_some() && about.clone().all(|it| it.unique);
    if unique && attribute.uniqueness == Uniqueness::None {
        attribute.uniqueness = Uniqueness::Server;
    }
}
