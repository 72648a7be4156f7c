//! Reference: every value as Entra sent it, each in its own place.

use super::{Holdings, Row, Showcase, elements, holdings, joined, members};
use crate::demo::emulator::kit::Emulator;
use crate::demo::emulator::reference::{KEY, start};
use crate::demo::wanted::{ExpectedUser, Outcome, path};
use serde_json::Value;
use std::collections::BTreeMap;

/// The showcase of the reference adapter.
pub(super) const REFERENCE: Showcase = Showcase {
    name: "reference",
    title: "Reference",
    start,
    tenant_file,
    mapped: |directory| directory,
    expected,
    found,
};

fn tenant_file(emulator: &Emulator) -> String {
    let base_url = emulator.base_url();
    format!(
        r#"adapter = "reference"
base_url = "{base_url}"
credential = {{ key = {{ value = "{KEY}" }} }}
"#
    )
}

fn expected(outcome: &Outcome) -> Holdings {
    let name = |it: &ExpectedUser| it.user.user_name().to_owned();
    let user = |it: &ExpectedUser| row(it, outcome);
    holdings(outcome, name, user, |id, group| {
        let ids = members(outcome, group, |it| Some(it.user.object_id.clone()));
        super::row([("externalId", Some(id.clone())), ("members", ids)])
    })
}

fn found(state: &Value) -> Holdings {
    let names: BTreeMap<&str, &str> = elements(state, "people")
        .filter_map(|row| Some((text(row, "id")?, text(row, "externalId")?)))
        .collect();
    let users = elements(state, "people").map(|row| {
        let name = text(row, "userName").unwrap_or_default();
        (("user", name.to_owned()), person(row, &names))
    });
    let groups = elements(state, "teams").map(|row| {
        let name = text(row, "name").unwrap_or_default();
        (("group", name.to_owned()), team(row, &names))
    });
    users.chain(groups).collect()
}

/// The path of each value is its field; only the enterprise attributes go by their bare names.
fn row(expected: &ExpectedUser, outcome: &Outcome) -> Row {
    let user = &expected.user;
    let values = path::MAPPED.into_iter().filter_map(|path| {
        let field = path.rsplit_once(":User:").map_or(path, |(_, name)| name);
        Some((field.to_owned(), user.get(path)?.to_owned()))
    });
    let known = |id: &&String| outcome.users.get(*id).is_some_and(|user| !user.deleted);
    let manager = user.manager.iter().filter(known);
    let manager = manager.map(|id| ("manager".to_owned(), id.clone()));
    let active = ("active".to_owned(), user.enabled.to_string());
    filled(values.chain(manager).chain([active]))
}

fn person(row: &Value, names: &BTreeMap<&str, &str>) -> Row {
    let mut found = Row::new();
    for (field, value) in row.as_object().into_iter().flatten() {
        match (field.as_str(), value) {
            ("id" | "created" | "updated" | "teams", _) => {}
            ("manager", manager) => {
                let id = text(manager, "id").unwrap_or_default();
                let name = names.get(id).copied().unwrap_or(id);
                found.insert("manager".to_owned(), name.to_owned());
            }
            (_, Value::Array(elements)) => {
                elements.iter().for_each(|it| typed(field, it, &mut found))
            }
            (_, Value::Object(parts)) => {
                let parts = parts
                    .iter()
                    .map(|(part, value)| (format!("{field}.{part}"), plain(value)));
                found.extend(parts);
            }
            (_, value) => drop(found.insert(field.clone(), plain(value))),
        }
    }
    filled(found)
}

/// An element of a list, its parts named as in a path.
fn typed(field: &str, element: &Value, found: &mut Row) {
    let kind = text(element, "type").unwrap_or_default();
    for (part, value) in element.as_object().into_iter().flatten() {
        if !["type", "primary"].contains(&part.as_str()) {
            found.insert(format!("{field}[type eq \"{kind}\"].{part}"), plain(value));
        }
    }
}

fn team(row: &Value, names: &BTreeMap<&str, &str>) -> Row {
    let members = elements(row, "members").filter_map(Value::as_str);
    let members = members.map(|id| names.get(id).copied().unwrap_or(id).to_owned());
    super::row([
        ("externalId", text(row, "externalId").map(str::to_owned)),
        ("members", joined(members.collect())),
    ])
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn filled(fields: impl IntoIterator<Item = (String, String)>) -> Row {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_read_as_paths() {
        let state = json!({
            "people": [
                {"id": "p1", "userName": "ada", "externalId": "o1", "active": true, "created": "2026",
                 "name": {"givenName": "Ada"}, "teams": [{"id": "t1"}],
                 "emails": [{"type": "work", "value": "a@b.c", "primary": true}]},
                {"id": "p2", "userName": "bob", "externalId": "o2", "manager": {"id": "p1", "displayName": "x"}},
            ],
            "teams": [{"id": "t1", "name": "Red", "externalId": "g1", "members": ["p2", "p1"]}],
        });
        let row = |pairs: &[(&str, &str)]| -> Row {
            pairs
                .iter()
                .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
                .collect()
        };
        let expect: Holdings = [
            (
                ("user", "ada".to_owned()),
                row(&[
                    ("userName", "ada"),
                    ("externalId", "o1"),
                    ("active", "true"),
                    ("name.givenName", "Ada"),
                    (path::EMAIL, "a@b.c"),
                ]),
            ),
            (
                ("user", "bob".to_owned()),
                row(&[("userName", "bob"), ("externalId", "o2"), ("manager", "o1")]),
            ),
            (
                ("group", "Red".to_owned()),
                row(&[("externalId", "g1"), ("members", "o1 o2")]),
            ),
        ]
        .into();
        assert_eq!(found(&state), expect);
    }
}
