//! From a body to operations (RFC 7644 §3.7).

use std::collections::HashSet;

use serde_json::Value;

use super::target::Target;
use super::{Bulk, MAX_BULK_ID, MAX_OPERATIONS, Method, Operation, REQUEST_SCHEMA};
use crate::scim::compare::{same_text, take};
use crate::scim::error::quoted;
use crate::scim::{Object, ScimError, Service};

impl Bulk {
    /// Reads a `BulkRequest`. Members are found in any case, unknown ones are ignored.
    ///
    /// # Errors
    /// 413 for more than [`MAX_OPERATIONS`]; 400 `invalidSyntax` or `invalidValue` for what is no
    /// bulk request: an operation without method or path, a POST without `bulkId`, a `bulkId` that
    /// stands twice. Then nothing is carried out.
    pub fn parse(body: Value, service: &Service) -> Result<Self, ScimError> {
        let Value::Object(mut body) = body else {
            return Err(ScimError::invalid_syntax("the body must be a JSON object"));
        };
        check_schemas(take(&mut body, "schemas"), service)?;
        let fail_on_errors = fail_on_errors(take(&mut body, "failOnErrors"))?;
        let operations = operations(take(&mut body, "Operations"))?.into_iter();
        let operations: Vec<Operation> = operations
            .enumerate()
            .map(|(index, value)| operation(index, value, service))
            .collect::<Result<_, _>>()?;
        check_unique(&operations)?;
        Ok(Self {
            operations,
            fail_on_errors,
        })
    }
}

fn check_schemas(schemas: Option<Value>, service: &Service) -> Result<(), ScimError> {
    let urns = schemas.as_ref().and_then(Value::as_array);
    let mut urns = urns.into_iter().flatten().filter_map(Value::as_str);
    if service.profile.skips_unknown_schemas() || urns.any(|urn| same_text(urn, REQUEST_SCHEMA)) {
        return Ok(());
    }
    let detail = format!("schemas must contain {REQUEST_SCHEMA}");
    Err(ScimError::invalid_syntax(detail))
}

/// Zero errors cannot be waited for, and to guess what was meant could stop too late.
fn fail_on_errors(value: Option<Value>) -> Result<Option<usize>, ScimError> {
    let value = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let count = value.as_u64().filter(|count| *count > 0);
    let count = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    count.map(Some).ok_or_else(|| {
        ScimError::invalid_value("failOnErrors must be a whole number, 1 or greater")
    })
}

fn operations(value: Option<Value>) -> Result<Vec<Value>, ScimError> {
    match value {
        Some(Value::Array(list)) if list.is_empty() => Err(ScimError::invalid_syntax(
            "Operations must hold at least one operation",
        )),
        Some(Value::Array(list)) if list.len() > MAX_OPERATIONS => {
            Err(ScimError::too_large(format!(
                "Operations holds {} operations, and maxOperations is {MAX_OPERATIONS}. Send them in several requests.",
                list.len()
            )))
        }
        Some(Value::Array(list)) => Ok(list),
        _ => Err(ScimError::invalid_syntax("Operations must be a list")),
    }
}

fn operation(index: usize, value: Value, service: &Service) -> Result<Operation, ScimError> {
    let wrong = |what: &str| ScimError::invalid_syntax(format!("Operations[{index}]: {what}"));
    let Value::Object(mut members) = value else {
        return Err(wrong("an operation must be an object"));
    };
    let method = text(&mut members, "method").map_err(wrong)?;
    let method = method.as_deref().and_then(Method::parse);
    let method = method.ok_or_else(|| wrong("method must be POST, PUT, PATCH or DELETE"))?;
    let path = text(&mut members, "path").map_err(wrong)?;
    let path = path.ok_or_else(|| wrong("path is required"))?;
    let bulk_id = text(&mut members, "bulkId").map_err(wrong)?;
    check_bulk_id(method, bulk_id.as_deref()).map_err(wrong)?;
    Ok(Operation {
        method,
        target: Target::parse(&path, service),
        bulk_id,
        version: text(&mut members, "version").map_err(wrong)?,
        data: take(&mut members, "data").filter(|data| !data.is_null()),
    })
}

fn check_bulk_id(method: Method, bulk_id: Option<&str>) -> Result<(), &'static str> {
    match bulk_id {
        None if method == Method::Post => Err("a POST needs a bulkId"),
        Some("") => Err("bulkId must not be empty"),
        Some(bulk_id) if bulk_id.len() > MAX_BULK_ID => Err("bulkId is longer than 256 bytes"),
        _ => Ok(()),
    }
}

fn check_unique(operations: &[Operation]) -> Result<(), ScimError> {
    let mut seen = HashSet::new();
    let mut bulk_ids = operations.iter().filter_map(|it| it.bulk_id.as_deref());
    match bulk_ids.find(|bulk_id| !seen.insert(*bulk_id)) {
        None => Ok(()),
        Some(bulk_id) => Err(ScimError::invalid_value(format!(
            "the bulkId {} stands at two operations",
            quoted(bulk_id)
        ))),
    }
}

impl Method {
    fn parse(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|method| method.as_str().eq_ignore_ascii_case(word))
    }
}

/// A text member; null is none.
fn text(members: &mut Object, name: &'static str) -> Result<Option<String>, &'static str> {
    match take(members, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(match name {
            "method" => "method must be a string",
            "path" => "path must be a string",
            "version" => "version must be a string",
            _ => "bulkId must be a string",
        }),
    }
}
