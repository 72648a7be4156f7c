//! PATCH bodies in the two dialects Entra speaks.

use super::resource::{ENTERPRISE, Place};
use serde_json::{Map, Value, json};

/// How a PATCH is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// What the default job sends: one operation an attribute, `Replace`, booleans as text.
    Legacy,
    /// What the flag `aadOptscim062020` asks for: one object of flat keys, lower case.
    Compliant,
}

/// One difference between what Entra wants and what it read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `active` differs.
    Active(bool),
    /// An attribute is not there.
    Add(&'static str, String),
    /// An attribute is there and should not be.
    Clear(&'static str),
    /// The manager is somebody else, by SCIM id, or nobody.
    Manager(Option<String>),
    /// An attribute has another value.
    Replace(&'static str, String),
}

/// The body that makes these changes to a user.
pub(super) fn user(changes: &[Change], dialect: Dialect) -> Value {
    body(match dialect {
        Dialect::Legacy => changes.iter().map(legacy).collect(),
        Dialect::Compliant => compliant(changes),
    })
}

/// The body that renames a group.
pub(super) fn rename(display_name: &str, dialect: Dialect) -> Value {
    body(vec![match dialect {
        Dialect::Legacy => json!({"op": "Replace", "path": "displayName", "value": display_name}),
        Dialect::Compliant => json!({"op": "replace", "value": {"displayName": display_name}}),
    }])
}

/// The body that adds members.
pub(super) fn add_members(members: &[String], dialect: Dialect) -> Value {
    let op = dialect.op("Add");
    body(vec![
        json!({"op": op, "path": "members", "value": references(members)}),
    ])
}

/// The body that removes members: those named, not all of them.
pub(super) fn remove_members(members: &[String], dialect: Dialect) -> Value {
    let path = |member: &String| format!("members[value eq \"{member}\"]");
    body(match dialect {
        Dialect::Legacy => {
            vec![json!({"op": "Remove", "path": "members", "value": references(members)})]
        }
        Dialect::Compliant => members
            .iter()
            .map(|member| json!({"op": "remove", "path": path(member)}))
            .collect(),
    })
}

impl Dialect {
    fn op(self, op: &str) -> String {
        match self {
            Self::Legacy => op.to_owned(),
            Self::Compliant => op.to_lowercase(),
        }
    }
}

fn body(operations: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

fn references(members: &[String]) -> Vec<Value> {
    members
        .iter()
        .map(|member| json!({"$ref": null, "value": member}))
        .collect()
}

fn legacy(change: &Change) -> Value {
    match change {
        Change::Active(true) => json!({"op": "Replace", "path": "active", "value": "True"}),
        Change::Active(false) => json!({"op": "Replace", "path": "active", "value": "False"}),
        Change::Add(path, value) => json!({"op": "Add", "path": path, "value": value}),
        Change::Clear(path) => json!({"op": "Replace", "path": path, "value": ""}),
        Change::Manager(manager) => set_manager(manager.as_deref(), Dialect::Legacy),
        Change::Replace(path, value) => json!({"op": "Replace", "path": path, "value": value}),
    }
}

/// Plain attributes go together without a path; typed values, `active` and the manager never do.
fn compliant(changes: &[Change]) -> Vec<Value> {
    let (mut add, mut replace, mut others) = (Map::new(), Map::new(), Vec::new());
    for change in changes {
        match change {
            Change::Active(active) => {
                others.push(json!({"op": "replace", "path": "active", "value": active}));
            }
            Change::Add(path, value) => match Place::of(path) {
                Place::Typed(..) => others.push(json!({"op": "add", "path": path, "value": value})),
                _ => drop(add.insert((*path).to_owned(), json!(value))),
            },
            Change::Clear(path) => match Place::of(path) {
                Place::Typed(..) => others.push(json!({"op": "remove", "path": path})),
                _ => drop(replace.insert((*path).to_owned(), Value::Null)),
            },
            Change::Manager(manager) => {
                others.push(set_manager(manager.as_deref(), Dialect::Compliant));
            }
            Change::Replace(path, value) => match Place::of(path) {
                Place::Typed(..) => {
                    others.push(json!({"op": "replace", "path": path, "value": value}));
                }
                _ => drop(replace.insert((*path).to_owned(), json!(value))),
            },
        }
    }
    for (op, object) in [("replace", replace), ("add", add)] {
        if !object.is_empty() {
            others.push(json!({"op": op, "value": object}));
        }
    }
    others
}

/// A bare id to set and an empty text to clear, never the object of RFC 7643.
fn set_manager(manager: Option<&str>, dialect: Dialect) -> Value {
    let path = format!("{ENTERPRISE}:manager");
    match manager {
        Some(id) => json!({"op": dialect.op("Add"), "path": path, "value": id}),
        None => json!({"op": dialect.op("Replace"), "path": path, "value": ""}),
    }
}
