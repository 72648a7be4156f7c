//! Making a resource without its references to what does not exist yet, and adding them later
//! by PATCH (RFC 7644 §3.7.1).
//!
//! Values of a multi-valued attribute (`members`) are left out one by one, other attributes
//! (`manager`) as a whole. An attribute that is required cannot be left out.

use serde_json::{Value, json};

use super::{Method, Operation, reference};
use crate::scim::patch::PATCH_SCHEMA;
use crate::scim::{AttrPath, Object, ResourceType, ScimError, Service};

/// Whether an operation makes a resource that can do without all of its references for a while.
pub(super) fn can_split(operation: &Operation, service: &Service) -> bool {
    let types = operation
        .target
        .as_ref()
        .ok()
        .and_then(|target| service.resource_type(target.kind()));
    match (&operation.data, types, operation.method) {
        (Some(Value::Object(data)), Some(types), Method::Post) => {
            split_off(&mut data.clone(), types, &|_| true).is_some()
        }
        _ => false,
    }
}

/// Takes the values with open references out of a resource and gives the PATCH that puts them in.
///
/// # Errors
/// 409, if one of them cannot be left out.
pub(super) fn split(
    data: &mut Value,
    types: &ResourceType,
    is_open: &impl Fn(&str) -> bool,
) -> Result<Value, ScimError> {
    let operations = data
        .as_object_mut()
        .and_then(|data| split_off(data, types, is_open));
    match operations {
        Some(operations) => Ok(json!({ "schemas": [PATCH_SCHEMA], "Operations": operations })),
        None => Err(super::run::circular()),
    }
}

fn split_off(
    data: &mut Object,
    types: &ResourceType,
    is_open: &impl Fn(&str) -> bool,
) -> Option<Vec<Value>> {
    let mut operations = Vec::new();
    for key in open_keys(data, is_open) {
        match data.get_mut(&key) {
            Some(Value::Object(extension)) if types.extension(&key).is_some() => {
                for name in open_keys(extension, is_open) {
                    let path = format!("{key}:{name}");
                    operations.push(take(extension, &name, &path, types, is_open)?);
                }
            }
            _ => operations.push(take(data, &key, &key, types, is_open)?),
        }
    }
    Some(operations)
}

fn open_keys(object: &Object, is_open: &impl Fn(&str) -> bool) -> Vec<String> {
    let open = object.iter().filter(|(_, value)| has_open(value, is_open));
    open.map(|(key, _)| key.clone()).collect()
}

/// The operation that adds what it takes out.
fn take(
    object: &mut Object,
    name: &str,
    path: &str,
    types: &ResourceType,
    is_open: &impl Fn(&str) -> bool,
) -> Option<Value> {
    let attribute = AttrPath::parse(path, types).ok()?;
    if types.attribute(&attribute)?.required {
        return None;
    }
    let value = match object.shift_remove(name)? {
        Value::Array(list) => {
            let (late, now): (Vec<Value>, Vec<Value>) =
                list.into_iter().partition(|item| has_open(item, is_open));
            if !now.is_empty() {
                object.insert(name.to_owned(), Value::Array(now));
            }
            Value::Array(late)
        }
        value => value,
    };
    Some(json!({ "op": "add", "path": path, "value": value }))
}

fn has_open(value: &Value, is_open: &impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    reference::each(value, &mut |bulk_id| found |= is_open(bulk_id));
    found
}
