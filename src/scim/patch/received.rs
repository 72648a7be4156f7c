//! The structure of a PATCH body, before its paths and values mean anything.

use serde_json::Value;

use super::{MAX_OPERATIONS, MAX_VALUES, Op, PATCH_SCHEMA};
use crate::scim::compare::{same_text, take};
use crate::scim::{Object, Profile, ScimError};

/// One operation as received.
pub(super) struct Received {
    pub(super) op: Op,
    /// `None` also for null and `""`.
    pub(super) path: Option<String>,
    /// Null when there is none.
    pub(super) value: Value,
}

/// The operations of a body; its members are found in any case, unknown ones are ignored.
pub(super) fn received(body: Value, profile: Profile) -> Result<Vec<Received>, ScimError> {
    let Value::Object(mut body) = body else {
        return Err(ScimError::invalid_syntax("the body must be a JSON object"));
    };
    let schemas = take(&mut body, "schemas").unwrap_or_default();
    if !profile.skips_unknown_schemas() && !is_patch(&schemas) {
        let detail = format!("schemas must contain {PATCH_SCHEMA}");
        return Err(ScimError::invalid_syntax(detail));
    }
    let operations = operations(&mut body)?;
    let operations = operations
        .into_iter()
        .map(|operation| one(operation, profile));
    let operations: Vec<Received> = operations.collect::<Result<_, _>>()?;
    let values: usize = operations
        .iter()
        .map(|operation| count(&operation.value))
        .sum();
    match values > MAX_VALUES {
        true => Err(ScimError::too_large(format!(
            "more than {MAX_VALUES} values in one PATCH"
        ))),
        false => Ok(operations),
    }
}

fn is_patch(schemas: &Value) -> bool {
    let mut urns = schemas
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    urns.any(|urn| same_text(urn, PATCH_SCHEMA))
}

fn operations(body: &mut Object) -> Result<Vec<Value>, ScimError> {
    match take(body, "Operations") {
        Some(Value::Array(operations)) if operations.is_empty() => Err(ScimError::invalid_syntax(
            "Operations must hold at least one operation",
        )),
        Some(Value::Array(operations)) if operations.len() > MAX_OPERATIONS => Err(
            ScimError::too_large(format!("more than {MAX_OPERATIONS} operations")),
        ),
        Some(Value::Array(operations)) => Ok(operations),
        _ => Err(ScimError::invalid_syntax("Operations must be a list")),
    }
}

fn one(operation: Value, profile: Profile) -> Result<Received, ScimError> {
    let Value::Object(mut members) = operation else {
        return Err(ScimError::invalid_syntax("an operation must be an object"));
    };
    let op = take(&mut members, "op");
    let op = op.as_ref().and_then(Value::as_str).and_then(Op::parse);
    let op = op.ok_or_else(|| ScimError::invalid_syntax("op must be add, remove or replace"))?;
    let path = match take(&mut members, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path).filter(|path| !path.is_empty()),
        Some(_) => return Err(ScimError::invalid_path("path must be a string")),
    };
    let value = take(&mut members, "value");
    if value.is_none() && op != Op::Remove && !profile.takes_missing_value_as_null() {
        return Err(ScimError::invalid_value("add and replace need a value"));
    }
    Ok(Received {
        op,
        path,
        value: value.unwrap_or_default(),
    })
}

impl Op {
    /// Entra writes `Add`, `Replace`, `Remove`.
    fn parse(word: &str) -> Option<Self> {
        let known = [
            ("add", Self::Add),
            ("remove", Self::Remove),
            ("replace", Self::Replace),
        ];
        let mut found = known
            .into_iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(word));
        found.next().map(|(_, op)| op)
    }
}

/// Objects, list elements and single values; the parts of an object belong to it.
fn count(value: &Value) -> usize {
    let nested = |part: &Value| {
        if part.is_array() || part.is_object() {
            count(part)
        } else {
            0
        }
    };
    match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(parts) => 1 + parts.values().map(nested).sum::<usize>(),
        _ => 1,
    }
}
