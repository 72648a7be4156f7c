//! What Entra writes, in its two dialects.

use serde_json::{Value, json};

use super::Client;

pub(super) const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// How a PATCH is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The default job's: one operation an attribute, capital letters, booleans as text.
    Legacy,
    /// That of the flag `aadOptscim062020`: one object of flat keys, lower case.
    Compliant,
}

impl Dialect {
    /// Those that this client sends.
    pub(super) fn of(client: Client) -> &'static [Self] {
        match client {
            Client::Entra => &[Self::Legacy, Self::Compliant],
            Client::Rfc => &[Self::Compliant],
        }
    }

    /// In the title of a check.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Legacy => "the default dialect",
            Self::Compliant => "the dialect of aadOptscim062020",
        }
    }
}

/// A user as Entra creates it by its default mapping.
pub(super) fn user(name: &str, domain: &str) -> Value {
    json!({
        "schemas": [CORE_USER, ENTERPRISE],
        "externalId": name,
        "userName": format!("{name}@{domain}"),
        "active": true,
        "displayName": "Probe Person",
        "emails": [{"primary": true, "type": "work", "value": format!("{name}@{domain}")}],
        "name": {"formatted": "Probe Person", "familyName": "Person", "givenName": "Probe"},
        "title": "Engineer",
        "preferredLanguage": "en-US",
        "roles": [],
        "meta": {"resourceType": "User"},
    })
}

/// A group, with nobody in it.
pub(super) fn group(name: &str) -> Value {
    json!({
        "schemas": [CORE_GROUP],
        "externalId": name,
        "displayName": name,
        "members": [],
        "meta": {"resourceType": "Group"},
    })
}

pub(super) fn patch(operations: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    })
}

/// Sets simple attributes by their flat names.
pub(super) fn set(attributes: &[(&str, &str)], dialect: Dialect) -> Value {
    let one = |(path, value): &(&str, &str)| json!({"op": "Replace", "path": path, "value": value});
    match dialect {
        Dialect::Legacy => patch(attributes.iter().map(one).collect()),
        Dialect::Compliant => {
            let flat: serde_json::Map<_, _> = attributes
                .iter()
                .map(|(path, value)| ((*path).to_owned(), json!(value)))
                .collect();
            patch(json!([{"op": "replace", "value": flat}]))
        }
    }
}

pub(super) fn active(active: bool, dialect: Dialect) -> Value {
    let text = if active { "True" } else { "False" };
    patch(match dialect {
        Dialect::Legacy => json!([{"op": "Replace", "path": "active", "value": text}]),
        Dialect::Compliant => json!([{"op": "replace", "path": "active", "value": active}]),
    })
}

pub(super) fn add_member(id: &str, dialect: Dialect) -> Value {
    let op = if dialect == Dialect::Legacy {
        "Add"
    } else {
        "add"
    };
    patch(json!([{"op": op, "path": "members", "value": [{"$ref": null, "value": id}]}]))
}

pub(super) fn remove_member(id: &str, dialect: Dialect) -> Value {
    patch(match dialect {
        Dialect::Legacy => json!([{"op": "Remove", "path": "members", "value": [{"value": id}]}]),
        Dialect::Compliant => {
            json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}])
        }
    })
}

/// `?filter=…`, quoted as Microsoft's own composer does it.
pub(super) fn equals(attribute: &str, value: &str) -> String {
    let quoted = |text: &str| {
        let bytes = text.bytes().map(|byte| match byte {
            b' ' => "+".to_owned(),
            b if b.is_ascii_alphanumeric() || b"-_.!*()".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02x}"),
        });
        bytes.collect::<String>()
    };
    format!("filter={}+eq+%22{}%22", quoted(attribute), quoted(value))
}
