//! From the vendor's fields to SCIM and back, in `serde_json` trees.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Refused, UNUSABLE};
use crate::shape::Shape;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub(super) fn user(shape: &Shape, row: &Value, base: &str) -> Result<Value, Refused> {
    let id = row["id"].as_str().ok_or(UNUSABLE)?;
    let mut user = json!({"schemas": [CORE], "id": id});
    let held = |field: &str| row.get(field).filter(|value| !value.is_null()).cloned();
    for (attribute, field) in shape.plain {
        if let Some(value) = held(field) {
            user[*attribute] = value;
        }
    }
    for (part, field) in shape.name {
        if let Some(value) = held(field) {
            user["name"][*part] = value;
        }
    }
    for (list, kind, field) in shape.typed {
        if let Some(value) = held(field) {
            let element = json!({"type": kind, "value": value});
            match &mut user[*list] {
                Value::Array(elements) => elements.push(element),
                none => *none = json!([element]),
            }
        }
    }
    for (part, field) in shape.address {
        if let Some(value) = held(field) {
            if user.get("addresses").is_none() {
                user["addresses"] = json!([{"type": "work"}]);
            }
            user["addresses"][0][*part] = value;
        }
    }
    for (attribute, field) in shape.enterprise {
        if let Some(value) = held(field) {
            user[ENTERPRISE][*attribute] = value;
        }
    }
    if user.get(ENTERPRISE).is_some() {
        user["schemas"] = json!([CORE, ENTERPRISE]);
    }
    Ok(described(user, "User", base))
}

pub(super) fn group(row: &Value, members: &Value, base: &str) -> Result<Value, Refused> {
    let id = row["id"].as_str().ok_or(UNUSABLE)?;
    let members = members["items"].as_array().ok_or(UNUSABLE)?;
    let members = members.iter().map(|id| {
        let id = id.as_str().ok_or(UNUSABLE)?;
        Ok(json!({"value": id, "type": "User", "$ref": format!("{base}/Users/{id}")}))
    });
    let members: Vec<Value> = members.collect::<Result<_, Refused>>()?;
    let group =
        json!({"schemas": [GROUP], "id": id, "displayName": row["name"], "members": members});
    Ok(described(group, "Group", base))
}

/// With its entity tag and its address.
fn described(mut resource: Value, kind: &str, base: &str) -> Value {
    let digest = Sha256::digest(serde_json::to_vec(&resource).unwrap());
    let digits: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let id = resource["id"].as_str().unwrap_or_default();
    resource["meta"] = json!({"resourceType": kind, "location": format!("{base}/{kind}s/{id}"),
        "version": format!("W/\"{digits}\"")});
    resource
}

pub(super) fn native(shape: &Shape, user: &Value) -> Result<Map<String, Value>, Refused> {
    if user["userName"].as_str().is_none_or(str::is_empty) {
        return Err((400, "userName is required."));
    }
    let mut row = Map::new();
    for (attribute, field) in shape.plain {
        put(&mut row, field, &user[*attribute]);
    }
    for (part, field) in shape.name {
        put(&mut row, field, &user["name"][*part]);
    }
    for (list, kind, field) in shape.typed {
        put(&mut row, field, &element(user, list, kind)["value"]);
    }
    let address = element(user, "addresses", "work");
    for (part, field) in shape.address {
        put(&mut row, field, &address[*part]);
    }
    for (attribute, field) in shape.enterprise {
        put(&mut row, field, &user[ENTERPRISE][*attribute]);
    }
    Ok(row)
}

/// The element of a list that has this type, or null.
fn element<'a>(user: &'a Value, list: &str, kind: &str) -> &'a Value {
    let mut elements = user[list].as_array().into_iter().flatten();
    elements
        .find(|element| element["type"] == kind)
        .unwrap_or(&Value::Null)
}

fn put(row: &mut Map<String, Value>, field: &str, value: &Value) {
    if !value.is_null() {
        row.insert(field.to_owned(), value.clone());
    }
}

/// The fields that a PATCH changes: `add` and `replace` of plain attributes.
pub(super) fn changes(shape: &Shape, patch: &Value) -> Result<Map<String, Value>, Refused> {
    let mut fields = Map::new();
    for operation in operations(patch)? {
        let op = operation["op"].as_str().unwrap_or_default();
        let value = match op.to_ascii_lowercase().as_str() {
            "add" | "replace" => operation["value"].clone(),
            "remove" => Value::Null,
            _ => return Err((400, "op is add, replace or remove.")),
        };
        let path = operation["path"].as_str().unwrap_or_default();
        let mut plain = shape.plain.iter();
        let known = plain.find(|(attribute, _)| attribute.eq_ignore_ascii_case(path));
        let (_, field) = known.ok_or((400, "This path is not known."))?;
        fields.insert((*field).to_owned(), value);
    }
    Ok(fields)
}

/// Who is to become a member.
pub(super) fn joining(patch: &Value) -> Result<Map<String, Value>, Refused> {
    const UNKNOWN: Refused = (400, "Of a group, this PATCH is not known.");
    let mut people = Vec::new();
    for operation in operations(patch)? {
        let is = |member: &str, text: &str| {
            operation[member]
                .as_str()
                .is_some_and(|it| it.eq_ignore_ascii_case(text))
        };
        if !is("op", "add") || !is("path", "members") {
            return Err(UNKNOWN);
        }
        for member in operation["value"].as_array().ok_or(UNKNOWN)? {
            people.push(member["value"].as_str().ok_or(UNKNOWN)?.into());
        }
    }
    Ok(Map::from_iter([("add".to_owned(), Value::Array(people))]))
}

fn operations(patch: &Value) -> Result<&Vec<Value>, Refused> {
    let operations = patch["Operations"].as_array();
    operations.ok_or((400, "Operations is missing."))
}
