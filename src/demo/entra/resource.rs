//! Users and groups as Entra writes them into a POST and reads them from an answer.

use super::patch::Change;
use crate::demo::wanted::{WantedGroup, WantedUser, path};
use serde_json::{Map, Value, json};

const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Where the value of a mapped path stands.
pub(super) enum Place<'a> {
    /// `title`.
    Plain(&'a str),
    /// `name.givenName`.
    Part(&'a str, &'a str),
    /// `emails[type eq "work"].value`: attribute, type, sub-attribute.
    Typed(&'a str, &'a str, &'a str),
    /// An attribute of the enterprise extension.
    Enterprise(&'a str),
}

impl<'a> Place<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        if let Some(name) = path.strip_prefix(ENTERPRISE) {
            return Self::Enterprise(name.trim_start_matches(':'));
        }
        if let Some((attribute, rest)) = path.split_once("[type eq \"")
            && let Some((kind, part)) = rest.split_once("\"].")
        {
            return Self::Typed(attribute, kind, part);
        }
        match path.split_once('.') {
            Some((attribute, part)) => Self::Part(attribute, part),
            None => Self::Plain(path),
        }
    }
}

/// The body that creates a user: both schemas, always, and an empty list of roles.
pub(super) fn user(user: &WantedUser) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([CORE_USER, ENTERPRISE]));
    for path in path::MAPPED {
        if let Some(value) = user.get(path) {
            put(&mut body, path, value);
        }
        if path == path::USER_NAME {
            body.insert("active".to_owned(), json!(user.enabled));
        }
    }
    body.insert("roles".to_owned(), json!([]));
    body.insert("meta".to_owned(), json!({"resourceType": "User"}));
    Value::Object(body)
}

/// The body that creates a group, with nobody in it.
pub(super) fn group(group: &WantedGroup) -> Value {
    json!({
        "schemas": [CORE_GROUP],
        "externalId": group.object_id,
        "displayName": group.display_name,
        "members": [],
        "meta": {"resourceType": "Group"},
    })
}

/// What a mapped path says in a resource that was read. Values are compared as text, exactly.
pub fn read<'a>(resource: &'a Value, path: &str) -> Option<&'a str> {
    let value = match Place::of(path) {
        Place::Plain(name) => resource.get(name),
        Place::Part(name, part) => resource.get(name)?.get(part),
        Place::Enterprise(name) => resource.get(ENTERPRISE)?.get(name),
        Place::Typed(name, kind, part) => {
            let mut values = resource.get(name)?.as_array()?.iter();
            values
                .find(|value| value.get("type").is_some_and(|its| its == kind))?
                .get(part)
        }
    };
    value?.as_str()
}

/// What Entra would PATCH after reading `found`: everything that is not as `wanted`, except the
/// manager, which is a reference and written later, in a request of its own.
pub fn changes(wanted: &WantedUser, found: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    for path in path::MAPPED {
        match (wanted.get(path), read(found, path)) {
            (Some(wanted), None) => changes.push(Change::Add(path, wanted.to_owned())),
            (Some(wanted), Some(found)) if wanted != found => {
                changes.push(Change::Replace(path, wanted.to_owned()));
            }
            (None, Some(found)) if !found.is_empty() => changes.push(Change::Clear(path)),
            _ => {}
        }
    }
    if found.get("active").and_then(Value::as_bool) != Some(wanted.enabled) {
        changes.push(Change::Active(wanted.enabled));
    }
    changes
}

/// What Entra would PATCH to make the user of SCIM id `wanted` the manager, or nobody.
pub fn manager_change(wanted: Option<&str>, found: &Value) -> Option<Change> {
    let manager = found
        .get(ENTERPRISE)
        .and_then(|extension| extension.get("manager"));
    let found = manager.and_then(|manager| manager.get("value")?.as_str());
    let found = found.filter(|id| !id.is_empty());
    (wanted != found).then(|| Change::Manager(wanted.map(str::to_owned)))
}

fn put(body: &mut Map<String, Value>, path: &str, value: &str) {
    match Place::of(path) {
        Place::Plain(name) => drop(body.insert(name.to_owned(), json!(value))),
        Place::Part(name, part) => insert(body, name, part, value),
        Place::Enterprise(name) => insert(body, ENTERPRISE, name, value),
        Place::Typed(name, kind, part) => put_typed(body, name, kind, part, value),
    }
}

fn insert(body: &mut Map<String, Value>, name: &str, part: &str, value: &str) {
    let complex = body.entry(name).or_insert_with(|| json!({}));
    if let Value::Object(complex) = complex {
        complex.insert(part.to_owned(), json!(value));
    }
}

fn put_typed(body: &mut Map<String, Value>, name: &str, kind: &str, part: &str, value: &str) {
    let Value::Array(values) = body.entry(name).or_insert_with(|| json!([])) else {
        return;
    };
    let of_kind = |value: &Value| value.get("type").is_some_and(|its| its == kind);
    match values.iter_mut().find(|value| of_kind(value)) {
        Some(Value::Object(found)) => drop(found.insert(part.to_owned(), json!(value))),
        _ if name == "phoneNumbers" => values.push(json!({"type": kind, part: value})),
        _ => values.push(json!({"primary": name == "emails", "type": kind, part: value})),
    }
}
