//! Faithful read-back. Entra compares what it reads with what it sent and sends
//! again what differs, so where the way to the vendor and back does not end
//! where it began, the gateway remembers what was said, and answers it for as
//! long as the vendor still holds what it became.

use serde_json::Value;

use super::read::{ReadValue, Reading};
use super::{Mapping, Purpose, Row, Written};
use crate::adapter::remembered::{Remembered, Saying};
use crate::scim::{Leaf, Object, Selector};

/// The resource as Entra sees it, without `id` and `meta`: the vendor's values,
/// the client's own words where they still hold, and what only we remember.
pub(crate) fn assemble(mapping: &Mapping, reading: &Reading, remembered: &Remembered) -> Object {
    let mut resource = Object::new();
    mapping.resource_type.set_schemas(&mut resource);
    for value in &reading.values {
        let Some(row) = mapping.row(value.row) else {
            continue;
        };
        let Some(scim) = row.answer(value, remembered.said.get(&row.spelling)) else {
            continue;
        };
        row.leaf.set(&mut resource, scim);
        row.mark_primary(&mut resource, true.into());
    }
    merge(mapping, &mut resource, &remembered.extra);
    mapping.resource_type.set_schemas(&mut resource);
    resource
}

impl Reading {
    /// The attributes that are answered as the client said them.
    pub(crate) fn answered_from(&self, mapping: &Mapping, remembered: &Remembered) -> Vec<String> {
        let said = self.values.iter().filter_map(|value| {
            let row = mapping.row(value.row)?;
            let saying = remembered.said.get(&row.spelling)?;
            let holds = saying.native == value.native || row.is_pending(&value.native);
            holds.then(|| row.spelling.clone())
        });
        said.collect()
    }
}

impl Row {
    /// Says of an element that the table makes the primary one whether it is.
    pub(super) fn mark_primary(&self, resource: &mut Object, is_primary: Value) {
        if self.primary {
            self.primary_leaf().set(resource, is_primary);
        }
    }

    fn primary_leaf(&self) -> Leaf {
        Leaf {
            sub: Some("primary".into()),
            ..self.leaf.clone()
        }
    }

    fn answer(&self, value: &ReadValue, saying: Option<&Saying>) -> Option<Value> {
        match saying {
            Some(saying) if saying.native == value.native || self.is_pending(&value.native) => {
                saying.value.clone()
            }
            _ if self.is_pending(&value.native) => Some(false.into()),
            _ => value.scim.clone(),
        }
    }
}

/// A value that the vendor keeps otherwise than it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotTaken {
    /// The attribute's canonical spelling.
    pub(crate) spelling: String,
    pub(crate) sent: Value,
    pub(crate) kept: Value,
}

/// Notes, after a write, what the vendor's values alone would not tell. Gives what the vendor
/// did not take as it was sent.
pub(crate) fn update_sayings(
    mapping: &Mapping,
    remembered: &mut Remembered,
    written: &[Written],
    reading: &Reading,
) -> Vec<NotTaken> {
    let mut not_taken = Vec::new();
    for write in written {
        let Some(row) = mapping.row(write.row) else {
            continue;
        };
        let Some(now) = reading.values.iter().find(|value| value.row == write.row) else {
            continue;
        };
        // What a reference names goes on being it when its native id changes.
        let faithful = now.scim == write.said
            && !row.is_pending(&now.native)
            && !(row.is_reference() && write.said.is_some());
        let taken = same_native(&now.native, &write.native) || row.is_pending(&now.native);
        if faithful || !taken {
            remembered.said.remove(&row.spelling);
        } else {
            let saying = Saying {
                value: write.said.clone(),
                native: now.native.clone(),
            };
            remembered.said.insert(row.spelling.clone(), saying);
        }
        if !taken {
            tracing::warn!(
                attribute = row.spelling,
                action = "compare the mapping with the vendor's rules",
                "the vendor keeps another value than it was sent"
            );
            not_taken.push(NotTaken {
                spelling: row.spelling.clone(),
                sent: write.native.clone(),
                kept: now.native.clone(),
            });
        }
    }
    not_taken
}

impl Reading {
    /// Whether the vendor holds what was sent. A new object is not sent what is
    /// absent, and may have the vendor's default there.
    pub(crate) fn has(&self, written: &[Written], purpose: Purpose) -> bool {
        let mut sent = written
            .iter()
            .filter(|one| purpose == Purpose::Update || !one.native.is_null());
        sent.all(|sent| {
            let mut values = self.values.iter();
            let now = values.find(|value| value.row == sent.row);
            now.is_some_and(|now| same_native(&now.native, &sent.native))
        })
    }
}

/// Whether the vendor holds what it was sent; several fields may come back with
/// null for an empty text.
fn same_native(now: &Value, sent: &Value) -> bool {
    let void = |value: &Value| value.is_null() || value.as_str() == Some("");
    match (now, sent) {
        (Value::Array(now), Value::Array(sent)) => {
            now.len() == sent.len()
                && now
                    .iter()
                    .zip(sent)
                    .all(|(now, sent)| same_native(now, sent))
        }
        (Value::Null, Value::Array(sent)) => sent.iter().all(void),
        _ => now == sent || (void(now) && void(sent)),
    }
}

/// A resource with what only we remember of it.
pub(crate) fn add_extra(mapping: &Mapping, mut resource: Object, extra: &Object) -> Object {
    merge(mapping, &mut resource, extra);
    resource
}

/// What of a resource the vendor has no place for.
pub(crate) fn extra_of(mapping: &Mapping, resource: &Object) -> Object {
    let mut extra = resource.clone();
    for (_, row) in mapping.mapped() {
        row.leaf.remove(&mut extra);
        row.forget_primary(&mut extra);
        row.forget_reference(&mut extra);
    }
    for name in ["schemas", "id", "meta", "groups", "members"] {
        extra.shift_remove(name);
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

    /// `primary` of a mapped element is answered by the table, or is the default.
    fn forget_primary(&self, extra: &mut Object) {
        let primary = self.primary_leaf();
        if self.leaf.element.is_some()
            && primary
                .get(extra)
                .is_some_and(|value| value.as_bool().is_none_or(|said| said == self.primary))
        {
            primary.remove(extra);
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

fn merge(mapping: &Mapping, resource: &mut Object, extra: &Object) {
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
                if mapping.has_slot(attribute, kind) =>
            {
                held.extend(
                    parts
                        .iter()
                        .map(|(part, value)| (part.clone(), value.clone())),
                );
            }
            (None, _) if mapping.has_slot(attribute, kind) => {}
            _ => elements.push(element.clone()),
        }
    }
}

impl Mapping {
    /// Whether the table has a row for elements of this type.
    fn has_slot(&self, attribute: &str, kind: Option<&str>) -> bool {
        self.mapped().any(|(_, row)| {
            row.leaf.attribute == attribute
                && matches!(&row.leaf.element, Some(Selector::Type(slot)) if Some(slot.as_str()) == kind)
        })
    }
}
