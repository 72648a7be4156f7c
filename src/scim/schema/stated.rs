//! What `/Schemas` says of one adapter: the RFC's definitions, with what its table demands.

use std::sync::Arc;

use super::resource_type::external_id;
use super::{Attribute, Extension, Mutability, ResourceType, Schema, Uniqueness};
use crate::scim::Leaf;
use crate::scim::leaf::Selector;

/// What is said of an attribute that no row of the table stands for.
const KEPT: &str = "The vendor has no field for it; the gateway keeps it.";

/// What is said of an attribute that is needed and may be made of others.
const MADE: &str = "Needed, unless it can be made of other attributes.";

/// What the vendor demands of the value at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The place.
    pub leaf: Leaf,
    /// A resource without a value there is refused.
    pub required: bool,
    /// A resource without a value there is refused if none can be made of its other values.
    pub made: bool,
    /// No two resources have the same value there.
    pub unique: bool,
    /// The values that the vendor knows, if they are listed.
    pub values: Vec<String>,
}

impl ResourceType {
    /// What `/Schemas` publishes (RFC 7643 §7, R123): whatever is taken and answered, and no
    /// promise that is not kept. A list is required if one of its places is, and the type of its
    /// elements where that tells the place; a part of chosen elements is never unique, for others
    /// of the list are kept as they come; types are suggested for which there is a place. What has
    /// no place is kept by the gateway and says so, unless only the vendor could set it.
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
    let common = external_id().filter(|_| urn.is_none());
    let attributes = schema.attributes.iter().chain(common);
    let stated = attributes.filter_map(|attribute| {
        let about = |it: &&Statement| {
            it.leaf.schema.as_deref() == urn && it.leaf.attribute == attribute.name
        };
        stated_attribute(attribute, statements.iter().filter(about).collect())
    });
    Schema {
        attributes: stated.collect(),
        ..schema.clone()
    }
}

/// `None` is an attribute that nobody sets.
fn stated_attribute(attribute: &Attribute, about: Vec<&Statement>) -> Option<Attribute> {
    let mut stated = attribute.clone();
    let whole = about.iter().any(|it| it.leaf.sub.is_none());
    // The gateway's in any case, and of a member nothing but who it is.
    let is_members = attribute.name == "members";
    if about.is_empty() && !is_members {
        stated.keep()?;
    }
    state(&mut stated, about.iter().filter(|it| it.leaf.sub.is_none()));
    stated.required |= about.iter().any(|it| it.required);
    stated.sub_attributes.retain_mut(|sub| {
        let name = Some(sub.name.clone());
        let of_sub = about.iter().filter(|it| it.leaf.sub == name);
        let is_mapped = whole || of_sub.clone().next().is_some();
        // What tells elements apart, and what the gateway itself says of them.
        let is_ours = matches!(sub.name.as_str(), "value" | "type" | "primary" | "$ref");
        state(sub, of_sub);
        is_mapped || is_ours || !is_members && sub.keep().is_some()
    });
    // Without its type an element is none of the place that is required.
    let is_chosen = about
        .iter()
        .any(|it| it.required && it.leaf.element.is_some());
    if let Some(kind) = stated
        .sub_attributes
        .iter_mut()
        .find(|sub| sub.name == "type")
    {
        kind.required |= is_chosen;
    }
    let types = types_of(&about);
    let kinds = stated.sub_attributes.iter_mut();
    if let Some(kind) = kinds
        .filter(|sub| sub.name == "type" && !types.is_empty())
        .last()
    {
        kind.canonical_values = types;
    }
    Some(stated)
}

impl Attribute {
    /// Says that the gateway keeps it; `None` if it cannot be set.
    fn keep(&mut self) -> Option<()> {
        if self.mutability == Mutability::ReadOnly {
            return None;
        }
        self.description = format!("{} {KEPT}", self.description);
        Some(())
    }
}

fn state<'s>(attribute: &mut Attribute, about: impl Iterator<Item = &'s &'s Statement> + Clone) {
    attribute.required |= about.clone().any(|it| it.required);
    // Of an element at another place nobody says so: the gateway keeps it, and twice if it comes twice.
    let is_unique = |it: &&Statement| it.unique && it.leaf.element.is_none();
    let unique = about.clone().next().is_some() && about.clone().all(is_unique);
    if unique && attribute.uniqueness == Uniqueness::None {
        attribute.uniqueness = Uniqueness::Server;
    }
    if about.clone().any(|it| it.made) {
        attribute.description = format!("{} {MADE}", attribute.description);
    }
    for value in about.flat_map(|it| &it.values) {
        if !attribute.canonical_values.contains(value) {
            attribute.canonical_values.push(value.clone());
        }
    }
}

fn types_of(about: &[&Statement]) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for statement in about {
        if let Some(Selector::Type(kind)) = &statement.leaf.element
            && !types.contains(kind)
        {
            types.push(kind.clone());
        }
    }
    types
}
