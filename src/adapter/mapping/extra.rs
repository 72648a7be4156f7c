//! What of a resource the vendor has no place for: kept beside the table, and put back.

use serde_json::Value;

use super::row::Row;
use super::table::Mapping;
use crate::scim::{Leaf, Object, Selector};

/// A resource with what only we remember of it.
pub(crate) fn add_extra(mapping: &Mapping, mut resource: Object, extra: &Object) -> Object {
    merge(mapping, &mut resource, extra);
    resource
}

/// What of a resource the vendor has no place for.
pub(crate) fn extra_of(mapping: &Mapping, resource: &Object) -> Object {
    let is_whole = |name: &str| {
        let mut rows = mapping.mapped();
        rows.any(|(_, row)| row.leaf.is_whole(name))
    };
    let others = resource.iter().filter(|(name, _)| {
        let elsewhere = ["schemas", "id", "meta", "groups", "members"];
        !elsewhere.contains(&name.as_str()) && !is_whole(name)
    });
    let mut extra: Object = others
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let parts = mapping.mapped().filter(|(_, row)| !row.leaf.has_no_parts());
    for (_, row) in parts {
        row.leaf.remove(&mut extra);
        row.keep_primary(resource, mapping, &mut extra);
        row.forget_reference(&mut extra);
    }
    extra.retain(|_, value| !prune(value));
    extra
}

impl Row {
    /// `$ref` beside a mapped `value` is answered by the gateway.
    fn forget_reference(&self, extra: &mut Object) {
        if self.leaf.element.is_none() && self.leaf.sub.as_deref() == Some("value") {
            let reference = Leaf {
                sub: Some("$ref".into()),
                ..self.leaf.clone()
            };
            reference.remove(extra);
        }
    }

    /// `primary` of a mapped element is kept where it is not what the table answers by itself: true,
    /// or nothing.
    fn keep_primary(&self, resource: &Object, mapping: &Mapping, extra: &mut Object) {
        let list = resource.get(&self.leaf.attribute).and_then(Value::as_array);
        let says = |element: &Value| element.get("primary").is_some();
        if self.leaf.element.is_none() || !list.is_some_and(|list| list.iter().any(says)) {
            return;
        }
        let makes = mapping.makes_primary(&self.leaf);
        let said = self.said_primary(resource, makes);
        let primary = self.primary_leaf();
        primary.remove(extra);
        if let Some(said) = said.filter(|said| !(*said && makes)) {
            primary.set(extra, said.into());
        }
    }

    /// Whether a resource says that this row's element is, or is not, the primary one. If the table
    /// `makes` it the primary one, a resource in which another element is primary says that it is not.
    fn said_primary(&self, resource: &Object, makes: bool) -> Option<bool> {
        let kind = self.element_type()?;
        let elements = resource.get(&self.leaf.attribute)?.as_array()?;
        let of_kind = |element: &&Value| element.get("type").and_then(Value::as_str) == Some(kind);
        match elements.iter().find(of_kind)?.get("primary") {
            Some(said) => said.as_bool(),
            None => {
                let is_primary = |element: &Value| element["primary"] == Value::Bool(true);
                (makes && elements.iter().any(is_primary)).then_some(false)
            }
        }
    }

    fn element_type(&self) -> Option<&str> {
        match &self.leaf.element {
            Some(Selector::Type(kind)) => Some(kind),
            _ => None,
        }
    }
}

/// Removes empty parts and reports whether nothing is left. An element that
/// only says its type and is not primary says nothing.
fn prune(value: &mut Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => {
            elements.retain_mut(|element| {
                !prune(element)
                    && !element
                        .as_object()
                        .is_some_and(|parts| parts.keys().all(|key| key == "type"))
            });
            elements.is_empty()
        }
        Value::Object(parts) => {
            parts.retain(|_, part| !prune(part));
            parts.is_empty()
        }
        _ => false,
    }
}

pub(super) fn merge(mapping: &Mapping, resource: &mut Object, extra: &Object) {
    for (name, value) in extra {
        match (resource.get_mut(name), value) {
            (Some(Value::Object(held)), Value::Object(more)) => {
                held.extend(
                    more.iter()
                        .map(|(part, value)| (part.clone(), value.clone())),
                );
            }
            (held, Value::Array(more)) => {
                let mut elements = held
                    .and_then(|held| held.as_array().cloned())
                    .unwrap_or_default();
                merge_elements(mapping, name, &mut elements, more);
                if !elements.is_empty() {
                    resource.insert(name.clone(), Value::Array(elements));
                }
            }
            _ => {
                resource.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Adds elements; one whose type the table has only adds its other parts, and
/// is nothing without the value that the vendor holds.
fn merge_elements(mapping: &Mapping, attribute: &str, elements: &mut Vec<Value>, more: &[Value]) {
    for element in more {
        let kind = element.get("type").and_then(Value::as_str);
        let held = elements
            .iter_mut()
            .find(|held| kind.is_some() && held.get("type").and_then(Value::as_str) == kind);
        match (held, element) {
            (Some(Value::Object(held)), Value::Object(parts))
                if mapping.has_row_for(attribute, kind) =>
            {
                held.extend(
                    parts
                        .iter()
                        .map(|(part, value)| (part.clone(), value.clone())),
                );
            }
            (None, _) if mapping.has_row_for(attribute, kind) => {}
            _ => elements.push(element.clone()),
        }
    }
}

impl Mapping {
    /// Whether the table has a row for elements of this type.
    fn has_row_for(&self, attribute: &str, kind: Option<&str>) -> bool {
        self.mapped().any(|(_, row)| {
            row.leaf.attribute == attribute && kind.is_some() && row.element_type() == kind
        })
    }

    /// Whether the table makes the element of this place the primary one.
    fn makes_primary(&self, place: &Leaf) -> bool {
        self.mapped().any(|(_, row)| {
            row.primary
                && row.leaf.attribute == place.attribute
                && row.leaf.element == place.element
        })
    }
}
