//! One operation on one resource.

use serde_json::Value;

use super::elements::{self, Change};
use super::{Op, Operation, Stop};
use crate::scim::filter::{equal, is_unknown};
use crate::scim::leaf::{list_schema, unlist_schema};
use crate::scim::resource::extension;
use crate::scim::schema::{Attribute, Mutability};
use crate::scim::{Object, Profile, ResourceType, ScimError, work};

pub(super) fn apply(
    operation: &Operation,
    resource: &mut Object,
    types: &ResourceType,
    profile: Profile,
) -> Result<(), Stop> {
    let attr = &operation.path.attr;
    let Some((urn, attribute)) = types.resolve(attr.schema.as_deref(), &attr.attribute) else {
        return Ok(()); // parsed for another resource type
    };
    let Some(urn) = urn else {
        return on_holder(operation, resource, attribute, profile);
    };
    if operation.op == Op::Remove && !resource.contains_key(urn) {
        return Ok(());
    }
    on_holder(operation, extension(resource, urn), attribute, profile)?;
    match resource
        .get(urn)
        .and_then(Value::as_object)
        .is_some_and(Object::is_empty)
    {
        true => {
            resource.shift_remove(urn);
            unlist_schema(resource, urn);
        }
        false => list_schema(resource, urn),
    }
    Ok(())
}

/// The same, and the resource stays as it is where the operation cannot be applied.
pub(super) fn apply_or_leave(
    operation: &Operation,
    resource: &mut Object,
    types: &ResourceType,
    profile: Profile,
) {
    let attr = &operation.path.attr;
    let Some((urn, attribute)) = types.resolve(attr.schema.as_deref(), &attr.attribute) else {
        return;
    };
    let before = holder(resource, urn).and_then(|holder| holder.get(&attribute.name));
    if before.is_some_and(|before| !work::copy(before)) {
        return;
    }
    let before = before.cloned();
    if apply(operation, resource, types, profile).is_ok() {
        return;
    }
    if let (Some(before), Some(holder)) = (before, holder(resource, urn)) {
        holder.insert(attribute.name.clone(), before);
    }
}

/// What an attribute stands in, if it is there.
fn holder<'r>(resource: &'r mut Object, urn: Option<&str>) -> Option<&'r mut Object> {
    match urn {
        Some(urn) => resource.get_mut(urn)?.as_object_mut(),
        None => Some(resource),
    }
}

/// The attribute's value is taken out, changed and put back where it stood.
fn on_holder(
    operation: &Operation,
    holder: &mut Object,
    attribute: &Attribute,
    profile: Profile,
) -> Result<(), Stop> {
    let current = holder
        .get_mut(&attribute.name)
        .map(Value::take)
        .filter(|value| !value.is_null());
    match changed(operation, attribute, current, profile)? {
        Some(value) => holder.insert(attribute.name.clone(), value),
        None => holder.shift_remove(&attribute.name),
    };
    Ok(())
}

/// The value after the operation; `None` is "absent".
fn changed(
    operation: &Operation,
    attribute: &Attribute,
    current: Option<Value>,
    profile: Profile,
) -> Result<Option<Value>, Stop> {
    let Operation { op, path, value } = operation;
    let whole = path.filter.is_none() && path.sub().is_none();
    match (op, value) {
        (Op::Remove, None) if whole => {
            guard_immutable(attribute, current.as_ref(), &Value::Null)?;
            Ok(None)
        }
        (Op::Replace, Some(value)) if whole && attribute.multi_valued => Ok(Some(value.clone())),
        (Op::Add | Op::Replace, Some(value)) if whole && !attribute.multi_valued => {
            guard_immutable(attribute, current.as_ref(), value)?;
            Ok(Some(value.clone()))
        }
        _ if attribute.multi_valued => in_list(operation, attribute, current, profile),
        _ => in_parts(operation, attribute, current),
    }
}

fn in_list(
    operation: &Operation,
    attribute: &Attribute,
    current: Option<Value>,
    profile: Profile,
) -> Result<Option<Value>, Stop> {
    let mut elements = match current {
        None => Vec::new(),
        Some(Value::Array(elements)) => elements,
        Some(other) if is_unknown(&other) => return Err(Stop::NeedsRead),
        Some(other) => vec![other],
    };
    if !work::look_at(elements.len()) {
        return Err(Stop::NeedsRead);
    }
    let Operation { op, path, value } = operation;
    match (&path.filter, path.sub(), op, value) {
        (None, None, Op::Remove, Some(given)) => {
            elements::subtract(&mut elements, attribute, given)?
        }
        (None, None, _, Some(Value::Array(more))) => {
            elements::append(&mut elements, attribute, more, profile)?;
        }
        (filter, sub, op, value) => {
            let change = Change {
                op: *op,
                sub,
                value: value.as_ref(),
            };
            elements::alter(&mut elements, attribute, filter.as_ref(), &change, profile)?;
        }
    }
    Ok((!elements.is_empty()).then_some(Value::Array(elements)))
}

fn in_parts(
    operation: &Operation,
    attribute: &Attribute,
    current: Option<Value>,
) -> Result<Option<Value>, Stop> {
    let mut parts = match current {
        None => Object::new(),
        Some(Value::Object(parts)) => parts,
        Some(_) => return Err(Stop::NeedsRead),
    };
    if let Some(sub) = operation.path.sub() {
        set_part(&mut parts, attribute, sub, operation.value.as_ref())?;
    }
    Ok((!parts.is_empty()).then_some(Value::Object(parts)))
}

/// Sets or, without value, removes one part of a complex value.
pub(super) fn set_part(
    parts: &mut Object,
    attribute: &Attribute,
    sub: &str,
    value: Option<&Value>,
) -> Result<(), Stop> {
    if let Some(part) = attribute.sub(sub) {
        guard_immutable(part, parts.get(sub), value.unwrap_or(&Value::Null))?;
    }
    match value {
        Some(value) => parts.insert(sub.to_owned(), value.clone()),
        None => parts.shift_remove(sub),
    };
    Ok(())
}

/// RFC 7643 §7: an immutable attribute is set once; the same value again is no change, null
/// (which removes it) is one.
fn guard_immutable(
    attribute: &Attribute,
    current: Option<&Value>,
    value: &Value,
) -> Result<(), Stop> {
    let Some(current) = current.filter(|_| attribute.mutability == Mutability::Immutable) else {
        return Ok(());
    };
    match equal(attribute, current, value) {
        None => Err(Stop::NeedsRead),
        Some(true) => Ok(()),
        Some(false) => {
            Err(ScimError::mutability(format!("{} is immutable", attribute.name)).into())
        }
    }
}
